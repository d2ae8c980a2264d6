/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/activity.h"
#include "core/err.h"
#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_address.h"
#include "platforms/email/email_read_attach.h"
#include "platforms/email/email_read_body.h"
#include "platforms/email/email_read_date.h"
#include "platforms/email/email_read_head.h"
#include "platforms/email/email_read_tree.h"
#include "platforms/email/email_read_word.h"

#define MAX_SUBJECT ((size_t)4000)
#define MAX_HEADER  ((size_t)2000) /* of a value in `headers` */
#define MAX_ID      ((size_t)1000) /* longer ones are none */
#define MAX_IDS     ((size_t)200)

/* A mail on its way to a message. */
struct reading {
	struct email_read_head head;
	const char *charset; /* of the body, a guess for raw bytes in the header; NULL: unknown */
	json_t *object;
	struct buf value; /* of the field at hand */
	int cut;
};

static int has(struct reading *r, const char *name)
{
	return email_read_head_value(&r->head, name, 0, &r->value);
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

/* The decoded field into to[key]. */
static void set_text(struct reading *r, json_t *to, const char *key, const char *name, size_t max)
{
	struct buf text = BUF_INIT;

	if (!has(r, name))
		return;
	r->cut |= email_read_word_decode(buf_str(&r->value), r->value.len, r->charset, max, &text);
	if (text.len > 0)
		json_object_set_new(to, key, json_stringn(text.data, text.len));
	buf_release(&text);
}

/* Fields that a client may decide upon; under their names. */
static void set_headers(struct reading *r)
{
	static const char *const names[] = {"date", "return-path", "delivered-to", "list-id",
		"list-post", "list-unsubscribe", "list-unsubscribe-post", "list-archive",
		"auto-submitted", "precedence", "disposition-notification-to", "importance",
		"x-priority", "x-mailer", "user-agent", "x-spam-flag", "x-spam-status",
		"content-language"};
	json_t *headers = json_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		set_text(r, headers, names[i], names[i], MAX_HEADER);
	if (json_object_size(headers) > 0)
		json_object_set(r->object, "headers", headers);
	json_decref(headers);
}

/* X-Priority is a number, 1 the highest, others are words; they came before anybody wrote them down. */
static void set_priority(struct reading *r)
{
	static const char *const names[] = {
		"X-Priority", "Priority", "X-MSMail-Priority", "Importance"};
	const char *priority = "normal";

	for (size_t i = 0; i < ARRAY_LEN(names) && strcmp(priority, "normal") == 0; i++) {
		const char *v = has(r, names[i]) ? buf_str(&r->value) : "";
		if (*v == '1' || *v == '2' || strncasecmp(v, "high", 4) == 0 ||
			strncasecmp(v, "urgent", 6) == 0)
			priority = "high";
		else if (*v == '4' || *v == '5' || strncasecmp(v, "low", 3) == 0 ||
			 strncasecmp(v, "non-urgent", 10) == 0)
			priority = "low";
	}
	json_object_set_new(r->object, "priority", json_string(priority));
}

/* --- identifiers ------------------------------------------------------------------------------------------------ */

static void add_id(struct reading *r, const char *text, size_t len, json_t *ids)
{
	struct buf raw = BUF_INIT, id = BUF_INIT;

	for (size_t i = 0; i < len && raw.len <= MAX_ID; i++)
		if (text[i] != ' ' && text[i] != '\t') /* where a fold cut it */
			buf_add_char(&raw, text[i]);
	if (raw.len > 0 && raw.len <= MAX_ID)
		email_charset_decode(raw.data, raw.len, r->charset, MAX_ID, &id);
	if (id.len > 0)
		json_array_append_new(ids, json_stringn(id.data, id.len));
	buf_release(&raw);
	buf_release(&id);
}

/* The identifiers (RFC 5322, 3.6.4) in a value, without brackets and what is between them; without any brackets, which
 * some programs forget, its words. GIVES. */
static json_t *ids_json(struct reading *r)
{
	const char *p = buf_str(&r->value);
	int bracketed = strchr(p, '<') != NULL;
	json_t *ids = json_array();

	while (json_array_size(ids) < MAX_IDS) {
		size_t len;

		p += bracketed ? strcspn(p, "<") : strspn(p, " \t,");
		p += *p == '<';
		if (*p == '\0')
			break;
		len = strcspn(p, bracketed ? ">" : " \t,");
		add_id(r, p, len, ids);
		p += len;
	}
	r->cut |= *p != '\0';
	return ids;
}

static void set_ids(struct reading *r)
{
	static const struct {
		const char *key, *name;
		int one;
	} fields[] = {{"messageId", "Message-ID", 1}, {"inReplyTo", "In-Reply-To", 0},
		{"references", "References", 0}};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *ids;

		if (!has(r, fields[i].name))
			continue;
		ids = ids_json(r);
		if (json_array_size(ids) > 0)
			json_object_set(r->object, fields[i].key,
				fields[i].one ? json_array_get(ids, 0) : ids);
		json_decref(ids);
	}
}

/* --- people ----------------------------------------------------------------------------------------------------- */

/* All fields of that name as one list (RFC 5322, 3.6 allows one, mail has more). NULL when nobody is in it. GIVES. */
static json_t *people(struct reading *r, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; email_read_head_value(&r->head, name, i, &r->value); i++) {
		if (json_array_size(list) >= EMAIL_READ_ADDRESS_MAX) {
			r->cut = 1;
			break;
		}
		r->cut |= email_read_address_list(
			buf_str(&r->value), r->value.len, r->charset, list);
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static void set_people(struct reading *r)
{
	static const struct {
		const char *key, *name;
	} fields[] = {{"from", "From"}, {"sender", "Sender"}, {"to", "To"}, {"cc", "Cc"},
		{"bcc", "Bcc"}, {"replyTo", "Reply-To"}};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *list = people(r, fields[i].name);
		if (list != NULL)
			json_object_set_new(r->object, fields[i].key, list);
	}
}

/* Who wrote it, or at least sent it. GIVES. */
static json_t *actor(struct reading *r)
{
	static const char *const keys[] = {"from", "sender", "replyTo"};
	json_t *nobody;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *first = json_array_get(json_object_get(r->object, keys[i]), 0);
		if (first != NULL)
			return json_copy(first);
	}
	nobody = json_object();
	json_object_set_new(nobody, "address", json_string(""));
	json_object_set_new(nobody, "name", json_string(""));
	return nobody;
}

/* Everybody it was sent to, and how. GIVES. */
static json_t *targets(struct reading *r)
{
	static const char *const fields[] = {"to", "cc", "bcc"};
	json_t *list = json_array(), *person;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_array_foreach (json_object_get(r->object, fields[i]), n, person) {
			json_t *target = json_copy(person);

			json_object_set_new(target, "field", json_string(fields[i]));
			json_array_append_new(list, target);
		}
	}
	return list;
}

/* --- the date --------------------------------------------------------------------------------------------------- */

/* What the writer says, else when the last server received it (RFC 5321, 4.4: behind the last semicolon), else what
 * our server says. 0, or -1: nobody knows. */
static int find_date(struct reading *r, const struct email_read_options *o, int64_t *ms)
{
	const char *semicolon;

	if (has(r, "Date") && email_read_date_parse(buf_str(&r->value), ms) == 0)
		return 0;
	semicolon = has(r, "Received") ? strrchr(buf_str(&r->value), ';') : NULL;
	if (semicolon != NULL && email_read_date_parse(semicolon + 1, ms) == 0)
		return 0;
	*ms = o->received_ms;
	return *ms > 0 ? 0 : -1;
}

/* --- the mail --------------------------------------------------------------------------------------------------- */

static void set_buf(json_t *to, const char *key, const struct buf *text)
{
	if (text->len > 0)
		json_object_set_new(to, key, json_stringn(text->data, text->len));
}

static void read_body(
	struct reading *r, const struct email_read_tree *t, const struct email_read_options *o)
{
	size_t max = o->max_text_bytes > 0 ? o->max_text_bytes : EMAIL_READ_TEXT_BYTES;
	json_t *attachments = json_array();
	struct email_read_body body;

	email_read_body_init(&body, t, max);
	email_read_attach_list(t, &body, max, attachments);
	set_buf(r->object, "text", &body.text);
	set_buf(r->object, "html", &body.html);
	if (json_array_size(attachments) > 0)
		json_object_set(r->object, "attachments", attachments);
	json_decref(attachments);
	r->cut |= body.cut | t->cut | o->cut;
	email_read_body_release(&body);
}

/* The first part that names a charset: who writes the header raw writes it as the body. */
static const char *body_charset(const struct email_read_tree *t)
{
	for (int i = 0; i < t->n; i++)
		if (t->nodes[i].charset[0] != '\0')
			return t->nodes[i].charset;
	return NULL;
}

static json_t *finish(struct reading *r, const struct email_read_options *o)
{
	char date[EMAIL_READ_DATE_SIZE];
	json_t *message;
	int64_t ms;
	int known = find_date(r, o, &ms) == 0;

	if (known) {
		email_read_date_format(ms, date);
		json_object_set_new(r->object, "date", json_string(date));
	}
	if (r->cut)
		json_object_set_new(r->object, "truncated", json_true());
	message = activity_message("send", actor(r), targets(r), r->object);
	if (known)
		json_object_set_new(message, "timestamp", json_integer(ms));
	return message;
}

json_t *email_read(const char *bytes, size_t len, const struct email_read_options *o)
{
	struct reading r = {.object = json_object()};
	struct email_read_tree tree;
	json_t *message;

	if (bytes == NULL)
		bytes = "";
	email_read_head_init(&r.head, bytes, len);
	if (o->headers_only)
		len = r.head.len;
	email_read_tree_init(&tree, &r.head, bytes + r.head.len, len - r.head.len, o->cut);
	r.charset = body_charset(&tree);
	r.cut = r.head.cut;
	json_object_set_new(r.object, "objectType", json_string("email"));
	set_headers(&r);
	set_text(&r, r.object, "subject", "Subject", MAX_SUBJECT);
	set_ids(&r);
	set_priority(&r);
	set_people(&r);
	if (!o->headers_only)
		read_body(&r, &tree, o);
	message = finish(&r, o);
	email_read_tree_release(&tree);
	email_read_head_release(&r.head);
	buf_release(&r.value);
	return message;
}

json_t *email_read_part(
	const char *bytes, size_t len, const char *part, size_t max_bytes, struct err *e)
{
	struct email_read_head head;
	struct email_read_tree tree;
	json_t *object;

	if (bytes == NULL)
		bytes = "";
	email_read_head_init(&head, bytes, len);
	email_read_tree_init(&tree, &head, bytes + head.len, len - head.len, 0);
	object = email_read_attach_get(&tree, part, max_bytes, e);
	email_read_tree_release(&tree);
	email_read_head_release(&head);
	return object;
}

/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "core/activity.h"
#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_compose_address.h"
#include "platforms/email/email_compose_body.h"
#include "platforms/email/email_compose_ids.h"

#define LINE_MAX_BYTES 998 /* RFC 5321, 4.5.3.1.6 */
#define SUBJECT_MAX    2000
#define REPLY_TO_MAX   10
#define IN_REPLY_MAX   20
#define REFERENCES_MAX 200
#define WHAT_SIZE      32

/* --- addresses --------------------------------------------------------------------------------------------------- */

static void add_mailbox(
	GMimeMessage *m, GMimeAddressType type, const struct email_compose_address *a)
{
	InternetAddress *box = internet_address_mailbox_new(
		a->name[0] != '\0' ? a->name : NULL, a->address);

	internet_address_set_charset(box, "utf-8");
	internet_address_list_add(g_mime_message_get_addresses(m, type), box);
	g_object_unref(box);
}

static int set_sender(GMimeMessage *m, const json_t *activity, const char *domain,
	struct email_compose_mail *out, struct err *e)
{
	struct email_compose_address from;
	int rc = email_compose_address_read(activity_actor(activity), "the sender", &from, e);
	unsigned long long random[2];

	if (rc < 0)
		return rc;
	add_mailbox(m, GMIME_ADDRESS_TYPE_FROM, &from);
	out->from = mem_strdup(from.address);
	if (domain == NULL || *domain == '\0')
		domain = email_compose_address_domain(&from);
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_set(e, ERR_INTERNAL, "no random numbers for the message id");
	out->message_id = mem_printf("<%016llx%016llx@%s>", random[0], random[1], domain);
	return 0;
}

/* -1: another word. */
static int type_of(const json_t *target)
{
	const json_t *value = json_object_get(target, "field");
	const char *field = json_string_value(value);

	if (value == NULL || json_is_null(value))
		return GMIME_ADDRESS_TYPE_TO;
	if (field == NULL || strlen(field) != json_string_length(value))
		return -1;
	if (*field == '\0' || strcasecmp(field, "to") == 0)
		return GMIME_ADDRESS_TYPE_TO;
	if (strcasecmp(field, "cc") == 0)
		return GMIME_ADDRESS_TYPE_CC;
	return strcasecmp(field, "bcc") == 0 ? GMIME_ADDRESS_TYPE_BCC : -1;
}

/* `seen` has the addresses that are in the envelope already. */
static void add_recipient(GMimeMessage *m, int type, const struct email_compose_address *to,
	json_t *seen, struct email_compose_mail *out)
{
	if (type != GMIME_ADDRESS_TYPE_BCC)
		add_mailbox(m, (GMimeAddressType)type, to);
	if (json_object_get(seen, to->address) != NULL)
		return;
	json_object_set_new(seen, to->address, json_true());
	out->to[out->n_to++] = mem_strdup(to->address);
}

static int set_recipients(GMimeMessage *m, const json_t *activity, size_t max,
	struct email_compose_mail *out, struct err *e)
{
	const size_t n = activity_target_count(activity);
	json_t *seen;
	int rc = 0;

	if (n == 0)
		return err_set(e, ERR_INVALID, "there is no recipient: target is empty");
	if (n > max)
		return err_set(e, ERR_TOO_LARGE, "too many recipients: %zu at most", max);
	seen = json_object();
	out->to = mem_array(n, sizeof *out->to);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const int type = type_of(activity_target(activity, i));
		struct email_compose_address to;
		char what[WHAT_SIZE];
		snprintf(what, sizeof what, "recipient %zu", i + 1);
		rc = email_compose_address_read(activity_target(activity, i), what, &to, e);
		if (rc == 0 && type < 0)
			rc = err_set(e, ERR_INVALID, "%s: field has to be to, cc or bcc", what);
		if (rc == 0)
			add_recipient(m, type, &to, seen, out);
	}
	json_decref(seen);
	return rc;
}

static int set_reply_to(GMimeMessage *m, const json_t *value, struct err *e)
{
	const size_t n = json_is_array(value) ? json_array_size(value) : 1;
	struct email_compose_address a;

	if (value == NULL || json_is_null(value))
		return 0;
	if (n > REPLY_TO_MAX)
		return err_set(
			e, ERR_INVALID, "headers.replyTo: %d addresses at most", REPLY_TO_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		int rc = email_compose_address_read(one, "headers.replyTo", &a, e);
		if (rc < 0)
			return rc;
		add_mailbox(m, GMIME_ADDRESS_TYPE_REPLY_TO, &a);
	}
	return 0;
}

/* --- other header fields ----------------------------------------------------------------------------------------- */

static int set_subject(GMimeMessage *m, const json_t *value, struct err *e)
{
	const char *text = json_string_value(value);

	if (value == NULL || json_is_null(value))
		return 0;
	if (text == NULL)
		return err_set(e, ERR_INVALID, "object.subject has to be a string");
	if (json_string_length(value) > SUBJECT_MAX)
		return err_set(
			e, ERR_INVALID, "object.subject is longer than %d bytes", SUBJECT_MAX);
	for (size_t i = 0; i < json_string_length(value); i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			return err_set(e, ERR_INVALID,
				"object.subject has control characters or line breaks in it");
	g_mime_message_set_subject(m, text, "utf-8");
	return 0;
}

static int set_ids(GMimeMessage *m, const json_t *headers, struct err *e)
{
	struct buf in_reply_to = BUF_INIT, references = BUF_INIT;
	int rc = email_compose_ids_read(json_object_get(headers, "inReplyTo"), "headers.inReplyTo",
		IN_REPLY_MAX, &in_reply_to, e);

	if (rc == 0)
		rc = email_compose_ids_read(json_object_get(headers, "references"),
			"headers.references", REFERENCES_MAX, &references, e);
	if (rc == 0 && in_reply_to.len > 0)
		g_mime_object_set_header(
			GMIME_OBJECT(m), "In-Reply-To", buf_str(&in_reply_to), NULL);
	if (rc == 0 && references.len > 0)
		g_mime_object_set_header(GMIME_OBJECT(m), "References", buf_str(&references), NULL);
	buf_release(&in_reply_to);
	buf_release(&references);
	return rc;
}

/* The client's own message id, or the one that was made with the sender. */
static int set_message_id(
	GMimeMessage *m, const json_t *headers, struct email_compose_mail *out, struct err *e)
{
	struct buf own = BUF_INIT;
	int rc = email_compose_ids_read(
		json_object_get(headers, "messageId"), "headers.messageId", 1, &own, e);

	if (rc == 0 && own.len > 0) {
		mem_free(out->message_id);
		out->message_id = buf_take(&own);
	}
	buf_release(&own);
	if (rc == 0)
		g_mime_object_set_header(GMIME_OBJECT(m), "Message-Id", out->message_id, NULL);
	return rc;
}

static void set_date(GMimeMessage *m, struct email_compose_mail *out)
{
	GDateTime *now = g_date_time_new_now_utc();
	char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.000Z");

	g_mime_message_set_date(m, now);
	snprintf(out->date, sizeof out->date, "%s", text);
	g_free(text);
	g_date_time_unref(now);
}

static int set_fields(GMimeMessage *m, const json_t *activity,
	const struct email_compose_limits *limits, struct email_compose_mail *out, struct err *e)
{
	const json_t *object = activity_object(activity);
	const json_t *headers = json_object_get(object, "headers");
	int rc;

	if ((rc = set_recipients(m, activity, limits->max_recipients, out, e)) < 0 ||
		(rc = set_reply_to(m, json_object_get(headers, "replyTo"), e)) < 0 ||
		(rc = set_subject(m, json_object_get(object, "subject"), e)) < 0 ||
		(rc = set_ids(m, headers, e)) < 0 || (rc = set_message_id(m, headers, out, e)) < 0)
		return rc;
	set_date(m, out);
	return 0;
}

/* --- the bytes --------------------------------------------------------------------------------------------------- */

/* The last line of defence, whatever the fields above and GMime made of them: nothing goes out that could be taken for
 * more than one mail, or for something else than a mail. */
static int check_bytes(const struct buf *bytes, struct err *e)
{
	size_t line = 0;

	for (size_t i = 0; i < bytes->len; i++) {
		const unsigned char c = (unsigned char)bytes->data[i];
		if (c == '\r' && i + 1 < bytes->len && bytes->data[i + 1] == '\n') {
			line = 0;
			i++;
			continue;
		}
		if (c == '\0' || c == '\r' || c == '\n' || c >= 0x80 || ++line > LINE_MAX_BYTES)
			return err_set(e, ERR_INVALID,
				"the mail can not be written: a word in it is too long or not "
				"representable");
	}
	return line == 0 ? 0 : err_set(e, ERR_INTERNAL, "the mail has no end");
}

static int write_bytes(GMimeMessage *m, size_t max, struct buf *out, struct err *e)
{
	GMimeFormatOptions *format = g_mime_format_options_new();
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	int rc = 0;

	g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
	g_mime_object_write_to_stream(GMIME_OBJECT(m), format, stream);
	if (bytes->len > max) {
		rc = err_set(e, ERR_TOO_LARGE, "the mail has %u bytes, %zu are allowed", bytes->len,
			max);
	} else {
		buf_add(out, bytes->data, bytes->len);
		if (out->len < 2 || memcmp(out->data + out->len - 2, "\r\n", 2) != 0)
			buf_add_str(out, "\r\n");
		rc = check_bytes(out, e);
	}
	g_object_unref(stream);
	g_mime_format_options_free(format);
	return rc;
}

/* Encoding makes contents longer, never shorter: what is too large already need not be encoded. */
static int check_size(const json_t *object, size_t max, struct err *e)
{
	size_t sum = json_string_length(json_object_get(object, "text")) +
		     json_string_length(json_object_get(object, "html"));
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(object, "attachments"), i, one)
		sum += json_string_length(json_object_get(one, "contents"));
	if (sum > max)
		return err_set(e, ERR_TOO_LARGE, "the mail has more than %zu bytes", max);
	return 0;
}

int email_compose(const json_t *activity, const struct email_compose_limits *limits,
	const char *domain, struct email_compose_mail *out, struct err *e)
{
	const json_t *object = activity_object(activity);
	GMimeMessage *m = g_mime_message_new(TRUE);
	GMimeObject *body = NULL;
	int rc;

	*out = (struct email_compose_mail){0};
	if ((rc = check_size(object, limits->max_bytes, e)) == 0 &&
		(rc = set_sender(m, activity, domain, out, e)) == 0 &&
		(rc = set_fields(m, activity, limits, out, e)) == 0 &&
		(rc = email_compose_body_new(object, limits->max_attachments, &body, e)) == 0) {
		g_mime_message_set_mime_part(m, body);
		rc = write_bytes(m, limits->max_bytes, &out->bytes, e);
	}
	if (body != NULL)
		g_object_unref(body);
	g_object_unref(m);
	if (rc < 0)
		email_compose_release(out);
	return rc;
}

void email_compose_release(struct email_compose_mail *mail)
{
	for (size_t i = 0; i < mail->n_to; i++)
		mem_free(mail->to[i]);
	mem_free(mail->to);
	mem_free(mail->from);
	mem_free(mail->message_id);
	buf_release(&mail->bytes);
	*mail = (struct email_compose_mail){0};
}

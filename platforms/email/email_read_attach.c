/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_attach.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_content.h"
#include "platforms/email/email_read_word.h"
#include "platforms/email/email_tnef.h"

#define PATH_SIZE (EMAIL_READ_TREE_PATH_SIZE + 24)

/* --- names ------------------------------------------------------------------------------------------------------ */

/* Characters that turn the direction of what follows (Unicode UAX 9): "gpj.exe" can be made to look like "exe.jpg". */
static int is_direction(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	return c[0] == 0xE2 && ((c[1] == 0x80 && ((c[2] >= 0xAA && c[2] <= 0xAE) || c[2] == 0x8E ||
							 c[2] == 0x8F)) ||
				       (c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9));
}

/* A long name keeps its ending. */
static void shorten(struct buf *name)
{
	const char *dot = memrchr(buf_str(name), '.', name->len);
	size_t ending = dot != NULL ? name->len - (size_t)(dot - name->data) : 0;
	size_t stem;

	if (name->len <= EMAIL_READ_ATTACH_NAME_BYTES)
		return;
	if (ending > 16)
		ending = 0;
	stem = email_charset_fit(name->data, name->len, EMAIL_READ_ATTACH_NAME_BYTES - ending);
	memmove(name->data + stem, name->data + name->len - ending, ending);
	name->len = stem + ending;
	name->data[name->len] = '\0';
}

/* Only the last step of a path, nothing that a file system or a display could take for more than a name. `name` is tidy
 * UTF-8. Empty when nothing is left. */
static void clean_name(const char *name, struct buf *out)
{
	const char *from = name + strlen(name);

	while (from > name && from[-1] != '/' && from[-1] != '\\')
		from--;
	for (; *from != '\0'; from++) {
		if (is_direction(from))
			from += 2;
		else if (out->len > 0 || *from != ' ')
			buf_add_char(out, *from);
	}
	shorten(out);
	while (out->len > 0 && strchr(" .", out->data[out->len - 1]) != NULL)
		out->data[--out->len] = '\0';
}

/* --- what is told of one ---------------------------------------------------------------------------------------- */

struct attachment {
	const char *part, *name, *type, *cid, *disposition; /* NULL or "": left out */
	size_t size;
	int open;
};

static void set_string(json_t *to, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_object_set_new(to, key, json_string(value));
}

static json_t *attachment_json(const struct attachment *a)
{
	json_t *object = json_object();
	struct buf name = BUF_INIT;

	if (a->name != NULL)
		clean_name(a->name, &name);
	set_string(object, "part", a->part);
	set_string(object, "fileName", buf_str(&name));
	set_string(object, "contentType", a->type);
	if (a->open)
		json_object_set_new(object, "truncated", json_true());
	else
		json_object_set_new(object, "size", json_integer((json_int_t)a->size));
	set_string(object, "cid", a->cid);
	set_string(object, "disposition", a->disposition);
	buf_release(&name);
	return object;
}

/* The kind of disposition that clients act upon (RFC 2183, 2.8: what is unknown is an attachment). */
static const char *disposition_of(
	const struct email_read_tree *t, const struct email_read_tree_node *n)
{
	if (strcmp(n->disposition, "inline") == 0)
		return "inline";
	if (n->disposition[0] == '\0' && n->cid != NULL && n->parent >= 0 &&
		strcmp(t->nodes[n->parent].type, "multipart/related") == 0)
		return "inline";
	return "attachment";
}

static json_t *node_json(const struct email_read_tree *t, int i, const char *path)
{
	const struct email_read_tree_node *n = &t->nodes[i];
	struct attachment a = {
		path, n->file_name, n->type, n->cid, disposition_of(t, n), 0, n->open};

	if (!n->open)
		a.size = email_read_content_size(n->body, n->len, n->encoding);
	return attachment_json(&a);
}

/* --- winmail.dat ------------------------------------------------------------------------------------------------- */

static int is_tnef(const struct email_read_tree_node *n)
{
	return strcmp(n->type, "application/ms-tnef") == 0 ||
	       strcmp(n->type, "application/vnd.ms-tnef") == 0 ||
	       (n->file_name != NULL && strcasecmp(n->file_name, "winmail.dat") == 0);
}

static json_t *tnef_json(const struct email_tnef_attachment *a, const char *path)
{
	char type[EMAIL_READ_PARAM_WORD_SIZE];
	struct buf name = BUF_INIT;
	struct attachment out = {.part = path, .cid = a->cid.data, .size = a->len};
	json_t *object;

	email_read_param_word(buf_str(&a->type), 1, type);
	email_read_word_tidy(buf_str(&a->name), a->name.len, a->name.len, &name);
	out.name = buf_str(&name);
	out.type = type[0] != '\0' ? type : "application/octet-stream";
	out.disposition = a->cid.len > 0 ? "inline" : "attachment";
	object = attachment_json(&out);
	buf_release(&name);
	return object;
}

/* GIVES the reader, and in `bytes` what it points into. NULL: it is no TNEF. */
static struct email_tnef *open_tnef(
	const struct email_read_tree_node *n, size_t max_text, struct buf *bytes)
{
	if (n->open || !is_tnef(n))
		return NULL;
	email_read_content_decode(n->body, n->len, n->encoding, SIZE_MAX, bytes);
	return email_tnef_new(buf_str(bytes), bytes->len, max_text);
}

static void list_tnef(const struct email_read_tree_node *n, const char *path,
	struct email_read_body *b, size_t max_text, json_t *list)
{
	struct buf bytes = BUF_INIT;
	struct email_tnef *tnef = open_tnef(n, max_text, &bytes);

	for (size_t i = 0; tnef != NULL && i < email_tnef_count(tnef); i++) {
		char inner[PATH_SIZE];

		snprintf(inner, sizeof inner, "%s.%zu", path, i + 1);
		json_array_append_new(list, tnef_json(email_tnef_at(tnef, i), inner));
	}
	if (tnef != NULL && b->text.len == 0 && b->html.len == 0) {
		email_read_body_set(&b->text, email_tnef_text(tnef));
		email_read_body_set(&b->html, email_tnef_html(tnef));
	}
	email_tnef_free(tnef);
	buf_release(&bytes);
}

void email_read_attach_list(
	const struct email_read_tree *t, struct email_read_body *b, size_t max_text, json_t *list)
{
	for (int i = 0; i < t->n; i++) {
		char path[EMAIL_READ_TREE_PATH_SIZE];

		if (email_read_tree_is_multipart(&t->nodes[i]) || b->kind[i] || b->passed[i])
			continue;
		email_read_tree_path(t, i, path);
		json_array_append_new(list, node_json(t, i, path));
		list_tnef(&t->nodes[i], path, b, max_text, list);
	}
}

/* --- the content of one ------------------------------------------------------------------------------------------ */

static void add_content(json_t *object, const char *bytes, size_t len)
{
	char *text = g_base64_encode((const guchar *)bytes, len);

	json_object_set_new(object, "encoding", json_string("base64"));
	json_object_set_new(object, "contents", json_string_nocheck(text));
	g_free(text);
}

static int too_large(size_t max_bytes, struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the attachment is larger than %zu bytes", max_bytes);
}

static json_t *get_tnef(const struct email_read_tree_node *n, const char *path, const char *part,
	size_t max_bytes, struct err *e)
{
	struct buf bytes = BUF_INIT;
	struct email_tnef *tnef = open_tnef(n, 0, &bytes);
	json_t *object = NULL;

	err_set(e, ERR_NOT_FOUND, "the mail has no such part");
	for (size_t i = 0; tnef != NULL && i < email_tnef_count(tnef); i++) {
		const struct email_tnef_attachment *a = email_tnef_at(tnef, i);
		char inner[PATH_SIZE];

		snprintf(inner, sizeof inner, "%s.%zu", path, i + 1);
		if (strcmp(inner, part) != 0)
			continue;
		if (a->len > max_bytes) {
			too_large(max_bytes, e);
			break;
		}
		object = tnef_json(a, inner);
		add_content(object, a->bytes, a->len);
	}
	email_tnef_free(tnef);
	buf_release(&bytes);
	return object;
}

static json_t *get_node(
	const struct email_read_tree *t, int i, const char *path, size_t max_bytes, struct err *e)
{
	const struct email_read_tree_node *n = &t->nodes[i];
	struct buf bytes = BUF_INIT;
	json_t *object = NULL;

	if (email_read_content_decode(n->body, n->len, n->encoding, max_bytes, &bytes)) {
		too_large(max_bytes, e);
	} else {
		object = node_json(t, i, path);
		add_content(object, buf_str(&bytes), bytes.len);
	}
	buf_release(&bytes);
	return object;
}

json_t *email_read_attach_get(
	const struct email_read_tree *t, const char *part, size_t max_bytes, struct err *e)
{
	for (int i = 0; i < t->n; i++) {
		char path[EMAIL_READ_TREE_PATH_SIZE];
		size_t len;

		if (email_read_tree_is_multipart(&t->nodes[i]))
			continue;
		email_read_tree_path(t, i, path);
		len = strlen(path);
		if (strcmp(part, path) == 0)
			return get_node(t, i, path, max_bytes, e);
		if (strncmp(part, path, len) == 0 && part[len] == '.')
			return get_tnef(&t->nodes[i], path, part, max_bytes, e);
	}
	err_set(e, ERR_NOT_FOUND, "the mail has no such part");
	return NULL;
}

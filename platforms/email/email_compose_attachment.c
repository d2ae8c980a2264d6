/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose_attachment.h"

#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"

#define FILE_NAME_MAX 500
#define TYPE_MAX      200
#define CID_MAX       200

static int invalid(size_t n, const char *field, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "attachment %zu: %s %s", n + 1, field, why);
}

/* A string without control characters, "" when it is not there. */
static int read_field(
	const json_t *attachment, size_t n, const char *field, const char **out, struct err *e)
{
	const json_t *value = json_object_get(attachment, field);
	const char *text = json_string_value(value);

	*out = "";
	if (value == NULL || json_is_null(value))
		return 0;
	if (text == NULL)
		return invalid(n, field, "has to be a string", e);
	for (size_t i = 0; i < json_string_length(value); i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			return invalid(n, field, "has control characters in it", e);
	*out = text;
	return 0;
}

/* --- contents ---------------------------------------------------------------------------------------------------- */

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, 4, with line breaks in it as MIME has them. -1: something else. */
static int decode_base64(struct buf *out, const char *text, size_t len)
{
	char *to = buf_reserve(out, len / 4 * 3 + 3);
	unsigned bits = 0;
	size_t n = 0, digits = 0, padding = 0;

	for (size_t i = 0; i < len; i++) {
		const int value = value_of(text[i]);
		if (text[i] == '\r' || text[i] == '\n' || text[i] == ' ')
			continue;
		padding += text[i] == '=';
		if (text[i] == '=' && padding <= 2)
			continue;
		if (value < 0 || padding > 0)
			return -1;
		bits = bits << 6 | (unsigned)value;
		if (++digits % 4 != 1)
			to[n++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	if (digits % 4 == 1 || (padding > 0 && (digits + padding) % 4 != 0))
		return -1;
	buf_added(out, n);
	return 0;
}

static int read_contents(const json_t *attachment, size_t n, struct buf *out, struct err *e)
{
	const json_t *contents = json_object_get(attachment, "contents");
	const char *encoding;

	if (json_object_get(attachment, "filePath") != NULL)
		return invalid(n, "filePath",
			"is not supported: files of the server can not be sent, use contents", e);
	if (!json_is_string(contents))
		return invalid(n, "contents", "has to be there, a string in base64", e);
	if (read_field(attachment, n, "encoding", &encoding, e) < 0)
		return -ERR_INVALID;
	if (strcmp(encoding, "utf8") == 0 || strcmp(encoding, "utf-8") == 0) {
		buf_add(out, json_string_value(contents), json_string_length(contents));
		return 0;
	}
	if (*encoding != '\0' && strcmp(encoding, "base64") != 0)
		return invalid(n, "encoding", "has to be base64 or utf8", e);
	if (decode_base64(out, json_string_value(contents), json_string_length(contents)) < 0)
		return invalid(n, "contents", "is not valid base64", e);
	return 0;
}

/* --- header fields ----------------------------------------------------------------------------------------------- */

/* token (RFC 2045, 5.1); returns what follows it, or NULL. */
static const char *skip_token(const char *s)
{
	const char *from = s;

	while (*s > 0x20 && *s < 0x7F && strchr("()<>@,;:\\\"/[]?=", *s) == NULL)
		s++;
	return s > from ? s : NULL;
}

/* "type/subtype", maybe with parameters, which GMime reads and writes anew. */
static int is_content_type(const char *text)
{
	const char *at = skip_token(text);

	if (at == NULL || *at != '/' || (at = skip_token(at + 1)) == NULL)
		return 0;
	at += strspn(at, " ");
	for (const char *c = at; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			return 0;
	return (*at == '\0' || *at == ';') && strlen(text) <= TYPE_MAX;
}

/* A part in base64 can be neither a multipart nor a message (RFC 2045, 6.4). */
static int set_type(GMimePart *part, const json_t *attachment, size_t n, struct err *e)
{
	GMimeContentType *type;
	const char *text;

	if (read_field(attachment, n, "contentType", &text, e) < 0)
		return -ERR_INVALID;
	if (*text != '\0' && !is_content_type(text))
		return invalid(n, "contentType", "is not a media type", e);
	if (strncasecmp(text, "multipart/", 10) == 0)
		return invalid(n, "contentType", "can not be a multipart", e);
	if (*text == '\0' || strncasecmp(text, "message/", 8) == 0)
		text = "application/octet-stream";
	type = g_mime_content_type_parse(NULL, text);
	g_mime_object_set_content_type(GMIME_OBJECT(part), type);
	g_object_unref(type);
	return 0;
}

/* A name, never a path. */
static int set_file_name(GMimePart *part, const json_t *attachment, size_t n, struct err *e)
{
	const char *text;
	char *name;

	if (read_field(attachment, n, "fileName", &text, e) < 0)
		return -ERR_INVALID;
	if (*text == '\0')
		return invalid(n, "fileName", "is missing", e);
	if (strlen(text) > FILE_NAME_MAX)
		return invalid(n, "fileName", "is too long", e);
	name = mem_strdup(text);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '/' || *c == '\\')
			*c = '_';
	g_mime_part_set_filename(part, name);
	mem_free(name);
	return 0;
}

static int set_cid(GMimePart *part, const json_t *attachment, size_t n, struct err *e)
{
	const char *text;
	char cid[CID_MAX + 1];
	size_t len;

	if (read_field(attachment, n, "cid", &text, e) < 0)
		return -ERR_INVALID;
	len = strlen(text);
	if (len > 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len > CID_MAX)
		return invalid(n, "cid", "is too long", e);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7F || strchr("<>()[]\\\",;:", text[i]) != NULL)
			return invalid(n, "cid", "is not a content id", e);
	memcpy(cid, text, len);
	cid[len] = '\0';
	if (len > 0)
		g_mime_object_set_content_id(GMIME_OBJECT(part), cid);
	return 0;
}

int email_compose_attachment_new(
	const json_t *attachment, size_t n, int is_inline, GMimePart **out, struct err *e)
{
	GMimePart *part = g_mime_part_new();
	struct buf bytes = BUF_INIT;
	GMimeStream *stream;
	GMimeDataWrapper *content;
	int rc;

	g_mime_object_set_disposition(GMIME_OBJECT(part), is_inline ? "inline" : "attachment");
	if ((rc = set_type(part, attachment, n, e)) < 0 ||
		(rc = set_file_name(part, attachment, n, e)) < 0 ||
		(rc = set_cid(part, attachment, n, e)) < 0 ||
		(rc = read_contents(attachment, n, &bytes, e)) < 0) {
		g_object_unref(part);
		buf_release(&bytes);
		return rc;
	}
	stream = g_mime_stream_mem_new_with_buffer(buf_str(&bytes), bytes.len);
	content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
	g_object_unref(content);
	g_object_unref(stream);
	buf_release(&bytes);
	*out = part;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose_body.h"

#include <string.h>

#include "core/buf.h"
#include "core/err.h"
#include "platforms/email/email_compose_attachment.h"
#include "platforms/email/email_compose_text.h"

#define LINE_MAX_BYTES 998 /* RFC 5322, 2.1.1 */

/* --- texts ------------------------------------------------------------------------------------------------------- */

/* 7bit when every line fits, else the shorter of the two encodings: a sixth of the bytes beyond ASCII is where they
 * meet. */
static GMimeContentEncoding encoding_of(const char *text, size_t len)
{
	size_t foreign = 0, line = 0, longest = 0;

	for (size_t i = 0; i < len; i++) {
		foreign += (unsigned char)text[i] >= 0x7F || (unsigned char)text[i] < 0x09;
		line = text[i] == '\n' ? 0 : line + 1;
		longest = MAX(longest, line);
	}
	if (foreign == 0 && longest <= LINE_MAX_BYTES)
		return GMIME_CONTENT_ENCODING_7BIT;
	return foreign > len / 6 ? GMIME_CONTENT_ENCODING_BASE64
				 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

/* Line ends within base64 are part of what is encoded, and have to be CR LF (RFC 2049, 4); the others GMime writes. */
static GMimePart *text_part(const char *subtype, const char *text, size_t len)
{
	const GMimeContentEncoding encoding = encoding_of(text, len);
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	struct buf lines = BUF_INIT;
	GMimeStream *stream;
	GMimeDataWrapper *content;

	email_compose_text_lines(
		&lines, text, len, encoding == GMIME_CONTENT_ENCODING_BASE64 ? "\r\n" : "\n");
	stream = g_mime_stream_mem_new_with_buffer(buf_str(&lines), lines.len);
	content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, encoding);
	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
	g_object_unref(content);
	g_object_unref(stream);
	buf_release(&lines);
	return part;
}

/* TAKES both. */
static GMimeObject *multipart(const char *subtype, GMimeObject *first, GMimeObject *second)
{
	GMimeMultipart *whole = g_mime_multipart_new_with_subtype(subtype);

	g_mime_multipart_add(whole, first);
	g_mime_multipart_add(whole, second);
	g_object_unref(first);
	g_object_unref(second);
	return GMIME_OBJECT(whole);
}

static int read_string(const json_t *object, const char *key, const json_t **out, struct err *e)
{
	*out = json_object_get(object, key);
	if (json_is_null(*out))
		*out = NULL;
	if (*out != NULL && !json_is_string(*out))
		return err_set(e, ERR_INVALID, "object.%s has to be a string", key);
	return 0;
}

static GMimePart *plain_part(const json_t *text, const json_t *html)
{
	struct buf made = BUF_INIT;
	GMimePart *part;

	if (text != NULL || html == NULL)
		return text_part("plain", text != NULL ? json_string_value(text) : "",
			json_string_length(text));
	email_compose_text_of_html(&made, json_string_value(html), json_string_length(html));
	part = text_part("plain", buf_str(&made), made.len);
	buf_release(&made);
	return part;
}

/* --- attachments ------------------------------------------------------------------------------------------------- */

static int belongs_to_html(const json_t *attachment, const json_t *html)
{
	return html != NULL && json_string_length(json_object_get(attachment, "cid")) > 0;
}

/* Puts those attachments behind `*body` that belong to the HTML, or the others: the body becomes a multipart when there
 * are any. */
static int add_attachments(
	GMimeObject **body, const json_t *list, const json_t *html, int is_inline, struct err *e)
{
	GMimeMultipart *whole = NULL;
	GMimePart *part;
	json_t *one;
	size_t i;
	int rc;

	json_array_foreach (list, i, one) {
		if (belongs_to_html(one, html) != is_inline)
			continue;
		rc = email_compose_attachment_new(one, i, is_inline, &part, e);
		if (rc < 0)
			return rc;
		if (whole == NULL) {
			*body = multipart(
				is_inline ? "related" : "mixed", *body, GMIME_OBJECT(part));
			whole = GMIME_MULTIPART(*body);
			continue;
		}
		g_mime_multipart_add(whole, GMIME_OBJECT(part));
		g_object_unref(part);
	}
	return 0;
}

static int check_attachments(const json_t *list, size_t max, struct err *e)
{
	if (list != NULL && !json_is_array(list))
		return err_set(e, ERR_INVALID, "object.attachments has to be an array");
	if (json_array_size(list) > max)
		return err_set(e, ERR_TOO_LARGE, "too many attachments: %zu at most", max);
	return 0;
}

int email_compose_body_new(
	const json_t *object, size_t max_attachments, GMimeObject **out, struct err *e)
{
	const json_t *list = json_object_get(object, "attachments"), *text, *html;
	GMimeObject *body;
	int rc;

	if ((rc = read_string(object, "text", &text, e)) < 0 ||
		(rc = read_string(object, "html", &html, e)) < 0 ||
		(rc = check_attachments(list, max_attachments, e)) < 0)
		return rc;
	body = GMIME_OBJECT(plain_part(text, html));
	if (html != NULL) {
		GMimeObject *rich = GMIME_OBJECT(
			text_part("html", json_string_value(html), json_string_length(html)));
		rc = add_attachments(&rich, list, html, 1, e);
		body = multipart("alternative", body, rich);
	}
	if (rc == 0)
		rc = add_attachments(&body, list, html, 0, e);
	if (rc < 0) {
		g_object_unref(body);
		return rc;
	}
	*out = body;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <gmime/gmime.h>
#include <libxml/parser.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_compose.h"

#define ANN   "{\"address\":\"ann@example.org\"}"
#define BOB   "[{\"address\":\"bob@example.org\"}]"
#define PIXEL "iVBORw0KGgo="
#define PNG   "\"contentType\":\"image/png\",\"contents\":\"" PIXEL "\""

static const struct email_compose_limits limits = {1 << 20, 100, 50};

/* A mail that was composed, and read again by GMime. */
struct sent {
	struct email_compose_mail mail;
	GMimeMessage *m;
};

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	return value;
}

static json_t *activity(const char *actor, const char *target, const char *object)
{
	json_t *a = json_object();

	json_object_set_new(a, "verb", json_string("send"));
	json_object_set_new(a, "actor", parse(actor));
	json_object_set_new(a, "target", parse(target));
	json_object_set_new(a, "object", parse(object));
	return a;
}

static GMimeMessage *read_back(const struct buf *bytes)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes->data, bytes->len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	assert_non_null(m);
	return m;
}

static struct sent compose(const char *actor, const char *target, const char *object)
{
	json_t *a = activity(actor, target, object);
	struct sent s = {0};
	struct err e;

	if (email_compose(a, &limits, NULL, &s.mail, &e) < 0)
		fail_msg("%s", e.text);
	json_decref(a);
	s.m = read_back(&s.mail.bytes);
	return s;
}

static void release(struct sent *s)
{
	g_object_unref(s->m);
	email_compose_release(&s->mail);
}

static void refused(const char *actor, const char *target, const char *object, const char *why)
{
	json_t *a = activity(actor, target, object);
	struct email_compose_mail mail;
	struct err e = {0};

	if (email_compose(a, &limits, NULL, &mail, &e) == 0)
		fail_msg("composed: %s", buf_str(&mail.bytes));
	if (strstr(e.text, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, e.text);
	assert_null(mail.bytes.data);
	json_decref(a);
}

/* The addresses of a field as one string. */
static void assert_addresses(struct sent *s, GMimeAddressType type, const char *expected)
{
	InternetAddressList *list = g_mime_message_get_addresses(s->m, type);
	char *text = internet_address_list_to_string(list, NULL, FALSE);

	assert_string_equal(text != NULL ? text : "", expected);
	g_free(text);
}

static char *content_of(GMimeObject *part)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	char *text;

	assert_true(GMIME_IS_PART(part));
	g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(part)), stream);
	text = mem_dup(bytes->data, bytes->len);
	g_object_unref(stream);
	return text;
}

static void assert_content(GMimeObject *part, const char *type, const char *expected)
{
	char *mime = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part));
	char *text = content_of(part);

	assert_string_equal(mime, type);
	assert_string_equal(text, expected);
	g_free(mime);
	mem_free(text);
}

static GMimeObject *child(GMimeObject *part, int n, const char *subtype)
{
	assert_true(GMIME_IS_MULTIPART(part));
	assert_string_equal(
		g_mime_content_type_get_media_subtype(g_mime_object_get_content_type(part)),
		subtype);
	assert_true(n < g_mime_multipart_get_count(GMIME_MULTIPART(part)));
	return g_mime_multipart_get_part(GMIME_MULTIPART(part), n);
}

/* Names of the header fields, in order, each followed by a space. */
static void assert_fields(struct sent *s, const char *expected)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(s->m));
	struct buf names = BUF_INIT;

	for (int i = 0; i < g_mime_header_list_get_count(list); i++)
		buf_printf(&names, "%s ",
			g_mime_header_get_name(g_mime_header_list_get_header_at(list, i)));
	assert_string_equal(buf_str(&names), expected);
	buf_release(&names);
}

/* The words of a raw header field, decoded one by one: GMime 3.2.13, asked for the whole field, forgets what follows a
 * base64 word with padding. */
static void assert_words(struct sent *s, const char *field, const char *expected)
{
	const char *raw = g_mime_header_get_raw_value(g_mime_header_list_get_header(
		g_mime_object_get_header_list(GMIME_OBJECT(s->m)), field));
	char *copy = mem_strdup(raw), *rest = NULL;
	struct buf text = BUF_INIT;

	for (char *w = strtok_r(copy, " \r\n\t", &rest); w != NULL;
		w = strtok_r(NULL, " \r\n\t", &rest)) {
		char *word = g_mime_utils_header_decode_text(NULL, w);
		buf_add_str(&text, word);
		g_free(word);
	}
	assert_string_equal(buf_str(&text), expected);
	buf_release(&text);
	mem_free(copy);
}

/* --- header fields ----------------------------------------------------------------------------------------------- */

static void a_text_is_sent(void **state)
{
	struct sent s = compose(ANN, BOB, "{\"subject\":\"Hi\",\"text\":\"hello\"}");
	const char *id;

	UNUSED(state);
	assert_fields(&s, "Date From Subject To Message-Id MIME-Version ");
	assert_addresses(&s, GMIME_ADDRESS_TYPE_FROM, "ann@example.org");
	assert_addresses(&s, GMIME_ADDRESS_TYPE_TO, "bob@example.org");
	assert_string_equal(g_mime_message_get_subject(s.m), "Hi");
	assert_content(g_mime_message_get_mime_part(s.m), "text/plain", "hello\r\n");
	assert_string_equal(s.mail.from, "ann@example.org");
	assert_int_equal(s.mail.n_to, 1);
	assert_string_equal(s.mail.to[0], "bob@example.org");
	id = g_mime_message_get_message_id(s.m);
	assert_int_equal(strlen(id), 32 + strlen("@example.org"));
	assert_memory_equal(s.mail.message_id + 1, id, strlen(id));
	assert_string_equal(strchr(id, '@'), "@example.org");
	assert_non_null(g_mime_message_get_date(s.m));
	assert_int_equal(strlen(s.mail.date), strlen("2026-11-23T07:20:41.000Z"));
	release(&s);
}

static void the_domain_of_the_message_id_can_be_set(void **state)
{
	json_t *a = activity(ANN, BOB, "{}");
	struct email_compose_mail mail;
	struct err e;

	UNUSED(state);
	assert_int_equal(email_compose(a, &limits, "client.example.net", &mail, &e), 0);
	assert_string_equal(strchr(mail.message_id, '@'), "@client.example.net>");
	email_compose_release(&mail);
	json_decref(a);
}

static void fields_choose_to_cc_and_bcc(void **state)
{
	struct sent s = compose("{\"address\":\"Ann Lee<ann@example.org>\"}",
		"[{\"address\":\"a@x.org\",\"name\":\"A\"},{\"address\":\"b@x.org\",\"field\":"
		"\"cc\"},"
		"{\"address\":\"c@x.org\",\"field\":\"bcc\"},{\"address\":\"d@x.org\",\"field\":"
		"\"To\"},"
		"{\"address\":\"a@x.org\",\"field\":\"bcc\"}]",
		"{\"text\":\"x\"}");

	UNUSED(state);
	assert_addresses(&s, GMIME_ADDRESS_TYPE_FROM, "Ann Lee <ann@example.org>");
	assert_addresses(&s, GMIME_ADDRESS_TYPE_TO, "A <a@x.org>, d@x.org");
	assert_addresses(&s, GMIME_ADDRESS_TYPE_CC, "b@x.org");
	assert_addresses(&s, GMIME_ADDRESS_TYPE_BCC, "");
	assert_null(strstr(s.mail.bytes.data, "c@x.org"));
	assert_int_equal(s.mail.n_to, 4);
	assert_string_equal(s.mail.to[2], "c@x.org");
	release(&s);
}

static void only_bcc_names_nobody(void **state)
{
	struct sent s = compose(ANN, "[{\"address\":\"b@x.org\",\"field\":\"bcc\"}]", "{}");

	UNUSED(state);
	assert_null(strstr(s.mail.bytes.data, "b@x.org"));
	assert_int_equal(s.mail.n_to, 1);
	release(&s);
}

static void custom_headers_are_written(void **state)
{
	struct sent s = compose(ANN, BOB,
		"{\"headers\":{\"replyTo\":\"Office <office@example.org>\",\"inReplyTo\":\"a@b\","
		"\"references\":[\"<1@b> <2@b>\",\"a@b\"],\"messageId\":\"<mine@example.org>\","
		"\"X-Other\":\"no\",\"Bcc\":\"x@y.org\"}}");

	UNUSED(state);
	assert_addresses(&s, GMIME_ADDRESS_TYPE_REPLY_TO, "Office <office@example.org>");
	assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(s.m), "In-Reply-To"), "<a@b>");
	assert_string_equal(
		g_mime_object_get_header(GMIME_OBJECT(s.m), "References"), "<1@b> <2@b> <a@b>");
	assert_string_equal(g_mime_message_get_message_id(s.m), "mine@example.org");
	assert_string_equal(s.mail.message_id, "<mine@example.org>");
	assert_null(g_mime_object_get_header(GMIME_OBJECT(s.m), "X-Other"));
	assert_null(g_mime_object_get_header(GMIME_OBJECT(s.m), "Bcc"));
	release(&s);
}

static void many_references_are_folded(void **state)
{
	struct buf object = BUF_INIT;
	struct sent s;
	const char *value;
	int n = 0;

	UNUSED(state);
	buf_add_str(&object, "{\"headers\":{\"references\":\"");
	for (int i = 0; i < 200; i++)
		buf_printf(&object, "%0100d@b ", i);
	buf_add_str(&object, "\"}}");
	s = compose(ANN, BOB, buf_str(&object));
	value = g_mime_object_get_header(GMIME_OBJECT(s.m), "References");
	for (; (value = strchr(value, '<')) != NULL; value++)
		n++;
	assert_int_equal(n, 200);
	release(&s);
	buf_release(&object);
}

static void words_beyond_ascii_are_encoded(void **state)
{
	struct sent s = compose("{\"address\":\"ann@example.org\",\"name\":\"Ánn Ünïcode 日本\"}",
		"[{\"address\":\"bob@bücher.example\",\"name\":\"Bøb, the \\\"boss\\\" <x>\"}]",
		"{\"subject\":\"Grüße 日本語 😀 grüße grüße grüße grüße grüße grüße grüße grüße\"}");
	InternetAddress *a;

	UNUSED(state);
	assert_words(
		&s, "Subject", "Grüße 日本語 😀 grüße grüße grüße grüße grüße grüße grüße grüße");
	a = internet_address_list_get_address(
		g_mime_message_get_addresses(s.m, GMIME_ADDRESS_TYPE_FROM), 0);
	assert_string_equal(internet_address_get_name(a), "Ánn Ünïcode 日本");
	a = internet_address_list_get_address(
		g_mime_message_get_addresses(s.m, GMIME_ADDRESS_TYPE_TO), 0);
	assert_string_equal(internet_address_get_name(a), "Bøb, the \"boss\" <x>");
	assert_non_null(strstr(s.mail.bytes.data, "<bob@xn--bcher-kva.example>\r\n"));
	assert_string_equal(s.mail.to[0], "bob@xn--bcher-kva.example");
	release(&s);
}

static void long_names_stay_one_field(void **state)
{
	char actor[700], name[501];
	struct sent s;
	InternetAddress *a;

	UNUSED(state);
	memset(name, 'n', 500);
	name[500] = '\0';
	snprintf(actor, sizeof actor, "{\"address\":\"ann@example.org\",\"name\":\"%s\"}", name);
	s = compose(actor, BOB, "{}");
	a = internet_address_list_get_address(
		g_mime_message_get_addresses(s.m, GMIME_ADDRESS_TYPE_FROM), 0);
	assert_string_equal(internet_address_get_name(a), name);
	release(&s);
	snprintf(actor, sizeof actor, "{\"address\":\"ann@example.org\",\"name\":\"%sn\"}", name);
	refused(actor, BOB, "{}", "longer than 500");
}

/* --- bodies ------------------------------------------------------------------------------------------------------ */

static void html_gets_a_text(void **state)
{
	struct sent s = compose(ANN, BOB,
		"{\"html\":\"<html><head><title>t</title><style>p{}</style></head><body><p>Hello  "
		"<b>Bob</b>"
		"&amp; co</p><ul><li>one<li>two</ul><a "
		"href='https://x.org/'>site</a><br>end</body>\"}");
	GMimeObject *body = g_mime_message_get_mime_part(s.m);

	UNUSED(state);
	assert_content(child(body, 0, "alternative"), "text/plain",
		"Hello Bob& co\r\n\r\n* one\r\n* two\r\n\r\nsite (https://x.org/)\r\nend\r\n");
	assert_string_equal(g_mime_content_type_get_media_subtype(
				    g_mime_object_get_content_type(child(body, 1, "alternative"))),
		"html");
	release(&s);
}

static void both_texts_are_alternatives(void **state)
{
	struct sent s = compose(ANN, BOB, "{\"text\":\"plain\",\"html\":\"<p>rich ä</p>\"}");
	GMimeObject *body = g_mime_message_get_mime_part(s.m);

	UNUSED(state);
	assert_int_equal(g_mime_multipart_get_count(GMIME_MULTIPART(body)), 2);
	assert_content(child(body, 0, "alternative"), "text/plain", "plain\r\n");
	assert_content(child(body, 1, "alternative"), "text/html", "<p>rich ä</p>\r\n");
	release(&s);
}

static void texts_come_back_whole(void **state)
{
	static const char *const texts[][2] = {
		{"", ""},
		{"a\\nb\\r\\nc\\rd", "a\r\nb\r\nc\r\nd\r\n"},
		{".\\n..\\n.\\r\\nQUIT", ".\r\n..\r\n.\r\nQUIT\r\n"},
		{"From me\\n", "From me\r\n"},
		{"gr\\u00fc\\u00dfe und mehr text\\n\\ntail ",
			"grüße und mehr text\r\n\r\ntail \r\n"},
		{"\\u65e5\\u672c\\n\\u8a9e", "日本\r\n語\r\n"},
		{"bell \\u0007 and \\u007f", "bell \a and \x7f\r\n"},
	};
	char object[400];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sent s;
		snprintf(object, sizeof object, "{\"text\":\"%s\"}", texts[i][0]);
		s = compose(ANN, BOB, object);
		assert_content(g_mime_message_get_mime_part(s.m), "text/plain", texts[i][1]);
		release(&s);
	}
}

static void long_lines_are_encoded(void **state)
{
	struct buf object = BUF_INIT, expected = BUF_INIT;
	struct sent s;

	UNUSED(state);
	for (int i = 0; i < 5000; i++)
		buf_add_char(&expected, 'x');
	buf_printf(&object, "{\"text\":\"%s\"}", buf_str(&expected));
	buf_add_str(&expected, "\r\n");
	s = compose(ANN, BOB, buf_str(&object));
	assert_content(g_mime_message_get_mime_part(s.m), "text/plain", buf_str(&expected));
	release(&s);
	buf_release(&object);
	buf_release(&expected);
}

static void attachments_and_pictures_find_their_places(void **state)
{
	struct sent s = compose(ANN, BOB,
		"{\"text\":\"t\",\"html\":\"<img src=cid:pic@1>\",\"attachments\":["
		"{\"fileName\":\"../résumé \\\"1\\\".txt\",\"contents\":\"aGFsbG8K\\r\\nYg==\"},"
		"{\"fileName\":\"p.png\",\"cid\":\"<pic@1>\"," PNG "},"
		"{\"fileName\":\"n.ics\",\"contentType\":\"text/calendar; method=REQUEST\","
		"\"contents\":\"BEGIN ü\",\"encoding\":\"utf8\"}]}");
	GMimeObject *body = g_mime_message_get_mime_part(s.m), *one;

	UNUSED(state);
	one = child(body, 0, "mixed");
	assert_content(child(one, 0, "alternative"), "text/plain", "t\r\n");
	one = child(one, 1, "alternative");
	assert_content(child(one, 0, "related"), "text/html", "<img src=cid:pic@1>\r\n");
	one = child(one, 1, "related");
	assert_content(one, "image/png", "\x89PNG\r\n\x1a\n");
	assert_string_equal(g_mime_object_get_content_id(one), "pic@1");
	assert_string_equal(g_mime_object_get_disposition(one), "inline");
	one = child(body, 1, "mixed");
	assert_content(one, "application/octet-stream", "hallo\nb");
	assert_string_equal(g_mime_part_get_filename(GMIME_PART(one)), ".._résumé \"1\".txt");
	assert_string_equal(g_mime_object_get_disposition(one), "attachment");
	one = child(body, 2, "mixed");
	assert_content(one, "text/calendar", "BEGIN ü");
	assert_string_equal(g_mime_object_get_content_type_parameter(one, "method"), "REQUEST");
	release(&s);
}

static void a_picture_without_html_is_attached(void **state)
{
	struct sent s = compose(ANN, BOB,
		"{\"text\":\"t\",\"attachments\":[{\"fileName\":\"p.png\",\"cid\":\"p@1\"," PNG
		"}]}");
	GMimeObject *body = g_mime_message_get_mime_part(s.m);

	UNUSED(state);
	assert_string_equal(g_mime_object_get_disposition(child(body, 1, "mixed")), "attachment");
	release(&s);
}

/* --- what is refused --------------------------------------------------------------------------------------------- */

/* Line breaks, and NUL, in each field that ends in a header or in the envelope. */
static void nobody_writes_fields_of_his_own(void **state)
{
	static const char *const breaks[] = {"\\r\\nBcc: eve@evil.org", "\\nBcc: eve@evil.org",
		"\\rBcc: eve@evil.org", "\\u0000Bcc: eve@evil.org", "\\r\\n\\r\\nbody"};
	static const char *const forms[][3] = {
		{"{\"address\":\"ann@example.org%s\"}", BOB, "{}"},
		{"{\"address\":\"ann%s@example.org\"}", BOB, "{}"},
		{"{\"address\":\"A%s<ann@example.org>\"}", BOB, "{}"},
		{"{\"address\":\"ann@example.org\",\"name\":\"A%s\"}", BOB, "{}"},
		{ANN, "[{\"address\":\"bob@example.org%s\"}]", "{}"},
		{ANN, "[{\"address\":\"bob@example.org\",\"name\":\"B%s\"}]", "{}"},
		{ANN, "[{\"address\":\"bob@example.org\",\"field\":\"cc%s\"}]", "{}"},
		{ANN, BOB, "{\"subject\":\"S%s\"}"},
		{ANN, BOB, "{\"headers\":{\"replyTo\":\"r@x.org%s\"}}"},
		{ANN, BOB,
			"{\"headers\":{\"replyTo\":{\"address\":\"r@x.org\",\"name\":\"R%s\"}}}"},
		{ANN, BOB, "{\"headers\":{\"inReplyTo\":\"<a@b>%s\"}}"},
		{ANN, BOB, "{\"headers\":{\"references\":[\"<a@b>%s\"]}}"},
		{ANN, BOB, "{\"headers\":{\"messageId\":\"a@b%s\"}}"},
		{ANN, BOB, "{\"attachments\":[{\"fileName\":\"a%s\"," PNG "}]}"},
		{ANN, BOB, "{\"attachments\":[{\"fileName\":\"a\",\"cid\":\"c%s\"," PNG "}]}"},
		{ANN, BOB,
			"{\"attachments\":[{\"fileName\":\"a\",\"contentType\":\"image/png%s\","
			"\"contents\":\"\"}]}"},
		{ANN, BOB,
			"{\"attachments\":[{\"fileName\":\"a\",\"contentType\":\"image/png; x=%s\","
			"\"contents\":\"\"}]}"},
	};
	char filled[3][400];

	UNUSED(state);
	for (size_t f = 0; f < ARRAY_LEN(forms); f++)
		for (size_t b = 0; b < ARRAY_LEN(breaks); b++) {
			for (int i = 0; i < 3; i++) {
				const char *at = strstr(forms[f][i], "%s");
				int head = at != NULL ? (int)(at - forms[f][i]) : 399;
				snprintf(filled[i], sizeof filled[i], "%.*s%s%s", head, forms[f][i],
					at != NULL ? breaks[b] : "", at != NULL ? at + 2 : "");
			}
			refused(filled[0], filled[1], filled[2], "");
		}
}

/* Whatever a text says, it stays in the body. */
static void a_body_can_not_end_the_mail(void **state)
{
	struct sent s = compose(ANN, BOB, "{\"text\":\"a\\r\\n.\\r\\nMAIL FROM:<x@y>\\n.\\rx\"}");

	UNUSED(state);
	assert_content(g_mime_message_get_mime_part(s.m), "text/plain",
		"a\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nx\r\n");
	release(&s);
}

static void other_mistakes_are_named(void **state)
{
	UNUSED(state);
	refused("{}", BOB, "{}", "the sender has no address");
	refused(ANN, "[]", "{}", "no recipient");
	refused(ANN, "[{\"address\":\"b@x.org\"},{\"name\":\"x\"}]", "{}",
		"recipient 2 has no address");
	refused(ANN, "[{\"address\":\"b@x.org\",\"field\":\"from\"}]", "{}", "to, cc or bcc");
	refused(ANN, BOB, "{\"subject\":1}", "object.subject");
	refused(ANN, BOB, "{\"text\":1}", "object.text");
	refused(ANN, BOB, "{\"html\":{}}", "object.html");
	refused(ANN, BOB, "{\"attachments\":{}}", "object.attachments");
	refused(ANN, BOB, "{\"attachments\":[{\"fileName\":\"a\",\"filePath\":\"/etc/passwd\"}]}",
		"filePath is not supported");
	refused(ANN, BOB, "{\"attachments\":[{\"fileName\":\"a\"}]}", "attachment 1: contents");
	refused(ANN, BOB, "{\"attachments\":[{\"contents\":\"\"}]}", "fileName is missing");
	refused(ANN, BOB, "{\"headers\":{\"messageId\":\"a\"}}", "not a message id");
	refused(ANN, BOB, "{\"headers\":{\"messageId\":\"a@b c@d\"}}", "1 message ids at most");
	refused(ANN, BOB, "{\"headers\":{\"inReplyTo\":7}}", "headers.inReplyTo");
	for (int i = 0; i < 4; i++) {
		static const char *const bad[] = {"A", "AB=C", "AAA=A", "A-B_"};
		char object[100];
		snprintf(object, sizeof object,
			"{\"attachments\":[{\"fileName\":\"a\",\"contents\":\"%s\"}]}", bad[i]);
		refused(ANN, BOB, object, "not valid base64");
	}
	for (int i = 0; i < 5; i++) {
		static const char *const bad[] = {
			"image", "image/", "/png", "multipart/mixed", "image/png x"};
		char object[120];
		snprintf(object, sizeof object,
			"{\"attachments\":[{\"fileName\":\"a\",\"contents\":\"\",\"contentType\":"
			"\"%s\"}"
			"]}",
			bad[i]);
		refused(ANN, BOB, object, "contentType");
	}
}

static void bounds_hold(void **state)
{
	static const struct email_compose_limits tight = {3000, 2, 1};
	static const char *const objects[] = {"{}",
		"{\"attachments\":[{\"fileName\":\"a\",\"contents\":\"\"},"
		"{\"fileName\":\"b\",\"contents\":\"\"}]}"};
	struct email_compose_mail mail;
	struct buf object = BUF_INIT;
	struct err e;
	json_t *a;

	UNUSED(state);
	a = activity(ANN,
		"[{\"address\":\"a@x.org\"},{\"address\":\"b@x.org\"},{\"address\":\"c@x.org\"}]",
		objects[0]);
	assert_int_equal(email_compose(a, &tight, NULL, &mail, &e), -ERR_TOO_LARGE);
	json_decref(a);
	a = activity(ANN, BOB, objects[1]);
	assert_int_equal(email_compose(a, &tight, NULL, &mail, &e), -ERR_TOO_LARGE);
	json_decref(a);
	for (int size = 2000; size < 4000; size += 1999) {
		buf_clear(&object);
		buf_add_str(&object, "{\"text\":\"");
		for (int i = 0; i < size; i++)
			buf_add_char(&object, i % 60 == 59 ? ' ' : 'x');
		buf_add_str(&object, "\"}");
		a = activity(ANN, BOB, buf_str(&object));
		assert_int_equal(email_compose(a, &tight, NULL, &mail, &e),
			size == 2000 ? 0 : -ERR_TOO_LARGE);
		if (size == 2000)
			email_compose_release(&mail);
		json_decref(a);
	}
	buf_release(&object);
}

static int set_up(void **state)
{
	UNUSED(state);
	g_mime_init();
	xmlInitParser();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_sent),
		cmocka_unit_test(the_domain_of_the_message_id_can_be_set),
		cmocka_unit_test(fields_choose_to_cc_and_bcc),
		cmocka_unit_test(only_bcc_names_nobody),
		cmocka_unit_test(custom_headers_are_written),
		cmocka_unit_test(many_references_are_folded),
		cmocka_unit_test(words_beyond_ascii_are_encoded),
		cmocka_unit_test(long_names_stay_one_field),
		cmocka_unit_test(html_gets_a_text),
		cmocka_unit_test(both_texts_are_alternatives),
		cmocka_unit_test(texts_come_back_whole),
		cmocka_unit_test(long_lines_are_encoded),
		cmocka_unit_test(attachments_and_pictures_find_their_places),
		cmocka_unit_test(a_picture_without_html_is_attached),
		cmocka_unit_test(nobody_writes_fields_of_his_own),
		cmocka_unit_test(a_body_can_not_end_the_mail),
		cmocka_unit_test(other_mistakes_are_named),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}

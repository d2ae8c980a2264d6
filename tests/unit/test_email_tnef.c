/* SPDX-License-Identifier: MIT */
#include "core/buf.h"
#include "platforms/email/email_tnef.h"
#include "tests/unit/unit.h"

#define MAX_TEXT ((size_t)1000)

/* MS-OXTNEF 2.1.3.2 and MS-OXPROPS, as in email_tnef.c: a test that took them from there would not notice a mistake. */
#define BODY      0x0002800Cu
#define CODEPAGE  0x00069007u
#define MSG_PROPS 0x00069003u
#define REND      0x00069002u
#define DATA      0x0006800Fu
#define TITLE     0x00018010u
#define PROPS     0x00069005u

static void add_number(struct buf *b, uint32_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add_char(b, (char)(value >> 8 * i));
}

static void begin(struct buf *b)
{
	buf_clear(b);
	add_number(b, 0x223E9F78, 4);
	add_number(b, 1, 2);
}

static void add_attribute(struct buf *b, int level, uint32_t id, const void *data, size_t len)
{
	add_number(b, (uint32_t)level, 1);
	add_number(b, id, 4);
	add_number(b, (uint32_t)len, 4);
	buf_add(b, data, len);
	add_number(b, 0, 2); /* a wrong sum */
}

static void add_property(struct buf *b, unsigned type, unsigned id, const void *data, size_t len)
{
	add_number(b, type, 2);
	add_number(b, id, 2);
	add_number(b, 1, 4);
	add_number(b, (uint32_t)len, 4);
	buf_add(b, data, len);
	while (len++ % 4 != 0)
		buf_add_char(b, '\0');
}

static struct email_tnef *open_buf(const struct buf *b)
{
	struct email_tnef *t = email_tnef_new(b->data, b->len, MAX_TEXT);

	assert_non_null(t);
	return t;
}

static void the_sample_file(void **state)
{
	struct buf b = BUF_INIT;
	FILE *f = fopen("tests/data/email/winmail.dat", "rb");
	struct email_tnef *t;

	(void)state;
	assert_non_null(f);
	buf_added(&b, fread(buf_reserve(&b, 10000), 1, 10000, f));
	fclose(f);
	t = open_buf(&b);
	assert_int_equal(email_tnef_count(t), 2);
	assert_string_equal(email_tnef_at(t, 0)->name.data, "Bericht für Juli.pdf");
	assert_string_equal(email_tnef_at(t, 0)->type.data, "application/pdf");
	assert_int_equal(email_tnef_at(t, 0)->len, 15);
	assert_memory_equal(email_tnef_at(t, 0)->bytes, "%PDF-1.4 inside", 15);
	assert_string_equal(email_tnef_at(t, 1)->name.data, "..\\café.txt");
	assert_string_equal(email_tnef_at(t, 1)->cid.data, "cid@x");
	assert_string_equal(email_tnef_text(t)->data, "Text of the € mail\r\n");
	assert_int_equal(email_tnef_html(t)->len, 0);
	email_tnef_free(t);

	/* What is before the cut is there, whatever is cut; a copy shows a read beyond it to the sanitizer. */
	for (size_t len = 0; len < b.len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, b.data, len);
		t = email_tnef_new(copy, len, MAX_TEXT);
		assert_int_equal(t != NULL, len >= 4);
		email_tnef_free(t);
		free(copy);
	}
	buf_release(&b);
}

static void text_by_codepage_and_as_property(void **state)
{
	static const char utf16[] = "W\0i\0n\0s\0";
	struct buf b = BUF_INIT, props = BUF_INIT;
	struct email_tnef *t;

	(void)state;
	begin(&b);
	add_attribute(&b, 1, CODEPAGE, "\xe3\x04\0\0\0\0\0\0", 8); /* 1251 */
	add_attribute(&b, 1, BODY, "\xcf\0", 2);
	t = open_buf(&b);
	assert_string_equal(buf_str(email_tnef_text(t)), "П");
	email_tnef_free(t);

	add_number(&props, 3, 4);
	add_property(&props, 0x1F, 0x1000, utf16, 8);
	add_property(&props, 0x102, 0x1013, "<p>\xcf</p>", 8);
	add_property(&props, 0x1E, 0x1234, "other", 5);
	add_attribute(&b, 1, MSG_PROPS, props.data, props.len);
	t = open_buf(&b);
	assert_string_equal(buf_str(email_tnef_text(t)), "Wins");
	assert_string_equal(buf_str(email_tnef_html(t)), "<p>П</p>");
	email_tnef_free(t);
	buf_release(&props);
	buf_release(&b);
}

static void an_embedded_object_is_an_attachment(void **state)
{
	struct buf b = BUF_INIT, props = BUF_INIT;
	struct email_tnef *t;

	(void)state;
	add_number(&props, 5, 4);
	add_number(&props, 0x48, 2); /* a GUID */
	add_number(&props, 0x1234, 2);
	buf_add(&props, "0123456789abcdef", 16);
	add_number(&props, 0x03, 2); /* a named number */
	add_number(&props, 0x8001, 2);
	buf_add(&props, "0123456789abcdef\0\0\0\0nameVALU", 28);
	add_property(&props, 0x102, 0x3701, "binary", 6);
	add_property(&props, 0x0D, 0x3701, "0123456789abcdefobject", 22);
	add_property(&props, 0x1E, 0x3704, "mail.dat", 8);
	begin(&b);
	add_attribute(&b, 2, REND, "", 0);
	add_attribute(&b, 2, PROPS, props.data, props.len);
	t = open_buf(&b);
	assert_int_equal(email_tnef_at(t, 0)->len, 6);
	assert_memory_equal(email_tnef_at(t, 0)->bytes, "object", 6);
	assert_string_equal(email_tnef_at(t, 0)->name.data, "mail.dat");
	email_tnef_free(t);
	buf_release(&props);
	buf_release(&b);
}

static void lengths_that_lie_end_the_reading(void **state)
{
	/* Properties: counts and lengths up to the largest number, unknown types, names that are too long. */
	static const char *const lies[] = {"\xff\xff\xff\xff", "\xff\xff\xff\xff\x1e\0\x04\x37",
		"\1\0\0\0\x1e\0\x04\x37\xff\xff\xff\xff\xff\xff\xff\xff",
		"\1\0\0\0\x1e\0\x04\x37\1\0\0\0\xff\xff\xff\x7f",
		"\1\0\0\0\x02\x11\x04\x37\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
		"\1\0\0\0\x99\x09\x04\x37\1\0\0\0",
		"\1\0\0\0\x1e\0\x04\x80................\1\0\0\0\xfc\xff\xff\xff"};
	static const size_t lens[] = {4, 8, 16, 16, 20, 12, 32};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct email_tnef *t;

		begin(&b);
		add_attribute(&b, 2, REND, "", 0);
		add_attribute(&b, 2, PROPS, lies[i], lens[i]);
		add_attribute(&b, 2, DATA, "kept", 4);
		t = open_buf(&b);
		assert_int_equal(email_tnef_count(t), 1);
		assert_int_equal(email_tnef_at(t, 0)->len, 4);
		email_tnef_free(t);
	}
	begin(&b);
	add_attribute(&b, 2, TITLE, "before any attachment", 20);
	add_attribute(&b, 2, REND, "", 0);
	add_number(&b, 2, 1);
	add_number(&b, DATA, 4);
	add_number(&b, 0xFFFFFFFF, 4);
	buf_add_str(&b, "short");
	{
		struct email_tnef *t = open_buf(&b);
		assert_int_equal(email_tnef_count(t), 1);
		assert_int_equal(email_tnef_at(t, 0)->len, 0);
		email_tnef_free(t);
	}
	buf_release(&b);
}

static void numbers_and_texts_are_bounded(void **state)
{
	struct buf b = BUF_INIT, text = BUF_INIT;
	struct email_tnef *t;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_add_char(&text, 'x');
	begin(&b);
	add_attribute(&b, 1, BODY, text.data, text.len);
	for (size_t i = 0; i < EMAIL_TNEF_ATTACHMENTS + 5; i++) {
		add_attribute(&b, 2, REND, "", 0);
		add_attribute(&b, 2, DATA, i < EMAIL_TNEF_ATTACHMENTS ? "good" : "more", 4);
	}
	t = open_buf(&b);
	assert_int_equal(email_tnef_text(t)->len, MAX_TEXT);
	assert_int_equal(email_tnef_count(t), EMAIL_TNEF_ATTACHMENTS);
	assert_memory_equal(email_tnef_at(t, EMAIL_TNEF_ATTACHMENTS - 1)->bytes, "good", 4);
	email_tnef_free(t);
	buf_release(&text);
	buf_release(&b);
}

static void what_is_no_tnef(void **state)
{
	(void)state;
	assert_null(email_tnef_new("", 0, MAX_TEXT));
	assert_null(email_tnef_new("\x78\x9f\x3e", 3, MAX_TEXT));
	assert_null(email_tnef_new("PK\3\4 and more", 12, MAX_TEXT));
	email_tnef_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_file),
		cmocka_unit_test(text_by_codepage_and_as_property),
		cmocka_unit_test(an_embedded_object_is_an_attachment),
		cmocka_unit_test(lengths_that_lie_end_the_reading),
		cmocka_unit_test(numbers_and_texts_are_bounded),
		cmocka_unit_test(what_is_no_tnef),
	};

	return cmocka_run_group_tests_name("email_tnef", tests, NULL, NULL);
}

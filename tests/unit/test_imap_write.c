/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/mem.h"
#include "platforms/email/imap_mailbox.h"
#include "platforms/email/imap_write.h"

static const struct {
	const char *utf8, *coded;
} names[] = {
	{"INBOX", "INBOX"},
	{"Sent/2026", "Sent/2026"},
	{"A & B", "A &- B"},
	{"Gr\xc3\xbc\xc3\x9f"
	 "e",
		"Gr&APwA3w-e"},
	/* the example of RFC 3501, 5.1.3 */
	{"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		"~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
	{"\xf0\x9f\x98\x80x", "&2D3eAA-x"},
	{"\xe2\x82\xac", "&IKw-"},
	{"\xc3\xa9\xc3\xa9\xc3\xa9", "&AOkA6QDp-"},
};

static void test_names(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf coded = BUF_INIT, back = BUF_INIT;
		assert_int_equal(imap_mailbox_encode(names[i].utf8, &coded, NULL), 0);
		assert_string_equal(buf_str(&coded), names[i].coded);
		imap_mailbox_decode(coded.data, coded.len, &back);
		assert_string_equal(buf_str(&back), names[i].utf8);
		buf_release(&coded);
		buf_release(&back);
	}
	assert_true(imap_mailbox_equals("inbox", "INBOX"));
	assert_false(imap_mailbox_equals("sent", "Sent"));
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = {"", "a\r\nb", "a\x7f", "\xff", "\xc2\x80", "a\xc3"};
	static const struct {
		const char *in, *out;
	} foreign[] = {{"&", "&"}, {"a&b", "a&b"}, {"&2D0-", "&2D0-"}, {"&AGE", "&AGE"},
		{"&AAoAfw-", "??"}, {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"}, {"\xff\xc3", "??"},
		{"a\x01", "a?"}, {"&A-", "&A-"}, {"&3gA-", "&3gA-"}};
	struct buf out = BUF_INIT;
	struct err e;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(imap_mailbox_encode(bad[i], &out, &e) < 0);
		assert_int_equal(e.code, ERR_INVALID);
		assert_int_equal(out.len, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		buf_clear(&out);
		imap_mailbox_decode(foreign[i].in, strlen(foreign[i].in), &out);
		assert_string_equal(buf_str(&out), foreign[i].out);
	}
	buf_release(&out);
}

/* The command that `w` became; its memory goes with the next call. */
static const char *written(struct imap_write *w)
{
	static char text[9000];
	struct err e;

	if (imap_write_end(w, &e) < 0)
		snprintf(text, sizeof text, "%s", err_token((int)e.code));
	else
		snprintf(text, sizeof text, "%s", buf_str(&w->out));
	imap_write_release(w);
	return text;
}

static void test_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} strings[] = {{"plain", "\"plain\"\r\n"}, {"", "\"\"\r\n"},
		{"q\"b\\s", "\"q\\\"b\\\\s\"\r\n"}, {"\xc3\xbc", "{2}\r\n\xc3\xbc\r\n"},
		{"a\r\nS1 LOGOUT", "invalid"}, {"a\n", "invalid"}, {"\x01", "invalid"},
		{"\xff", "invalid"}, {"nil", "\"nil\"\r\n"}};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		struct imap_write w = {0};
		imap_write_string(&w, strings[i].in);
		assert_string_equal(written(&w), strings[i].out);
	}
}

static void test_literals(void **state)
{
	struct imap_write w = {0}, plus = {.literal_plus = 1};
	char *a = mem_alloc(300);
	char *b = mem_alloc(IMAP_WRITE_STRING + 2);

	UNUSED(state);
	memset(a, 'a', 250);
	imap_write_string(&w, a);
	assert_int_equal(w.n_pauses, 1);
	assert_int_equal(w.pauses[0], strlen("{250}\r\n"));
	imap_write_release(&w);
	imap_write_string(&plus, a);
	assert_int_equal(plus.n_pauses, 0);
	assert_memory_equal(plus.out.data, "{250+}\r\na", 9);
	imap_write_release(&plus);
	memset(b, 'b', IMAP_WRITE_STRING + 1);
	w = (struct imap_write){0};
	imap_write_string(&w, b);
	assert_string_equal(written(&w), "invalid");
	w = (struct imap_write){0};
	for (int i = 0; i <= IMAP_WRITE_PAUSES; i++)
		imap_write_string(&w, a);
	assert_string_equal(written(&w), "invalid");
	mem_free(a);
	mem_free(b);
}

static void test_sets(void **state)
{
	const struct imap_range ranges[] = {{1, 5}, {9, 9}, {12, 0}}, zero[] = {{0, 3}};
	const uint32_t uids[] = {7, 3, 4, 5, 5, 9, 4294967295u}, none[] = {0};
	struct imap_range *many = mem_array(IMAP_RANGES + 1, sizeof *many);
	struct imap_write w = {0};

	UNUSED(state);
	imap_write_ranges(&w, ranges, 3);
	assert_string_equal(written(&w), "1:5,9,12:*\r\n");
	w = (struct imap_write){0};
	imap_write_uids(&w, uids, 7);
	assert_string_equal(written(&w), "3:5,7,9,4294967295\r\n");
	w = (struct imap_write){0};
	imap_write_uids(&w, none, 1);
	assert_string_equal(written(&w), "invalid");
	w = (struct imap_write){0};
	imap_write_uids(&w, uids, 0);
	assert_string_equal(written(&w), "invalid");
	w = (struct imap_write){0};
	imap_write_ranges(&w, zero, 1);
	assert_string_equal(written(&w), "invalid");
	for (uint32_t i = 0; i <= IMAP_RANGES; i++)
		many[i] = (struct imap_range){4000000000u + 3 * i, 4000000001u + 3 * i};
	w = (struct imap_write){0};
	imap_write_ranges(&w, many, IMAP_RANGES + 1);
	assert_string_equal(written(&w), "invalid");
	w = (struct imap_write){0};
	imap_write_ranges(&w, many, IMAP_RANGES);
	assert_true(w.out.len < 7500);
	imap_write_release(&w);
	mem_free(many);
}

static void test_parts(void **state)
{
	static const char *const bad[] = {"", "0", "1.", ".1", "1..2", "HEADER", "1]",
		"1.2.3.4.5.6.7.8.9.1.2", "12345", "1 2", "1\r\n"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct imap_write w = {0};
		imap_write_part(&w, bad[i]);
		assert_string_equal(written(&w), "invalid");
	}
	struct imap_write w = {0};
	imap_write_part(&w, "1.20.3");
	assert_string_equal(written(&w), "1.20.3\r\n");
}

static void test_search(void **state)
{
	struct imap_search s = {0};
	struct imap_write w = {0};

	UNUSED(state);
	imap_write_search(&w, &s);
	assert_string_equal(written(&w), " ALL\r\n");
	w = (struct imap_write){0};
	s = (struct imap_search){.from = "bob",
		.subject = "\xc3\xbc",
		.since = 1770000000,
		.before = 1770086400,
		.with = IMAP_FLAGGED,
		.without = IMAP_SEEN | IMAP_DELETED,
		.uids = {5, 0},
		.message_id = "<a@b>"};
	imap_write_search(&w, &s);
	assert_string_equal(written(&w),
		" CHARSET UTF-8 UID 5:* Flagged UNSeen UNDeleted SINCE 2-Feb-2026 BEFORE "
		"3-Feb-2026 FROM \"bob\" SUBJECT {2}\r\n\xc3\xbc HEADER Message-ID \"<a@b>\"\r\n");
	w = (struct imap_write){0};
	s = (struct imap_search){.since = INT64_MAX};
	imap_write_search(&w, &s);
	assert_string_equal(written(&w), "invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/imap_parse.h"
#include "platforms/email/imap_parse_data.h"

static const struct imap_parse_limits limits = {.line_bytes = 2000, .literal_bytes = 1000};

/* A response as a line of text, to compare. */
static void show(const struct imap_parse_response *r, struct buf *out)
{
	static const char *const statuses[] = {"", "OK", "NO", "BAD", "BYE", "PREAUTH"};
	static const char *const kinds[] = {"tagged", "untagged", "continue"};

	buf_printf(out, "%s %s%s%s", kinds[r->kind], r->tag, statuses[r->status], r->name);
	if (r->number > 0)
		buf_printf(out, " n=%u", r->number);
	if (r->code[0] != '\0')
		buf_printf(out, " [%s|%.*s]", r->code, (int)(r->code_data.end - r->code_data.at),
			r->code_data.at);
	if (r->kind != IMAP_PARSE_UNTAGGED || r->status != IMAP_PARSE_DATA)
		buf_printf(out, " '%.*s'", (int)r->text_len, r->text);
	buf_printf(out, " data=%d\n", (int)(r->data.end - r->data.at));
}

/* All of `bytes`, in pieces of `piece`; what comes out, up to an error. */
static void parse_all(const char *bytes, size_t len, size_t first, size_t piece, struct buf *out)
{
	struct imap_parse p;
	struct imap_parse_response r;
	struct err e;
	int rc = 0;

	imap_parse_init(&p, &limits);
	for (size_t at = 0; at < len && rc >= 0;) {
		size_t n = MIN(len - at, at == 0 && first > 0 ? first : piece);
		imap_parse_add(&p, bytes + at, n);
		at += n;
		while ((rc = imap_parse_next(&p, &r, &e)) > 0)
			show(&r, out);
	}
	if (rc < 0)
		buf_printf(out, "error %s\n", err_token((int)e.code));
	imap_parse_release(&p);
}

static const struct {
	const char *in, *out;
} heads[] = {
	{"* OK hello there\r\n", "untagged OK 'hello there' data=0\n"},
	{"* 12 EXISTS\r\n", "untagged EXISTS n=12 data=0\n"},
	{"* ok [uidvalidity 17] UIDs {3}\r\n", "untagged OK [UIDVALIDITY| 17] 'UIDs {3}' data=0\n"},
	{"S1 NO [BADCHARSET (\"x]y\")] no {9}\r\n",
		"tagged S1NO [BADCHARSET| (\"x]y\")] 'no {9}' data=0\n"},
	{"S1 OK\r\n", "tagged S1OK '' data=0\n"},
	{"* BYE [x no end\r\n", "untagged BYE '[x no end' data=0\n"},
	{"+ go {3}\r\n+\r\n", "continue  'go {3}' data=0\ncontinue  '' data=0\n"},
	{"* 1 FETCH (BODY[] {4}\r\na\r\n) UID 7)\r\n* 2 EXPUNGE\r\n",
		"untagged FETCH n=1 data=25\nuntagged EXPUNGE n=2 data=0\n"},
	{"* 1 FETCH (A {0}\r\n B ~{2+}\r\nxy)\n", "untagged FETCH n=1 data=22\n"},
	{"* SEARCH\r\n* SEARCH 1 2\r\n", "untagged SEARCH data=0\nuntagged SEARCH data=4\n"},
	{"* averyveryveryverylongnameofaresponse 1\r\n",
		"untagged AVERYVERYVERYVERYLONGNA data=2\n"},
	{"\r\n", "error remote\n"},
	{"garbage\r\n", "error remote\n"},
	{"S1 FETCH 1\r\n", "error remote\n"},
	{"* (1)\r\n", "error remote\n"},
	{"* 4294967296 EXISTS\r\n", "untagged 4294967296 data=7\n"},
	{"tag-that-is-too-long OK x\r\n", "error remote\n"},
	{"* 1 FETCH (A {1001}\r\n", "error too-large\n"},
	{"* 1 FETCH (A {99999999999}\r\n", "error too-large\n"},
	{"* 1 FETCH (A {600}\r\n", ""},
};

static void test_heads(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		size_t len = strlen(heads[i].in);
		for (size_t cut = 0; cut <= len; cut++) {
			struct buf out = BUF_INIT;
			parse_all(heads[i].in, len, cut, cut == 0 ? 1 : len, &out);
			assert_string_equal(buf_str(&out), heads[i].out);
			buf_release(&out);
		}
	}
}

static void test_limits(void **state)
{
	struct buf in = BUF_INIT, out = BUF_INIT;

	UNUSED(state);
	for (int i = 0; i < 3000; i++)
		buf_add_char(&in, 'a');
	parse_all(in.data, in.len, 0, 100, &out);
	assert_string_equal(buf_str(&out), "error too-large\n");
	/* literals in sum */
	buf_clear(&in);
	buf_clear(&out);
	buf_add_str(&in, "* X {600}\r\n");
	for (int i = 0; i < 600; i++)
		buf_add_char(&in, '\n');
	buf_add_str(&in, " {600}\r\n");
	parse_all(in.data, in.len, 0, 100, &out);
	assert_string_equal(buf_str(&out), "error too-large\n");
	/* lines in sum */
	buf_clear(&in);
	buf_clear(&out);
	buf_add_str(&in, "* X ");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&in, "{0}\r\n ");
	parse_all(in.data, in.len, 0, 100, &out);
	assert_string_equal(buf_str(&out), "error too-large\n");
	buf_release(&in);
	buf_release(&out);
}

static struct imap_parse_cursor cursor(const char *text)
{
	return (struct imap_parse_cursor){text, text + strlen(text)};
}

static void test_tokens(void **state)
{
	struct imap_parse_cursor c = cursor("a.b NIL nil (\"q\\\"\\\\\" {3}\r\na)b) "
					    "BODY[HEADER.FIELDS (A \"]\")]<0> \\Seen x[y");
	static const enum imap_parse_token_type types[] = {IMAP_TOKEN_ATOM, IMAP_TOKEN_NIL,
		IMAP_TOKEN_NIL, IMAP_TOKEN_OPEN, IMAP_TOKEN_STRING, IMAP_TOKEN_STRING,
		IMAP_TOKEN_CLOSE, IMAP_TOKEN_ATOM, IMAP_TOKEN_ATOM, IMAP_TOKEN_ATOM,
		IMAP_TOKEN_END};
	static const char *const texts[] = {"a.b", NULL, NULL, NULL, "q\"\\", "a)b", NULL,
		"BODY[HEADER.FIELDS (A \"]\")]<0>", "\\Seen", "x[y", NULL};
	struct imap_parse_token t;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct buf text = BUF_INIT;
		assert_int_equal(imap_parse_token_next(&c, &t), types[i]);
		if (texts[i] != NULL) {
			imap_parse_token_text(&t, &text);
			assert_string_equal(buf_str(&text), texts[i]);
		}
		buf_release(&text);
	}
}

static void test_broken_tokens(void **state)
{
	static const char *const broken[] = {"\"no end", "\"a\\", "\"a\nb\"", "{3}\r\nab", "{}\r\n",
		"{3}abc", "BODY[x", "\x01", "{99999999999}\r\n"};
	struct imap_parse_token t;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct imap_parse_cursor c = cursor(broken[i]);
		assert_int_equal(imap_parse_token_next(&c, &t), IMAP_TOKEN_BAD);
		assert_int_equal(imap_parse_token_skip(&c), -1);
	}
}

static void test_nesting(void **state)
{
	struct buf in = BUF_INIT;
	struct imap_parse_cursor c;

	UNUSED(state);
	for (int i = 0; i < IMAP_PARSE_TOKEN_DEPTH; i++)
		buf_add_char(&in, '(');
	for (int i = 0; i < IMAP_PARSE_TOKEN_DEPTH; i++)
		buf_add_char(&in, ')');
	c = (struct imap_parse_cursor){in.data, in.data + in.len};
	assert_int_equal(imap_parse_token_skip(&c), 0);
	assert_ptr_equal(c.at, c.end);
	buf_clear(&in);
	for (int i = 0; i < 100000; i++)
		buf_add_char(&in, '(');
	c = (struct imap_parse_cursor){in.data, in.data + in.len};
	assert_int_equal(imap_parse_token_skip(&c), -1);
	buf_release(&in);
}

static void test_fetch(void **state)
{
	static const char text[] =
		"(FLAGS (\\Seen $Label1 NonJunk \\*) UID 42 RFC822.SIZE 44827 INTERNALDATE "
		"\"17-Jul-1996 02:44:25 -0700\" ENVELOPE (\"x\" NIL ((\"a\" NIL \"b\" \"c\"))) "
		"BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"x\") NIL) \"mixed\") MODSEQ "
		"(12) "
		"BODY[2.MIME]<0> {3}\r\nabc BODY[HEADER] NIL RFC822 \"q\\\"\")";
	struct imap_parse_data_fetch d;
	struct buf out = BUF_INIT;

	UNUSED(state);
	assert_int_equal(imap_parse_data_fetch(cursor(text), &d), 0);
	assert_int_equal(d.uid, 42);
	assert_int_equal(d.flags.flags, IMAP_SEEN | IMAP_KEYWORDS);
	assert_string_equal(d.flags.keywords, "$Label1 NonJunk");
	assert_int_equal(d.size, 44827);
	assert_int_equal(d.date, 837596665);
	assert_int_equal(d.n_sections, 3);
	assert_memory_equal(d.sections[0].name, "2.MIME", d.sections[0].name_len);
	assert_memory_equal(d.sections[0].value.bytes, "abc", 3);
	assert_int_equal(d.sections[1].value.type, IMAP_TOKEN_NIL);
	imap_parse_token_text(&d.sections[2].value, &out);
	assert_string_equal(buf_str(&out), "q\"");
	buf_release(&out);
	/* cut anywhere it is refused */
	for (size_t len = 0; len < strlen(text); len++)
		assert_int_equal(
			imap_parse_data_fetch((struct imap_parse_cursor){text, text + len}, &d),
			-1);
}

static void test_broken_fetch(void **state)
{
	static const char *const broken[] = {"", "UID 3", "(UID)", "(UID (3))", "(UID -3)",
		"(UID 4294967296)", "(RFC822.SIZE 1", "(BODY[] abc)", "(FLAGS \\Seen)", "(\"a\" 1)",
		"(X ((1))"};
	struct imap_parse_data_fetch d;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(imap_parse_data_fetch(cursor(broken[i]), &d), -1);
	assert_int_equal(imap_parse_data_fetch(cursor("(INTERNALDATE NIL UID 1)"), &d), 0);
	assert_true(d.date == INT64_MIN && d.uid == 1);
	assert_int_equal(imap_parse_data_fetch(cursor("(BODY[1]<99999999999999> \"\")"), &d), 0);
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
		int rc;
	} dates[] = {
		{"01-Jan-1970 00:00:00 +0000", 0, 0},
		{" 1-Jan-1970 01:00:00 +0100", 0, 0},
		{"29-Feb-2024 12:00:00 +0000", 1709208000, 0},
		{"31-Dec-1999 23:59:60 -0030", 946686600, 0},
		{"32-Dec-1999 23:59:60 -0030", 0, -1},
		{"01-Jax-1970 00:00:00 +0000", 0, -1},
		{"01-Jan-1970 00:00:00 +000", 0, -1},
		{"01-Jan-1970 24:00:00 +0000", 0, -1},
		{"01-Jan-1970 00:00:00  0000", 0, -1},
		{"", 0, -1},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		int64_t at = 0;
		assert_int_equal(imap_parse_data_date(dates[i].text, strlen(dates[i].text), &at),
			dates[i].rc);
		assert_true(at == dates[i].at);
	}
}

static void test_list(void **state)
{
	struct imap_parse_data_list l;

	UNUSED(state);
	assert_int_equal(
		imap_parse_data_list(
			cursor("(\\HasNoChildren \\sent) \"/\" \"[Gmail]/Sent \\\"x\\\"\""), &l),
		0);
	assert_string_equal(buf_str(&l.name), "[Gmail]/Sent \"x\"");
	assert_int_equal(l.delimiter, '/');
	assert_string_equal(l.special_use, "\\Sent");
	imap_parse_data_list_release(&l);
	assert_int_equal(imap_parse_data_list(cursor("(\\Noselect) \"\\\\\" {3}\r\na b"), &l), 0);
	assert_string_equal(buf_str(&l.name), "a b");
	assert_int_equal(l.delimiter, '\\');
	assert_int_equal(l.attributes, IMAP_PARSE_DATA_NOSELECT);
	imap_parse_data_list_release(&l);
	assert_int_equal(imap_parse_data_list(cursor("() NIL nil"), &l), 0);
	assert_string_equal(buf_str(&l.name), "nil");
	assert_int_equal(l.delimiter, 0);
	imap_parse_data_list_release(&l);
	assert_int_equal(imap_parse_data_list(cursor("() NIL ("), &l), -1);
	imap_parse_data_list_release(&l);
	assert_int_equal(imap_parse_data_list(cursor("() /"), &l), -1);
	imap_parse_data_list_release(&l);
	for (size_t len = IMAP_PARSE_DATA_NAME; len <= IMAP_PARSE_DATA_NAME + 1; len++) {
		char *line = mem_printf("() NIL {%zu}\r\n%0*d", len, (int)len, 0);

		assert_int_equal(imap_parse_data_list(cursor(line), &l),
			len > IMAP_PARSE_DATA_NAME ? -1 : 0);
		imap_parse_data_list_release(&l);
		mem_free(line);
	}
}

static void test_status(void **state)
{
	struct imap_parse_data_status s;

	UNUSED(state);
	assert_int_equal(
		imap_parse_data_status(cursor("\"a b\" (MESSAGES 231 X (1 2) UIDNEXT 44292 "
					      "UNSEEN 3 UIDVALIDITY 9)"),
			&s),
		0);
	assert_string_equal(buf_str(&s.name), "a b");
	assert_int_equal(s.messages, 231);
	assert_int_equal(s.uid_next, 44292);
	assert_int_equal(s.unseen, 3);
	assert_int_equal(s.uid_validity, 9);
	imap_parse_data_status_release(&s);
	assert_int_equal(imap_parse_data_status(cursor("a (MESSAGES"), &s), -1);
	imap_parse_data_status_release(&s);
}

static void test_numbers(void **state)
{
	struct imap_parse_data_numbers n = {0};

	UNUSED(state);
	assert_int_equal(imap_parse_data_search(cursor(" 2 84 882 (MODSEQ 917162500)"), &n), 0);
	assert_int_equal(n.n, 3);
	assert_int_equal(n.list[2], 882);
	assert_int_equal(imap_parse_data_search(cursor("1 x"), &n), -1);
	imap_parse_data_numbers_release(&n);
	assert_int_equal(
		imap_parse_data_esearch(cursor("(TAG \"A\") UID COUNT 5 ALL 7:5,9,4"), &n), 0);
	assert_int_equal(n.n, 5);
	assert_int_equal(n.list[0], 5);
	assert_int_equal(n.list[4], 4);
	imap_parse_data_numbers_release(&n);
	assert_int_equal(imap_parse_data_set("1:4294967295", 12, &n), -1);
	assert_int_equal(n.n, IMAP_PARSE_DATA_NUMBERS);
	imap_parse_data_numbers_release(&n);
	assert_int_equal(imap_parse_data_set("1,", 2, &n), -1);
	assert_int_equal(imap_parse_data_set("1:*", 3, &n), -1);
	assert_int_equal(imap_parse_data_set("4294967296", 10, &n), -1);
	imap_parse_data_numbers_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_broken_tokens),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_broken_fetch),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* FastCGI bytes to requests and back: records, name-value pairs, the order of records, and the CGI of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "gateway/fcgi_intake.h"
#include "tests/unit/fcgi_client.h"

#define BODY_BYTES 1000

/* --- what is written --------------------------------------------------------------------------------------------- */

static void test_put(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	fcgi_put_stdout(&b, 0x102, "ab", 2);
	fcgi_put_finish(&b, 0x102);
	fcgi_put_end(&b, 3, FCGI_STATUS_CANT_MPX);
	fcgi_put_stdout(&b, 1, "", 0);
	assert_int_equal(b.len, 10 + 8 + 16 + 16);
	assert_memory_equal(b.data,
		"\1\6\1\2\0\2\0\0ab\1\6\1\2\0\0\0\0"
		"\1\3\1\2\0\10\0\0\0\0\0\0\0\0\0\0"
		"\1\3\0\3\0\10\0\0\0\0\0\0\1\0\0\0",
		b.len);
	buf_release(&b);
}

static void test_put_splits(void **state)
{
	static char big[FCGI_CONTENT_MAX + 10];
	struct buf b = BUF_INIT;

	(void)state;
	memset(big, 'x', sizeof(big));
	fcgi_put_stdout(&b, 1, big, sizeof(big));
	assert_int_equal(b.len, sizeof(big) + 16);
	assert_memory_equal(b.data, "\1\6\0\1\377\377\0\0x", 9);
	assert_memory_equal(b.data + 8 + FCGI_CONTENT_MAX, "\1\6\0\1\0\12\0\0x", 9);
	buf_release(&b);
}

static void test_head(void **state)
{
	const struct http_header headers[] = {{"A", "1"}, {"Bad", "x\r\nSet-Cookie: y"},
		{"Bad\n", "1"}, {"Bad:", "1"}, {"B", "\t2"}, {NULL, NULL}};
	struct buf b = BUF_INIT;

	(void)state;
	cgi_put_head(&b, 404, headers, 7);
	assert_string_equal(
		b.data, "Status: 404 Not Found\r\nA: 1\r\nB: \t2\r\nContent-Length: 7\r\n\r\n");
	buf_clear(&b);
	cgi_put_head(&b, 299, headers + 5, -1);
	assert_string_equal(b.data, "Status: 299 Unknown\r\n\r\n");
	buf_release(&b);
}

/* --- what is read ------------------------------------------------------------------------------------------------ */

static void test_pairs(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int n; /* pairs before the end; -1: malformed */
	} rows[] = {
		{"", 0, 0},
		{"\1\2abc", 5, 1},
		{"\0\0", 2, 1},
		{"\1\0a\1\0b", 6, 2},
		{"\200\0\0\1\0x", 6, 1},
		{"\1", 1, -1},
		{"\200\0\0", 3, -1},
		{"\3\0ab", 4, -1},
		{"\1\3abc", 5, -1},
		{"\377\377\377\377\377\377\377\377a", 9, -1},
		{"\1\377\377\377\377a", 6, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *at = rows[i].bytes;
		size_t len = rows[i].len;
		struct fcgi_pair pair;
		int n = 0, rc;
		while ((rc = fcgi_pair_next(&at, &len, &pair)) > 0)
			n++;
		assert_int_equal(rc < 0 ? -1 : n, rows[i].n);
	}
}

static void put_request(struct buf *b, const char *length, const char *body)
{
	const char *const params[] = {"REQUEST_METHOD", "POST", "REQUEST_URI", "/a?b=c",
		"CONTENT_LENGTH", length, "HTTP_LAST_EVENT_ID", "5-1", NULL};

	put_begin(b, 0x1234, 1);
	put_params(b, 0x1234, params);
	put_stdin(b, 0x1234, body, strlen(body));
}

static void expect_request(struct fcgi_intake *in)
{
	assert_int_equal(in->state, FCGI_INTAKE_COMPLETE);
	assert_int_equal(in->id, 0x1234);
	assert_int_equal(in->refused, 0);
	assert_int_equal(in->cgi.method, HTTP_POST);
	assert_string_equal(in->cgi.path, "/a");
	assert_string_equal(in->cgi.query, "b=c");
	assert_string_equal(cgi_request_header(&in->cgi, "last-event-id"), "5-1");
	assert_null(cgi_request_header(&in->cgi, "last-event"));
	assert_string_equal(in->body.data, "hello");
}

/* Whatever the pieces are in which a request arrives, it is the same request. */
static void test_any_pieces(void **state)
{
	struct buf b = BUF_INIT, reply = BUF_INIT;

	(void)state;
	put_request(&b, "5", "hello");
	b.data[6] = 0; /* no padding so far: give the first record some */
	struct buf padded = BUF_INIT;
	buf_add(&padded, b.data, 16);
	padded.data[6] = 3;
	buf_add(&padded, "pad", 3);
	buf_add(&padded, b.data + 16, b.len - 16);
	for (size_t step = 1; step <= padded.len; step++) {
		struct fcgi_intake in;
		fcgi_intake_init(&in, BODY_BYTES, NULL);
		for (size_t at = 0; at < padded.len; at += step) {
			size_t n = padded.len - at < step ? padded.len - at : step;
			char *copy = mem_dup(padded.data + at, n);
			fcgi_intake_feed(&in, copy, n, &reply);
			mem_free(copy);
		}
		expect_request(&in);
		assert_int_equal(reply.len, 0);
		fcgi_intake_release(&in);
	}
	buf_release(&padded);
	buf_release(&b);
}

static void feed(struct fcgi_intake *in, struct buf *b, struct buf *reply)
{
	fcgi_intake_init(in, BODY_BYTES, NULL);
	fcgi_intake_feed(in, b->data, b->len, reply);
	buf_release(b);
}

static void test_order(void **state)
{
	static const struct {
		const char *name;
		unsigned types[4]; /* of records of id 1, contents as they should be */
		enum fcgi_intake_state expected;
	} rows[] = {
		{"nothing", {0}, FCGI_INTAKE_BEGIN},
		{"begin", {REC_BEGIN}, FCGI_INTAKE_PARAMS},
		{"abort at once", {REC_BEGIN, REC_ABORT}, FCGI_INTAKE_ABORTED},
		{"abort first", {REC_ABORT}, FCGI_INTAKE_BAD},
		{"begin twice", {REC_BEGIN, REC_BEGIN}, FCGI_INTAKE_BAD},
		{"params first", {REC_PARAMS}, FCGI_INTAKE_BAD},
		{"body before params end", {REC_BEGIN, REC_STDIN}, FCGI_INTAKE_BAD},
		{"body", {REC_BEGIN, REC_PARAMS}, FCGI_INTAKE_BODY},
		{"params after their end", {REC_BEGIN, REC_PARAMS, REC_PARAMS}, FCGI_INTAKE_BAD},
		{"complete", {REC_BEGIN, REC_PARAMS, REC_STDIN}, FCGI_INTAKE_COMPLETE},
		{"more body", {REC_BEGIN, REC_PARAMS, REC_STDIN, REC_STDIN}, FCGI_INTAKE_COMPLETE},
		{"abort", {REC_BEGIN, REC_PARAMS, REC_STDIN, REC_ABORT}, FCGI_INTAKE_ABORTED},
		{"again", {REC_BEGIN, REC_PARAMS, REC_STDIN, REC_BEGIN}, FCGI_INTAKE_BAD},
		{"answer", {REC_BEGIN, REC_STDOUT}, FCGI_INTAKE_BAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT, reply = BUF_INIT;
		struct fcgi_intake in;
		for (size_t t = 0; t < 4 && rows[i].types[t] != 0; t++)
			if (rows[i].types[t] == REC_BEGIN)
				put_begin(&b, 1, 1);
			else
				put_record(&b, rows[i].types[t], 1, NULL, 0);
		feed(&in, &b, &reply);
		if (in.state != rows[i].expected)
			fail_msg("%s: %d", rows[i].name, (int)in.state);
		fcgi_intake_release(&in);
		buf_release(&reply);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *length, *body;
		int refused;
	} rows[] = {{"", "hello", 0}, {"5", "hello", 0}, {"0", "", 0}, {"", "", 0},
		{"6", "hello", 400}, {"4", "hello", 400}, {"-5", "hello", 400},
		{"+5", "hello", 400}, {" 5", "hello", 400}, {"0x5", "hello", 400},
		{"9999999999999999", "hello", 400}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT, reply = BUF_INIT;
		struct fcgi_intake in;
		put_request(&b, rows[i].length, rows[i].body);
		feed(&in, &b, &reply);
		assert_int_equal(in.state, FCGI_INTAKE_COMPLETE);
		assert_int_equal(in.refused, rows[i].refused);
		fcgi_intake_release(&in);
	}
}

static void test_too_large(void **state)
{
	static char body[2 * BODY_BYTES];
	struct buf b = BUF_INIT, reply = BUF_INIT;
	struct fcgi_intake in;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	put_request(&b, "1999", body);
	feed(&in, &b, &reply);
	assert_int_equal(in.state, FCGI_INTAKE_COMPLETE);
	assert_int_equal(in.refused, 413);
	assert_null(in.body.data);
	fcgi_intake_release(&in);
}

/* Variables without end, in records of their own: bounded. */
static void test_too_many_params(void **state)
{
	static char filler[60000];
	struct buf b = BUF_INIT, reply = BUF_INIT;
	struct fcgi_intake in;

	(void)state;
	put_begin(&b, 1, 1);
	for (int i = 0; i < 3; i++)
		put_record(&b, REC_PARAMS, 1, filler, sizeof(filler));
	feed(&in, &b, &reply);
	assert_int_equal(in.state, FCGI_INTAKE_BAD);
	fcgi_intake_release(&in);
}

static void test_hidden_bytes(void **state)
{
	struct cgi_request r;

	(void)state;
	cgi_request_init(&r);
	assert_int_equal(cgi_request_add(&r, "HTTP_A\0B", 8, "1", 1), 0);
	assert_int_equal(cgi_request_add(&r, "HTTP_A=B", 8, "1", 1), 0);
	assert_int_equal(cgi_request_add(&r, "HTTP_A", 6, "1\0HTTP_C=2", 10), 0);
	assert_int_equal(cgi_request_add(&r, "PATH", 4, "1", 1), 0);
	assert_int_equal(r.variables.len, 0);
	assert_int_equal(cgi_request_add(&r, "HTTP_A", 6, "1", 1), 0);
	assert_int_equal(cgi_request_add(&r, "HTTP_A", 6, "2", 1), 0);
	assert_string_equal(cgi_request_header(&r, "a"), "1");
	cgi_request_release(&r);
}

/* Management records: answered, and not more often than makes sense. libfcgi 2.4.2 overflows on this one. */
static void test_management(void **state)
{
	struct buf b = BUF_INIT, values = BUF_INIT, reply = BUF_INIT;
	struct fcgi_intake in;

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_add(&values, "\16\0FCGI_MAX_CONNS", 16);
	put_record(&b, FCGI_TYPE_GET_VALUES, 0, values.data, values.len);
	put_record(&b, 77, 0, NULL, 0);
	put_request(&b, "5", "hello");
	feed(&in, &b, &reply);
	expect_request(&in);
	assert_int_equal(reply.len, 8 + 16);
	assert_memory_equal(
		reply.data, "\1\12\0\0\0\0\0\0\1\13\0\0\0\10\0\0\115\0\0\0\0\0\0\0", reply.len);
	fcgi_intake_release(&in);
	buf_clear(&reply);
	for (int i = 0; i < 1000; i++)
		put_record(&b, 77, 0, NULL, 0);
	feed(&in, &b, &reply);
	assert_int_equal(in.state, FCGI_INTAKE_BAD);
	assert_in_range(reply.len, 16, 2048);
	fcgi_intake_release(&in);
	buf_release(&values);
	buf_release(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_splits),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_many_params),
		cmocka_unit_test(test_hidden_bytes),
		cmocka_unit_test(test_management),
	};
	return cmocka_run_group_tests_name("fcgi_records", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* selftest - the load tools' own parsers and checks, tried on right and wrong input before `make
 * bench` relies on them. */
#include "bench/lib/body.h"
#include "bench/lib/hist.h"
#include "bench/lib/reply.h"
#include "bench/lib/wire.h"
#include "core/err.h"
#include <stdio.h>
#include <string.h>

#define CONFIRM(n) "{\"rid\":" n ",\"verb\":\"confirm\",\"status\":true}"
#define RESULT(n)                                                                        \
	"{\"object\":{\"rid\":9,\"text\":\"}\\\\\\\"{\"},\"verb\":\"echo\",\"rid\" : " n \
	",\"status\":true}"

static int failures;

static void expect(int ok, const char *what)
{
	if (!ok) {
		failures++;
		fprintf(stderr, "selftest: %s\n", what);
	}
}

static void test_reply_check(void)
{
	static const struct {
		const char *body;
		int right; /* as the answer to jobs 7 and 8 */
	} cases[] = {
		{"[" CONFIRM("7") "," CONFIRM("8") "," RESULT("7") "," RESULT("8") "]", 1},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") "," RESULT("8") "]\n", 1},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") "]", 0},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") "," RESULT("7") "]", 0},
		{"[" CONFIRM("7") "," RESULT("7") "," RESULT("8") "," RESULT("8") "]", 0},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") "," RESULT("9") "]", 0},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") "," RESULT("8"), 0},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") ",{\"rid\":8,\"status\":false}]",
			0},
		{"[" CONFIRM("7") "," RESULT("7") "," CONFIRM("8") ",{\"rid\":8}]", 0},
		{CONFIRM("7"), 0},
		{"[]", 0},
		{"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *problem = reply_check(cases[i].body, strlen(cases[i].body), 7, 2);
		expect((problem == NULL) == cases[i].right, cases[i].body);
	}
}

/* Every answer is also given in every shorter length: never complete before its end, never a
 * read beyond it. */
static void test_http(void)
{
	static const struct {
		const char *bytes;
		int status; /* 0: malformed */
		const char *body;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nLocation: /a\r\n\r\nhello", 200, "hello"},
		{"HTTP/1.1 200 OK\r\ntransfer-encoding: "
		 "chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n",
			200, "hello"},
		{"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"HTTP/1.1 429 X\r\ncontent-length: 0\r\nConnection: close\r\n\r\n", 429, ""},
		{"HTTP/1.1 200 OK\r\n\r\n", 0, NULL},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello", 0, NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 0, NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", 0, NULL},
		{"HTTP/2 200\r\nContent-Length: 0\r\n\r\n", 0, NULL},
	};
	struct buf scratch = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t whole = strlen(cases[i].bytes);
		long used = 0;
		struct answer a = {0};
		for (size_t len = 0; len <= whole && used == 0; len++) {
			a = (struct answer){0};
			used = wire_http.read(&a, cases[i].bytes, len, &scratch);
		}
		if (cases[i].status == 0)
			expect(used < 0, cases[i].bytes);
		else
			expect(used == (long)whole && a.status == cases[i].status &&
					a.body_len == strlen(cases[i].body) &&
					memcmp(a.body, cases[i].body, a.body_len) == 0,
				cases[i].bytes);
	}
	buf_release(&scratch);
}

static void test_fcgi(void)
{
	static const char out[] = "\1\6\0\1\0\033\1\0Status: 404 X\r\nLocation: /b\0"
				  "\1\6\0\1\0\011\0\0\r\n\r\nhello"
				  "\1\3\0\1\0\010\0\0\0\0\0\0\0\0\0\0";
	struct buf scratch = BUF_INIT;
	struct answer a = {0};
	long used = 0;
	for (size_t len = 0; len < sizeof(out) && used == 0; len++) {
		a = (struct answer){0};
		used = wire_fcgi.read(&a, out, len, &scratch);
	}
	expect(used == (long)sizeof(out) - 1 && a.status == 404 && a.body_len == 5 &&
			memcmp(a.body, "hello", 5) == 0 && a.location_len == 2,
		"a FastCGI answer in three records");
	expect(wire_fcgi.read(&a, "\2\6\0\1\0\0\0\0", 8, &scratch) < 0,
		"a record of another version");
	expect(wire_fcgi.read(&a, "\1\6\0\2\0\0\0\0", 8, &scratch) < 0,
		"a record of another request");
	buf_release(&scratch);
}

static void test_body(void)
{
	struct body b;
	struct err e;
	expect(body_init(&b, "{\"rid\":@RID@}", 3, &wire_fcgi, &e) == 0, "an array of three jobs");
	body_number(&b, 1234567899);
	static const char text[] =
		"[{\"rid\":1234567899},{\"rid\":1234567900},{\"rid\":1234567901}]";
	expect(b.n_rids == 3 && b.len == strlen(text) && memcmp(b.bytes.data + 8, text, b.len) == 0,
		text);
	body_release(&b);
	expect(body_init(&b, "@RID@", BODY_RIDS_MAX + 1, &wire_http, &e) < 0, "too many numbers");
}

static void test_hist(void)
{
	static struct hist h;
	expect(hist_quantile(&h, 0.5) == 0, "an empty histogram");
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(&h, v);
	static const double q[] = {0.001, 0.5, 0.9, 0.99, 1};
	for (size_t i = 0; i < ARRAY_LEN(q); i++) {
		double ratio = (double)hist_quantile(&h, q[i]) / (q[i] * 100000);
		expect(ratio > 0.99 && ratio < 1.01, "a quantile");
	}
	hist_add(&h, UINT64_MAX);
	expect(h.max == UINT64_MAX, "the largest value");
}

int main(void)
{
	test_reply_check();
	test_http();
	test_fcgi();
	test_body();
	test_hist();
	return failures > 0;
}

/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <jansson.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"
#include "platforms/email/email_read.h"
#include "tests/unit/unit.h"

#define DATA "tests/data/email"
#define HEAD "From: Ann <ann@example.org>\nTo: bob@example.org\nSubject: s\n"
#define PARTS                                                                         \
	HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n"       \
	     "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: " \
	     "base64\n\nUEsDBA==\n--b--\n"

static const struct email_read_options whole = {0};

/* 0: no such file. */
static int read_file(const char *folder, const char *name, struct buf *out)
{
	char path[400];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	buf_clear(out);
	f = fopen(path, "rb");
	if (f == NULL)
		return 0;
	while ((n = fread(buf_reserve(out, 65536), 1, 65536, f)) > 0)
		buf_added(out, n);
	fclose(f);
	return 1;
}

static json_t *read_expected(const char *folder, const char *name, struct buf *scratch)
{
	char json_name[300];
	struct err e;
	json_t *value;

	snprintf(json_name, sizeof json_name, "%.*s.json", (int)(strlen(name) - 4), name);
	if (!read_file(folder, json_name, scratch))
		fail_msg("%s is not there", json_name);
	value = json_read(scratch->data, scratch->len, 20, &e);
	if (value == NULL)
		fail_msg("%s: %s", json_name, e.text);
	return value;
}

static json_t *read_text(const char *text, const struct email_read_options *o)
{
	return email_read(text, strlen(text), o);
}

static const json_t *object_of(const json_t *message)
{
	return json_object_get(message, "object");
}

static const char *string_of(const json_t *message, const char *key)
{
	const char *s = json_string_value(json_object_get(object_of(message), key));

	return s != NULL ? s : "";
}

static const json_t *attachment(const json_t *message, size_t i)
{
	return json_array_get(json_object_get(object_of(message), "attachments"), i);
}

static const char *attachment_string(const json_t *message, size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(attachment(message, i), key));

	return s != NULL ? s : "";
}

static int is_truncated(const json_t *message)
{
	return json_is_true(json_object_get(object_of(message), "truncated"));
}

/* --- corpora ---------------------------------------------------------------------------------------------------- */

/* Calls `check` for each mail in the folder; returns how many there were. */
static int each_mail(const char *folder,
	void (*check)(const char *name, const json_t *message, const json_t *expected))
{
	struct buf bytes = BUF_INIT, scratch = BUF_INIT;
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');
		json_t *message, *expected;

		if (dot == NULL || strcmp(dot, ".eml") != 0)
			continue;
		assert_true(read_file(folder, entry->d_name, &bytes));
		expected = read_expected(folder, entry->d_name, &scratch);
		message = email_read(bytes.data, bytes.len, &whole);
		check(entry->d_name, message, expected);
		json_decref(message);
		json_decref(expected);
		n++;
	}
	closedir(dir);
	buf_release(&bytes);
	buf_release(&scratch);
	return n;
}

static void check_whole(const char *name, const json_t *message, const json_t *expected)
{
	if (!json_equal(message, expected)) {
		char *text = json_dumps(message, JSON_INDENT(2));
		fail_msg("%s: got %s", name, text);
	}
}

/* The line end before a boundary is the boundary's: a text may have one less. */
static size_t trimmed(const json_t *text)
{
	size_t len = json_string_length(text);

	while (len > 0 && json_string_value(text)[len - 1] == '\n')
		len--;
	return len;
}

static void check_members(const char *name, const json_t *message, const json_t *expected)
{
	static const char *const keys[] = {
		"subject", "from", "to", "cc", "messageId", "date", "attachments"};
	static const char *const texts[] = {"text", "html"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *got = json_object_get(object_of(message), keys[i]);
		const json_t *want = json_object_get(expected, keys[i]);
		if (got != want && !json_equal(got, want))
			fail_msg("%s: %s is %s", name, keys[i], json_dumps(got, JSON_ENCODE_ANY));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const json_t *got = json_object_get(object_of(message), texts[i]);
		const json_t *want = json_object_get(expected, texts[i]);
		if (trimmed(got) != trimmed(want) ||
			(got != NULL && memcmp(json_string_value(got), json_string_value(want),
						trimmed(got)) != 0))
			fail_msg("%s: %s is %s", name, texts[i], json_string_value(got));
	}
}

static void hard_mails_are_read_as_noted(void **state)
{
	(void)state;
	assert_true(each_mail(DATA, check_whole) > 40);
}

static void run(const char *const argv[])
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		execvp(argv[0], (char *const *)argv); /* execve(2) does not write there */
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void generated_mails_have_what_was_put_in(void **state)
{
	char folder[64];

	(void)state;
	unit_folder(folder);
	run((const char *[]){"python3", DATA "/generate.py", folder, "--count", "400", NULL});
	assert_int_equal(each_mail(folder, check_members), 400);
	run((const char *[]){"rm", "-r", folder, NULL});
}

/* --- levels ----------------------------------------------------------------------------------------------------- */

static void only_the_header(void **state)
{
	static const struct email_read_options o = {.headers_only = 1};
	json_t *m = read_text(PARTS, &o);

	(void)state;
	assert_string_equal(string_of(m, "subject"), "s");
	assert_null(json_object_get(object_of(m), "text"));
	assert_null(json_object_get(object_of(m), "attachments"));
	assert_false(is_truncated(m));
	json_decref(m);
}

static void a_mail_that_is_cut(void **state)
{
	static const struct email_read_options o = {.cut = 1};
	const char *in_zip = strstr(PARTS, "UEsD") + 3, *in_text = strstr(PARTS, "hello") + 3;
	json_t *m = email_read(PARTS, (size_t)(in_zip - PARTS), &o);

	(void)state;
	assert_string_equal(string_of(m, "text"), "hello");
	assert_string_equal(attachment_string(m, 0, "fileName"), "a.zip");
	assert_true(json_is_true(json_object_get(attachment(m, 0), "truncated")));
	assert_null(json_object_get(attachment(m, 0), "size"));
	assert_true(is_truncated(m));
	json_decref(m);
	m = email_read(PARTS, (size_t)(in_text - PARTS), &o);
	assert_string_equal(string_of(m, "text"), "hel");
	assert_null(attachment(m, 0));
	assert_true(is_truncated(m));
	json_decref(m);
}

static void a_cut_anywhere_is_a_message(void **state)
{
	struct email_read_options o = {.cut = 1};
	struct buf bytes = BUF_INIT;

	(void)state;
	assert_true(read_file(DATA, "alternative-related.eml", &bytes));
	for (size_t len = 0; len <= bytes.len; len++) {
		/* A copy of that length: a read beyond it is then seen by the sanitizer. */
		char *copy = malloc(len + 1);
		json_t *m;

		memcpy(copy, bytes.data, len);
		m = email_read(copy, len, &o);
		assert_string_equal(json_string_value(json_object_get(m, "verb")), "send");
		assert_int_equal(json_object_size(json_object_get(m, "actor")), 2);
		json_decref(m);
		free(copy);
	}
	buf_release(&bytes);
}

static void the_servers_date_is_the_last_resort(void **state)
{
	static const struct email_read_options o = {.received_ms = 1385000000000};
	json_t *m = read_text("From: a@b\nDate: once\n\n", &o);

	(void)state;
	assert_string_equal(string_of(m, "date"), "2013-11-21T02:13:20.000Z");
	assert_int_equal(json_integer_value(json_object_get(m, "timestamp")), 1385000000000);
	json_decref(m);
}

/* --- parts ------------------------------------------------------------------------------------------------------ */

static void check_content(const char *mail, const char *part, const char *name, const char *content)
{
	struct buf bytes = BUF_INIT;
	struct err e = {0};
	json_t *p;

	assert_true(read_file(DATA, mail, &bytes));
	p = email_read_part(bytes.data, bytes.len, part, 1000, &e);
	if (p == NULL)
		fail_msg("%s %s: %s", mail, part, e.text);
	assert_string_equal(json_string_value(json_object_get(p, "part")), part);
	if (name != NULL)
		assert_string_equal(json_string_value(json_object_get(p, "fileName")), name);
	assert_string_equal(json_string_value(json_object_get(p, "encoding")), "base64");
	assert_string_equal(json_string_value(json_object_get(p, "contents")), content);
	json_decref(p);
	buf_release(&bytes);
}

static void one_part_on_request(void **state)
{
	(void)state;
	check_content("alternative-related.eml", "1.2.2", "pic.gif", "R0lGODlhAQABAAAAACw=");
	check_content("alternative-related.eml", "2", "report.pdf", "JVBERi0xLjQK");
	check_content("alternative-related.eml", "1.1", NULL, "cGxhaW4gdGV4dA==");
	check_content("attachment-alone.eml", "1", "only.pdf", "JVBERi0xLjQK");
	check_content("names.eml", "4", "passwd", "NA==");
	check_content("tnef.eml", "2.1", "Bericht für Juli.pdf", "JVBERi0xLjQgaW5zaWRl");
	check_content("tnef.eml", "2.2", "café.txt", "c2Vjb25k");
	check_content("uuencode-cte.eml", "1", "abc.txt", "YWJj");
}

static void parts_that_cannot_be_had(void **state)
{
	static const char *const none[] = {"", "0", "3", "1.1", "2.1", "2.", "02", "-1", "2 ", "x",
		"99999999999999999999", "1.1.1.1.1.1"};
	struct buf bytes = BUF_INIT;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		e.code = ERR_NONE;
		assert_null(email_read_part(PARTS, strlen(PARTS), none[i], 1000, &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
	}
	assert_null(email_read_part(PARTS, strlen(PARTS), "2", 3, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	assert_null(email_read_part(NULL, 0, "2", 3, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(read_file(DATA, "tnef.eml", &bytes));
	assert_null(email_read_part(bytes.data, bytes.len, "2.1", 14, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	assert_null(email_read_part(bytes.data, bytes.len, "2.3", 14, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_release(&bytes);
	json_decref(email_read(NULL, 0, &whole));
}

/* --- bounds ----------------------------------------------------------------------------------------------------- */

static void repeat(struct buf *b, const char *what, size_t n)
{
	while (n-- > 0)
		buf_add_str(b, what);
}

static json_t *read_buf(struct buf *b, const struct email_read_options *o)
{
	json_t *m = email_read(b->data, b->len, o);

	buf_clear(b);
	return m;
}

static void texts_are_bounded_between_characters(void **state)
{
	static const struct email_read_options o = {.max_text_bytes = 1001};
	struct buf b = BUF_INIT;
	json_t *m;

	(void)state;
	buf_add_str(&b, HEAD "Content-Type: text/html; charset=iso-8859-1\n\n");
	repeat(&b, "\xe9", 5000);
	m = read_buf(&b, &o);
	assert_int_equal(strlen(string_of(m, "html")), 1000);
	assert_true(is_truncated(m));
	json_decref(m);

	buf_add_str(&b, HEAD "Content-Type: text/plain; charset=utf-8\n\n");
	repeat(&b, "0123456789", 100);
	buf_add_char(&b, 'x');
	m = read_buf(&b, &o);
	assert_int_equal(strlen(string_of(m, "text")), 1001);
	assert_false(is_truncated(m));
	json_decref(m);

	buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n");
	repeat(&b, "\n--b\n\n0123456789", 300);
	m = read_buf(&b, &o);
	assert_int_equal(strlen(string_of(m, "text")), 1001);
	assert_true(is_truncated(m));
	json_decref(m);
	buf_release(&b);
}

static void recipients_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	json_t *m;

	(void)state;
	buf_add_str(&b, "From: a@b\nTo: x@y");
	repeat(&b, ",\n x@y", 100000);
	repeat(&b, "\nCc: x@y", 2000);
	buf_add_str(&b, "\n\nbody");
	m = read_buf(&b, &whole);
	assert_int_equal(json_array_size(json_object_get(object_of(m), "to")), 1000);
	assert_in_range(json_array_size(json_object_get(m, "target")), 1000, 2000);
	assert_string_equal(string_of(m, "text"), "body");
	assert_true(is_truncated(m));
	json_decref(m);
	buf_release(&b);
}

static void headers_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	json_t *m;

	(void)state;
	repeat(&b, "X: x\n", 1000);
	buf_add_str(&b, "Subject: one too many\n\nbody");
	m = read_buf(&b, &whole);
	assert_string_equal(string_of(m, "subject"), "");
	assert_string_equal(string_of(m, "text"), "body");
	assert_true(is_truncated(m));
	json_decref(m);

	for (int i = 0; i < 5; i++) {
		buf_add_str(&b, "\nX: ");
		repeat(&b, "0123456789", 6000);
	}
	buf_consume(&b, 1);
	buf_add_str(&b, "\nSubject: too far\n\nbody");
	m = read_buf(&b, &whole);
	assert_string_equal(string_of(m, "subject"), "");
	assert_string_equal(string_of(m, "text"), "body");
	assert_true(is_truncated(m));
	json_decref(m);

	buf_add_str(&b, "Subject: ");
	repeat(&b, "long ", 1000000);
	repeat(&b, "\nX-Other: x", 100000);
	buf_add_str(&b, "\n\nbody");
	m = read_buf(&b, &whole);
	assert_in_range(strlen(string_of(m, "subject")), 1000, 4000);
	assert_string_equal(string_of(m, "text"), "body");
	assert_true(is_truncated(m));
	json_decref(m);
	buf_release(&b);
}

static void parts_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	json_t *m;

	(void)state;
	buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n");
	repeat(&b, "--b\nContent-Type: a/b\n\n", 100000);
	m = read_buf(&b, &whole);
	/* 500 parts, of which the whole is one. */
	assert_int_equal(json_array_size(json_object_get(object_of(m), "attachments")), 499);
	assert_true(is_truncated(m));
	json_decref(m);

	buf_add_str(&b, HEAD);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	buf_add_str(&b, "\ndeep");
	m = read_buf(&b, &whole);
	assert_true(is_truncated(m));
	json_decref(m);
	buf_release(&b);
}

static void nesting_is_read_up_to_its_bound(void **state)
{
	struct buf b = BUF_INIT;
	json_t *m;

	(void)state;
	buf_add_str(&b, HEAD);
	for (int i = 0; i < 64; i++)
		buf_printf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	buf_add_str(&b, "\ndeep");
	m = read_buf(&b, &whole);
	assert_string_equal(string_of(m, "text"), "deep");
	assert_false(is_truncated(m));
	json_decref(m);
	buf_release(&b);
}

/* Lines that are nearly each of many boundaries, signs that want partners, words that never end: time has to grow with the
 * size only. Each takes some 10 ms; the bound is for sanitizers on a busy machine. */
static void costly_mails_cost_little(void **state)
{
	struct timespec from, to;
	struct buf b = BUF_INIT;

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	buf_add_str(&b, HEAD);
	for (int i = 0; i < 64; i++)
		buf_printf(&b,
			"Content-Type: multipart/mixed; boundary=bbbbbbbb%02d\n\n--bbbbbbbb%02d\n",
			i, i);
	repeat(&b, "--bbbbbbbbxx\n", 100000);
	json_decref(read_buf(&b, &whole));
	buf_add_str(&b, "Subject: ");
	repeat(&b, "=?x", 20000);
	buf_add_str(&b, "\nTo: ");
	repeat(&b, "=?", 30000);
	buf_add_str(&b, "\nTo: ");
	repeat(&b, "=?a?q?", 10000);
	buf_add_str(&b, "\nCc: ");
	repeat(&b, "(", 60000);
	buf_add_str(&b, "\nBcc: ");
	repeat(&b, "\"a\\", 20000);
	buf_add_str(&b, "\n\n");
	json_decref(read_buf(&b, &whole));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_in_range(to.tv_sec - from.tv_sec, 0, 4);
	buf_release(&b);
}

/* 20 MB, one attachment: 25 ms and less than 1 MB beside the mail, when it was written. */
static void a_big_mail_needs_little_time_and_memory(void **state)
{
	char line[79];
	struct buf b = BUF_INIT;
	struct rusage before, after;
	struct timespec from, to;
	json_t *m;

	(void)state;
	memset(line, 'A', 76);
	strcpy(line + 76, "\r\n");
	buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n"
			     "Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n");
	repeat(&b, line, 20 * 1024 * 1024 / 78);
	buf_add_str(&b, "--b--\n");
	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	m = email_read(b.data, b.len, &whole);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(json_integer_value(json_object_get(attachment(m, 0), "size")),
		20 * 1024 * 1024 / 78 * 57);
	assert_in_range(to.tv_sec - from.tv_sec, 0, 2);
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 10 * 1024);
	json_decref(m);
	buf_release(&b);
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hard_mails_are_read_as_noted),
		cmocka_unit_test(generated_mails_have_what_was_put_in),
		cmocka_unit_test(only_the_header),
		cmocka_unit_test(a_mail_that_is_cut),
		cmocka_unit_test(a_cut_anywhere_is_a_message),
		cmocka_unit_test(the_servers_date_is_the_last_resort),
		cmocka_unit_test(one_part_on_request),
		cmocka_unit_test(parts_that_cannot_be_had),
		cmocka_unit_test(texts_are_bounded_between_characters),
		cmocka_unit_test(recipients_are_bounded),
		cmocka_unit_test(headers_are_bounded),
		cmocka_unit_test(parts_are_bounded),
		cmocka_unit_test(nesting_is_read_up_to_its_bound),
		cmocka_unit_test(costly_mails_cost_little),
		cmocka_unit_test(a_big_mail_needs_little_time_and_memory),
	};

	return cmocka_run_group_tests_name("email_read", tests, setup, NULL);
}

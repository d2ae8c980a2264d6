/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "platforms/email/email_reader.h"
#include "tests/unit/unit.h"

#define HEAD "From: ann@example.org\nTo: =?koi8-r?Q?=F0?= <b@x>\nDate: 21 Nov 2013 02:13:20 EST\n"

/* More than the pool has threads. */
#define MANY 16

struct seen {
	int calls;
	enum err_code code;
	json_t *result;
	struct email_reader *reader;
};

static uv_loop_t loop;

static void on_read(void *arg, json_t *result, const struct err *e)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->code = e->code;
	seen->result = result;
	seen->reader = NULL;
}

/* A mail with an attachment of about so many bytes, subject `n`. */
static struct buf make_mail(int n, size_t size)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, HEAD "Subject: %d\nContent-Type: multipart/mixed; boundary=b\n\n--b\n", n);
	buf_add_str(&b, "\nhi\n--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n");
	while (b.len < size)
		buf_add_str(&b, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJz\n");
	buf_add_str(&b, "--b--\n");
	return b;
}

static void start(struct seen *seen, struct buf mail, const char *part, size_t max_bytes)
{
	struct email_reader_job job = {.mail = mail, .part = part, .max_bytes = max_bytes};

	seen->reader = email_reader_start(&loop, &job, on_read, seen);
}

static void many_at_once(void **state)
{
	struct seen seen[MANY] = {0};

	(void)state;
	for (int i = 0; i < MANY; i++)
		start(&seen[i], make_mail(i, 500000), NULL, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(seen[i].calls, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; i < MANY; i++) {
		const json_t *object = json_object_get(seen[i].result, "object");
		char subject[16];

		snprintf(subject, sizeof subject, "%d", i);
		assert_int_equal(seen[i].calls, 1);
		assert_int_equal(seen[i].code, ERR_NONE);
		assert_string_equal(json_string_value(json_object_get(object, "subject")), subject);
		json_decref(seen[i].result);
	}
}

static void a_part(void **state)
{
	struct seen good = {0}, none = {0}, large = {0}, empty = {0};
	char part[] = "2";

	(void)state;
	start(&good, make_mail(1, 0), part, 1000);
	part[0] = 'x'; /* it was copied */
	start(&none, make_mail(1, 0), "3", 1000);
	start(&large, make_mail(1, 100000), "2", 1000);
	start(&empty, (struct buf)BUF_INIT, "1", 1000);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(good.code, ERR_NONE);
	assert_string_equal(json_string_value(json_object_get(good.result, "contents")), "");
	json_decref(good.result);
	assert_int_equal(none.code, ERR_NOT_FOUND);
	assert_null(none.result);
	assert_int_equal(large.code, ERR_TOO_LARGE);
	assert_null(large.result);
	assert_int_equal(empty.code, ERR_NONE);
	json_decref(empty.result);
}

static void a_cancelled_one_says_nothing(void **state)
{
	struct seen seen[MANY] = {0};
	struct email_reader *nobody = NULL;

	(void)state;
	/* Of so many some run, some wait: both are cancelled, every other one. */
	for (int i = 0; i < MANY; i++)
		start(&seen[i], make_mail(i, 500000), NULL, 0);
	for (int i = 0; i < MANY; i += 2) {
		email_reader_cancel(&seen[i].reader);
		assert_null(seen[i].reader);
	}
	email_reader_cancel(&nobody);
	uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(seen[i].calls, i % 2);
		json_decref(seen[i].result);
	}
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return uv_loop_init(&loop);
}

static int teardown(void **state)
{
	(void)state;
	return uv_loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(a_part),
		cmocka_unit_test(a_cancelled_one_says_nothing),
	};

	return cmocka_run_group_tests_name("email_reader", tests, setup, teardown);
}

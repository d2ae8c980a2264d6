/* SPDX-License-Identifier: MIT */
/* Mails on their way through the thread pool: their order, and that their owner learns when too much waits. */
#include <jansson.h>

#include "core/json.h"
#include "core/mem.h"
#include "platforms/email/email_batch.h"
#include "tests/unit/unit.h"

#define BIG ((size_t)1 << 20)

static uv_loop_t loop;

static struct {
	struct email_batch *batch;
	char order[100]; /* the first letters of the subjects */
	int drained, full_when_drained;
} S;

static void on_message(void *arg, json_t *message)
{
	const json_t *object = json_object_get(message, "object");
	const char *subject = json_string_value(json_object_get(object, "subject"));

	UNUSED(arg);
	S.order[strlen(S.order)] = *subject;
	json_decref(message);
}

static void on_drained(void *arg)
{
	UNUSED(arg);
	S.drained++;
	S.full_when_drained = email_batch_is_full(S.batch);
}

static void add(char subject, size_t size)
{
	static const struct email_read_options options = {.max_text_bytes = 100};
	struct buf mail = BUF_INIT;

	buf_printf(&mail, "Subject: %c\r\n\r\n", subject);
	while (mail.len < size)
		buf_add_str(&mail, "a line of text as there are many\r\n");
	email_batch_add(S.batch, &mail, &options, json_object());
}

static int begin(void **state)
{
	const struct email_batch_events events = {on_message, on_drained, NULL};

	UNUSED(state);
	memset(&S, 0, sizeof S);
	S.batch = email_batch_new(&loop, &events);
	return 0;
}

static int end(void **state)
{
	UNUSED(state);
	email_batch_free(&S.batch);
	uv_run(&loop, UV_RUN_DEFAULT);
	return 0;
}

static void big_ones_hold_up_those_behind(void **state)
{
	UNUSED(state);
	add('a', 0);
	assert_string_equal(S.order, "a");
	assert_int_equal(email_batch_waiting(S.batch), 0);
	add('b', BIG);
	add('c', 0);
	add('d', BIG);
	assert_string_equal(S.order, "a");
	assert_int_equal(email_batch_waiting(S.batch), 3);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_string_equal(S.order, "abcd");
	assert_true(S.drained >= 1);
}

static void what_waits_is_counted(void **state)
{
	UNUSED(state);
	for (char c = 'a'; c < 'e'; c++) {
		assert_false(email_batch_is_full(S.batch));
		add(c, BIG);
	}
	assert_true(email_batch_is_full(S.batch)); /* each has some bytes more */
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(S.drained, 1);
	assert_false(S.full_when_drained);
	/* Those that are read at once do not wait. */
	for (int i = 0; i < 90; i++) {
		add('s', 60000);
		assert_false(email_batch_is_full(S.batch));
	}
	assert_int_equal(S.drained, 1);
}

static int setup(void **state)
{
	UNUSED(state);
	json_setup();
	return uv_loop_init(&loop);
}

static int teardown(void **state)
{
	UNUSED(state);
	return uv_loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(big_ones_hold_up_those_behind, begin, end),
		cmocka_unit_test_setup_teardown(what_waits_is_counted, begin, end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

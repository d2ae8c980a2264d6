/* SPDX-License-Identifier: MIT */
/* The FastCGI front on a real loop and a real socket, against a small client; the api is replaced by a few paths. */
#include "tests/unit/front_fcgi_rig.h"

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void test_at_once(void **state)
{
	const char *const params[] = {"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/a b", "PATH_INFO",
		"/c", "QUERY_STRING", "q=1", "CONTENT_TYPE", "application/json", "CONTENT_LENGTH",
		"5", NULL};
	struct buf b = BUF_INIT;
	struct client c;

	(void)state;
	ask(&c, "GET", "/sockethub/x?after=1&wait=2");
	expect_answer(&c, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 53\r\n\r\n"
			  "0|/sockethub/x|after=1&wait=2|none|Bearer abc|none|0|");
	put_begin(&b, 1, 1);
	put_params(&b, 1, params);
	put_stdin(&b, 1, "hello", 5);
	assert_int_equal(client_connect(&c, T.path), 0);
	client_send(&c, &b);
	expect_answer(&c, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 49\r\n\r\n"
			  "2|/a%20b/c|q=1|application/json|none|none|5|hello");
	UNTIL(NULL, T.n_sent_ok == 2);
	assert_int_equal(front_fcgi_count(T.front), 0);
}

static void test_later(void **state)
{
	struct client c;

	(void)state;
	park(&c);
	assert_int_equal(front_fcgi_count(T.front), 1);
	assert_false(c.is_eof);
	respond_text(T.kept[0], 200, "late");
	expect_answer(
		&c, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nlate");
	UNTIL(NULL, T.n_sent_ok == 1);
	assert_int_equal(T.n_gone, 0);
}

static void test_stream(void **state)
{
	struct client c;

	(void)state;
	park(&c);
	exchange_stream(T.kept[0], 200, plain);
	UNTIL(&c, strcmp(buf_str(&c.body), "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n") ==
			  0);
	buf_clear(&c.body);
	for (int i = 0; i < 3; i++) {
		char chunk[16];
		int n = snprintf(chunk, sizeof(chunk), "event %d\n", i);
		exchange_write(T.kept[0], chunk, (size_t)n);
		assert_int_equal(exchange_queued(T.kept[0]), 0);
		UNTIL(&c, strcmp(buf_str(&c.body), chunk) == 0);
		buf_clear(&c.body);
	}
	assert_int_equal(c.n_ended, 0);
	exchange_end(T.kept[0]);
	expect_answer(&c, "");
}

static void fill_big(struct buf *b)
{
	char *at = buf_reserve(b, BIG_BYTES);

	for (size_t i = 0; i < BIG_BYTES; i++)
		at[i] = (char)('a' + i % 23);
	buf_added(b, BIG_BYTES);
}

static void test_big_answer_slow_reader(void **state)
{
	struct buf big = BUF_INIT, expected = BUF_INIT;
	struct client c;

	(void)state;
	park(&c);
	fill_big(&big);
	fill_big(&expected);
	T.kept[0]->sent = on_sent;
	T.kept[0]->sent_arg = &T;
	exchange_respond(T.kept[0], 200, plain, &big);
	for (int i = 0; i < 20; i++)
		turn(NULL);
	assert_int_equal(T.n_sent_ok, 0); /* nobody reads yet */
	assert_int_equal(front_fcgi_count(T.front), 1);
	UNTIL(&c, c.is_eof);
	assert_int_equal(c.n_ended, 1);
	assert_true(c.body.len > BIG_BYTES);
	assert_memory_equal(c.body.data + c.body.len - BIG_BYTES, expected.data, BIG_BYTES);
	UNTIL(NULL, T.n_sent_ok == 1);
	buf_release(&expected);
	client_close(&c);
}

static void test_stream_queue_drains(void **state)
{
	struct buf big = BUF_INIT;
	struct client c;

	(void)state;
	park(&c);
	fill_big(&big);
	exchange_stream(T.kept[0], 200, plain);
	exchange_write(T.kept[0], big.data, big.len);
	assert_true(exchange_queued(T.kept[0]) > BIG_BYTES / 2);
	assert_int_equal(T.n_drained, 0);
	UNTIL(&c, T.n_drained == 1);
	exchange_end(T.kept[0]);
	UNTIL(&c, c.is_eof);
	assert_memory_equal(c.body.data + c.body.len - BIG_BYTES, big.data, BIG_BYTES);
	buf_release(&big);
	client_close(&c);
}

static void test_client_leaves(void **state)
{
	struct client parked, streaming, ending;
	struct buf big = BUF_INIT;

	(void)state;
	park(&parked);
	client_close(&parked);
	UNTIL(NULL, T.n_gone == 1);
	park(&streaming);
	exchange_stream(T.kept[1], 200, plain);
	client_close(&streaming);
	exchange_write(T.kept[1], "x", 1); /* fails; gone() must not come from within */
	assert_int_equal(T.n_gone, 1);
	UNTIL(NULL, T.n_gone == 2);
	park(&ending);
	fill_big(&big);
	T.kept[2]->sent = on_sent;
	T.kept[2]->sent_arg = &T;
	exchange_respond(T.kept[2], 200, plain, &big);
	client_close(&ending);
	UNTIL(NULL, T.n_sent_broken == 1);
	for (int i = 0; i < 20; i++)
		turn(NULL);
	assert_int_equal(T.n_gone, 2);
	assert_int_equal(front_fcgi_count(T.front), 0);
}

static void test_abort(void **state)
{
	struct buf b = BUF_INIT;
	struct client c;

	(void)state;
	park(&c);
	put_begin(&b, 7, 1); /* multiplexing is refused, the parked request goes on */
	put_record(&b, REC_ABORT, 9, NULL, 0);
	client_send(&c, &b);
	UNTIL(&c, c.n_foreign_ends == 1);
	assert_int_equal(T.n_gone, 0);
	put_record(&b, REC_ABORT, 1, NULL, 0);
	client_send(&c, &b);
	UNTIL(&c, c.is_eof);
	assert_int_equal(T.n_gone, 1);
	assert_int_equal(c.n_ended, 1);
	client_close(&c);
	park(&c);
	buf_add_str(&b, "GET / HTTP/1.1\r\n");
	client_send(&c, &b);
	UNTIL(&c, c.is_eof);
	assert_int_equal(T.n_gone, 2);
	client_close(&c);
}

static void test_role(void **state)
{
	struct buf b = BUF_INIT;
	struct client c;

	(void)state;
	assert_int_equal(client_connect(&c, T.path), 0);
	put_begin(&b, 1, 2);
	put_params(&b, 1, (const char *const[]){"REQUEST_METHOD", "GET", NULL});
	put_stdin(&b, 1, NULL, 0);
	client_send(&c, &b);
	UNTIL(&c, c.is_eof);
	assert_int_equal(c.n_ended, 1);
	assert_int_equal(c.end_status, 3);
	client_close(&c);
}

/* The client writes more than a socket takes: from a thread. */
struct upload {
	struct client *c;
	struct buf bytes;
};

static void upload_main(void *arg)
{
	struct upload *u = arg;

	client_send(u->c, &u->bytes);
}

static void expect_status(
	const char *length, const char *method, size_t body_len, const char *status)
{
	const char *const params[] = {
		"REQUEST_METHOD", method, "REQUEST_URI", "/b", "CONTENT_LENGTH", length, NULL};
	char *body = mem_alloc(body_len + 1);
	struct client c;
	struct upload u = {.c = &c};
	uv_thread_t thread;

	memset(body, 'x', body_len);
	put_begin(&u.bytes, 1, 1);
	put_params(&u.bytes, 1, params);
	put_stdin(&u.bytes, 1, body, body_len);
	assert_int_equal(client_connect(&c, T.path), 0);
	uv_thread_create(&thread, upload_main, &u);
	UNTIL(&c, c.is_eof);
	uv_thread_join(&thread);
	assert_int_equal(c.n_ended, 1);
	assert_memory_equal(buf_str(&c.body), status, strlen(status));
	client_close(&c);
	mem_free(body);
}

static void test_bodies(void **state)
{
	(void)state;
	expect_status("", "POST", BODY_BYTES, "Status: 200 ");
	expect_status("262144", "POST", BODY_BYTES, "Status: 200 ");
	expect_status("262145", "POST", BODY_BYTES + 1, "Status: 413 ");
	expect_status("2000000", "POST", 2000000, "Status: 413 ");
	expect_status("7", "POST", 6, "Status: 400 "); /* cut short */
	expect_status("5", "POST", 6, "Status: 400 ");
	expect_status("-1", "POST", 0, "Status: 400 ");
	expect_status("1x", "POST", 1, "Status: 400 ");
	expect_status("99999999999999999999", "POST", 1, "Status: 400 ");
	expect_status("0", "", 0, "Status: 400 ");
}

static void test_head_and_204(void **state)
{
	struct client c;

	(void)state;
	ask(&c, "HEAD", "/h");
	expect_answer(
		&c, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n\r\n");
	ask(&c, "DELETE", "/empty");
	expect_answer(&c, "Status: 204 No Content\r\n\r\n");
	ask(&c, "HEAD", "/keep");
	UNTIL(&c, T.n_kept == 1);
	exchange_stream(T.kept[0], 200, plain);
	exchange_write(T.kept[0], "x", 1);
	exchange_end(T.kept[0]);
	expect_answer(&c, "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n");
}

static void test_bad_targets(void **state)
{
	struct client c;

	(void)state;
	ask(&c, "OPTIONS", "*");
	UNTIL(&c, c.is_eof);
	assert_memory_equal(buf_str(&c.body), "Status: 400 ", 12);
	client_close(&c);
	ask(&c, "GET", "/a\x01");
	UNTIL(&c, c.is_eof);
	assert_memory_equal(buf_str(&c.body), "Status: 400 ", 12);
	client_close(&c);
}

static void test_incomplete_requests_hold_nobody_up(void **state)
{
	struct client half, garbage, ok;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(client_connect(&garbage, T.path), 0);
	buf_add_str(&b, "GET / HTTP/1.1\r\n\r\n");
	client_send(&garbage, &b);
	UNTIL(&garbage, garbage.is_eof);
	client_close(&garbage);
	assert_int_equal(client_connect(&half, T.path), 0);
	put_request(&b, 1, "POST", "/x");
	client_send(&half, &b);
	client_close(&half);
	ask(&ok, "DELETE", "/empty");
	expect_answer(&ok, "Status: 204 No Content\r\n\r\n");
}

/* Many peers that send half a request, or nothing, cost the next one nothing. */
static void test_slow_peers(void **state)
{
	static struct client slow[100];
	struct buf b = BUF_INIT;
	struct client ok;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		assert_int_equal(client_connect(&slow[i], T.path), 0);
		put_request(&b, 1, "POST", "/x");
		b.len -= i % 2 ? 8 : b.len;
		client_send(&slow[i], &b);
	}
	ask(&ok, "DELETE", "/empty");
	expect_answer(&ok, "Status: 204 No Content\r\n\r\n");
	put_record(&b, REC_PARAMS, 1, NULL, 0);
	put_stdin(&b, 1, NULL, 0);
	client_send(&slow[1], &b);
	UNTIL(&slow[1], slow[1].n_ended == 1);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		client_close(&slow[i]);
}

/* A descriptor's number is used again at once: the end of the old call must not touch the new one's watch. */
static void test_number_used_again(void **state)
{
	struct client a, b;
	struct buf bytes = BUF_INIT;

	(void)state;
	park(&a);
	for (int i = 0; i < 5; i++)
		turn(NULL); /* so that epoll has nothing left to say about the listening socket */
	put_record(&bytes, REC_ABORT, 1, NULL, 0);
	client_send(&a, &bytes);
	assert_int_equal(client_connect(&b, T.path), 0); /* in the same turn, behind the abort */
	UNTIL(&a, a.is_eof);
	for (int i = 0; i < 5; i++)
		turn(NULL);
	put_request(&bytes, 1, "DELETE", "/empty");
	put_stdin(&bytes, 1, NULL, 0);
	client_send(&b, &bytes);
	expect_answer(&b, "Status: 204 No Content\r\n\r\n");
	client_close(&a);
}

static void test_kept_connection(void **state)
{
	const char *const params[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/keep", NULL};
	struct buf b = BUF_INIT;
	struct client c;

	(void)state;
	assert_int_equal(client_connect(&c, T.path), 0);
	for (int i = 0; i < 4; i++) {
		c.id = (unsigned)i + 1;
		put_begin_keep(&b, c.id);
		put_params(&b, c.id, params);
		put_stdin(&b, c.id, NULL, 0);
		client_send(&c, &b);
		UNTIL(&c, T.n_kept == i + 1);
		respond_text(T.kept[i], 200, "k");
		UNTIL(&c, c.n_ended == i + 1);
		assert_false(c.is_eof);
	}
	assert_int_equal(front_fcgi_count(T.front), 0);
	front_fcgi_drain(T.front);
	UNTIL(&c, c.is_eof);
	assert_int_equal(T.n_gone, 0);
	client_close(&c);
}

static void test_drain(void **state)
{
	struct client parked, late;

	(void)state;
	park(&parked);
	front_fcgi_drain(T.front);
	for (;;) {
		int rc = client_connect(&late, T.path);
		client_close(&late);
		if (rc != 0)
			break;
		turn(NULL);
	}
	assert_int_equal(T.n_gone, 0);
	respond_text(T.kept[0], 200, "");
	UNTIL(&parked, parked.is_eof);
	assert_int_equal(parked.n_ended, 1);
	client_close(&parked);
}

static void test_close(void **state)
{
	struct buf big = BUF_INIT;
	struct client parked, streaming, ending, silent;

	(void)state;
	park(&parked);
	park(&streaming);
	park(&ending);
	exchange_stream(T.kept[1], 200, plain);
	fill_big(&big);
	T.kept[2]->sent = on_sent;
	T.kept[2]->sent_arg = &T;
	exchange_respond(T.kept[2], 200, plain, &big);
	assert_int_equal(client_connect(&silent, T.path), 0);
	front_fcgi_close(&T.front);
	assert_null(T.front);
	assert_int_equal(T.n_gone, 2);
	assert_int_equal(T.n_sent_broken, 1);
	client_close(&parked);
	client_close(&streaming);
	client_close(&ending);
	client_close(&silent);
}

static void test_200_in_parallel(void **state)
{
	static struct client clients[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		ask(&clients[i], "GET", "/keep");
	UNTIL(NULL, T.n_kept == (int)ARRAY_LEN(clients));
	assert_int_equal(front_fcgi_count(T.front), ARRAY_LEN(clients));
	for (int i = 0; i < T.n_kept; i++)
		respond_text(T.kept[i], 200, "all");
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		expect_answer(&clients[i], "Status: 200 OK\r\nContent-Type: text/plain\r\n"
					   "Content-Length: 3\r\n\r\nall");
	UNTIL(NULL, T.n_sent_ok == (int)ARRAY_LEN(clients));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_at_once),
		CASE(test_later),
		CASE(test_stream),
		CASE(test_big_answer_slow_reader),
		CASE(test_stream_queue_drains),
		CASE(test_client_leaves),
		CASE(test_abort),
		CASE(test_role),
		CASE(test_bodies),
		CASE(test_head_and_204),
		CASE(test_bad_targets),
		CASE(test_incomplete_requests_hold_nobody_up),
		CASE(test_slow_peers),
		CASE(test_number_used_again),
		CASE(test_kept_connection),
		CASE(test_drain),
		CASE(test_close),
		CASE(test_200_in_parallel),
	};
	return cmocka_run_group_tests_name("front_fcgi", tests, NULL, NULL);
}

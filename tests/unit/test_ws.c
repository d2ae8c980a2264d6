/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/turn.h"
#include "gateway/ws.h"

#define WAIT_MS 10000

/* One WebSocket on one end of a socket pair, and what it told. */
static struct {
	uv_loop_t loop;
	uv_timer_t guard;
	struct ws *ws;
	int fd;           /* the peer's end; -1: closed */
	struct buf heard; /* by the peer */
	struct buf texts; /* each followed by '|' */
	int n_drained, n_gone, eof;
	const char *why;
	size_t answer; /* send so much for each text */
	int pause;     /* pause at the next text */
} T;

static void on_text(void *arg, const char *text, size_t len)
{
	assert_ptr_equal(arg, &T);
	assert_int_equal(text[len], '\0');
	buf_add(&T.texts, text, len);
	buf_add_char(&T.texts, '|');
	if (T.answer > 0) {
		char *bytes = mem_alloc(T.answer);

		memset(bytes, 'a', T.answer);
		ws_send(T.ws, bytes, T.answer);
		mem_free(bytes);
	}
	if (T.pause)
		ws_pause(T.ws, 1);
}

static void on_drained(void *arg)
{
	assert_ptr_equal(arg, &T);
	assert_int_equal(ws_queued(T.ws), 0);
	T.n_drained++;
}

static void on_gone(void *arg, const char *why)
{
	assert_ptr_equal(arg, &T);
	T.why = why;
	T.n_gone++;
	T.ws = NULL;
}

static struct ws_options options = {
	.frame_bytes = 1000,
	.message_bytes = 3000,
	.ping_ms = 60000,
	.silent_ms = 60000,
	.text = on_text,
	.drained = on_drained,
	.gone = on_gone,
};

/* --- the peer ------------------------------------------------------------------------------------------------------------ */

static void peer_send(const void *bytes, size_t len)
{
	assert_int_equal(send(T.fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* A masked frame; the mask is zero, so the payload is as it is. */
static void frame_add(struct buf *b, int first, const void *payload, size_t len)
{
	buf_add_char(b, (char)first);
	if (len < 126) {
		buf_add_char(b, (char)(0x80 | len));
	} else {
		buf_add_char(b, (char)0xfe);
		buf_add_char(b, (char)(len >> 8));
		buf_add_char(b, (char)len);
	}
	buf_add(b, "\0\0\0\0", 4);
	buf_add(b, payload, len);
}

static void peer_frame(int first, const char *payload)
{
	struct buf b = BUF_INIT;

	frame_add(&b, first, payload, strlen(payload));
	peer_send(b.data, b.len);
	buf_release(&b);
}

static void peer_read(void)
{
	char bytes[65536];
	ssize_t n;

	while (T.fd >= 0 && (n = recv(T.fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		buf_add(&T.heard, bytes, (size_t)n);
	if (T.fd >= 0 && n == 0)
		T.eof = 1;
}

static void on_guard(uv_timer_t *timer)
{
	UNUSED(timer); /* wakes the loop up, so that conditions are looked at */
}

/* Runs the loop until the condition holds. */
#define UNTIL(condition)                                             \
	do {                                                         \
		uint64_t end_ms = uv_hrtime() / 1000000 + WAIT_MS;   \
		while (!(condition)) {                               \
			uv_run(&T.loop, UV_RUN_ONCE);                \
			peer_read();                                 \
			assert_true(uv_hrtime() / 1000000 < end_ms); \
		}                                                    \
	} while (0)

static int heard(const char *bytes, size_t len)
{
	return T.heard.len >= len && memcmp(T.heard.data, bytes, len) == 0;
}

#define HEARD(text) heard(text, sizeof(text) - 1)

/* --- each test's socket --------------------------------------------------------------------------------------------------- */

static void start(const void *early, size_t len)
{
	int fds[2];

	memset(&T, 0, sizeof T);
	assert_int_equal(uv_loop_init(&T.loop), 0);
	turn_open(&T.loop);
	uv_timer_init(&T.loop, &T.guard);
	uv_timer_start(&T.guard, on_guard, 5, 5);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	T.fd = fds[1];
	T.ws = ws_open(&T.loop, fds[0], &options, &T);
	assert_non_null(T.ws);
	ws_start(T.ws, early, len);
}

static int set_up(void **state)
{
	UNUSED(state);
	options.ping_ms = options.silent_ms = 60000;
	start(NULL, 0);
	return 0;
}

static int tear_down(void **state)
{
	UNUSED(state);
	ws_free(&T.ws, WS_GOING_AWAY);
	if (T.fd >= 0)
		close(T.fd);
	uv_close((uv_handle_t *)&T.guard, NULL);
	turn_close(&T.loop);
	uv_run(&T.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&T.loop), 0);
	buf_release(&T.heard);
	buf_release(&T.texts);
	return 0;
}

/* --- tests ---------------------------------------------------------------------------------------------------------------- */

static void test_text_both_ways(void **state)
{
	UNUSED(state);
	peer_frame(0x81, "hello");
	peer_frame(0x81, "");
	UNTIL(T.texts.len == 7);
	assert_string_equal(T.texts.data, "hello||");
	ws_send(T.ws, "one", 3);
	ws_send(T.ws, "two", 3);
	UNTIL(T.heard.len >= 10);
	assert_true(HEARD("\x81\x03one\x81\x03two"));
	UNTIL(T.n_drained > 0);
}

static void test_early_bytes(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	(void)tear_down(state);
	frame_add(&b, 0x81, "first", 5);
	frame_add(&b, 0x81, "second", 6);
	start(b.data, b.len - 3); /* the rest comes later */
	assert_string_equal(buf_str(&T.texts), "first|");
	peer_send(b.data + b.len - 3, 3);
	UNTIL(T.texts.len == 13);
	assert_string_equal(T.texts.data, "first|second|");
	buf_release(&b);
}

static void test_cut_everywhere(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	frame_add(&b, 0x01, "a", 1);
	frame_add(&b, 0x89, "ping", 4);
	frame_add(&b, 0x00, "", 0);
	frame_add(&b, 0x80, "bc", 2);
	frame_add(&b, 0x82, "back", 4);
	for (size_t i = 0; i < b.len; i++) {
		peer_send(b.data + i, 1);
		uv_run(&T.loop, UV_RUN_ONCE);
	}
	UNTIL(T.heard.len >= 12);
	assert_true(HEARD("\x8a\x04ping\x82\x04"
			  "back"));
	assert_string_equal(T.texts.data, "abc|");
	buf_release(&b);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {125, 126, 1000};
	struct buf b = BUF_INIT;
	char payload[1001];

	UNUSED(state);
	memset(payload, 'x', sizeof payload);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		frame_add(&b, 0x81, payload, sizes[i]);
	peer_send(b.data, b.len);
	UNTIL(T.texts.len == 125 + 126 + 1000 + 3);
	buf_clear(&b);
	frame_add(&b, 0x81, payload, 1001);
	peer_send(b.data, b.len);
	UNTIL(T.heard.len >= 4);
	assert_true(HEARD("\x88\x02\x03\xf1"));
	UNTIL(T.eof);
	buf_release(&b);
}

static void test_message_too_large(void **state)
{
	char part[1001];

	UNUSED(state);
	memset(part, 'x', 1000);
	part[1000] = '\0';
	peer_frame(0x01, part);
	peer_frame(0x00, part);
	peer_frame(0x80, part);
	UNTIL(T.texts.len == 3001);
	peer_frame(0x01, part);
	peer_frame(0x00, part);
	peer_frame(0x00, part);
	peer_frame(0x80, "y");
	UNTIL(T.heard.len >= 4);
	assert_int_equal((unsigned char)T.heard.data[3], 0xf1);
	close(T.fd);
	T.fd = -1;
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "protocol");
	assert_int_equal(T.texts.len, 3001);
}

static void test_peer_closes_well(void **state)
{
	UNUSED(state);
	peer_frame(0x88, "\x03\xe8"
			 "bye");
	UNTIL(T.eof); /* we close first, when both frames are out */
	assert_true(HEARD("\x88\x05\x03\xe8"
			  "bye"));
	assert_int_equal(T.n_gone, 0);
	close(T.fd);
	T.fd = -1;
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "closed");
}

static void test_we_close(void **state)
{
	UNUSED(state);
	ws_send(T.ws, "last", 4);
	ws_close(T.ws, WS_TRY_LATER, "full");
	ws_send(T.ws, "too late", 8);
	peer_frame(0x81, "not heard any more");
	UNTIL(T.heard.len >= 14);
	assert_true(HEARD("\x81\x04last\x88\x06\x03\xf5"
			  "full"));
	assert_int_equal(T.eof, 0);
	peer_frame(0x88, "\x03\xf5");
	UNTIL(T.eof);
	close(T.fd);
	T.fd = -1;
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "closed");
	assert_int_equal(T.texts.len, 0);
}

static void test_peer_vanishes(void **state)
{
	UNUSED(state);
	peer_frame(0x01, "half");
	close(T.fd);
	T.fd = -1;
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "gone");
	assert_int_equal(T.texts.len, 0);
}

static void test_answers_before_a_mistake(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	T.answer = 5;
	frame_add(&b, 0x81, "ask", 3);
	buf_add(&b, "\xff\xff\xff\xff", 4);
	peer_send(b.data, b.len);
	UNTIL(T.eof);
	assert_int_equal(T.heard.len, 11);
	assert_true(HEARD("\x81\x05"
			  "aaaaa\x88\x02\x03\xea"));
	buf_release(&b);
}

static void test_silence(void **state)
{
	UNUSED(state);
	(void)tear_down(state);
	options.ping_ms = 60;
	options.silent_ms = 40;
	start(NULL, 0);
	UNTIL(T.heard.len >= 2);
	assert_true(HEARD("\x89\x00"));
	peer_frame(0x8a, "");
	buf_clear(&T.heard);
	UNTIL(T.heard.len >= 2); /* it asks again, and then gives up */
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "silent");
}

/* A flood of frames, while the peer takes nothing: little is kept, nothing is lost. */
static void test_held_back(void **state)
{
	struct buf b = BUF_INIT;
	size_t sent = 0, total = 0;
	size_t most = 0;
	char payload[900];

	UNUSED(state);
	memset(payload, 'x', sizeof payload);
	for (int i = 0; i < 5000; i++)
		frame_add(&b, 0x82, payload, sizeof payload);
	for (int idle = 0; idle < 20; uv_run(&T.loop, UV_RUN_ONCE)) {
		ssize_t n = send(T.fd, b.data + sent, b.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		idle = n > 0 ? 0 : idle + 1;
		sent += n > 0 ? (size_t)n : 0;
		most = MAX(most, ws_queued(T.ws));
		if (sent == b.len)
			break;
	}
	assert_true(sent < b.len);
	assert_in_range(most, 60000, 65536 + 8192);
	while (total < 5000 * 904) {
		peer_read();
		total += T.heard.len;
		buf_clear(&T.heard);
		if (sent < b.len) {
			ssize_t n = send(
				T.fd, b.data + sent, b.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
			sent += n > 0 ? (size_t)n : 0;
		}
		uv_run(&T.loop, UV_RUN_ONCE);
	}
	assert_int_equal(total, 5000 * 904);
	buf_release(&b);
}

static size_t texts_heard(void)
{
	size_t n = 0;

	for (size_t i = 0; i < T.texts.len; i++)
		n += T.texts.data[i] == '|';
	return n;
}

static void test_pause(void **state)
{
	struct buf b = BUF_INIT;
	size_t before;

	UNUSED(state);
	T.pause = 1;
	for (int i = 0; i < 200; i++)
		frame_add(&b, 0x81, "0123456789012345678901234567890123456789", 40);
	peer_send(b.data, b.len);
	UNTIL(T.texts.len > 0);
	before = texts_heard();
	assert_in_range(before, 1, 4096 / 46 + 1); /* what the decoder had read already */
	for (int i = 0; i < 20; i++)
		uv_run(&T.loop, UV_RUN_ONCE);
	assert_int_equal(texts_heard(), before);
	T.pause = 0;
	ws_pause(T.ws, 0);
	UNTIL(texts_heard() == 200);
	buf_release(&b);
}

static void test_peer_vanishes_while_paused(void **state)
{
	UNUSED(state);
	ws_pause(T.ws, 1);
	uv_run(&T.loop, UV_RUN_ONCE);
	close(T.fd);
	T.fd = -1;
	UNTIL(T.n_gone == 1);
	assert_string_equal(T.why, "gone");
}

static void test_free_says_good_bye(void **state)
{
	UNUSED(state);
	ws_send(T.ws, "last", 4);
	ws_free(&T.ws, WS_GOING_AWAY);
	assert_null(T.ws);
	UNTIL(T.eof);
	assert_true(HEARD("\x81\x04last\x88\x02\x03\xe9"));
	assert_int_equal(T.n_gone, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_text_both_ways),
		TEST(test_early_bytes),
		TEST(test_cut_everywhere),
		TEST(test_sizes),
		TEST(test_message_too_large),
		TEST(test_peer_closes_well),
		TEST(test_we_close),
		TEST(test_peer_vanishes),
		TEST(test_answers_before_a_mistake),
		TEST(test_silence),
		TEST(test_held_back),
		TEST(test_pause),
		TEST(test_peer_vanishes_while_paused),
		TEST(test_free_says_good_bye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* front_fcgi_rig - a loop with the FastCGI front on a unix socket, and an api of a few paths, for test_front_fcgi.c. */
#ifndef TESTS_FRONT_FCGI_RIG_H
#define TESTS_FRONT_FCGI_RIG_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/mem.h"
#include "gateway/front_fcgi.h"
#include "tests/unit/fcgi_client.h"

#define BODY_BYTES (256 * 1024)
#define BIG_BYTES  (8 * 1024 * 1024)
#define KEPT_MAX   256
#define WAIT_MS    10000

static const struct http_header plain[] = {{"Content-Type", "text/plain"}, {NULL, NULL}};

static struct {
	uv_loop_t loop;
	struct front_fcgi *front;
	char dir[64];
	char path[96];
	struct exchange *kept[KEPT_MAX];
	int n_kept, n_gone, n_drained, n_sent_ok, n_sent_broken;
} T;

/* --- the api ----------------------------------------------------------------------------------------------------- */

static void on_gone(struct exchange *x)
{
	T.n_gone++;
	for (int i = 0; i < T.n_kept; i++)
		if (T.kept[i] == x)
			T.kept[i] = NULL;
}

static void on_drained(struct exchange *x)
{
	assert_int_equal(exchange_queued(x), 0);
	T.n_drained++;
}

static void on_sent(void *arg, int ok)
{
	assert_ptr_equal(arg, &T);
	if (ok)
		T.n_sent_ok++;
	else
		T.n_sent_broken++;
}

static void respond_text(struct exchange *x, int status, const char *text)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, text);
	x->sent = on_sent;
	x->sent_arg = &T;
	exchange_respond(x, status, plain, &b);
	assert_null(b.data);
}

static const char *or_none(const char *s)
{
	return s != NULL ? s : "none";
}

static void echo(struct exchange *x)
{
	char text[512];

	snprintf(text, sizeof(text), "%d|%s|%s|%s|%s|%s|%zu|%.20s", (int)x->method, x->path,
		x->query, or_none(exchange_header(x, "content-type")),
		or_none(exchange_header(x, "Authorization")),
		or_none(exchange_header(x, "X-Missing")), x->body.len, buf_str(&x->body));
	respond_text(x, 200, text);
}

static void handle(void *api, struct exchange *x)
{
	assert_ptr_equal(api, &T);
	if (x->refused != 0) {
		respond_text(x, x->refused, "refused");
	} else if (strcmp(x->path, "/keep") == 0) {
		assert_true(T.n_kept < KEPT_MAX);
		x->gone = on_gone;
		x->drained = on_drained;
		T.kept[T.n_kept++] = x;
	} else if (strcmp(x->path, "/empty") == 0) {
		struct buf none = BUF_INIT;
		exchange_respond(x, 204, plain + 1, &none);
	} else {
		echo(x);
	}
}

/* --- helpers ----------------------------------------------------------------------------------------------------- */

static int listen_on(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 512), 0);
	return fd;
}

static int set_up(void **state)
{
	struct err e;
	const struct front_options options = {
		.handler = handle, .api = &T, .body_bytes = BODY_BYTES};

	(void)state;
	memset(&T, 0, sizeof(T));
	snprintf(T.dir, sizeof(T.dir), "%s/sockethub-fcgi-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(T.dir));
	snprintf(T.path, sizeof(T.path), "%s/s", T.dir);
	uv_loop_init(&T.loop);
	assert_int_equal(
		front_fcgi_open(&T.loop, listen_on(T.path), 1000, &options, &T.front, &e), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (T.front != NULL)
		front_fcgi_close(&T.front);
	uv_run(&T.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&T.loop), 0);
	unlink(T.path);
	rmdir(T.dir);
	return 0;
}

static void turn(struct client *c)
{
	struct pollfd p[2] = {{uv_backend_fd(&T.loop), POLLIN, 0}, {c ? c->fd : -1, POLLIN, 0}};

	uv_run(&T.loop, UV_RUN_NOWAIT);
	if (c != NULL)
		client_turn(c);
	poll(p, c != NULL && !c->is_eof ? 2 : 1, 2);
}

/* Turns loop and client until `condition` holds; fails after WAIT_MS. */
#define UNTIL(c, condition)                                                \
	do {                                                               \
		uint64_t end_ = uv_hrtime() + (uint64_t)WAIT_MS * 1000000; \
		while (!(condition)) {                                     \
			if (uv_hrtime() > end_)                            \
				fail_msg("never: %s", #condition);         \
			turn(c);                                           \
		}                                                          \
	} while (0)

static void put_request(struct buf *b, unsigned id, const char *method, const char *uri)
{
	const char *const params[] = {"REQUEST_METHOD", method, "REQUEST_URI", uri,
		"CONTENT_LENGTH", "", "HTTP_AUTHORIZATION", "Bearer abc", NULL};

	put_begin(b, id, 1);
	put_params(b, id, params);
}

static void ask(struct client *c, const char *method, const char *uri)
{
	struct buf b = BUF_INIT;

	assert_int_equal(client_connect(c, T.path), 0);
	put_request(&b, 1, method, uri);
	put_stdin(&b, 1, NULL, 0);
	client_send(c, &b);
}

static void park(struct client *c)
{
	int before = T.n_kept;

	ask(c, "GET", "/keep?wait=20");
	UNTIL(c, T.n_kept == before + 1);
}

static void expect_answer(struct client *c, const char *answer)
{
	UNTIL(c, c->is_eof);
	assert_int_equal(c->n_ended, 1);
	assert_int_equal(c->end_status, 0);
	assert_string_equal(buf_str(&c->body), answer);
	client_close(c);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "core/curl_loop.h"

#include <locale.h>
#include <signal.h>

#include "core/mem.h"

#define CURL_LOOP_MAGIC 0x6375726cu
#define WATCH_MAGIC     0x63776174u

struct curl_loop {
	unsigned magic;
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	int in_timer;
	int draining;
	int freed; /* by a callback that drain() is calling */
};

/* One descriptor libcurl wants to know about. */
struct watch {
	unsigned magic;
	uv_poll_t poll;
	struct curl_loop *owner;
	curl_socket_t fd;
};

/* What is kept about a transfer, in its CURLOPT_PRIVATE. */
struct entry {
	curl_loop_done_fn *done;
	void *arg;
	int kept; /* stays in the multi handle when it is done */
};

static void on_timer_closed(uv_handle_t *h)
{
	mem_free(CONTAINER_OF(h, struct curl_loop, timer));
}

static void close_down(struct curl_loop *c)
{
	curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

static struct entry *entry_of(CURL *easy)
{
	char *p = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
	return (struct entry *)(void *)p;
}

void curl_loop_remove(struct curl_loop *c, CURL *easy)
{
	mem_free(entry_of(easy));
	curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	curl_multi_remove_handle(c->multi, easy);
}

/* Report what has ended. The message is read before the handle is removed, which frees it. */
static void drain(struct curl_loop *c)
{
	CURLMsg *msg;
	int left;

	if (c->draining)
		return;
	c->draining = 1;
	while (!c->freed && (msg = curl_multi_info_read(c->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		CURLcode result = msg->data.result;
		struct entry entry = *entry_of(easy);

		if (msg->msg != CURLMSG_DONE)
			continue;
		if (!entry.kept)
			curl_loop_remove(c, easy);
		entry.done(entry.arg, easy, result);
	}
	c->draining = 0;
	if (c->freed)
		close_down(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	CAST(watch, w, CONTAINER_OF(poll, struct watch, poll), WATCH_MAGIC);
	struct curl_loop *c = w->owner;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(c->multi, w->fd, flags, &running);
	drain(c);
}

static void on_timer(uv_timer_t *timer)
{
	struct curl_loop *c = CONTAINER_OF(timer, struct curl_loop, timer);
	int running;

	c->in_timer = 1;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	c->in_timer = 0;
	drain(c);
}

static void on_watch_closed(uv_handle_t *h)
{
	mem_free(CONTAINER_OF(h, struct watch, poll));
}

static struct watch *watch_new(struct curl_loop *c, curl_socket_t fd)
{
	struct watch *w = mem_alloc(sizeof *w);

	w->magic = WATCH_MAGIC;
	w->owner = c;
	w->fd = fd;
	if (uv_poll_init_socket(c->loop, &w->poll, fd) < 0) {
		mem_free(w);
		return NULL;
	}
	curl_multi_assign(c->multi, fd, w);
	return w;
}

/* CURLMOPT_SOCKETFUNCTION. -1 makes every transfer fail; without a watch they would hang. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	CAST(curl_loop, c, arg, CURL_LOOP_MAGIC);
	struct watch *w = assigned;
	int events = 0;

	UNUSED(easy);
	if (what == CURL_POLL_REMOVE) {
		if (w == NULL)
			return 0;
		curl_multi_assign(c->multi, fd, NULL);
		uv_poll_stop(&w->poll);
		uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		return 0;
	}
	if (w == NULL)
		w = watch_new(c, fd);
	if (w == NULL)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_poll) < 0 ? -1 : 0;
}

/* CURLMOPT_TIMERFUNCTION. A time of 0 that is set by a timer's callback would fire before the loop turns, and one
 * busy transfer could keep everybody else waiting. */
static int want_timer(CURLM *multi, long ms, void *arg)
{
	CAST(curl_loop, c, arg, CURL_LOOP_MAGIC);

	UNUSED(multi);
	if (uv_is_closing((uv_handle_t *)&c->timer))
		return 0;
	if (ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer, (uint64_t)MAX(ms, (long)c->in_timer), 0);
	return 0;
}

struct curl_loop *curl_loop_new(uv_loop_t *loop)
{
	static int ready;
	struct curl_loop *c = mem_alloc(sizeof *c);

	if (!ready) {
		CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
		assert(rc == CURLE_OK);
		signal(SIGPIPE, SIG_IGN);
		/* libcurl takes host names for text in the locale's charset; ours are UTF-8, and "C" would refuse
		 * them. Character classes of ASCII stay as they are. */
		setlocale(LC_CTYPE, "C.UTF-8");
		ready = 1;
	}
	c->magic = CURL_LOOP_MAGIC;
	c->loop = loop;
	c->multi = curl_multi_init();
	assert(c->multi != NULL);
	uv_timer_init(loop, &c->timer);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

void curl_loop_free(struct curl_loop *c)
{
	if (c == NULL)
		return;
	c->freed = 1;
	if (!c->draining)
		close_down(c);
}

CURLM *curl_loop_multi(struct curl_loop *c)
{
	return c->multi;
}

static void add(struct curl_loop *c, CURL *easy, int kept, curl_loop_done_fn *done, void *arg)
{
	struct entry *entry = mem_alloc(sizeof *entry);
	CURLMcode rc;

	entry->done = done;
	entry->arg = arg;
	entry->kept = kept;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, entry);
	uv_update_time(c->loop); /* libcurl's times count from now, not from the loop's last turn */
	rc = curl_multi_add_handle(c->multi, easy);
	assert(rc == CURLM_OK);
}

void curl_loop_add(struct curl_loop *c, CURL *easy, curl_loop_done_fn *done, void *arg)
{
	add(c, easy, 0, done, arg);
}

void curl_loop_add_kept(struct curl_loop *c, CURL *easy, curl_loop_done_fn *done, void *arg)
{
	add(c, easy, 1, done, arg);
}

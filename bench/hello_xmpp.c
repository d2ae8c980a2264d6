/* SPDX-License-Identifier: MIT */
/* hello_xmpp - the least that N connected XMPP accounts take with libstrophe: the ceiling for the platform's memory.
 *
 * A context and a thread for each, as libstrophe's documentation shows it, because its TLS handshake blocks; nothing is done
 * but to log in and say <presence/>. The certificate is not checked. Prints what one account more takes. */
#include "bench/lib/clock.h"
#include "bench/lib/opt.h"
#include "bench/lib/proc.h"
#include "core/base.h"
#include "core/err.h"
#include "core/mem.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <unistd.h>

#define STACK_BYTES (256u << 10)
#define POLL_MS     1000
#define LIMIT_S     60

static unsigned n_accounts = 300, port;
static const char *domain = "localhost", *password = "secret";
static atomic_uint connected, ended;

static void NO_RETURN quit(const char *why)
{
	fprintf(stderr, "hello_xmpp: %s\n", why);
	exit(2);
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *stream_error, void *arg)
{
	xmpp_stanza_t *presence;

	UNUSED(error);
	UNUSED(stream_error);
	if (event != XMPP_CONN_CONNECT) {
		atomic_fetch_add(&ended, 1);
		xmpp_stop(arg);
		return;
	}
	presence = xmpp_presence_new(arg);
	xmpp_send(conn, presence);
	xmpp_stanza_release(presence);
	atomic_fetch_add(&connected, 1);
}

static void *account_run(void *arg)
{
	char jid[128];
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_conn_t *conn = xmpp_conn_new(ctx);

	snprintf(jid, sizeof jid, "u%u@%s/hello", (unsigned)(uintptr_t)arg, domain);
	xmpp_ctx_set_timeout(ctx, POLL_MS);
	xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS);
	xmpp_conn_set_jid(conn, jid);
	xmpp_conn_set_pass(conn, password);
	if (xmpp_connect_client(conn, "127.0.0.1", (unsigned short)port, on_event, ctx) == XMPP_EOK)
		xmpp_run(ctx);
	else
		atomic_fetch_add(&ended, 1);
	return NULL;
}

static void start(unsigned first, unsigned n)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = first; i < first + n; i++)
		if (pthread_create(&thread, &attr, account_run, (void *)(uintptr_t)i) != 0)
			quit("no more threads");
	pthread_attr_destroy(&attr);
}

static void wait_for(unsigned n)
{
	uint64_t end = clock_ns() + (uint64_t)LIMIT_S * 1000000000u;

	while (atomic_load(&connected) < n) {
		if (atomic_load(&ended) > 0 || clock_ns() > end)
			quit("not all accounts could be connected");
		usleep(10000);
	}
}

static long use_kb(void)
{
	struct proc self = {.name = "self", .pid = (int)getpid()};
	struct proc_use use;
	struct err e;

	if (proc_read(&use, &self, &e) < 0)
		quit(e.text);
	return use.pss_kb;
}

int main(int argc, char **argv)
{
	const struct opt opts[] = {
		{"accounts", OPT_COUNT, &n_accounts, "N     u0, u1, ... (300)"},
		{"port", OPT_COUNT, &port, "N     of the server on 127.0.0.1"},
		{"domain", OPT_TEXT, &domain, "NAME  of the accounts (localhost)"},
		{"password", OPT_TEXT, &password, "WORD  of all of them (secret)"},
		{NULL, OPT_FLAG, NULL, NULL},
	};
	uint64_t began;
	long before;

	opt_read("hello_xmpp - memory of connected XMPP accounts with libstrophe alone; prints one "
		 "JSON "
		 "object.",
		opts, argc, argv);
	if (port == 0 || port > 65535 || n_accounts < 2)
		quit("--port is needed, --accounts is 2 or more");
	signal(SIGPIPE, SIG_IGN);
	/* Without it each connection loads all certificate authorities: one megabyte. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	xmpp_initialize();
	start(0, 1);
	wait_for(1);
	before = use_kb();
	began = clock_ns();
	start(1, n_accounts - 1);
	wait_for(n_accounts);
	printf("{\"accounts\":%u,\"connect_s\":%.3f,", n_accounts,
		(double)(clock_ns() - began) / 1e9);
	sleep(1); /* what is still on its way after the log-in belongs to it */
	printf("\"kb\":%.1f}\n", (double)(use_kb() - before) / (n_accounts - 1));
	fflush(stdout);
	_exit(0);
}

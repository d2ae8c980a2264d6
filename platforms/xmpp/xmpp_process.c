/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_process.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <strophe.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base.h"
#include "platforms/xmpp/xmpp_fd.h"

#define EXIT_WAIT_S 3

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int n_threads;
static xmpp_conn_t *volatile nobody; /* see set_up(); within reach, so that it does not look lost */

/* Runs before the TLS library cleans up behind itself, for it was registered later. A thread that hangs in a look-up would
 * come back into a library that is gone: then nothing is cleaned up. */
static void wait_for_the_last(int status, void *arg)
{
	struct timespec end;
	int left;

	UNUSED(arg);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += EXIT_WAIT_S;
	pthread_mutex_lock(&mutex);
	while (n_threads > 0 && pthread_cond_timedwait(&changed, &mutex, &end) == 0)
		continue;
	left = n_threads;
	pthread_mutex_unlock(&mutex);
	if (left > 0)
		_exit(status);
}

static void count(int by)
{
	pthread_mutex_lock(&mutex);
	n_threads += by;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

static void set_up(void)
{
	xmpp_initialize();
	xmpp_fd_setup();
	/* The stacks are large and hardly used: with huge pages each would take 2 MiB. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	/* libstrophe lets the XML parser of the first context's connections take its memory from that context, by a variable
	 * that threads would race for and that outlives the context. So the first one is nobody's, and stays. */
	nobody = xmpp_conn_new(xmpp_ctx_new(NULL, NULL));
	OPENSSL_init_crypto(0, NULL);
	on_exit(wait_for_the_last, NULL);
}

void xmpp_process_setup(void)
{
	pthread_once(&once, set_up);
}

void xmpp_process_thread_begins(void)
{
	count(1);
}

void xmpp_process_thread_ends(void)
{
	count(-1);
}

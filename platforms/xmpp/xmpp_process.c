/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_process.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <strophe.h>
#include <sys/prctl.h>
#include <time.h>

#include "platforms/xmpp/xmpp_fd.h"

#define EXIT_WAIT_S 3

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t ending_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ending_changed = PTHREAD_COND_INITIALIZER;
static int n_ending;
static xmpp_conn_t *volatile nobody; /* see set_up(); within reach, so that it does not look lost */

/* Runs before the TLS library cleans up behind itself, for it was registered later. */
static void wait_for_the_last(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += EXIT_WAIT_S;
	pthread_mutex_lock(&ending_mutex);
	while (n_ending > 0 && pthread_cond_timedwait(&ending_changed, &ending_mutex, &end) == 0)
		continue;
	pthread_mutex_unlock(&ending_mutex);
}

static void count(int by)
{
	pthread_mutex_lock(&ending_mutex);
	n_ending += by;
	pthread_cond_signal(&ending_changed);
	pthread_mutex_unlock(&ending_mutex);
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
	atexit(wait_for_the_last);
}

void xmpp_process_setup(void)
{
	pthread_once(&once, set_up);
}

void xmpp_process_ending(void)
{
	count(1);
}

void xmpp_process_ended(void)
{
	count(-1);
}

/* SPDX-License-Identifier: MIT */
/* hello_fcgi - the ceiling for FastCGI: a few threads in libfcgi's accept loop that say the same
 * to everybody. */
#include "bench/lib/opt.h"
#include "core/base.h"
#include "core/mem.h"
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define THREADS_MAX 64u
#define BACKLOG     1024

struct hello {
	const char *listen;
	unsigned threads, bytes;
	int fd;
	char *answer;
};

static void *serve(void *arg)
{
	const struct hello *h = arg;
	FCGX_Request r;
	char body[16384];
	FCGX_InitRequest(&r, h->fd, 0);
	while (FCGX_Accept_r(&r) == 0) {
		while (FCGX_GetStr(body, sizeof(body), r.in) == (int)sizeof(body))
			;
		FCGX_PutS(h->answer, r.out);
		FCGX_Finish_r(&r);
	}
	return NULL;
}

static char *make_answer(unsigned bytes)
{
	char *body = mem_alloc(bytes + 1u);
	memset(body, 'x', bytes);
	if (bytes >= 4) {
		memcpy(body, "[\"", 2);
		memcpy(body + bytes - 2, "\"]", 2);
	}
	char *all = mem_printf("Status: 200 OK\r\nContent-Type: application/json\r\n\r\n%s", body);
	mem_free(body);
	return all;
}

int main(int argc, char **argv)
{
	struct hello h = {.threads = 4, .bytes = 250};
	const struct opt opts[] = {{"listen", OPT_TEXT, &h.listen, "PATH  unix socket to make"},
		{"threads", OPT_COUNT, &h.threads, "N     that accept and answer (4)"},
		{"bytes", OPT_COUNT, &h.bytes, "N     length of the answer's body (250)"},
		{NULL, OPT_FLAG, NULL, NULL}};
	opt_read("hello_fcgi - a FastCGI responder that says the same to everybody; runs until "
		 "killed.",
		opts, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (h.listen == NULL || h.threads < 1 || h.threads > THREADS_MAX || FCGX_Init() != 0) {
		fprintf(stderr, "hello_fcgi: --listen PATH is needed, and 1 to %u threads\n",
			THREADS_MAX);
		return 2;
	}
	h.fd = FCGX_OpenSocket(h.listen, BACKLOG);
	if (h.fd < 0) {
		fprintf(stderr, "hello_fcgi: cannot listen at %s\n", h.listen);
		return 2;
	}
	h.answer = make_answer(h.bytes);
	printf("%s\n", h.listen);
	fflush(stdout);
	for (unsigned i = 1; i < h.threads; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, serve, &h) != 0)
			return 2;
	}
	serve(&h);
	return 1; /* accepting failed */
}

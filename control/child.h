/* SPDX-License-Identifier: MIT */
/* child - one process that is kept running: started, watched, started again with back-off.
 *
 * It knows nothing of what the process does: its owner says before each start what to run and with which
 * descriptors, and hears when it is up and when it ended. A process that lived longer than 10 s is replaced at
 * once, else after 100 ms, doubled up to 10 s; one that refused its configuration (exit status 2) after 10 s.
 * Children get a session of their own, so that Ctrl-C in a terminal reaches the supervisor only. */
#ifndef CONTROL_CHILD_H
#define CONTROL_CHILD_H

#include <uv.h>

#include "core/base.h"

struct err;
struct child;

#define CHILD_FDS       8
#define CHILD_ENV       12
#define CHILD_EXIT_CONF 2

/* What one start needs; zeroed but for `out_fd` before the owner fills it. All is borrowed for the start. */
struct child_start {
	const char **argv;    /* ends with NULL; argv[0] is a path, or a name to look for in PATH */
	const char *file;     /* what is executed, when it is not argv[0] */
	char *env[CHILD_ENV]; /* "NAME=value", beside this process's own; GIVEN: child frees them */
	size_t n_env;
	int fds[CHILD_FDS]; /* become descriptors 3, 4, ... of the process */
	size_t n_fds;
	int out_fd;   /* standard output and error; -1: this process's own */
	int lifeline; /* 1: with a lifeline (core/lifeline.h) behind the last of `fds` */
};

struct child_ops {
	/* Fills `s`; < 0: no start now, tried again later. `s` and what it points to is released by done(). */
	int (*prepare)(void *arg, struct child_start *s, struct err *e);
	/* After each start, worked or not: closes descriptors, frees argv. */
	void (*done)(void *arg, struct child_start *s);
	/* Optional: the process said by its lifeline that it is up. */
	void (*up)(void *arg);
	/* The process has ended; `stopping`: after child_stop(). The next start is planned already; child_stop() may be
	 * called from here, child_free() may not. */
	void (*ended)(void *arg, int64_t status, int signal, int stopping);
};

/* `label` names it in log lines (copied); `ops` and `arg` are KEPT. GIVES. Nothing runs before child_run(). */
struct child *child_new(uv_loop_t *loop, const char *label, const struct child_ops *ops, void *arg);
/* Starts it now. < 0 when that did not work; it is logged, and tried again later all the same. */
int child_run(struct child *c);
/* No start any more; sends `signal` to a running process. May be repeated, with another signal. */
void child_stop(struct child *c, int signal);
/* 1 while a process runs. */
int child_is_running(const struct child *c);
/* 1 when the running process has said that it is up. */
int child_is_up(const struct child *c);
/* Only when no process runs; the loop must run once more for the handles to close. Sets NULL. */
void child_free(struct child **c);

/* For prepare(): `fd` becomes the next descriptor of the process, its number the value of the variable `name`. */
void child_give(struct child_start *s, const char *name, int fd);
/* For prepare(): one more variable in its environment. */
void child_setenv(struct child_start *s, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif

/* SPDX-License-Identifier: MIT */
/* proc - what a server process uses, from /proc: memory and processor time. See proc(5). */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

struct err;

#define PROC_MAX 16

struct proc {
	char name[32]; /* as given on the command line */
	int pid;
};

struct proc_use {
	long rss_kb; /* 1,024 bytes */
	long pss_kb; /* shared pages counted in proportion */
	long cpu_ms; /* user and system time so far */
};

/* Reads "gateway=12,worker=13" into `list`; returns how many. ERR_INVALID for another form, more
 * than PROC_MAX, or a process that is not there. NULL or "": 0. */
int proc_parse(struct proc list[PROC_MAX], const char *text, struct err *e);
/* ERR_NOT_FOUND when the process has gone. */
int proc_read(struct proc_use *u, const struct proc *p, struct err *e);

#endif

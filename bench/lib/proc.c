/* SPDX-License-Identifier: MIT */
#include "bench/lib/proc.h"
#include "core/err.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int proc_parse(struct proc list[PROC_MAX], const char *text, struct err *e)
{
	int n = 0;
	for (const char *p = text; p != NULL && *p != '\0';) {
		struct proc_use use;
		int used = 0;
		if (n == PROC_MAX ||
			sscanf(p, "%31[a-z0-9-]=%d%n", list[n].name, &list[n].pid, &used) != 2)
			return err_set(e, ERR_INVALID, "%s: not NAME=PID,NAME=PID", text);
		if (proc_read(&use, &list[n], e) < 0)
			return err_set(e, ERR_INVALID,
				"%s: no such process, or not ours to look at", text);
		n++;
		p += used;
		p += *p == ',';
	}
	return n;
}

static FILE *open_of(const struct proc *p, const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", p->pid, file);
	return fopen(path, "re");
}

static int read_memory(struct proc_use *u, const struct proc *p)
{
	FILE *f = open_of(p, "smaps_rollup");
	if (f == NULL)
		return -1;
	char line[128];
	int found = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		found += sscanf(line, "Rss: %ld kB", &u->rss_kb) == 1;
		found += sscanf(line, "Pss: %ld kB", &u->pss_kb) == 1;
	}
	fclose(f);
	return found == 2 ? 0 : -1;
}

static int read_cpu(struct proc_use *u, const struct proc *p)
{
	FILE *f = open_of(p, "stat");
	if (f == NULL)
		return -1;
	char line[512];
	size_t len = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[len] = '\0';
	const char *name_end = strrchr(line, ')'); /* the name may hold anything */
	unsigned long user, sys;
	if (name_end == NULL ||
		sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			&sys) != 2)
		return -1;
	u->cpu_ms = (long)(user + sys) * 1000 / sysconf(_SC_CLK_TCK);
	return 0;
}

int proc_read(struct proc_use *u, const struct proc *p, struct err *e)
{
	*u = (struct proc_use){0};
	if (read_memory(u, p) < 0 || read_cpu(u, p) < 0)
		return err_set(e, ERR_NOT_FOUND, "process %d (%s) cannot be read", p->pid, p->name);
	return 0;
}

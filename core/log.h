/* SPDX-License-Identifier: MIT */
/* log - one line per event on standard error, as logfmt or as JSON.
 *
 *   log_event(LOG_INFO, "redis.connected", LOG_STR("addr", addr), LOG_INT("ms", 3));
 *   2026-11-23T10:00:00.123Z level=info prog=gateway pid=812 ev=redis.connected addr=127.0.0.1:6379 ms=3
 *
 * The event word is a constant that can be searched for; whatever varies is a field. Foreign text is escaped here.
 * At least one field. Never pass a secret, a whole session id or a message body. Safe from any thread: a line is one
 * write(2). A line of more than 2 KiB is cut, and stays well-formed. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/base.h"

struct err;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	const char *str; /* NULL: the value is `num` */
	long long num;
};

#define LOG_STR(k, v)                          \
	{                                      \
		.key = (k), .str = log_text(v) \
	}
#define LOG_INT(k, v)                             \
	{                                         \
		.key = (k), .num = (long long)(v) \
	}
/* Two fields: err=<token> and why="<text>". */
#define LOG_ERR(e) LOG_STR("err", err_token((int)(e)->code)), LOG_STR("why", (e)->text)

/* Before the first event. `prog` is KEPT; it names the process in each line. */
void log_setup(const char *prog, enum log_level level, enum log_format format);
/* 1 when events of this level are written: ask before costly preparation. */
int log_enabled(enum log_level level);
/* -1 for an unknown word. */
int log_level_parse(const char *word);
int log_format_parse(const char *word);

#define log_event(level, ev, ...)                                                               \
	do {                                                                                    \
		if (log_enabled(level))                                                         \
			log_write((level), (ev), (const struct log_field[]){__VA_ARGS__, {0}}); \
	} while (0)

void log_write(enum log_level level, const char *ev, const struct log_field *fields);
/* "" for NULL: lets a field take any string. */
const char *log_text(const char *s);

/* One error event, then exit(1). Only before the loop runs. */
void log_fatal(const char *ev, const struct err *e) NO_RETURN;

#endif

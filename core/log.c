/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"

#define LINE_SIZE 2048
#define LINE_TEXT (LINE_SIZE - 8) /* the rest is for what closes a cut line */
#define PAIR_MIN  40              /* a pair is begun when its key and this much more has room */

static const char *const level_words[] = {"debug", "info", "warn", "error"};
static const char *const format_words[] = {"logfmt", "json"};

static struct {
	const char *prog;
	enum log_level level;
	enum log_format format;
} config = {"sockethub", LOG_INFO, LOG_LOGFMT};

struct line {
	char text[LINE_SIZE];
	size_t len; /* at most LINE_TEXT, but for closing characters */
};

void log_setup(const char *prog, enum log_level level, enum log_format format)
{
	config.prog = prog;
	config.level = level;
	config.format = format;
}

int log_enabled(enum log_level level)
{
	return level >= config.level;
}

static int word_index(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

int log_level_parse(const char *word)
{
	return word_index(level_words, ARRAY_LEN(level_words), word);
}

int log_format_parse(const char *word)
{
	return word_index(format_words, ARRAY_LEN(format_words), word);
}

const char *log_text(const char *s)
{
	return s != NULL ? s : "";
}

/* All of `s`, or as much as has room. */
static void put(struct line *l, const char *s)
{
	size_t n = strlen(s);

	n = MIN(n, LINE_TEXT - MIN(l->len, LINE_TEXT));
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

/* How many bytes the character at `s` has; 0: not UTF-8 (RFC 3629 section 4, without its finer cases). */
static size_t char_length(const char *s)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : 4;

	if ((c >= 0x80 && c < 0xC2) || c > 0xF4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

/* JSON string escapes; logfmt readers understand the same. Cut between characters, and always closed. */
static void put_quoted(struct line *l, const char *s)
{
	put(l, "\"");
	while (*s != '\0') {
		unsigned char c = (unsigned char)*s;
		size_t n = char_length(s);
		char out[8];

		if (c == '"' || c == '\\')
			snprintf(out, sizeof out, "\\%c", c);
		else if (c < 0x20 || c == 0x7F)
			snprintf(out, sizeof out, "\\u%04x", c);
		else if (n == 0)
			snprintf(out, sizeof out, "\\ufffd");
		else
			snprintf(out, sizeof out, "%.*s", (int)n, s);
		if (l->len + strlen(out) > LINE_TEXT)
			break;
		put(l, out);
		s += n > 0 ? n : 1;
	}
	l->text[l->len++] = '"';
}

static int needs_quotes(const char *s)
{
	if (*s == '\0')
		return 1;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || *s == '"' || *s == '=' || *s == '\\' ||
			(unsigned char)*s >= 0x7F)
			return 1;
	return 0;
}

static void put_pair(struct line *l, const char *key, const char *str, long long num)
{
	char digits[24];

	if (l->len + strlen(key) + PAIR_MIN > LINE_TEXT)
		return;
	snprintf(digits, sizeof digits, "%lld", num);
	if (config.format == LOG_JSON) {
		put(l, l->len > 1 ? ",\"" : "\"");
		put(l, key);
		put(l, "\":");
		if (str != NULL)
			put_quoted(l, str);
		else
			put(l, digits);
		return;
	}
	if (l->len > 0)
		put(l, " ");
	put(l, key);
	put(l, "=");
	if (str == NULL)
		put(l, digits);
	else if (needs_quotes(str))
		put_quoted(l, str);
	else
		put(l, str);
}

static void put_time(struct line *l)
{
	struct timeval tv;
	struct tm tm;
	char stamp[40];
	size_t n;

	gettimeofday(&tv, NULL);
	gmtime_r(&tv.tv_sec, &tm);
	n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stamp + n, sizeof stamp - n, ".%03dZ", (int)(tv.tv_usec / 1000));
	if (config.format == LOG_JSON)
		put_pair(l, "time", stamp, 0);
	else
		put(l, stamp);
}

void log_write(enum log_level level, const char *ev, const struct log_field *fields)
{
	struct line l = {.len = 0};

	if (config.format == LOG_JSON)
		put(&l, "{");
	put_time(&l);
	put_pair(&l, "level", level_words[level], 0);
	put_pair(&l, "prog", config.prog, 0);
	put_pair(&l, "pid", NULL, getpid());
	put_pair(&l, "ev", ev, 0);
	for (; fields->key != NULL; fields++)
		put_pair(&l, fields->key, fields->str, fields->num);
	if (config.format == LOG_JSON)
		l.text[l.len++] = '}';
	l.text[l.len++] = '\n';
	/* Best effort: a full or closed standard error must not stop the service. */
	if (write(STDERR_FILENO, l.text, l.len) < 0)
		return;
}

void log_fatal(const char *ev, const struct err *e)
{
	log_event(LOG_ERROR, ev, LOG_ERR(e));
	exit(1);
}

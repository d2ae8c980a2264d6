/* SPDX-License-Identifier: MIT */
#include "tests/fake/smtpd.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

#define CLIENTS   64
#define LINE_SIZE 65536
#define EHLO                                                                                    \
	"250-fake greets you\r\n250-SIZE 99000000\r\n250-PIPELINING\r\n250-AUTH PLAIN XOAUTH2 " \
	"OAUTHBEARER\r\n250 HELP\r\n"

struct client {
	struct smtpd *server;
	pthread_t thread;
	int fd;
	FILE *in;
	struct buf mail;
	int in_mail, first_line;
};

struct smtpd {
	const struct smtpd_rule *rules;
	int fd, port, stopping;
	pthread_t thread;
	pthread_mutex_t lock; /* for all that follows */
	struct buf commands, mail;
	struct client clients[CLIENTS];
	int n_clients;
};

static void die(const char *what)
{
	perror(what);
	abort();
}

/* --- the record -------------------------------------------------------------------------------------------------- */

static int count(const struct smtpd *s, const char *command)
{
	const char *line = buf_str(&s->commands);
	int n = 0;

	for (; *line != '\0'; line = strchr(line, '\n') + 1)
		n += strncasecmp(line, command, strlen(command)) == 0;
	return n;
}

static void record(struct smtpd *s, const char *line)
{
	pthread_mutex_lock(&s->lock);
	buf_printf(&s->commands, "%.*s\n", (int)strcspn(line, "\r\n"), line);
	pthread_mutex_unlock(&s->lock);
}

int smtpd_count(struct smtpd *s, const char *command)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = count(s, command);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static char *copy_of(struct smtpd *s, const struct buf *b)
{
	char *text;

	pthread_mutex_lock(&s->lock);
	text = mem_dup(buf_str(b), b->len);
	pthread_mutex_unlock(&s->lock);
	return text;
}

char *smtpd_commands(struct smtpd *s)
{
	return copy_of(s, &s->commands);
}

char *smtpd_mail(struct smtpd *s)
{
	return copy_of(s, &s->mail);
}

/* --- a client ---------------------------------------------------------------------------------------------------- */

/* 0, or -1 when the client is gone. */
static int put(const struct client *c, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put_slowly(const struct client *c, const char *text)
{
	for (; *text != '\0'; text++) {
		if (put(c, text, 1) < 0)
			return -1;
		usleep(200);
	}
	return 0;
}

static const struct smtpd_rule *rule_for(struct smtpd *s, const char *line)
{
	const struct smtpd_rule *r = s->rules;

	for (; r != NULL && r->on != NULL; r++)
		if (strncasecmp(line, r->on, strlen(r->on)) == 0 &&
			(r->nth == 0 || smtpd_count(s, r->on) == r->nth))
			return r;
	return NULL;
}

static int obey(const struct client *c, const struct smtpd_rule *r)
{
	if (r->delay_ms > 0)
		usleep(r->delay_ms * 1000);
	if (r->hang)
		return 0;
	if (r->reply == NULL)
		return -1;
	while (r->endless)
		if (put(c, r->reply, strlen(r->reply)) < 0)
			return -1;
	if ((r->slowly ? put_slowly(c, r->reply) : put(c, r->reply, strlen(r->reply))) < 0)
		return -1;
	return r->then_close ? -1 : 0;
}

static const char *reply_to(const char *line)
{
	static const char *const replies[][2] = {{"CONNECT", "220 fake ESMTP\r\n"}, {"EHLO", EHLO},
		{"AUTH PLAIN ", "235 ok\r\n"}, {"AUTH", "334 \r\n"}, {"DATA", "354 go on\r\n"},
		{"QUIT", "221 bye\r\n"}, {".", "250 2.0.0 queued\r\n"}};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (strncasecmp(line, replies[i][0], strlen(replies[i][0])) == 0)
			return replies[i][1];
	return "250 ok\r\n";
}

/* Records a command and answers; -1: the connection ends. */
static int answer(struct client *c, const char *line)
{
	const struct smtpd_rule *rule;
	const char *reply;

	record(c->server, line);
	rule = rule_for(c->server, line);
	if (rule != NULL)
		return obey(c, rule);
	reply = reply_to(line);
	if (strncmp(reply, "354", 3) == 0) {
		c->in_mail = c->first_line = 1;
		buf_clear(&c->mail);
	}
	return put(c, reply, strlen(reply));
}

static int take_mail_line(struct client *c, const char *line)
{
	const struct smtpd_rule *rule = c->first_line ? rule_for(c->server, "BODY") : NULL;

	c->first_line = 0;
	if (rule != NULL)
		return obey(c, rule);
	if (strcmp(line, ".\r\n") != 0) {
		buf_add_str(&c->mail, line);
		return 0;
	}
	c->in_mail = 0;
	pthread_mutex_lock(&c->server->lock);
	buf_clear(&c->server->mail);
	buf_add(&c->server->mail, c->mail.data, c->mail.len);
	pthread_mutex_unlock(&c->server->lock);
	return answer(c, ".");
}

/* After "334" the line is the answer to it, not a command. */
static int take_line(struct client *c, const char *line, int *challenged)
{
	if (c->in_mail)
		return take_mail_line(c, line);
	if (*challenged) {
		*challenged = 0;
		return answer(c, "AUTH PLAIN (answered)");
	}
	*challenged = strncasecmp(line, "AUTH", 4) == 0 && rule_for(c->server, line) == NULL &&
		      reply_to(line)[0] == '3';
	return answer(c, line);
}

static void *serve(void *arg)
{
	struct client *c = arg;
	char *line = mem_alloc(LINE_SIZE);
	int challenged = 0, rc = answer(c, "CONNECT");

	while (rc == 0 && fgets(line, LINE_SIZE, c->in) != NULL)
		rc = take_line(c, line, &challenged);
	/* What came in unread would make a reset of the close, and the last reply be lost. */
	shutdown(c->fd, SHUT_WR);
	if (rc < 0)
		while (fgets(line, LINE_SIZE, c->in) != NULL)
			continue;
	record(c->server, "CLOSE");
	mem_free(line);
	return NULL;
}

/* --- the server -------------------------------------------------------------------------------------------------- */

static void *listen_on(void *arg)
{
	struct smtpd *s = arg;

	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		struct client *c;
		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&s->lock);
		c = s->stopping || s->n_clients == CLIENTS ? NULL : &s->clients[s->n_clients];
		if (c == NULL) {
			close(fd);
			pthread_mutex_unlock(&s->lock);
			continue;
		}
		*c = (struct client){.server = s, .fd = fd, .in = fdopen(fd, "r")};
		if (pthread_create(&c->thread, NULL, serve, c) != 0)
			die("pthread_create");
		s->n_clients++;
		pthread_mutex_unlock(&s->lock);
	}
}

struct smtpd *smtpd_new(const struct smtpd_rule *rules)
{
	struct smtpd *s = mem_alloc(sizeof *s);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;

	s->rules = rules;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof a) < 0 ||
		listen(s->fd, CLIENTS) < 0 || getsockname(s->fd, (struct sockaddr *)&a, &len) < 0)
		die("listen");
	s->port = ntohs(a.sin_port);
	if (pthread_create(&s->thread, NULL, listen_on, s) != 0)
		die("pthread_create");
	return s;
}

int smtpd_port(const struct smtpd *s)
{
	return s->port;
}

void smtpd_free(struct smtpd *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = 1;
	for (int i = 0; i < s->n_clients; i++)
		shutdown(s->clients[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < s->n_clients; i++) {
		pthread_join(s->clients[i].thread, NULL);
		fclose(s->clients[i].in);
		buf_release(&s->clients[i].mail);
	}
	buf_release(&s->commands);
	buf_release(&s->mail);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* SPDX-License-Identifier: MIT */
#include "tests/fake/xmppd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

struct xmppd {
	const struct xmppd_step *steps;
	SSL_CTX *tls;
	pthread_t thread;
	int listener, stop[2];
	unsigned port;
	int fd;
	SSL *ssl;
	size_t seen; /* of `received`, by XMPPD_EXPECT */
	pthread_mutex_t mutex;
	struct buf received;
};

static void die(const char *what)
{
	fprintf(stderr, "fake xmppd: %s: %s\n", what, strerror(errno));
	abort();
}

/* 0: ready, or -1 when it is time to end. */
static int wait_for(struct xmppd *d, int fd, short events)
{
	struct pollfd p[2] = {{.fd = d->stop[0], .events = POLLIN}, {.fd = fd, .events = events}};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			die("poll");
	return p[0].revents != 0 ? -1 : 0;
}

/* The result of an SSL call: > 0, or 0 to call again, or -1. */
static int after(struct xmppd *d, int rc)
{
	int error;

	if (rc > 0)
		return rc;
	error = SSL_get_error(d->ssl, rc);
	if (error == SSL_ERROR_WANT_READ)
		return wait_for(d, d->fd, POLLIN);
	if (error == SSL_ERROR_WANT_WRITE)
		return wait_for(d, d->fd, POLLOUT);
	return -1;
}

static int receive(struct xmppd *d)
{
	char bytes[4096];
	int n = 0;

	if (d->ssl != NULL) {
		while ((n = after(d, SSL_read(d->ssl, bytes, sizeof bytes))) == 0)
			continue;
	} else if (wait_for(d, d->fd, POLLIN) == 0) {
		n = (int)recv(d->fd, bytes, sizeof bytes, 0);
	}
	if (n <= 0)
		return -1;
	pthread_mutex_lock(&d->mutex);
	buf_add(&d->received, bytes, (size_t)n);
	pthread_mutex_unlock(&d->mutex);
	return 0;
}

static int expect(struct xmppd *d, const char *text)
{
	const char *found;

	while ((found = memmem(buf_str(&d->received) + d->seen, d->received.len - d->seen, text,
			strlen(text))) == NULL)
		if (receive(d) < 0)
			return -1;
	d->seen = (size_t)(found - d->received.data) + strlen(text);
	return 0;
}

static int send_text(struct xmppd *d, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		int n;

		if (d->ssl != NULL)
			n = after(d, SSL_write(d->ssl, text + done, (int)(len - done)));
		else if (wait_for(d, d->fd, POLLOUT) < 0)
			n = -1;
		else
			n = (int)send(d->fd, text + done, len - done, MSG_NOSIGNAL);
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

static int handshake(struct xmppd *d)
{
	int rc;

	d->ssl = SSL_new(d->tls);
	SSL_set_fd(d->ssl, d->fd);
	while ((rc = after(d, SSL_accept(d->ssl))) == 0)
		continue;
	return rc > 0 ? 0 : -1;
}

static int run_step(struct xmppd *d, const struct xmppd_step *step)
{
	switch (step->what) {
	case XMPPD_EXPECT:
		return expect(d, step->text);
	case XMPPD_SEND:
		for (size_t i = 0; i < step->n || i == 0; i++)
			if (send_text(d, step->text) < 0)
				return -1;
		return 0;
	case XMPPD_TLS:
		return handshake(d);
	case XMPPD_HANG:
		while (receive(d) == 0)
			continue;
		return -1;
	case XMPPD_DEAF:
		wait_for(d, -1, 0);
		return -1;
	case XMPPD_END:
	case XMPPD_CLOSE:
		break;
	}
	return -1;
}

static void disconnect(struct xmppd *d)
{
	/* What is unread would turn the end into a reset, and what was sent might be lost. */
	shutdown(d->fd, SHUT_WR);
	SSL_free(d->ssl);
	d->ssl = NULL;
	close(d->fd);
	d->fd = -1;
}

static void *run(void *arg)
{
	struct xmppd *d = arg;
	const struct xmppd_step *step = d->steps;

	while (step->what != XMPPD_END && wait_for(d, d->listener, POLLIN) == 0) {
		d->fd = accept(d->listener, NULL, NULL);
		if (d->fd < 0)
			die("accept");
		fcntl(d->fd, F_SETFL, O_NONBLOCK);
		d->seen = d->received.len;
		while (run_step(d, step) == 0)
			step++;
		while (step->what != XMPPD_CLOSE && step->what != XMPPD_END)
			step++;
		step += step->what == XMPPD_CLOSE;
		disconnect(d);
	}
	return NULL;
}

struct xmppd *xmppd_new(const struct xmppd_step *steps, const char *folder)
{
	struct xmppd *d = mem_alloc(sizeof *d);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	char *cert = mem_printf("%s/cert.pem", folder), *key = mem_printf("%s/key.pem", folder);

	d->steps = steps;
	d->fd = -1;
	d->tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(d->tls, cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(d->tls, key, SSL_FILETYPE_PEM) != 1)
		die(cert);
	SSL_CTX_set_mode(
		d->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	mem_free(cert);
	mem_free(key);
	pthread_mutex_init(&d->mutex, NULL);
	d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(d->listener, (struct sockaddr *)&sa, sizeof sa) < 0 ||
		listen(d->listener, 16) < 0 ||
		getsockname(d->listener, (struct sockaddr *)&sa, &len) < 0)
		die("listen");
	d->port = ntohs(sa.sin_port);
	if (pipe2(d->stop, O_CLOEXEC) < 0 || pthread_create(&d->thread, NULL, run, d) != 0)
		die("start");
	return d;
}

void xmppd_free(struct xmppd *d)
{
	if (write(d->stop[1], "x", 1) != 1)
		die("stop");
	pthread_join(d->thread, NULL);
	close(d->stop[0]);
	close(d->stop[1]);
	close(d->listener);
	SSL_CTX_free(d->tls);
	buf_release(&d->received);
	pthread_mutex_destroy(&d->mutex);
	mem_free(d);
}

unsigned xmppd_port(const struct xmppd *d)
{
	return d->port;
}

int xmppd_count(struct xmppd *d, const char *text)
{
	int n = 0;

	pthread_mutex_lock(&d->mutex);
	for (const char *at = buf_str(&d->received), *end = at + d->received.len;
		(at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL; at++)
		n++;
	pthread_mutex_unlock(&d->mutex);
	return n;
}

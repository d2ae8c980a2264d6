/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_meter.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "platforms/xmpp/xmpp_expat.h"
#include "platforms/xmpp/xmpp_heap.h"

#define DEPTH_MAX 100
/* Of a tag, or of a text between two. The XML parser begins anew with an open tag whenever more of it comes. */
#define TAG_MAX (1u << 20)

/* Bytes that were read from the socket so far; a few less when some arrive just now, and so perhaps less than before. */
static uint64_t bytes_read(const struct xmpp_meter *m)
{
	struct tcp_info info;
	socklen_t len = sizeof info;
	int waiting = 0;

	memset(&info, 0, sizeof info);
	if (getsockopt(m->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
		ioctl(m->fd, SIOCINQ, &waiting) < 0)
		return m->mark;
	return info.tcpi_bytes_received > (uint64_t)waiting
		       ? info.tcpi_bytes_received - (uint64_t)waiting
		       : 0;
}

void xmpp_meter_init(struct xmpp_meter *m, int fd, struct xmpp_heap *heap)
{
	m->fd = fd;
	m->heap = heap;
	m->mark = 0;
	xmpp_heap_begin(heap);
}

void xmpp_meter_begin(struct xmpp_meter *m)
{
	m->mark = bytes_read(m);
	m->tag_mark = m->mark;
	xmpp_heap_begin(m->heap);
}

void xmpp_meter_rest(struct xmpp_meter *m)
{
	if (bytes_read(m) <= m->mark)
		xmpp_heap_begin(m->heap);
}

const char *xmpp_meter_complaint(struct xmpp_meter *m, uint64_t max_bytes)
{
	uint64_t now = bytes_read(m);

	if (m->tags != xmpp_expat_tags())
		m->tag_mark = now;
	m->tags = xmpp_expat_tags();
	if (now > m->mark + max_bytes || now > m->tag_mark + TAG_MAX)
		return "sent too much in one piece";
	if (xmpp_heap_is_exceeded(m->heap))
		return "sent, or left unread, more than there is memory for";
	return NULL;
}

int xmpp_meter_is_no_xml(const struct xmpp_meter *m)
{
	char start[64];
	ssize_t n;

	if (bytes_read(m) > 0)
		return 0;
	n = recv(m->fd, start, sizeof start, MSG_PEEK | MSG_DONTWAIT);
	for (ssize_t i = 0; i < n; i++)
		if (memchr(" \t\r\n", start[i], 4) == NULL)
			return start[i] != '<';
	return 0;
}

static int is_deeper_than(int levels, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(stanza);

	if (levels == 0)
		return 1;
	for (; child != NULL; child = xmpp_stanza_get_next(child))
		if (is_deeper_than(levels - 1, child))
			return 1;
	return 0;
}

int xmpp_meter_is_too_deep(xmpp_stanza_t *stanza)
{
	return is_deeper_than(DEPTH_MAX, stanza);
}

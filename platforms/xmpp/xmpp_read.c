/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_read.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_expat.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_xml.h"

/* Clocks differ; a date further ahead than this is a lie. */
#define AHEAD_MS INT64_C(86400000)

/* What is read here can be believed only behind the filter, so no program that reads is linked without it. */
__attribute__((used)) static int (*const filter)(struct err *) = xmpp_expat_check;

void xmpp_read_stanza(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	memset(news, 0, sizeof *news);
	news->messages = json_array();
	/* Who sends no usable address must not pass for the own server, who sends none. */
	if (xmpp_xml_has_bad_attr(s, "from"))
		return;
	news->from = mem_strdup(xmpp_xml_attr(s, "from"));
	news->id = mem_strdup(xmpp_xml_attr(s, "id"));
	if (xmpp_xml_is(s, "message", XMPP_NS_CLIENT))
		xmpp_read_message(s, self, news);
	else if (xmpp_xml_is(s, "presence", XMPP_NS_CLIENT))
		xmpp_read_presence(s, self, news);
	else if (xmpp_xml_is(s, "iq", XMPP_NS_CLIENT))
		xmpp_read_iq(s, self, news);
}

void xmpp_read_release(struct xmpp_read_news *news)
{
	json_decref(news->messages);
	if (news->reply != NULL)
		xmpp_stanza_release(news->reply);
	mem_free(news->from);
	mem_free(news->id);
	mem_free(news->room);
	mem_free(news->nick);
	mem_free(news->new_nick);
	mem_free(news->role);
	mem_free(news->affiliation);
	mem_free(news->jid);
	mem_free(news->subscription);
	mem_free(news->query);
	mem_free(news->archive);
	memset(news, 0, sizeof *news);
}

void xmpp_read_add(struct xmpp_read_news *news, json_t *message)
{
	json_array_append_new(news->messages, message);
	if (news->kind == XMPP_READ_NOTHING)
		news->kind = XMPP_READ_MESSAGES;
}

const struct xmpp_read_room *xmpp_read_room(const struct xmpp_read_self *self, const char *bare_jid)
{
	return self->room != NULL ? self->room(self->arg, bare_jid) : NULL;
}

int xmpp_read_from_self(const xmpp_stanza_t *s, const struct xmpp_read_self *self)
{
	const char *from = xmpp_xml_attr(s, "from");

	if (from == NULL)
		return !xmpp_xml_has_bad_attr(s, "from");
	return xmpp_jid_find_resource(from) == NULL && xmpp_jid_equals_bare(from, self->full_jid);
}

static int is_trusted_clock(const char *from, const struct xmpp_read_self *self, const char *by)
{
	return from != NULL && (xmpp_jid_equals_bare(from, self->full_jid) ||
				       xmpp_jid_is_server_of(from, self->full_jid) ||
				       (by != NULL && xmpp_jid_equals_bare(from, by)));
}

json_t *xmpp_read_delay(const xmpp_stanza_t *s, const struct xmpp_read_self *self, const char *by)
{
	const xmpp_stanza_t *d = xmpp_xml_child(s, "delay", XMPP_NS_DELAY);
	char text[XMPP_DATE_SIZE];
	int64_t found = -1;

	for (; d != NULL; d = xmpp_xml_next(d, "delay", XMPP_NS_DELAY)) {
		int trusted = is_trusted_clock(xmpp_xml_attr(d, "from"), self, by);
		int64_t ms;
		if (xmpp_date_parse(xmpp_xml_attr(d, "stamp"), &ms) < 0 ||
			ms > self->now_ms + AHEAD_MS || (found >= 0 && !trusted))
			continue;
		found = ms;
		if (trusted)
			break;
	}
	if (found < 0)
		return NULL;
	xmpp_date_format(found, text);
	return json_string(text);
}

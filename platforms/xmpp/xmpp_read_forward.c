/* SPDX-License-Identifier: MIT */
/* Messages within messages: carbons (XEP-0280) and archives (XEP-0313). Who may send them is all that stands between us
 * and anybody putting words into anybody's mouth. */
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_xml.h"

static const xmpp_stanza_t *inner_message(const xmpp_stanza_t *forwarded)
{
	return xmpp_xml_child(forwarded, "message", XMPP_NS_CLIENT);
}

static int has_type(const xmpp_stanza_t *s, const char *type)
{
	const char *own = xmpp_xml_attr(s, "type");

	return strcmp(own != NULL ? own : "normal", type) == 0;
}

/* What another client of the account sent comes from the account, what it got went to the account. */
static int is_own_traffic(const xmpp_stanza_t *inner, const struct xmpp_read_self *self, int sent)
{
	const char *from = xmpp_xml_attr(inner, "from");
	const char *to = xmpp_xml_attr(inner, "to");

	if (!has_type(inner, "chat") && !has_type(inner, "normal"))
		return 0;
	if (sent)
		return xmpp_jid_equals_bare(from, self->full_jid) && xmpp_jid_is_valid(to);
	return xmpp_jid_equals_bare(to, self->full_jid) && xmpp_jid_is_valid(from);
}

static void read_carbon(const xmpp_stanza_t *s, const xmpp_stanza_t *carbon,
	const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	int sent = xmpp_xml_is(carbon, "sent", NULL);
	struct xmpp_read_way way = {
		.carbon = sent ? "sent" : "received",
		.wrapper = xmpp_xml_child(carbon, "forwarded", XMPP_NS_FORWARD),
	};
	const xmpp_stanza_t *inner = inner_message(way.wrapper);

	if (inner == NULL || !xmpp_read_from_self(s, self) || !is_own_traffic(inner, self, sent))
		return;
	xmpp_read_content(inner, self, &way, news->messages);
	if (json_array_size(news->messages) > 0)
		news->kind = XMPP_READ_MESSAGES;
}

/* A room's archive has what was said in that room and nothing else. */
static int belongs_to_archive(
	const xmpp_stanza_t *inner, const struct xmpp_read_self *self, const char *archive)
{
	const char *from = xmpp_xml_attr(inner, "from");

	if (has_type(inner, "error"))
		return 0;
	if (xmpp_jid_equals_bare(archive, self->full_jid))
		return from == NULL || xmpp_jid_is_valid(from);
	return has_type(inner, "groupchat") && xmpp_jid_equals_bare(from, archive);
}

static void read_archived(const xmpp_stanza_t *s, const xmpp_stanza_t *result,
	const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	struct xmpp_read_way way = {
		.archive_id = xmpp_xml_attr(result, "id"),
		.wrapper = xmpp_xml_child(result, "forwarded", XMPP_NS_FORWARD),
	};
	const xmpp_stanza_t *inner = inner_message(way.wrapper);
	const char *query = xmpp_xml_attr(result, "queryid");
	char *archive = xmpp_jid_to_bare(
		xmpp_read_from_self(s, self) ? self->full_jid : news->from);

	if (inner != NULL && query != NULL && way.archive_id != NULL && archive != NULL &&
		xmpp_jid_find_resource(news->from) == NULL && self->asked != NULL &&
		self->asked(self->arg, query, archive) &&
		belongs_to_archive(inner, self, archive)) {
		xmpp_read_content(inner, self, &way, news->messages);
		news->kind = XMPP_READ_ARCHIVED;
		news->query = mem_strdup(query);
		news->archive = mem_strdup(archive);
	}
	mem_free(archive);
}

int xmpp_read_forward(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	const xmpp_stanza_t *result = xmpp_xml_child(s, "result", XMPP_NS_MAM);
	const xmpp_stanza_t *carbon = xmpp_xml_child(s, "received", XMPP_NS_CARBONS);

	if (carbon == NULL)
		carbon = xmpp_xml_child(s, "sent", XMPP_NS_CARBONS);
	if (result != NULL)
		read_archived(s, result, self, news);
	else if (carbon != NULL)
		read_carbon(s, carbon, self, news);
	return result != NULL || carbon != NULL;
}

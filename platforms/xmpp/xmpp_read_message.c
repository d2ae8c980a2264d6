/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_error.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_write_message.h"
#include "platforms/xmpp/xmpp_xml.h"

/* A message of ours that came back. */
static void bounced(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	char *bare = xmpp_jid_to_bare(news->from);
	int in_room = bare != NULL && xmpp_read_room(self, bare) != NULL;
	json_t *message;

	/* All that a session sends has an id. */
	if (news->id == NULL) {
		mem_free(bare);
		return;
	}
	news->kind = XMPP_READ_BOUNCED;
	news->condition = xmpp_error_condition(s);
	xmpp_error_read(s, in_room ? XMPP_ERROR_ABOUT_ROOM : XMPP_ERROR_ABOUT_MESSAGE, &news->why);
	message = xmpp_map_error(self->actor, news->from, &news->why, news->condition);
	xmpp_map_set(json_object_get(message, "object"), "id", news->id);
	xmpp_read_add(news, message);
	mem_free(bare);
}

/* Someone in a room that the account is not in has no business with it. A contact could pretend to be a room otherwise. */
static int is_from_unknown_room(const xmpp_stanza_t *s, const struct xmpp_read_self *self)
{
	const char *type = xmpp_xml_attr(s, "type");
	char *bare;
	int unknown;

	if (type == NULL || strcmp(type, "groupchat") != 0)
		return 0;
	bare = xmpp_jid_to_bare(xmpp_xml_attr(s, "from"));
	unknown = bare == NULL || xmpp_read_room(self, bare) == NULL;
	mem_free(bare);
	return unknown;
}

/* XEP-0184: not to strangers, who would learn that the account is online; not in rooms, not to oneself. */
static void acknowledge(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	const char *type = xmpp_xml_attr(s, "type");
	char *bare = xmpp_jid_to_bare(news->from);

	if (bare != NULL && news->id != NULL &&
		(type == NULL || strcmp(type, "chat") == 0 || strcmp(type, "normal") == 0) &&
		!xmpp_jid_equals_bare(bare, self->full_jid) && self->trusted != NULL &&
		self->trusted(self->arg, bare)) {
		/* Without an id: should it come back, nobody misses it. */
		struct xmpp_write_message_head head = {.to = news->from};
		news->reply = xmpp_write_message_receipt(
			xmpp_stanza_get_context(s), &head, news->id, "received", NULL);
	}
	mem_free(bare);
}

void xmpp_read_message(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	static const struct xmpp_read_way directly;
	const char *type = xmpp_xml_attr(s, "type");

	if (type != NULL && strcmp(type, "error") == 0) {
		bounced(s, self, news);
		return;
	}
	if (xmpp_read_forward(s, self, news) || is_from_unknown_room(s, self))
		return;
	if (xmpp_read_content(s, self, &directly, news->messages))
		acknowledge(s, self, news);
	if (json_array_size(news->messages) > 0)
		news->kind = XMPP_READ_MESSAGES;
}

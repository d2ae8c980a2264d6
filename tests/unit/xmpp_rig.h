/* SPDX-License-Identifier: MIT */
/* xmpp_rig - an account as the mapping sees it, and stanzas from text. Alice is alice@localhost/web; she is in
 * room@conference.localhost as `al` with `bob`, is entering new@conference.localhost as `al`, trusts bob@localhost, and has
 * asked her archive by `q1` and the room's by `q2`. Expected JSON is written with ' for ". */
#ifndef TESTS_UNIT_XMPP_RIG_H
#define TESTS_UNIT_XMPP_RIG_H

#include "tests/unit/unit.h"

#include "core/activity.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_read.h"

#define RIG_ROOM "room@conference.localhost"
#define RIG_NEW  "new@conference.localhost"
/* 2026-11-23T08:00:00Z */
#define RIG_NOW            INT64_C(1795420800000)

#define RIG_STANZAS        "urn:ietf:params:xml:ns:xmpp-stanzas"
#define RIG_MUC_USER       "http://jabber.org/protocol/muc#user"
#define RIG_TO_ALICE       "'target':[{'address':'alice@localhost'}],'status':true,"
#define RIG_TO_ROOM        "'target':[{'address':'" RIG_ROOM "','objectType':'room'}],'status':true,"
#define RIG_OCCUPANT(nick) "'actor':{'address':'" RIG_ROOM "/" nick "','name':'" nick "'},"

#define RIG_FROM_BOB(verb, object)                                                                 \
	"[{'actor':{'address':'bob@localhost'}," RIG_TO_ALICE "'verb':'" verb "','object':" object \
	"}"                                                                                        \
	"]"

static xmpp_ctx_t *rig_ctx;

static inline const struct xmpp_read_room *rig_room(void *arg, const char *room)
{
	static const struct xmpp_read_room inside = {"al", 1}, entering = {"al", 0};

	UNUSED(arg);
	if (xmpp_jid_equals_bare(room, RIG_ROOM))
		return &inside;
	return xmpp_jid_equals_bare(room, RIG_NEW) ? &entering : NULL;
}

static inline int rig_occupant(void *arg, const char *room, const char *nick)
{
	UNUSED(arg);
	return strcmp(room, RIG_ROOM) == 0 && strcmp(nick, "bob") == 0;
}

static inline int rig_trusted(void *arg, const char *bare_jid)
{
	UNUSED(arg);
	return xmpp_jid_equals_bare(bare_jid, "bob@localhost");
}

static inline int rig_asked(void *arg, const char *queryid, const char *archive)
{
	UNUSED(arg);
	return (strcmp(queryid, "q1") == 0 && strcmp(archive, "alice@localhost") == 0) ||
	       (strcmp(queryid, "q2") == 0 && strcmp(archive, RIG_ROOM) == 0);
}

static const struct xmpp_read_self rig_self = {
	.actor = "alice@localhost",
	.full_jid = "alice@localhost/web",
	.now_ms = RIG_NOW,
	.room = rig_room,
	.occupant = rig_occupant,
	.trusted = rig_trusted,
	.asked = rig_asked,
};

static inline int rig_open(void **state)
{
	UNUSED(state);
	xmpp_initialize();
	rig_ctx = xmpp_ctx_new(NULL, NULL);
	return rig_ctx == NULL;
}

static inline int rig_close(void **state)
{
	UNUSED(state);
	xmpp_ctx_free(rig_ctx);
	xmpp_shutdown();
	return 0;
}

static inline xmpp_stanza_t *rig_stanza(const char *text)
{
	xmpp_stanza_t *s = xmpp_stanza_new_from_string(rig_ctx, text);

	if (s == NULL)
		fail_msg("not XML: %s", text);
	return s;
}

static inline json_t *rig_json(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(copy, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (json == NULL)
		fail_msg("not JSON: %s", copy);
	free(copy);
	return json;
}

/* The same, the order of members included: it is the classic one. */
static inline void rig_expect(const json_t *json, const char *expected, const char *about)
{
	json_t *wanted = rig_json(expected);
	char *a = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	char *b = json_dumps(wanted, JSON_COMPACT | JSON_ENCODE_ANY);

	if (strcmp(a, b) != 0)
		fail_msg("%s\n  is       %s\n  expected %s", about, a, b);
	free(a);
	free(b);
	json_decref(wanted);
}

/* Releases the stanza; the text is as it would be sent. */
static inline void rig_expect_stanza(xmpp_stanza_t *s, const char *expected, const char *about)
{
	char *text;
	size_t len;

	if (s == NULL)
		fail_msg("%s: refused", about);
	assert_int_equal(xmpp_stanza_to_text(s, &text, &len), XMPP_EOK);
	if (strcmp(text, expected) != 0)
		fail_msg("%s\n  is       %s\n  expected %s", about, text, expected);
	xmpp_free(rig_ctx, text);
	xmpp_stanza_release(s);
}

struct rig_row {
	const char *stanza;
	enum xmpp_read_kind kind;
	const char *messages; /* NULL: none */
};

static inline void rig_check_rows(const struct rig_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xmpp_stanza_t *s = rig_stanza(rows[i].stanza);
		struct xmpp_read_news news;
		xmpp_read_stanza(s, &rig_self, &news);
		rig_expect(news.messages, rows[i].messages != NULL ? rows[i].messages : "[]",
			rows[i].stanza);
		if (news.kind != rows[i].kind)
			fail_msg("%s\n  is of kind %d, not %d", rows[i].stanza, (int)news.kind,
				(int)rows[i].kind);
		xmpp_read_release(&news);
		xmpp_stanza_release(s);
	}
}

/* The stanza's news; the caller releases them. */
static inline struct xmpp_read_news rig_news(const char *text, const struct xmpp_read_self *self)
{
	xmpp_stanza_t *s = rig_stanza(text);
	struct xmpp_read_news news;

	xmpp_read_stanza(s, self, &news);
	xmpp_stanza_release(s);
	return news;
}

#endif

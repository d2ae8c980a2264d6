/* SPDX-License-Identifier: MIT */
/* Any bytes as a stanza for alice@localhost/web: read it as news and as every kind of answer, and take what comes out as a
 * job for every stanza that can be written. */
#include <stdlib.h>
#include <string.h>

#include "core/activity.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_expat.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_read_result.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_message.h"
#include "platforms/xmpp/xmpp_write_presence.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM "room@conference.localhost"
#define NOW  INT64_C(1795420800000)

static xmpp_ctx_t *ctx;

static const struct xmpp_read_room *room(void *arg, const char *jid)
{
	static const struct xmpp_read_room inside = {"al", 1};

	UNUSED(arg);
	return xmpp_jid_equals_bare(jid, ROOM) ? &inside : NULL;
}

static int occupant(void *arg, const char *jid, const char *nick)
{
	UNUSED(arg);
	UNUSED(jid);
	return strcmp(nick, "bob") == 0;
}

static int trusted(void *arg, const char *jid)
{
	UNUSED(arg);
	return strchr(jid, 'b') != NULL;
}

static int asked(void *arg, const char *query, const char *archive)
{
	UNUSED(arg);
	UNUSED(archive);
	return strcmp(query, "q1") == 0;
}

static const struct xmpp_read_self self = {
	.actor = "alice@localhost",
	.full_jid = "alice@localhost/web",
	.now_ms = NOW,
	.room = room,
	.occupant = occupant,
	.trusted = trusted,
	.asked = asked,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e;
	int rc;

	UNUSED(argc);
	UNUSED(argv);
	xmpp_initialize();
	ctx = xmpp_ctx_new(NULL, NULL);
	rc = xmpp_expat_check(&e);
	assert(rc == 0);
	return 0;
}

static int elements(xmpp_stanza_t *s)
{
	int n = xmpp_stanza_is_tag(s);

	for (xmpp_stanza_t *c = xmpp_stanza_get_children(s); c != NULL; c = xmpp_stanza_get_next(c))
		n += elements(c);
	return n;
}

/* Whatever we write can be read, and has the elements that it was built of. */
static void sent(xmpp_stanza_t *s)
{
	xmpp_stanza_t *again;
	char *text;
	size_t len;
	int rc;

	if (s == NULL)
		return;
	rc = xmpp_stanza_to_text(s, &text, &len);
	assert(rc == XMPP_EOK);
	again = xmpp_stanza_new_from_string(ctx, text);
	assert(again != NULL && elements(again) == elements(s));
	xmpp_free(ctx, text);
	xmpp_stanza_release(again);
	xmpp_stanza_release(s);
}

static void dumped(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	assert(text != NULL);
	free(text);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Only the own account, or a room for what is said in it, may speak for alice. */
static void check_message(const json_t *m, const struct xmpp_read_news *news)
{
	const json_t *object = json_object_get(m, "object");
	int own = json_is_true(json_object_get(object, "own"));

	assert(activity_verb(m)[0] != '\0' && activity_actor_address(m)[0] != '\0');
	assert(activity_target_count(m) == 1 && activity_target_address(m, 0) != NULL);
	assert(json_is_object(object));
	if (own || json_object_get(object, "carbon") != NULL)
		assert(news->from == NULL || xmpp_jid_equals_bare(news->from, self.full_jid) ||
			xmpp_jid_equals_bare(news->from, ROOM));
}

static void read_news(const xmpp_stanza_t *s)
{
	struct xmpp_read_news news;
	json_t *m;
	size_t i;

	xmpp_read_stanza(s, &self, &news);
	json_array_foreach (news.messages, i, m)
		check_message(m, &news);
	dumped(news.messages);
	if (news.kind == XMPP_READ_CONTACT)
		assert(news.from == NULL || xmpp_jid_equals(news.from, "alice@localhost"));
	if (news.kind == XMPP_READ_ARCHIVED)
		assert(strcmp(news.query, "q1") == 0 && news.archive != NULL);
	sent(news.reply);
	news.reply = NULL;
	xmpp_read_release(&news);
}

static void read_results(const xmpp_stanza_t *s)
{
	static int (*const readers[])(const xmpp_stanza_t *, json_t **, struct err *) = {
		xmpp_read_result_members, xmpp_read_result_items, xmpp_read_result_info,
		xmpp_read_result_history, xmpp_read_result_version};
	json_t *object, *messages;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (readers[i](s, &object, &e) < 0)
			continue;
		dumped(object);
		json_decref(object);
	}
	if (xmpp_read_result_roster(s, &self, &messages, &object, &e) == 0) {
		dumped(object);
		dumped(messages);
		json_decref(object);
		json_decref(messages);
	}
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static void write_all(const char *t)
{
	struct xmpp_write_message_head to = {t, t, 0, 0}, bob = {t, "bob@localhost", 0, 0},
				       all = {t, ROOM, 1};
	struct xmpp_write_presence_join join = {ROOM, t, t, 5, NULL, NULL};
	json_t *o = json_pack("{ss ss ss ss ss ss s[s] ss ss}", "text", t, "subject", t, "thread",
		t, "replaces", t, "status", t, "name", t, "groups", t, "with", t, "before", t);
	struct err e;

	sent(xmpp_write_message(ctx, &to, o, &e));
	sent(xmpp_write_message(ctx, &bob, o, &e));
	sent(xmpp_write_message_topic(ctx, &all, t, &e));
	sent(xmpp_write_message_receipt(ctx, &bob, t, "displayed", &e));
	sent(xmpp_write_message_invite(ctx, &all, t, t, &e));
	sent(xmpp_write_presence(ctx, t, o, &e));
	sent(xmpp_write_presence_subscription(ctx, t, "subscribe", t, &e));
	sent(xmpp_write_presence_join(ctx, &join, &e));
	sent(xmpp_write_presence_leave(ctx, t, t, t, &e));
	sent(xmpp_write_iq_roster_set(ctx, t, t, o, &e));
	sent(xmpp_write_iq_history(ctx, t, NULL, o, &e));
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_dup(data, size);
	xmpp_stanza_t *s = xmpp_stanza_new_from_string(ctx, text);
	json_t *any = json_stringn((const char *)data, size);

	if (s != NULL) {
		read_news(s);
		read_results(s);
		xmpp_stanza_release(s);
	}
	if (any != NULL && size > 0 && strlen(text) == size)
		write_all(text);
	json_decref(any);
	mem_free(text);
	return 0;
}

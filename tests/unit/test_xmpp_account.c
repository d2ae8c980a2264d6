/* SPDX-License-Identifier: MIT */
/* The account and its verbs, against a stream that the test plays: what is sent is looked at, what comes is made up. The
 * real stream has test_xmpp_link.c, a real server tests/e2e/test_xmpp*.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_link.h"
#include "tests/fake/psession.h"

extern const struct platform platform_xmpp;

#define ME   "ann@example.org/here"
#define ROOM "tea@muc.example.org"
#define MUC  "http://jabber.org/protocol/muc"

/* --- the stream ------------------------------------------------------------------------------------------------------------- */

struct xmpp_link {
	xmpp_ctx_t *ctx;
	struct xmpp_link_events events;
	char *jid, *host;
	unsigned port;
	int connects, disconnects;
	char *sent[4096];
	int n;
};

static struct xmpp_link *the_link;

int xmpp_link_new(struct psession *ps, const struct xmpp_link_options *o,
	const struct xmpp_link_events *events, struct xmpp_link **out, struct err *e)
{
	UNUSED(ps);
	UNUSED(e);
	assert_string_equal(o->password, "secret");
	*out = the_link = mem_alloc(sizeof **out);
	the_link->ctx = xmpp_ctx_new(NULL, NULL);
	the_link->events = *events;
	the_link->jid = mem_strdup(o->jid);
	the_link->host = mem_strdup(o->host);
	the_link->port = o->port;
	return 0;
}

void xmpp_link_free(struct xmpp_link **link)
{
	struct xmpp_link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	for (int i = 0; i < l->n; i++)
		mem_free(l->sent[i]);
	xmpp_ctx_free(l->ctx);
	mem_free(l->jid);
	mem_free(l->host);
	mem_free(l);
	the_link = NULL;
}

void xmpp_link_connect(struct xmpp_link *link)
{
	link->connects++;
}

void xmpp_link_disconnect(struct xmpp_link *link)
{
	link->disconnects++;
}

void xmpp_link_send(struct xmpp_link *link, xmpp_stanza_t *stanza)
{
	char *text;
	size_t len;

	assert_true(link->n < (int)ARRAY_LEN(link->sent));
	assert_int_equal(xmpp_stanza_to_text(stanza, &text, &len), XMPP_EOK);
	link->sent[link->n++] = mem_strdup(text);
	xmpp_free(link->ctx, text);
	xmpp_stanza_release(stanza);
}

xmpp_ctx_t *xmpp_link_ctx(struct xmpp_link *link)
{
	return link->ctx;
}

static void comes(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void comes(const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	xmpp_stanza_t *s;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s = xmpp_stanza_new_from_string(the_link->ctx, text);
	assert_non_null(s);
	the_link->events.stanza(the_link->events.arg, s);
	xmpp_stanza_release(s);
}

static void up(int resumed)
{
	the_link->events.online(the_link->events.arg, ME, resumed);
}

static void down(enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	the_link->events.offline(the_link->events.arg, &e);
}

/* How many stanzas with all of the words were sent; the last one in `found`. */
static int count_sent(const char *const *words, const char **found)
{
	int n = 0;

	for (int i = 0; i < the_link->n; i++) {
		size_t w = 0;

		while (words[w] != NULL && strstr(the_link->sent[i], words[w]) != NULL)
			w++;
		if (words[w] != NULL)
			continue;
		n++;
		if (found != NULL)
			*found = the_link->sent[i];
	}
	return n;
}

#define SENT(...) count_sent((const char *const[]){__VA_ARGS__, NULL}, NULL)

/* The value of the attribute in the last such stanza; valid until the next call. */
static const char *attribute(const char *word, const char *name)
{
	static char value[256];
	const char *found = NULL, *at;
	char pattern[64];
	size_t len;

	assert_true(count_sent((const char *const[]){word, NULL}, &found) > 0);
	snprintf(pattern, sizeof pattern, " %s=\"", name);
	at = strstr(found, pattern);
	assert_non_null(at);
	at += strlen(pattern);
	len = strcspn(at, "\"");
	assert_true(len < sizeof value);
	memcpy(value, at, len);
	value[len] = '\0';
	return value;
}

static void answer_ping(void)
{
	comes("<iq type='result' id='%s' to='" ME "'/>", attribute("urn:xmpp:ping", "id"));
}

/* --- the world ----------------------------------------------------------------------------------------------------------------- */

static json_t *settings(void)
{
	return json_pack("{sisbsisisisisisisisi}", "accounts", 10, "verify", 1, "connect_timeout_s",
		5, "request_timeout_s", 30, "reconnect_max_s", 1, "give_up_s", 60, "rooms_max", 3,
		"occupants_max", 4, "pending_max", 5, "history_max", 100);
}

static json_t *credentials(void)
{
	return json_pack("{ssssssss}", "objectType", "credentials", "username", "ann@example.org",
		"password", "secret", "resource", "here");
}

static int offline_setup(void **state)
{
	*state = fake_new_with_credentials(&platform_xmpp, settings(), NULL, credentials());
	return 0;
}

static int setup(void **state)
{
	offline_setup(state);
	up(0);
	return 0;
}

static int setup_impatient(void **state)
{
	json_t *s = settings();

	json_object_set_new(s, "request_timeout_s", json_integer(1));
	json_object_set_new(s, "give_up_s", json_integer(1));
	*state = fake_new_with_credentials(&platform_xmpp, s, NULL, credentials());
	up(0);
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

/* TAKES `object`. */
static int job(struct fake *f, const char *verb, const char *target, json_t *object)
{
	json_t *targets = target != NULL ? json_pack("[{ss}]", "address", target) : json_array();

	return fake_job(f, json_pack("{s{ss}ssss soso}", "actor", "address", "ann@example.org",
				   "verb", verb, "platform", "xmpp", "target", targets, "object",
				   object != NULL ? object : json_object()));
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static const json_t *answer(struct fake *f, int j)
{
	assert_true(fake_is_answered(f, j));
	return fake_wait(f, j);
}

/* The object of a success. */
static const json_t *done(struct fake *f, int j)
{
	const json_t *a = answer(f, j);

	if (strcmp(text(a, "ev"), "done") != 0)
		fail_msg("failed: %s", text(a, "text"));
	return json_object_get(a, "object");
}

static const json_t *failed(struct fake *f, int j, const char *code)
{
	const json_t *a = answer(f, j);

	assert_string_equal(text(a, "ev"), "fail");
	assert_string_equal(text(a, "code"), code);
	return a;
}

/* The last event of the kind; NULL: none. `*n`: how many. */
static const json_t *event(struct fake *f, const char *ev, int *n)
{
	const json_t *found = NULL;
	json_t *each;
	size_t i;
	int count = 0;

	json_array_foreach ((json_t *)fake_events(f), i, each)
		if (strcmp(text(each, "ev"), ev) == 0) {
			found = each;
			count++;
		}
	if (n != NULL)
		*n = count;
	return found;
}

/* The last message with the verb; NULL: none. */
static const json_t *message(struct fake *f, const char *verb, int *n)
{
	const json_t *found = NULL;
	json_t *list = fake_messages(f, -2), *each;
	size_t i;
	int count = 0;

	json_array_foreach (list, i, each)
		if (strcmp(text(each, "verb"), verb) == 0) {
			found = each;
			count++;
		}
	json_decref(list); /* the events keep them */
	if (n != NULL)
		*n = count;
	return found;
}

static const json_t *object_of(const json_t *m)
{
	return json_object_get(m, "object");
}

/* --- the stream comes and goes --------------------------------------------------------------------------------------------------- */

static void test_announces(void **state)
{
	struct fake *f = *state;

	assert_int_equal(the_link->connects, 1);
	assert_string_equal(the_link->jid, ME);
	assert_null(the_link->host);
	assert_null(event(f, "ready", NULL));
	up(0);
	assert_non_null(event(f, "ready", NULL));
	assert_int_equal(SENT("jabber:iq:roster"), 1);
	assert_int_equal(SENT("urn:xmpp:carbons:2"), 1);
	assert_int_equal(SENT("<presence"), 1);
	/* Nobody was told that it was away. */
	assert_null(message(f, "connect", NULL));
	assert_non_null(event(f, "keep", NULL));
}

static void test_first_failure_is_for_good(void **state)
{
	struct fake *f = *state;
	const json_t *broken;

	down(ERR_AUTH, "the password was refused");
	broken = event(f, "broken", NULL);
	assert_string_equal(text(broken, "code"), "auth");
	assert_string_equal(
		text(broken, "text"), "failed connecting " ME " : the password was refused");
	assert_null(message(f, "connect", NULL));
	fake_run_for(f, 50);
	assert_int_equal(the_link->connects, 1);
}

static int connects_2(void *arg)
{
	UNUSED(arg);
	return the_link->connects >= 2;
}

static void test_comes_back(void **state)
{
	struct fake *f = *state;
	const json_t *m;
	int n;

	down(ERR_REMOTE, "the server closed the stream");
	assert_non_null(event(f, "unready", NULL));
	m = object_of(message(f, "connect", NULL));
	assert_string_equal(text(m, "status"), "reconnecting");
	assert_string_equal(text(m, "condition"), "remote");
	assert_int_equal(fake_run_until(f, connects_2, NULL, 5000), 0);
	down(ERR_CONNECT, "refused");
	the_link->connects = 1;
	assert_int_equal(fake_run_until(f, connects_2, NULL, 5000), 0);
	up(0);
	m = object_of(message(f, "connect", &n));
	assert_int_equal(n, 2);
	assert_string_equal(text(m, "status"), "online");
	assert_true(json_is_false(json_object_get(m, "resumed")));
	event(f, "ready", &n);
	assert_int_equal(n, 2);
	assert_int_equal(SENT("<presence"), 2);
	assert_null(event(f, "broken", NULL));
}

static void test_resumed_announces_nothing(void **state)
{
	struct fake *f = *state;
	int n = the_link->n;

	down(ERR_REMOTE, "lost");
	up(1);
	assert_int_equal(the_link->n, n);
	assert_true(
		json_is_true(json_object_get(object_of(message(f, "connect", NULL)), "resumed")));
}

static void test_conflict_is_not_fought(void **state)
{
	struct fake *f = *state;
	const json_t *m;
	int n;

	down(ERR_CONFLICT, "another client took the resource");
	m = message(f, "error", &n);
	assert_int_equal(n, 1);
	assert_string_equal(text(object_of(m), "condition"), "conflict");
	message(f, "close", &n);
	assert_int_equal(n, 1);
	assert_null(message(f, "connect", NULL));
	assert_string_equal(text(event(f, "broken", NULL), "code"), "conflict");
	assert_true(json_is_null(json_object_get(event(f, "keep", NULL), "state")));
	fake_run_for(f, 1200);
	assert_int_equal(the_link->connects, 1);
}

static int is_broken(void *arg)
{
	if (event(arg, "broken", NULL) != NULL)
		return 1;
	if (the_link->connects > 1) {
		the_link->connects = 1;
		down(ERR_CONNECT, "refused");
	}
	return event(arg, "broken", NULL) != NULL;
}

static void test_gives_up(void **state)
{
	struct fake *f = *state;

	down(ERR_REMOTE, "lost");
	assert_int_equal(fake_run_until(f, is_broken, f, 10000), 0);
	assert_string_equal(text(object_of(message(f, "connect", NULL)), "status"), "failed");
	assert_non_null(message(f, "close", NULL));
}

static void test_disconnect(void **state)
{
	struct fake *f = *state;
	int sent = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "hello"));
	int j = job(f, "disconnect", NULL, NULL);

	done(f, j);
	failed(f, sent, "unknown-outcome");
	assert_int_equal(the_link->disconnects, 1);
	assert_non_null(message(f, "close", NULL));
	assert_string_equal(text(event(f, "broken", NULL), "code"), "cancelled");
	down(ERR_REMOTE, "closed as asked");
	assert_null(message(f, "connect", NULL));
}

static void test_connect(void **state)
{
	struct fake *f = *state;

	assert_string_equal(text(done(f, job(f, "connect", NULL, NULL)), "address"), ME);
}

/* --- send --------------------------------------------------------------------------------------------------------------------------- */

static void test_send_is_fenced(void **state)
{
	struct fake *f = *state;
	int a = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int b, c, n;

	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	b = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	c = job(f, "send", "bob@example.org", json_pack("{ssss}", "text", "three", "id", "own-id"));
	/* One at a time. */
	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	assert_int_equal(SENT("<message", "<body>three</body>", "id=\"own-id\""), 1);
	answer_ping();
	assert_true(strlen(text(done(f, a), "id")) > 8);
	assert_false(fake_is_answered(f, b));
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
	answer_ping();
	done(f, b);
	assert_string_equal(text(done(f, c), "id"), "own-id");
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
	/* The other pages of the user see it, too. */
	event(f, "others", &n);
	assert_int_equal(n, 3);
	assert_string_equal(
		text(object_of(json_object_get(event(f, "others", NULL), "message")), "carbon"),
		"sent");
}

static void test_ping_may_be_refused(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	comes("<iq type='error' id='%s' from='example.org'><error "
	      "type='cancel'><service-unavailable "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("urn:xmpp:ping", "id"));
	done(f, j);
}

static void bounces(const char *from, const char *id)
{
	comes("<message type='error' id='%s' from='%s' to='" ME
	      "'><error type='cancel'><service-unavailable "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		id, from);
}

static void test_bounce(void **state)
{
	struct fake *f = *state;
	int j = job(
		f, "send", "nobody@example.org", json_pack("{ssss}", "text", "one", "id", "x1"));

	bounces("mallory@example.com", "x1");
	assert_false(fake_is_answered(f, j));
	bounces("nobody@example.org", "x1");
	failed(f, j, "remote");
	answer_ping();
	assert_null(event(f, "others", NULL));
	/* One that comes later is a message. */
	bounces("nobody@example.org", "x1");
	assert_string_equal(text(object_of(message(f, "error", NULL)), "id"), "x1");
}

static void test_send_to_many(void **state)
{
	struct fake *f = *state;
	int n, j = fake_job(f, json_pack("{s{ss}ssss s[{ss}{ss}] s{ss}}", "actor", "address",
				       "ann@example.org", "verb", "send", "platform", "xmpp",
				       "target", "address", "bob@example.org", "address",
				       "carol@example.org", "object", "text", "both"));

	assert_int_equal(SENT("<message", "to=\"bob@example.org\""), 1);
	assert_int_equal(SENT("<message", "to=\"carol@example.org\""), 1);
	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	answer_ping();
	done(f, j);
	event(f, "others", &n);
	assert_int_equal(n, 2);
	/* One bad address: none is sent. */
	j = fake_job(
		f, json_pack("{s{ss}ssss s[{ss}{ss}] s{ss}}", "actor", "address", "ann@example.org",
			   "verb", "send", "platform", "xmpp", "target", "address",
			   "bob@example.org", "address", "@@", "object", "text", "never"));
	failed(f, j, "invalid");
	assert_int_equal(SENT("never"), 0);
}

static void test_lost_before_the_fence(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	down(ERR_REMOTE, "lost");
	assert_false(fake_is_answered(f, j));
	up(0);
	failed(f, j, "unknown-outcome");
	j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	answer_ping();
	done(f, j);
}

static void test_resumed_before_the_fence(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	down(ERR_REMOTE, "lost");
	up(1);
	assert_false(fake_is_answered(f, j));
	answer_ping();
	done(f, j);
}

static void test_silent_server(void **state)
{
	struct fake *f = *state;
	int sent = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int asked = job(f, "fetch", "roster", NULL);

	fake_wait(f, asked);
	failed(f, sent, "unknown-outcome");
	failed(f, asked, "timeout");
	/* The next one is not held up by the fence that never came. */
	sent = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	answer_ping();
	done(f, sent);
}

static void test_cancelled(void **state)
{
	struct fake *f = *state;
	int a = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int b = job(f, "fetch", "roster", NULL);

	fake_cancel(f, a);
	fake_cancel(f, b);
	answer_ping();
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'/></iq>",
		attribute("jabber:iq:roster", "id"));
	assert_false(fake_is_answered(f, a));
	assert_false(fake_is_answered(f, b));
}

static void test_too_many_wait(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 5; i++)
		job(f, "fetch", "roster", NULL);
	failed(f, job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one")), "busy");
	assert_int_equal(SENT("<message"), 0);
}

/* --- contacts ------------------------------------------------------------------------------------------------------------------------- */

static void test_roster(void **state)
{
	struct fake *f = *state;
	int n, j = job(f, "fetch", "roster", NULL);
	const char *id = attribute("jabber:iq:roster", "id");

	/* Not from just anybody. */
	comes("<iq type='result' id='%s' from='mallory@example.com'><query "
	      "xmlns='jabber:iq:roster'><item jid='mallory@example.com' "
	      "subscription='both'/></query></iq>",
		id);
	assert_false(fake_is_answered(f, j));
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'><item "
	      "jid='bob@example.org' name='Bob' subscription='both'/><item jid='eve@example.org' "
	      "subscription='none'/></query></iq>",
		id);
	assert_int_equal(json_integer_value(json_object_get(done(f, j), "count")), 2);
	assert_string_equal(text(json_object_get(message(f, "update", &n), "actor"), "address"),
		"bob@example.org");
	assert_int_equal(n, 1);
	message(f, "request-friend", &n);
	assert_int_equal(n, 1);
}

static void test_receipts_for_friends_only(void **state)
{
	struct fake *f = *state;

	UNUSED(f);
	comes("<message from='bob@example.org/x' to='" ME
	      "' id='m1' type='chat'><body>hi</body><request "
	      "xmlns='urn:xmpp:receipts'/></message>");
	assert_int_equal(SENT("<received"), 0);
	comes("<iq type='set' id='p1'><query xmlns='jabber:iq:roster'><item "
	      "jid='bob@example.org' subscription='both'/></query></iq>");
	comes("<message from='bob@example.org/x' to='" ME
	      "' id='m2' type='chat'><body>hi</body><request "
	      "xmlns='urn:xmpp:receipts'/></message>");
	assert_int_equal(SENT("<received", "id=\"m2\""), 1);
}

static void test_friends(void **state)
{
	struct fake *f = *state;
	int a = job(f, "request-friend", "bob@example.org", NULL);
	int b, c;

	assert_int_equal(SENT("type=\"subscribe\""), 1);
	answer_ping();
	done(f, a);
	b = job(f, "make-friend", "bob@example.org", NULL);
	assert_int_equal(SENT("type=\"subscribed\""), 1);
	answer_ping();
	done(f, b);
	c = job(f, "remove-friend", "bob@example.org", NULL);
	assert_int_equal(SENT("type=\"unsubscribe\""), 1);
	assert_int_equal(SENT("type=\"unsubscribed\""), 1);
	answer_ping();
	done(f, c);
	failed(f, job(f, "request-friend", "not an address", NULL), "invalid");
}

static void test_contact(void **state)
{
	struct fake *f = *state;
	int j = job(f, "update", "bob@example.org",
		json_pack("{sssss[s]}", "objectType", "contact", "name", "Bobby", "groups", "tea"));

	assert_int_equal(SENT("jabber:iq:roster", "name=\"Bobby\"", "<group>tea</group>"), 1);
	comes("<iq type='result' id='%s'/>", attribute("Bobby", "id"));
	done(f, j);
	j = job(f, "update", "bob@example.org",
		json_pack("{sssb}", "objectType", "contact", "remove", 1));
	comes("<iq type='error' id='%s'><error type='cancel'><item-not-found "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("subscription=\"remove\"", "id"));
	failed(f, j, "not-found");
}

static void test_presence(void **state)
{
	struct fake *f = *state;
	const json_t *kept;
	int j = job(f, "update", NULL,
		json_pack("{sssssb}", "show", "away", "status", "tea", "roster", 0));

	assert_int_equal(SENT("<presence", "<show>away</show>", "<status>tea</status>"), 1);
	answer_ping();
	done(f, j);
	kept = json_object_get(json_object_get(event(f, "keep", NULL), "state"), "presence");
	assert_string_equal(text(kept, "show"), "away");
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "<show>away</show>", "<status>tea</status>"), 2);
	/* The classic way asks for the roster, too. */
	j = job(f, "update", NULL, json_pack("{ss}", "type", "dnd"));
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'/></iq>",
		attribute("jabber:iq:roster", "id"));
	done(f, j);
}

/* --- rooms ----------------------------------------------------------------------------------------------------------------------------- */

static void occupant(const char *nick, const char *codes)
{
	comes("<presence from='" ROOM "/%s' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='participant'/>%s</x></presence>",
		nick, codes);
}

#define SELF "<status code='110'/>"

static int joined(struct fake *f)
{
	int j = job(f, "join", ROOM "/Ann", NULL);

	occupant("bob", "");
	occupant("Ann", SELF);
	done(f, j);
	return j;
}

static void test_join(void **state)
{
	struct fake *f = *state;
	const json_t *object, *kept;
	int j, again;

	j = joined(f);
	object = done(f, j);
	assert_string_equal(text(object, "nick"), "Ann");
	assert_int_equal(json_integer_value(json_object_get(object, "occupants")), 2);
	kept = json_object_get(json_object_get(event(f, "keep", NULL), "state"), "rooms");
	assert_string_equal(text(json_array_get(kept, 0), "address"), ROOM);
	/* A second session learns who is there from the account's own record. */
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 1);
	again = job(f, "join", ROOM, json_pack("{ss}", "nick", "Ann"));
	done(f, again);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 1);
	object = object_of(message(f, "observe", NULL));
	assert_int_equal(json_array_size(json_object_get(object, "members")), 2);
}

static void test_join_new_room(void **state)
{
	struct fake *f = *state;
	int j = job(f, "join", ROOM "/Ann", NULL);

	occupant("Ann", SELF "<status code='201'/>");
	/* Nobody could follow until it is open. */
	assert_false(fake_is_answered(f, j));
	comes("<iq type='result' id='%s' from='" ROOM "'/>", attribute("muc#owner", "id"));
	assert_true(json_is_true(json_object_get(done(f, j), "created")));
}

static void refuse(const char *condition)
{
	comes("<presence type='error' from='" ROOM "/Ann' to='" ME "'><error type='auth'><%s "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
		condition);
}

static void test_join_refused(void **state)
{
	static const struct {
		const char *condition, *code, *word;
	} rows[] = {
		{"not-authorized", "forbidden", "password"},
		{"forbidden", "forbidden", "banned"},
		{"conflict", "conflict", "nick"},
		{"registration-required", "forbidden", "members"},
		{"item-not-found", "not-found", "exist"},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int j = job(f, "join", ROOM "/Ann", json_pack("{ss}", "password", "wrong"));

		refuse(rows[i].condition);
		assert_non_null(strstr(text(failed(f, j, rows[i].code), "text"), rows[i].word));
	}
	/* It is in none of them. */
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
	assert_int_equal(SENT("<password>wrong</password>"), (int)ARRAY_LEN(rows));
}

static void test_join_waits_for_the_same(void **state)
{
	struct fake *f = *state;
	int a = job(f, "join", ROOM "/Ann", NULL);
	int b = job(f, "join", ROOM "/Ann", NULL);

	assert_int_equal(SENT("<presence", ROOM), 1);
	failed(f, job(f, "join", ROOM "/Other", NULL), "busy");
	occupant("Ann", SELF);
	done(f, a);
	done(f, b);
}

static void test_too_many_rooms(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 3; i++) {
		char room[64];

		snprintf(room, sizeof room, "r%d@muc.example.org/Ann", i);
		job(f, "join", room, NULL);
	}
	failed(f, job(f, "join", ROOM "/Ann", NULL), "busy");
}

static void test_leave(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "leave", ROOM, json_pack("{ss}", "text", "bye"));
	assert_int_equal(SENT("type=\"unavailable\"", "bye"), 1);
	comes("<presence type='unavailable' from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='none'/>" SELF "</x></presence>");
	done(f, j);
	assert_non_null(message(f, "leave", NULL));
	assert_int_equal(json_array_size(json_object_get(
				 json_object_get(event(f, "keep", NULL), "state"), "rooms")),
		0);
}

static void test_nick(void **state)
{
	struct fake *f = *state;
	int j, k;

	joined(f);
	j = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "nick", "nick", "Anna"));
	/* Something else about us changes meanwhile: not an answer. */
	occupant("Ann", SELF);
	assert_false(fake_is_answered(f, j));
	comes("<presence type='unavailable' from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><item nick='Anna' affiliation='none' role='participant'/><status "
	      "code='303'/>" SELF "</x></presence>");
	occupant("Anna", SELF);
	assert_string_equal(text(done(f, j), "nick"), "Anna");
	k = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "nick", "nick", "bob"));
	refuse("conflict");
	failed(f, k, "conflict");
	/* Still inside, under the same name. */
	assert_string_equal(
		text(done(f, job(f, "join", ROOM, json_pack("{ss}", "nick", "Anna"))), "nick"),
		"Anna");
}

static void test_enters_again(void **state)
{
	struct fake *f = *state;
	const json_t *m;

	joined(f);
	comes("<message type='groupchat' from='" ROOM "/bob' to='" ME
	      "' id='g1'><body>hi</body></message>");
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 2);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\"", "since="), 1);
	occupant("Ann", SELF);
	done(f, job(f, "observe", ROOM, NULL));
	/* A room that will not have it any more. */
	down(ERR_REMOTE, "lost");
	up(0);
	refuse("forbidden");
	m = message(f, "leave", NULL);
	assert_non_null(strstr(text(object_of(m), "text"), "banned"));
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
}

static void test_room_service_comes_back(void **state)
{
	struct fake *f = *state;

	joined(f);
	comes("<presence type='unavailable' from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='none'/>" SELF
	      "<status code='332'/></x></presence>");
	assert_non_null(message(f, "leave", NULL));
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 2);
}

static void test_occupants_are_bounded(void **state)
{
	struct fake *f = *state;
	char nick[16];
	int j;

	joined(f);
	for (int i = 0; i < 20; i++) {
		snprintf(nick, sizeof nick, "n%d", i);
		occupant(nick, "");
	}
	j = job(f, "observe", ROOM, NULL);
	assert_int_equal(json_array_size(json_object_get(done(f, j), "members")), 4);
}

static void test_observe_from_outside(void **state)
{
	struct fake *f = *state;
	int j = job(f, "observe", ROOM, NULL);

	comes("<iq type='result' id='%s' from='" ROOM
	      "'><query xmlns='http://jabber.org/protocol/disco#items'><item jid='" ROOM
	      "/bob' name='bob'/></query></iq>",
		attribute("disco#items", "id"));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(done(f, j), "members"), 0)),
		"bob");
	j = job(f, "observe", ROOM, json_pack("{ss}", "objectType", "room-info"));
	comes("<iq type='result' id='%s' from='" ROOM
	      "'><query xmlns='http://jabber.org/protocol/disco#info'><identity "
	      "category='conference' type='text' name='Tea'/></query></iq>",
		attribute("disco#info", "id"));
	assert_string_equal(text(done(f, j), "objectType"), "room-info");
	j = job(f, "observe", "muc.example.org", json_pack("{ss}", "objectType", "version"));
	comes("<iq type='error' id='%s' from='muc.example.org'><error "
	      "type='cancel'><item-not-found "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("jabber:iq:version", "id"));
	failed(f, j, "not-found");
}

static void test_topic(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "topic", "topic", "Tea"));
	assert_int_equal(SENT("<message", "<subject>Tea</subject>", "groupchat"), 1);
	bounces(ROOM, attribute("<subject>", "id"));
	failed(f, j, "remote");
	failed(f, job(f, "update", "x@y", json_pack("{ssss}", "objectType", "topic", "topic", "T")),
		"not-found");
}

static void test_invite(void **state)
{
	struct fake *f = *state;
	json_t *invitation = json_pack(
		"{ssssss}", "objectType", "invitation", "room", ROOM, "text", "tea?");
	int j = job(f, "update", "bob@example.org", json_incref(invitation));

	assert_int_equal(SENT("<invite", "to=\"bob@example.org\"", "to=\"" ROOM "\"", "tea?"), 1);
	answer_ping();
	done(f, j);
	j = job(f, "update", "bob@example.org", invitation);
	/* The room refuses, not the guest. */
	bounces(ROOM, attribute("<invite", "id"));
	failed(f, j, "remote");
}

static void test_groupchat(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "send", ROOM, json_pack("{ss}", "text", "all"));
	assert_int_equal(SENT("<message", "groupchat", "all"), 1);
	answer_ping();
	done(f, j);
	/* It comes back from the room. */
	assert_null(event(f, "others", NULL));
	job(f, "send", ROOM "/bob", json_pack("{ss}", "text", "psst"));
	assert_int_equal(SENT("<message", "type=\"chat\"", "psst"), 1);
}

/* --- history, restoring ------------------------------------------------------------------------------------------------------------------ */

static void archived(const char *from, const char *query, const char *body)
{
	comes("<message to='" ME "' from='%s'><result xmlns='urn:xmpp:mam:2' queryid='%s' "
	      "id='a1'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
	      "stamp='2013-11-01T12:00:00Z'/><message xmlns='jabber:client' "
	      "from='bob@example.org/x' to='ann@example.org' "
	      "type='chat'><body>%s</body></message></forwarded></result></message>",
		from, query, body);
}

static void test_history(void **state)
{
	struct fake *f = *state;
	int n, j = job(f, "fetch", NULL,
		       json_pack("{sssi}", "objectType", "history", "limit", 200));
	char id[64];

	snprintf(id, sizeof id, "%s", attribute("urn:xmpp:mam:2", "id"));
	/* Never more than the operator allows. */
	assert_int_equal(SENT("urn:xmpp:mam:2", "<max>100</max>"), 1);
	archived("mallory@example.com", id, "forged");
	archived("ann@example.org", "other", "not asked");
	archived("ann@example.org", id, "old");
	comes("<iq type='result' id='%s' from='ann@example.org'><fin xmlns='urn:xmpp:mam:2' "
	      "complete='true'><set "
	      "xmlns='http://jabber.org/protocol/rsm'><first>a1</first><last>a1</last></set></"
	      "fin></iq>",
		id);
	assert_true(json_is_true(json_object_get(done(f, j), "complete")));
	assert_string_equal(text(object_of(message(f, "send", &n)), "text"), "old");
	assert_int_equal(n, 1);
}

static void test_restored(void **state)
{
	struct fake *f = fake_restore(&platform_xmpp, settings(), NULL,
		json_pack("{ssssss}", "objectType", "credentials", "username", "ann@example.org",
			"password", "secret"),
		json_pack("{sss{ss}s[{ssss}{sssssb}]}", "resource", "there", "presence", "show",
			"dnd", "rooms", "address", ROOM, "nick", "Ann", "address",
			"safe@muc.example.org", "nick", "Ann", "password", 1));
	const json_t *m;

	UNUSED(state);
	assert_string_equal(the_link->jid, "ann@example.org/there");
	/* The server may be away, too: that is no reason to forget the account. */
	down(ERR_CONNECT, "refused");
	assert_null(event(f, "broken", NULL));
	up(0);
	m = object_of(message(f, "connect", NULL));
	assert_string_equal(text(m, "status"), "online");
	assert_true(json_is_true(json_object_get(m, "restored")));
	assert_int_equal(SENT("<presence", "<show>dnd</show>", ROOM "/Ann"), 1);
	assert_int_equal(SENT("safe@muc"), 0);
	m = message(f, "leave", NULL);
	assert_non_null(strstr(text(object_of(m), "text"), "password"));
	fake_free(f);
}

static void test_credentials(void **state)
{
	struct fake *f = fake_new_with_credentials(&platform_xmpp, settings(), NULL,
		json_pack("{sssssssi}", "username", "ann", "password", "secret", "server",
			"example.org", "port", 5299));

	UNUSED(state);
	assert_string_equal(the_link->host, "example.org");
	assert_int_equal(the_link->port, 5299);
	assert_memory_equal(the_link->jid, "ann@example.org/sockethub-", 26);
	fake_free(f);
	f = fake_new_with_credentials(&platform_xmpp, settings(), NULL,
		json_pack("{ssssss}", "username", "ann@example.org", "password", "secret", "server",
			"Example.org"));
	/* Its own domain, no port: the SRV records say where. */
	assert_null(the_link->host);
	fake_free(f);
}

#define TEST(t)      cmocka_unit_test_setup_teardown(t, setup, teardown)
#define OFFLINE(t)   cmocka_unit_test_setup_teardown(t, offline_setup, teardown)
#define IMPATIENT(t) cmocka_unit_test_setup_teardown(t, setup_impatient, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLINE(test_announces),
		OFFLINE(test_first_failure_is_for_good),
		TEST(test_comes_back),
		TEST(test_resumed_announces_nothing),
		TEST(test_conflict_is_not_fought),
		IMPATIENT(test_gives_up),
		TEST(test_disconnect),
		TEST(test_connect),
		TEST(test_send_is_fenced),
		TEST(test_ping_may_be_refused),
		TEST(test_bounce),
		TEST(test_send_to_many),
		TEST(test_lost_before_the_fence),
		TEST(test_resumed_before_the_fence),
		IMPATIENT(test_silent_server),
		TEST(test_cancelled),
		TEST(test_too_many_wait),
		TEST(test_roster),
		TEST(test_receipts_for_friends_only),
		TEST(test_friends),
		TEST(test_contact),
		TEST(test_presence),
		TEST(test_join),
		TEST(test_join_new_room),
		TEST(test_join_refused),
		TEST(test_join_waits_for_the_same),
		TEST(test_too_many_rooms),
		TEST(test_leave),
		TEST(test_nick),
		TEST(test_enters_again),
		TEST(test_room_service_comes_back),
		TEST(test_occupants_are_bounded),
		TEST(test_observe_from_outside),
		TEST(test_topic),
		TEST(test_invite),
		TEST(test_groupchat),
		TEST(test_history),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

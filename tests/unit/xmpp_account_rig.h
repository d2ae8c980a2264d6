/* SPDX-License-Identifier: MIT */
/* xmpp_account_rig - the platform xmpp against a stream that the test plays: what is sent is looked at, what comes is made up.
 *
 * Takes the place of xmpp_link; the real stream has test_xmpp_link.c, a real server tests/e2e/test_xmpp*.py. */
#ifndef TESTS_UNIT_XMPP_ACCOUNT_RIG_H
#define TESTS_UNIT_XMPP_ACCOUNT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_link.h"
#include "tests/fake/psession.h"

/* No test uses all of it. */
#define RIG static __attribute__((unused))

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

RIG void comes_text(const char *text)
{
	xmpp_stanza_t *s = xmpp_stanza_new_from_string(the_link->ctx, text);

	assert_non_null(s);
	the_link->events.stanza(the_link->events.arg, s);
	xmpp_stanza_release(s);
}

RIG void comes(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	comes_text(text);
}

RIG void up(int resumed)
{
	the_link->events.online(the_link->events.arg, ME, resumed);
}

RIG void down(enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	the_link->events.offline(the_link->events.arg, &e);
}

/* How many stanzas with all of the words were sent; the last one in `found`. */
RIG int count_sent(const char *const *words, const char **found)
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
RIG const char *attribute(const char *word, const char *name)
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

RIG void answer_ping(void)
{
	comes("<iq type='result' id='%s' to='" ME "'/>", attribute("urn:xmpp:ping", "id"));
}

/* --- the world ----------------------------------------------------------------------------------------------------------------- */

RIG json_t *settings(void)
{
	return json_pack("{sisbsisisisisisisisi}", "accounts", 10, "verify", 1, "connect_timeout_s",
		5, "request_timeout_s", 30, "reconnect_max_s", 1, "give_up_s", 60, "rooms_max", 3,
		"occupants_max", 4, "pending_max", 5, "history_max", 100);
}

RIG json_t *credentials(void)
{
	return json_pack("{ssssssss}", "objectType", "credentials", "username", "ann@example.org",
		"password", "secret", "resource", "here");
}

RIG int offline_setup(void **state)
{
	*state = fake_new_with_credentials(&platform_xmpp, settings(), NULL, credentials());
	return 0;
}

RIG int setup(void **state)
{
	offline_setup(state);
	up(0);
	return 0;
}

RIG int setup_impatient(void **state)
{
	json_t *s = settings();

	json_object_set_new(s, "request_timeout_s", json_integer(1));
	json_object_set_new(s, "give_up_s", json_integer(1));
	*state = fake_new_with_credentials(&platform_xmpp, s, NULL, credentials());
	up(0);
	return 0;
}

RIG int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

/* TAKES `object`. */
RIG int job(struct fake *f, const char *verb, const char *target, json_t *object)
{
	json_t *targets = target != NULL ? json_pack("[{ss}]", "address", target) : json_array();

	return fake_job(f, json_pack("{s{ss}ssss soso}", "actor", "address", "ann@example.org",
				   "verb", verb, "platform", "xmpp", "target", targets, "object",
				   object != NULL ? object : json_object()));
}

RIG const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

RIG const json_t *answer(struct fake *f, int j)
{
	assert_true(fake_is_answered(f, j));
	return fake_wait(f, j);
}

/* The object of a success. */
RIG const json_t *done(struct fake *f, int j)
{
	const json_t *a = answer(f, j);

	if (strcmp(text(a, "ev"), "done") != 0)
		fail_msg("failed: %s", text(a, "text"));
	return json_object_get(a, "object");
}

RIG const json_t *failed(struct fake *f, int j, const char *code)
{
	const json_t *a = answer(f, j);

	assert_string_equal(text(a, "ev"), "fail");
	assert_string_equal(text(a, "code"), code);
	return a;
}

/* The last event of the kind; NULL: none. `*n`: how many. */
RIG const json_t *event(struct fake *f, const char *ev, int *n)
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
RIG const json_t *message(struct fake *f, const char *verb, int *n)
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

RIG const json_t *object_of(const json_t *m)
{
	return json_object_get(m, "object");
}

RIG void bounces(const char *from, const char *id)
{
	comes("<message type='error' id='%s' from='%s' to='" ME
	      "'><error type='cancel'><service-unavailable "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		id, from);
}

#define TEST(t)      cmocka_unit_test_setup_teardown(t, setup, teardown)
#define OFFLINE(t)   cmocka_unit_test_setup_teardown(t, offline_setup, teardown)
#define IMPATIENT(t) cmocka_unit_test_setup_teardown(t, setup_impatient, teardown)

#endif

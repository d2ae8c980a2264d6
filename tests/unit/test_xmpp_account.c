/* SPDX-License-Identifier: MIT */
/* The stream of an account: opened, lost, brought back, given up. */
#include "tests/unit/xmpp_account_rig.h"

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

/* With an account of its own: what is refused once is not tried again at once. */
static int refused_setup(void **state)
{
	json_t *c = credentials();

	json_object_set_new(c, "port", json_integer(5299));
	*state = fake_new_with_credentials(&platform_xmpp, settings(), NULL, c);
	return 0;
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

static int is_let_in_for_a_moment(void *arg)
{
	if (the_link->connects > 1) {
		the_link->connects = 1;
		up(0);
		down(ERR_REMOTE, "lost at once");
	}
	return event(arg, "broken", NULL) != NULL;
}

/* A server that lets the account in and then fails at once is not reconnected to for ever. */
static void test_gives_up_on_streams_that_do_not_last(void **state)
{
	struct fake *f = *state;
	int n;

	down(ERR_REMOTE, "lost");
	assert_int_equal(fake_run_until(f, is_let_in_for_a_moment, f, 10000), 0);
	assert_string_equal(text(object_of(message(f, "connect", NULL)), "status"), "failed");
	message(f, "close", &n);
	assert_int_equal(n, 1);
}

/* After reconnect_max_s the stream has lasted: what was before is over, even when that is longer ago than give_up_s. */
static void test_lasting_stream_is_brought_back(void **state)
{
	struct fake *f = *state;

	down(ERR_REMOTE, "lost");
	assert_int_equal(fake_run_until(f, connects_2, NULL, 5000), 0);
	up(0);
	fake_run_for(f, 1100);
	down(ERR_REMOTE, "lost again");
	assert_string_equal(text(object_of(message(f, "connect", NULL)), "status"), "reconnecting");
	assert_null(event(f, "broken", NULL));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLINE(test_announces),
		cmocka_unit_test_setup_teardown(
			test_first_failure_is_for_good, refused_setup, teardown),
		TEST(test_comes_back),
		TEST(test_resumed_announces_nothing),
		TEST(test_conflict_is_not_fought),
		IMPATIENT(test_gives_up),
		IMPATIENT(test_gives_up_on_streams_that_do_not_last),
		IMPATIENT(test_lasting_stream_is_brought_back),
		TEST(test_disconnect),
		TEST(test_connect),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

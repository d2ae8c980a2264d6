/* SPDX-License-Identifier: MIT */
#include <dirent.h>

#include "tests/unit/xmpp_link_rig.h"

static int has_three(void *arg)
{
	return strcmp(((struct peer *)arg)->bodies, "|1|<two> & \"zwei\"|3") == 0;
}

static void test_messages(void **state)
{
	struct peer one, two;
	struct xmpp_link_options o = to_prosody("two@localhost/desk");

	peer_init(&one, *state, to_prosody("one@localhost"));
	o.direct_tls = 1;
	o.port = port + 1;
	peer_init(&two, *state, o);
	wait_online(&one);
	wait_online(&two);
	assert_int_equal(one.resumed, 0);
	assert_memory_equal(one.full_jid, "one@localhost/", 14);
	assert_string_equal(two.full_jid, "two@localhost/desk");
	say(&one, "two@localhost/desk", "1");
	say(&one, "two@localhost/desk", "<two> & \"zwei\"");
	say(&one, "two@localhost/desk", "3");
	wait_for(&two, has_three);
	xmpp_link_free(&one.link);
	xmpp_link_disconnect(two.link);
	wait_offline(&two, ERR_CANCELLED, "disconnected");
	xmpp_link_connect(two.link);
	forget(&two);
	wait_online(&two);
	assert_int_equal(two.resumed, 0);
	xmpp_link_free(&two.link);
	assert_null(two.link);
	xmpp_link_free(&two.link);
}

static void test_refused(void **state)
{
	struct peer p;
	struct xmpp_link_options o = to_prosody("one@localhost");

	o.password = "wrong";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_AUTH, "localhost refused the credentials: not-authorized");
	xmpp_link_free(&p.link);

	o = to_prosody("one@localhost");
	o.ca_file = NULL;
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_TLS, "unable to get local issuer certificate");
	xmpp_link_free(&p.link);
	o.insecure = 1;
	peer_init(&p, *state, o);
	wait_online(&p);
	xmpp_link_free(&p.link);

	o = to_prosody("one@other.example");
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_REMOTE, "the server does not serve other.example");
	xmpp_link_free(&p.link);
}

static void test_unreachable(void **state)
{
	struct peer p;
	struct xmpp_link_options o = to_prosody("one@localhost");
	static const char *const bad[] = {"localhost", "@localhost", "one@", "o\"e@localhost",
		"o e@localhost", "one/@localhost"};
	struct err e;

	o.port = free_ports();
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_CONNECT, "could not connect to localhost: Connection refused");
	xmpp_link_free(&p.link);
	o.host = "127.0.0.2";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_BLOCKED, "127.0.0.2");
	xmpp_link_free(&p.link);
	o.host = "nowhere.invalid";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_RESOLVE, "nowhere.invalid");
	xmpp_link_free(&p.link);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		o.jid = bad[i];
		assert_int_equal(try_new(&p, *state, &o, &e), -ERR_INVALID);
		assert_null(p.link);
	}
}

static void test_conflict(void **state)
{
	struct peer one, two;

	peer_init(&one, *state, to_prosody("three@localhost/desk"));
	wait_online(&one);
	peer_init(&two, *state, to_prosody("three@localhost/desk"));
	wait_online(&two);
	wait_offline(&one, ERR_CONFLICT, "took the place");
	xmpp_link_free(&one.link);
	xmpp_link_free(&two.link);
}

static int threads_are_gone(void *arg)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	int n = 0;

	UNUSED(arg);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char *path = mem_printf("/proc/self/task/%s/comm", entry->d_name), name[32] = "";
		FILE *f = fopen(path, "r");

		n += f != NULL && fgets(name, sizeof name, f) != NULL &&
		     strcmp(name, "xmpp-link\n") == 0;
		if (f != NULL)
			fclose(f);
		mem_free(path);
	}
	closedir(dir);
	return n == 0;
}

static void wait_for_threads(struct fake *f)
{
	assert_int_equal(fake_run_until(f, threads_are_gone, NULL, WAIT_MS), 0);
}

/* The only link's socket has the highest number. */
static void cut(void)
{
	assert_int_equal(shutdown(1023, SHUT_RDWR), 0);
}

static int has_lost_nothing(void *arg)
{
	return strcmp(((struct peer *)arg)->bodies, "|before|behind") == 0;
}

static void test_resume(void **state)
{
	struct peer p, other;

	wait_for_threads(*state);
	peer_init(&p, *state, to_prosody("four@localhost/desk"));
	wait_online(&p);
	say(&p, "four@localhost/desk", "before");
	while (p.bodies[0] == '\0')
		fake_run_for(p.fake, 5);
	cut();
	wait_offline(&p, ERR_REMOTE, "the connection to localhost was lost");
	peer_init(&other, *state, to_prosody("five@localhost"));
	wait_online(&other);
	say(&other, "four@localhost/desk", "behind");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_online(&p);
	assert_int_equal(p.resumed, 1);
	assert_string_equal(p.full_jid, "four@localhost/desk");
	wait_for(&p, has_lost_nothing);
	xmpp_link_free(&p.link);
	xmpp_link_free(&other.link);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void test_free_anywhere(void **state)
{
	struct peer p;
	int descriptors;

	wait_for_threads(*state);
	descriptors = count_entries("/proc/self/fd");
	for (unsigned ms = 0; ms < 60; ms += 3) {
		peer_init(&p, *state, to_prosody("six@localhost"));
		fake_run_for(p.fake, ms);
		xmpp_link_free(&p.link);
	}
	peer_init(&p, *state, to_prosody("six@localhost"));
	p.free_it = 1;
	wait_online(&p);
	assert_null(p.link);
	wait_for_threads(*state);
	assert_int_equal(count_entries("/proc/self/fd"), descriptors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_anywhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}

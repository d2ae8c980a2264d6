/* SPDX-License-Identifier: MIT */
/* The platform email as the worker drives it, against a real Dovecot: what it keeps for a successor, how it is restored,
 * when it stops, and that a job may be cancelled at any moment. tests/e2e/test_email_*.py have the verbs. */
#include "tests/unit/mail_rig.h"

extern const struct platform platform_email;

static const char *const allow[] = {"127.0.0.1", NULL};
static unsigned delivered;

static json_t *settings(void)
{
	json_t *s = json_loads(
		"{\"allow_plaintext\":true,\"verify\":true,\"connect_timeout_ms\":5000,"
		"\"timeout_ms\":5000,\"send_timeout_ms\":5000,\"max_message_bytes\":1000000,"
		"\"max_fetch_bytes\":1000000,\"max_text_bytes\":100000,"
		"\"max_attachment_bytes\":30000,\"max_recipients\":10,\"max_attachments\":10,"
		"\"max_per_page\":100,\"links\":2,\"folders\":2,\"idle\":true,"
		"\"idle_timeout_s\":30,\"idle_refresh_s\":60,\"poll_interval_s\":1,"
		"\"reconnect_max_s\":1,\"give_up_s\":10}",
		0, NULL);

	assert_non_null(s);
	return s;
}

static json_t *block(int port)
{
	return json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", port, "username", "ann",
		"password", "secret", "tls", 0, "starttls", 0);
}

static json_t *credentials(void)
{
	return json_pack("{sssoso}", "objectType", "credentials", "imap", block(rig.port), "pop",
		block(rig.port + 2));
}

static struct fake *begin(json_t *kept)
{
	return fake_restore(&platform_email, settings(), allow, credentials(), kept);
}

static int job(struct fake *f, const char *verb, const char *way, const char *object)
{
	json_t *activity = json_pack("{sss{ss}ss s[{ss}]so}", "verb", verb, "actor", "address",
		"ann@example.org", "platform", "email", "target", "address", way, "object",
		json_loads(object, 0, NULL));

	assert_non_null(activity);
	return fake_job(f, activity);
}

static void good(struct fake *f, int n)
{
	const json_t *answer = fake_wait(f, n);

	if (strcmp(json_string_value(json_object_get(answer, "ev")), "done") != 0)
		fail_msg("%s", json_string_value(json_object_get(answer, "text")));
}

/* The last event of this kind, and how many there are. */
static const json_t *last_event(const struct fake *f, const char *ev, size_t *n)
{
	const json_t *found = NULL;
	json_t *event;
	size_t i;

	*n = 0;
	json_array_foreach (fake_events(f), i, event)
		if (strcmp(json_string_value(json_object_get(event, "ev")), ev) == 0) {
			found = event;
			(*n)++;
		}
	return found;
}

struct waiting {
	const struct fake *fake;
	const char *ev;
	size_t n;
};

static int has_come(void *arg)
{
	const struct waiting *w = arg;
	size_t n;

	last_event(w->fake, w->ev, &n);
	return n >= w->n;
}

static const json_t *wait_event(struct fake *f, const char *ev, size_t n)
{
	struct waiting w = {f, ev, n};
	size_t found;

	assert_int_equal(fake_run_until(f, has_come, &w, RIG_WAIT_MS), 0);
	return last_event(f, ev, &found);
}

static const json_t *published(const json_t *event, const char *member)
{
	return json_object_get(
		json_object_get(json_object_get(event, "message"), "object"), member);
}

static void deliver(void)
{
	rig_deliver_small(++delivered);
}

static void is_number(const json_t *event, unsigned n)
{
	char subject[32];

	snprintf(subject, sizeof subject, "number %u", n);
	assert_string_equal(json_string_value(published(event, "subject")), subject);
}

/* A worker dies after it told of one mail; two come; its successor tells of these two and no other. */
static void restore(const char *way, const char *topic)
{
	struct fake *f = begin(NULL);
	const json_t *event;
	json_t *kept;
	size_t n;

	good(f, job(f, "observe", way, "{}"));
	deliver();
	event = wait_event(f, "publish", 1);
	assert_string_equal(json_string_value(json_object_get(event, "topic")), topic);
	is_number(event, delivered);
	kept = json_deep_copy(json_object_get(wait_event(f, "keep", 1), "state"));
	fake_free(f);

	deliver();
	deliver();
	assert_non_null(json_object_get(kept, way));
	f = begin(kept);
	fake_subscribe(f, topic);
	wait_event(f, "publish", 4); /* to two topics each: online; then the mails */
	fake_run_for(f, 1500);
	event = last_event(f, "publish", &n);
	assert_int_equal(n, 4);
	if (strcmp(way, "imap") == 0)
		is_number(event, delivered);
	fake_free(f);
}

static void test_restored_imap(void **state)
{
	UNUSED(state);
	restore("imap", "imap headers INBOX");
}

static void test_restored_pop(void **state)
{
	UNUSED(state);
	restore("pop", "pop headers INBOX");
}

/* The folder was made anew while nobody looked: said once, and what is there is not new. */
static void test_renumbered(void **state)
{
	struct fake *f = begin(
		json_loads("{\"imap\":{\"INBOX\":{\"uidValidity\":1,\"lastUid\":1}}}", 0, NULL));
	size_t n;

	UNUSED(state);
	fake_subscribe(f, "imap headers INBOX");
	wait_event(f, "publish", 2);
	fake_run_for(f, 300);
	assert_true(json_is_true(published(last_event(f, "publish", &n), "renumbered")));
	assert_int_equal(n, 2); /* to two topics */
	deliver();
	is_number(wait_event(f, "publish", 3), delivered);
	fake_free(f);
}

/* The gateway lets no such job pass. */
static void test_delete_names_mails(void **state)
{
	struct fake *f = begin(NULL);
	const json_t *answer = fake_wait(f, job(f, "update", "pop", "{\"objectType\":\"delete\"}"));

	UNUSED(state);
	assert_string_equal(json_string_value(json_object_get(answer, "text")), "uid is missing");
	fake_free(f);
}

static int keeps_nothing(void *arg)
{
	size_t n;
	const json_t *event = last_event(arg, "keep", &n);

	return event != NULL && json_is_null(json_object_get(event, "state"));
}

/* Nobody is left who observed: the successor ends what it took over. */
static void test_restored_for_nobody(void **state)
{
	json_t *kept = json_loads(
		"{\"imap\":{\"INBOX\":{\"uidValidity\":1,\"lastUid\":1}},\"pop\":{\"known\":[]}}",
		0, NULL);
	struct fake *f = begin(kept);

	UNUSED(state);
	assert_int_equal(fake_run_until(f, keeps_nothing, f, RIG_WAIT_MS), 0);
	fake_free(f);
}

/* What an older or a strange version kept is passed over. */
static void test_restored_from_nonsense(void **state)
{
	static const char *const rows[] = {"{}", "{\"imap\":7,\"pop\":\"x\"}",
		"{\"imap\":{\"INBOX\":[],\"\":{}}}", "{\"pop\":{\"known\":[1,null]}}"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = begin(json_loads(rows[i], 0, NULL));
		good(f, job(f, "fetch", "imap", "{}"));
		fake_free(f);
	}
}

static void test_left(void **state)
{
	struct fake *f = begin(NULL);
	size_t before, after;

	UNUSED(state);
	good(f, job(f, "observe", "imap", "{}"));
	good(f, job(f, "observe", "pop", "{}"));
	fake_leave(f);
	assert_true(keeps_nothing(f));
	last_event(f, "publish", &before);
	deliver();
	fake_run_for(f, 1500);
	last_event(f, "publish", &after);
	assert_int_equal(before, after);
	fake_free(f);
}

/* Each job is cancelled ever later, until it is answered before; then the account still serves. */
static void test_cancelled_at_any_moment(void **state)
{
	static const char *const rows[][3] = {
		{"fetch", "imap", "{\"includeBody\":true}"},
		{"fetch", "imap", "{\"search\":{\"text\":\"number\",\"since\":\"2013-11-21\"}}"},
		{"fetch", "imap", "{\"objectType\":\"folders\"}"},
		{"fetch", "imap", "{\"attachment\":{\"uid\":1,\"part\":\"1\"}}"},
		{"fetch", "imap", "{\"attachment\":{\"uid\":1,\"part\":\"2.7\"}}"},
		{"update", "imap", "{\"objectType\":\"flags\",\"uid\":1,\"add\":[\"seen\"]}"},
		{"observe", "imap", "{}"},
		{"fetch", "pop", "{\"includeBody\":true}"},
		{"fetch", "pop", "{\"attachment\":{\"uid\":\"x\",\"part\":\"1\"}}"},
		{"update", "pop", "{\"objectType\":\"delete\",\"uid\":\"x\"}"},
		{"observe", "pop", "{}"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned ms = 0; ms < 40; ms += 1 + ms / 4) {
			struct fake *f = begin(NULL);
			int n = job(f, rows[i][0], rows[i][1], rows[i][2]);

			fake_run_for(f, ms);
			fake_cancel(f, n);
			good(f, job(f, "fetch", rows[i][1], "{}"));
			fake_free(f);
		}
}

/* As above, and the account is closed with it. */
static void test_closed_at_any_moment(void **state)
{
	static const char *const ways[] = {"imap", "pop"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (unsigned ms = 0; ms < 60; ms += 1 + ms / 4) {
			struct fake *f = begin(NULL);

			job(f, "fetch", ways[i], "{\"includeBody\":true}");
			job(f, "observe", ways[i], "{}");
			job(f, "fetch", ways[i], "{}");
			fake_run_for(f, ms);
			fake_free(f);
		}
}

static int group_begin(void **state)
{
	UNUSED(state);
	if (rig_dovecot_start() != 0)
		return -1;
	for (int i = 0; i < 5; i++)
		deliver();
	return 0;
}

static int group_end(void **state)
{
	UNUSED(state);
	return rig_dovecot_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restored_imap),
		cmocka_unit_test(test_restored_pop),
		cmocka_unit_test(test_renumbered),
		cmocka_unit_test(test_delete_names_mails),
		cmocka_unit_test(test_restored_for_nobody),
		cmocka_unit_test(test_restored_from_nonsense),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_cancelled_at_any_moment),
		cmocka_unit_test(test_closed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}

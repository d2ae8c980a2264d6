/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "core/mem.h"
#include "core/redis_url.h"

struct row {
	const char *text;
	const char *shown; /* NULL: refused */
	const char *user, *password;
};

static const struct row rows[] = {
	{"redis://localhost", "localhost:6379/0", NULL, NULL},
	{"redis://localhost/", "localhost:6379/0", NULL, NULL},
	{"redis://10.0.0.1:7000/3", "10.0.0.1:7000/3", NULL, NULL},
	{"redis://[::1]:7000/3", "[::1]:7000/3", NULL, NULL},
	{"redis://[fd00::5]", "[fd00::5]:6379/0", NULL, NULL},
	{"redis://:pw@h:1", "h:1/0", NULL, "pw"},
	{"redis://ann:pw@h", "h:6379/0", "ann", "pw"},
	{"redis://ann@h", "h:6379/0", "ann", NULL},
	{"redis://a%6En:p%40%3a%2Fw%@h", "h:6379/0", "ann", "p@:/w%"},
	{"unix:///run/r.sock", "/run/r.sock/0", NULL, NULL},
	{"unix:///run/r.sock?db=7", "/run/r.sock/7", NULL, NULL},
	{"unix://u:p@/run/r@x.sock", "/run/r@x.sock/0", "u", "p"},
	{"sentinel://h/test", "test@h:26379/0", NULL, NULL},
	{"sentinel://h:1,i,[::1]:2/test/3", "test@h:1/3", NULL, NULL},
	{"sentinel://ann:pw@[::1],b/t/", "t@[::1]:26379/0", "ann", "pw"},
	{"sentinel://h", NULL, NULL, NULL},
	{"sentinel://h/", NULL, NULL, NULL},
	{"sentinel://h//3", NULL, NULL, NULL},
	{"sentinel:///test", NULL, NULL, NULL},
	{"sentinel://h,/test", NULL, NULL, NULL},
	{"sentinel://,h/test", NULL, NULL, NULL},
	{"sentinel://h:0/test", NULL, NULL, NULL},
	{"sentinel://h/test/x", NULL, NULL, NULL},
	{"unix://run/r.sock", NULL, NULL, NULL},
	{"unix:///run/r.sock?db=x", NULL, NULL, NULL},
	{"unix:///run/r.sock?x=1", NULL, NULL, NULL},
	{"rediss://h", NULL, NULL, NULL},
	{"http://h", NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
	{"redis://", NULL, NULL, NULL},
	{"redis://:6379", NULL, NULL, NULL},
	{"redis://h:", NULL, NULL, NULL},
	{"redis://h:0", NULL, NULL, NULL},
	{"redis://h:65536", NULL, NULL, NULL},
	{"redis://h:6379x", NULL, NULL, NULL},
	{"redis://h/x", NULL, NULL, NULL},
	{"redis://h/1/2", NULL, NULL, NULL},
	{"redis://[::1", NULL, NULL, NULL},
	{"redis://[::1]x", NULL, NULL, NULL},
};

static void same(const char *got, const char *expected)
{
	if (expected == NULL)
		assert_null(got);
	else
		assert_string_equal(got, expected);
}

static void test_rows(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct redis_url u;
		struct err e;
		char *shown;
		int rc = redis_url_parse(&u, rows[i].text, &e);

		if (rows[i].shown == NULL) {
			assert_true(rc < 0);
			assert_int_equal(strncmp(e.text, "redis: ", 7), 0);
			assert_null(u.host);
			assert_null(u.password);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_true((u.host != NULL) + (u.path != NULL) + (u.n_sentinels > 0) == 1);
		shown = redis_url_show(&u);
		assert_string_equal(shown, rows[i].shown);
		mem_free(shown);
		same(u.user, rows[i].user);
		same(u.password, rows[i].password);
		redis_url_release(&u);
		redis_url_release(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/conf.h"
#include "core/err.h"
#include "core/mem.h"

static char folder[32];
static char path[64];

static int load(struct conf *c, const char *text, const char *set, struct err *e)
{
	unit_file(folder, "c.json", text, path);
	return conf_load(c, path, &set, set != NULL, e);
}

static void test_defaults(void **state)
{
	struct conf c;
	struct err e;

	UNUSED(state);
	assert_int_equal(conf_load(&c, NULL, NULL, 0, &e), 0);
	assert_string_equal(c.base, "/sockethub");
	assert_null(c.listen);
	assert_int_equal(c.session_ttl_s, 300);
	assert_int_equal(c.http_console, 1);
	assert_int_equal(c.secrets.n, 0);
	assert_int_equal(c.outbound_allow.n, 0);
	assert_int_equal(json_object_size(c.platforms), 0);
	conf_release(&c);
}

static void test_file(void **state)
{
	struct conf c;
	struct err e;

	UNUSED(state);
	assert_int_equal(
		load(&c,
			"{\"listen\": \"[::1]:80\", \"secrets\": [\"a\", \"b c\"], \"redis\": null,"
			"\"session\": {\"ttl_s\": 60}, \"http\": {\"console\": false, \"origins\": "
			"[\"*\"]},"
			"\"limits\": {}, \"platforms\": {\"feeds\": {\"workers\": 2}}}",
			NULL, &e),
		0);
	assert_string_equal(c.listen, "[::1]:80");
	assert_int_equal(c.secrets.n, 2);
	assert_string_equal(c.secrets.items[1], "b c");
	assert_null(c.redis);
	assert_int_equal(c.session_ttl_s, 60);
	assert_int_equal(c.session_linger_s, 20);
	assert_int_equal(c.http_console, 0);
	assert_string_equal(c.http_origins.items[0], "*");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(c.platforms, "feeds"), "workers")),
		2);
	assert_string_equal(c.dir, folder);
	conf_release(&c);
	assert_null(c.listen);
	conf_release(&c);
}

static void test_refused_files(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "line 1"},
		{"[]", "has to be an object"},
		{"{\"listen\": 5}", "listen: has to be a string"},
		{"{\"lisent\": \"x\"}", "lisent: unknown key"},
		{"{\"gateways\": 1, \"gateways\": 2}", "duplicate"},
		{"{\"gateways\": 65}", "gateways: has to be a whole number from 0 to 64"},
		{"{\"gateways\": -1}", "gateways: has to be a whole number"},
		{"{\"gateways\": 1.5}", "gateways: has to be a whole number"},
		{"{\"gateways\": \"1\"}", "gateways: has to be a whole number"},
		{"{\"session\": {\"ttl\": 5}}", "session.ttl: unknown key"},
		{"{\"session\": 5}", "session: has to be an object"},
		{"{\"session.ttl_s\": {\"x\": 5}}", "session.ttl_s: has to be a whole number"},
		{"{\"http\": {\"console\": 1}}", "http.console: has to be true or false"},
		{"{\"secrets\": \"x\"}", "secrets: has to be an array of strings"},
		{"{\"secrets\": [\"x\", 5]}", "secrets[1]: has to be a string"},
		{"{\"platforms\": []}", "platforms: has to be an object"},
		{"{\"platforms\": {\"x\": 1}}", "platforms.x: has to be an object"},
		{"{\"base\": \"sockethub\"}", "base: has to be a plain path"},
		{"{\"base\": \"/a/\"}", "base: has to be a plain path"},
		{"{\"base\": \"/a?b\"}", "base: has to be a plain path"},
		{"{\"log\": {\"level\": {\"deep\": 1}}}", "log.level: has to be a string"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf c;
		struct err e;

		assert_int_equal(load(&c, rows[i].text, NULL, &e), -(int)ERR_CONFIG);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("\"%s\" says \"%s\"", rows[i].text, e.text);
		assert_null(c.platforms);
	}
}

static void test_sets(void **state)
{
	static const struct {
		const char *set, *says; /* NULL: accepted */
	} rows[] = {
		{"listen=127.0.0.1:1", NULL},
		{"listen=12", NULL}, /* a string all the same */
		{"base=/x", NULL},
		{"session.ttl_s=77", NULL},
		{"secrets=[\"x\"]", NULL},
		{"http.console=false", NULL},
		{"redis=null", NULL},
		{"platforms.irc.workers=3", NULL},
		{"platforms.irc={}", NULL},
		{"platforms={\"a\": {}}", NULL},
		{"session.ttl_s", "has to be key.path=value"},
		{"session.ttl_s=x", "session.ttl_s: has to be a whole number"},
		{"session.ttl_s=4", "session.ttl_s: has to be a whole number"},
		{"nothing=1", "--set nothing: unknown key"},
		{"session=1", "--set session: unknown key"},
		{"secrets=x", "secrets: has to be an array"},
		{"platforms.irc=5", "has to be platforms.NAME.KEY"},
		{"platforms.irc.=5", "has to be platforms.NAME.KEY"},
		{"platforms..x=5", "has to be platforms.NAME.KEY"},
		{"platforms=5", "platforms: has to be an object"},
		{"listen=\xFF", "not UTF-8"},
		{"platforms.\xFF.x=1", "not UTF-8"},
		{"=5", "unknown key"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf c;
		struct err e = {.text = "accepted"};
		int rc = load(&c, "{\"listen\": \"h:1\"}", rows[i].set, &e);

		if ((rc == 0) != (rows[i].says == NULL) ||
			(rc < 0 && strstr(e.text, rows[i].says) == NULL))
			fail_msg("--set %s: %s", rows[i].set, e.text);
		conf_release(&c);
	}
}

static void test_set_values(void **state)
{
	static const char *const sets[] = {"listen=12", "platforms.irc.workers=3",
		"platforms.irc.x=y", "session.ttl_s=70", "session.ttl_s=71"};
	struct conf c;
	struct err e;
	json_t *irc;

	UNUSED(state);
	assert_int_equal(conf_load(&c, NULL, sets, ARRAY_LEN(sets), &e), 0);
	assert_string_equal(c.listen, "12");
	assert_int_equal(c.session_ttl_s, 71);
	irc = json_object_get(c.platforms, "irc");
	assert_int_equal(json_integer_value(json_object_get(irc, "workers")), 3);
	assert_string_equal(json_string_value(json_object_get(irc, "x")), "y");
	conf_release(&c);
}

static void test_environment(void **state)
{
	struct conf c;
	struct err e;

	UNUSED(state);
	setenv("SOCKETHUB_REDIS", "unix:///x", 1);
	setenv("SOCKETHUB_SECRETS", ",one,,two words,", 1);
	assert_int_equal(
		load(&c, "{\"redis\": \"redis://h\", \"secrets\": [\"old\"]}", NULL, &e), 0);
	assert_string_equal(c.redis, "unix:///x");
	assert_int_equal(c.secrets.n, 2);
	assert_string_equal(c.secrets.items[0], "one");
	assert_string_equal(c.secrets.items[1], "two words");
	conf_release(&c);
	setenv("SOCKETHUB_REDIS", "", 1);
	unsetenv("SOCKETHUB_SECRETS");
	assert_int_equal(
		load(&c, "{\"redis\": \"redis://h\", \"secrets\": [\"old\"]}", NULL, &e), 0);
	assert_string_equal(c.redis, "redis://h");
	assert_string_equal(c.secrets.items[0], "old");
	conf_release(&c);
	unsetenv("SOCKETHUB_REDIS");
}

static void test_paths(void **state)
{
	static const struct {
		const char *dir, *given, *expected;
	} rows[] = {
		{"/etc/x", "run", "/etc/x/run"},
		{"/etc/x", "/run", "/run"},
		{"/etc/x", ".", "/etc/x"},
		{"/etc/x", "./", "/etc/x"},
		{"/etc/x", "./run", "/etc/x/run"},
		{"/etc/x", "../run", "/etc/x/../run"},
		{"/", "run", "/run"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf c = {.dir = (char *)rows[i].dir, .state_dir = (char *)rows[i].given};
		char *got = conf_path(&c, rows[i].given);
		char *state_path = conf_state_path(&c, "f");
		char expected[64];

		assert_string_equal(got, rows[i].expected);
		snprintf(expected, sizeof expected, "%s/f", rows[i].expected);
		assert_string_equal(state_path, expected);
		mem_free(got);
		mem_free(state_path);
	}
}

static void test_missing_file(void **state)
{
	struct conf c;
	struct err e;

	UNUSED(state);
	assert_int_equal(conf_load(&c, "/no/such/file", NULL, 0, &e), -(int)ERR_CONFIG);
	assert_string_equal(e.text, "/no/such/file: No such file or directory");
	assert_int_equal(conf_load(&c, folder, NULL, 0, &e), -(int)ERR_CONFIG);
}

/* The schema describes what the parser accepts: every key, its type and its default. */
static void test_schema(void **state)
{
	json_t *schema = conf_schema();
	json_t *properties = json_object_get(schema, "properties");
	json_t *session = json_object_get(json_object_get(properties, "session"), "properties");
	json_t *ttl = json_object_get(session, "ttl_s");

	UNUSED(state);
	assert_non_null(ttl);
	assert_int_equal(json_integer_value(json_object_get(ttl, "default")), 300);
	assert_int_equal(json_integer_value(json_object_get(ttl, "minimum")), 5);
	assert_non_null(json_object_get(properties, "platforms"));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	json_decref(schema);
}

/* The file in the tree is what the table says: `make config-schema` after a change. */
static void test_schema_file(void **state)
{
	json_t *file = json_load_file("schema/config.json", 0, NULL);
	json_t *made = conf_schema();

	UNUSED(state);
	assert_non_null(file);
	assert_true(json_equal(file, made));
	json_decref(file);
	json_decref(made);
}

static void test_help(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	UNUSED(state);
	assert_non_null(f);
	conf_print_help(f);
	fclose(f);
	assert_non_null(strstr(text, "session.ttl_s = 300"));
	assert_non_null(strstr(text, "platforms = {}"));
	assert_null(strstr(text, "(null)"));
	free(text);
}

static int setup(void **state)
{
	UNUSED(state);
	unsetenv("SOCKETHUB_REDIS");
	unsetenv("SOCKETHUB_SECRETS");
	unit_folder(folder);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_values),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_schema_file),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

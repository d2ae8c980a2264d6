/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/cli.h"
#include "core/conf.h"
#include "core/mem.h"

static const struct cli_program program = {
	.name = "sockethub-test",
	.tag = "test",
	.usage = "WORD [options]",
	.summary = "A test.\n",
};

static char folder[32];
static char out[8192];

#define MAX_ARGS 12

/* What the child of run() does: starts as a program would, and prints what it was given. */
static void NO_RETURN child(int argc, char **argv)
{
	struct conf c;
	const char *args[1] = {"-"};
	const char *const *sets;
	int check_only;
	size_t n = cli_start(&program, argc, argv, &c, args, 1, &check_only);

	printf("n=%zu arg=%s check=%d file=%s sets=%zu listen=%s sigpipe=%d\n", n, args[0],
		check_only, cli_config_file() != NULL ? cli_config_file() : "none", cli_sets(&sets),
		c.listen != NULL ? c.listen : "none", signal(SIGPIPE, SIG_DFL) == SIG_IGN);
	conf_release(&c);
	fflush(stdout);
	_exit(0);
}

/* Runs cli_start() with the words in a process of its own, in `folder`; the exit status, and the output in `out`. */
static int run(const char *const *words)
{
	char *argv[MAX_ARGS + 2] = {(char *)"sockethub-test"};
	int argc = 1, fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	assert_int_equal(pipe(fds), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		if (chdir(folder) < 0)
			_exit(99);
		child(argc, argv);
	}
	close(fds[1]);
	while ((n = read(fds[0], out + len, sizeof out - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_rows(void **state)
{
	static const struct {
		const char *words[MAX_ARGS];
		int status;
		const char *says;
	} rows[] = {
		{{NULL}, 0, "n=0 arg=- check=0 file=none sets=0 listen=none sigpipe=1"},
		{{"feeds", NULL}, 0, "n=1 arg=feeds"},
		{{"feeds", "irc", NULL}, 2, "one word too many: irc"},
		{{"--config", "a.json", NULL}, 0, "file=a.json sets=0 listen=h:1"},
		{{"--config", "a.json", "--set", "listen=h:2", "x", "--set", "gateways=2", NULL}, 0,
			"n=1 arg=x check=0 file=a.json sets=2 listen=h:2"},
		{{"--check-config", NULL}, 0, "check=1"},
		{{"--config", "missing.json", NULL}, 2, "missing.json: No such file"},
		{{"--config", NULL}, 2, "a value is missing after --config"},
		{{"--set", NULL}, 2, "a value is missing after --set"},
		{{"--set", "nothing=1", NULL}, 2, "nothing: unknown key"},
		{{"--nonsense", NULL}, 2, "unknown option --nonsense"},
		{{"--set", "log.level=loud", NULL}, 2, "log.level: has to be debug"},
		{{"--set", "log.format=xml", NULL}, 2, "log.format: has to be logfmt"},
		{{"--help", NULL}, 0, "Usage: sockethub-test WORD [options]"},
		{{"-h", NULL}, 0, "--set KEY=VALUE"},
		{{"--version", NULL}, 0, "sockethub-test " SOCKETHUB_VERSION},
		{{"--help-config", NULL}, 0, "session.ttl_s = 300"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = run(rows[i].words);

		if (status != rows[i].status || strstr(out, rows[i].says) == NULL)
			fail_msg("row %zu: status %d, says %s", i, status, out);
	}
}

static void test_finding_the_file(void **state)
{
	static const char *const nothing[] = {NULL};
	char path[64];

	UNUSED(state);
	unit_file(folder, "sockethub.json", "{\"listen\": \"here:1\"}", path);
	assert_int_equal(run(nothing), 0);
	assert_non_null(strstr(out, "file=sockethub.json sets=0 listen=here:1"));
	setenv("SOCKETHUB_CONFIG", "a.json", 1);
	assert_int_equal(run(nothing), 0);
	assert_non_null(strstr(out, "file=a.json sets=0 listen=h:1"));
	unsetenv("SOCKETHUB_CONFIG");
	unlink(path);
}

static void test_folders(void **state)
{
	struct conf c = {.dir = (char *)"/x", .schema_dir = (char *)"own"};
	char *dir = cli_schema_dir(&c);
	char *bin = cli_program_dir();

	UNUSED(state);
	assert_string_equal(dir, "/x/own");
	assert_int_equal(bin[0], '/');
	mem_free(dir);
	mem_free(bin);
	c.schema_dir = NULL;
	dir = cli_schema_dir(&c);
	assert_int_equal(dir[0], '/');
	assert_non_null(strstr(dir, "schema"));
	mem_free(dir);
}

static int setup(void **state)
{
	char path[64];

	UNUSED(state);
	unsetenv("SOCKETHUB_CONFIG");
	unit_folder(folder);
	unit_file(folder, "a.json", "{\"listen\": \"h:1\"}", path);
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	UNUSED(state);
	snprintf(path, sizeof path, "%s/a.json", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_finding_the_file),
		cmocka_unit_test(test_folders),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/email_sender_rig.h"

/* --- a real server ----------------------------------------------------------------------------------------------- */

struct exim {
	char folder[32];
	int port;
};

static struct exim exim;

static int run(const char *script, const char *a, const char *b)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL)
			execl(script, script, a, b, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

/* One whose successor is free too: that is where Exim speaks TLS. */
static int free_port(void)
{
	for (;;) {
		struct sockaddr_in a = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof a;
		int fd = socket(AF_INET, SOCK_STREAM, 0), next = socket(AF_INET, SOCK_STREAM, 0);
		int port, rc;
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
		port = ntohs(a.sin_port);
		a.sin_port = htons((uint16_t)(port + 1));
		rc = bind(next, (struct sockaddr *)&a, sizeof a);
		close(fd);
		close(next);
		if (rc == 0)
			return port;
	}
}

/* Another process may take the port meanwhile: then there is another port. */
static int start_exim(void **state)
{
	char port[8];

	UNUSED(state);
	unit_folder(exim.folder);
	assert_int_equal(chmod(exim.folder, 0755), 0);
	for (int i = 0; i < 5; i++) {
		exim.port = free_port();
		snprintf(port, sizeof port, "%d", exim.port);
		if (run("tests/servers/exim/start.sh", exim.folder, port) == 0)
			return 0;
	}
	return -1;
}

static int stop_exim(void **state)
{
	int rc = run("tests/servers/stop.sh", exim.folder, NULL);

	UNUSED(state);
	return rc < 0 ? rc : run("/bin/rm", "-rf", exim.folder);
}

/* TAKES `more_credentials`. */
static struct world exim_world(int trusted, json_t *more_credentials)
{
	json_t *more = json_pack("{siss}", "port", exim.port, "host", "localhost");
	struct world w = {.smtpd = smtpd_new(NULL)};
	char ca[64];

	if (more_credentials != NULL)
		json_object_update(more, more_credentials);
	json_decref(more_credentials);
	snprintf(ca, sizeof ca, "%s/ca.pem", exim.folder);
	w.fake = fake_new_with_credentials(&platform,
		trusted ? settings(json_pack("{sssb}", "ca_file", ca, "allow_plaintext", 0))
			: settings(NULL),
		allow, credentials(0, more));
	return w;
}

/* The newest mail in a maildir that has `needle`; GIVES, or NULL. */
static char *delivered(const char *user, const char *needle)
{
	char folder[100], path[400];
	struct dirent *entry;
	char *found = NULL;
	DIR *dir;

	snprintf(folder, sizeof folder, "%s/mail/%s/Maildir/new", exim.folder, user);
	dir = opendir(folder);
	while (dir != NULL && found == NULL && (entry = readdir(dir)) != NULL) {
		char *content = mem_alloc(1 << 20);
		FILE *f;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		f = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
		if (f != NULL && fread(content, 1, (1 << 20) - 1, f) > 0 &&
			strstr(content, needle) != NULL)
			found = mem_strdup(content);
		if (f != NULL)
			fclose(f);
		mem_free(content);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

struct wanted {
	const char *user, *needle;
	char *found;
};

static int is_delivered(void *arg)
{
	struct wanted *w = arg;

	if (w->found == NULL)
		w->found = delivered(w->user, w->needle);
	return w->found != NULL;
}

static void exim_delivers(void **state)
{
	UNUSED(state);
	for (int i = 0; i < 2; i++) {
		struct world w = exim_world(1, json_pack("{sbsbsi}", "starttls", i == 0, "tls",
						       i == 1, "port", exim.port + i));
		const json_t *object = done(&w,
			send_to(&w,
				"alice@localhost bounce@localhost bob@localhost full@localhost"));
		struct wanted mails[] = {{"alice", text(object, "messageId"), NULL},
			{"bob", text(object, "messageId"), NULL}};
		assert_json(json_object_get(object, "accepted"),
			"[\"alice@localhost\",\"bob@localhost\"]");
		assert_json(json_object_get(object, "refused"),
			"[{\"address\":\"bounce@localhost\",\"code\":550,\"text\":\"5.1.1 no such "
			"user\",\"temporary\":false},{\"address\":\"full@localhost\",\"code\":452,"
			"\"text\":\"4.2.2 mailbox full\",\"temporary\":true}]");
		for (int m = 0; m < 2; m++) {
			assert_int_equal(fake_run_until(w.fake, is_delivered, &mails[m], 10000), 0);
			assert_non_null(strstr(mails[m].found, "\n\nhello\n.\n"));
			mem_free(mails[m].found);
		}
		world_free(&w);
	}
}

static void exim_takes_mails_one_after_the_other(void **state)
{
	struct world w = exim_world(1, json_pack("{sb}", "starttls", 1));

	UNUSED(state);
	for (int i = 0; i < 5; i++)
		done(&w, send_to(&w, "alice@localhost"));
	assert_failed(&w, send_to(&w, "x@example.net"), "remote", "550 5.7.1 relay not permitted");
	assert_failed(&w, send_to(&w, "full@localhost bounce@localhost"), "remote",
		"refused all recipients, the first full@localhost (try again later): 452 4.2.2");
	done(&w, send_to(&w, "bob@localhost"));
	world_free(&w);
}

static void exim_refuses_a_wrong_password(void **state)
{
	struct world w = exim_world(1, json_pack("{sbss}", "starttls", 1, "password", "wrong"));

	UNUSED(state);
	assert_failed(
		&w, send_to(&w, "alice@localhost"), "auth", "refused user name or password: 535");
	world_free(&w);
}

static void an_untrusted_certificate_is_refused(void **state)
{
	UNUSED(state);
	for (int i = 0; i < 2; i++) {
		struct world w = exim_world(0, json_pack("{sbsbsi}", "starttls", i == 0, "tls",
						       i == 1, "port", exim.port + i));
		assert_failed(&w, send_to(&w, "alice@localhost"), "tls",
			"unable to get local issuer certificate");
		world_free(&w);
	}
}

/* To a port that waits for TLS from the first byte. */
static void the_wrong_kind_of_tls_is_hinted_at(void **state)
{
	struct world w = exim_world(1, json_pack("{sbsi}", "starttls", 1, "port", exim.port + 1));

	UNUSED(state);
	assert_failed(&w, send_to(&w, "alice@localhost"), "timeout", "tls: true");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exim_delivers),
		cmocka_unit_test(exim_takes_mails_one_after_the_other),
		cmocka_unit_test(exim_refuses_a_wrong_password),
		cmocka_unit_test(an_untrusted_certificate_is_refused),
		cmocka_unit_test(the_wrong_kind_of_tls_is_hinted_at),
	};

	return cmocka_run_group_tests(tests, start_exim, stop_exim);
}

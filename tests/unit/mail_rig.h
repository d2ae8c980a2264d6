/* SPDX-License-Identifier: MIT */
/* mail_rig - a psession, a Dovecot and servers from scripts for test_imap*.c and test_pop*.c. */
#ifndef TESTS_MAIL_RIG_H
#define TESTS_MAIL_RIG_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "tests/fake/lined.h"
#include "tests/fake/psession.h"
#include "tests/unit/unit.h"

extern char **environ;

#define RIG_WAIT_MS 20000

static struct {
	struct psession *ps;
	struct fake *fake;
	char dir[64];
	int port; /* of Dovecot: imap, imaps, pop3, pop3s */
} rig;

static int rig_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	UNUSED(settings);
	UNUSED(e);
	rig.ps = ps;
	*state = &rig;
	return 0;
}

static void rig_close(void *state)
{
	UNUSED(state);
}

static const struct verb rig_verbs[] = {{NULL, 0, NULL}};
static const struct platform rig_platform = {.name = "email",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = rig_verbs,
	.open = rig_open,
	.close = rig_close};

static inline void rig_session_begin(void)
{
	static const char *const allow[] = {"127.0.0.1", NULL};

	rig.fake = fake_new(&rig_platform, NULL, allow);
}

static inline void rig_session_end(void)
{
	fake_free(rig.fake);
}

static inline struct email_server *rig_make_server(
	enum email_server_kind kind, int port, const char *password, int tls, int starttls)
{
	json_t *block = json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", port, "username",
		"ann", "password", password, "tls", tls, "starttls", starttls);
	json_t *settings = json_pack("{sbsi}", "allow_plaintext", 1, "connect_timeout_ms", 3000);
	struct email_server *s = NULL;
	struct err e;
	char ca[96];

	if (tls || starttls) {
		snprintf(ca, sizeof ca, "%s/d/ca.pem", rig.dir);
		json_object_set_new(settings, "ca_file", json_string(ca));
	}
	if (email_server_new(kind, block, settings, &s, &e) < 0)
		fail_msg("%s", e.text);
	json_decref(block);
	json_decref(settings);
	return s;
}

/* A server block for ann, in plaintext, or with STARTTLS trusting the rig's Dovecot. */
static inline struct email_server *rig_server(
	enum email_server_kind kind, int port, const char *password, int starttls)
{
	return rig_make_server(kind, port, password, 0, starttls);
}

/* The same with TLS from the first byte. */
static inline struct email_server *rig_tls_server(enum email_server_kind kind, int port)
{
	return rig_make_server(kind, port, "secret", 1, 0);
}

/* --- Dovecot ---------------------------------------------------------------------------------------------------- */

static inline int rig_run(const char *script, const char *port)
{
	char *argv[] = {(char *)"bash", (char *)script, NULL, (char *)port, NULL};
	posix_spawn_file_actions_t files;
	int status = -1;
	char dir[80];
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/d", rig.dir);
	argv[2] = dir;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&pid, "bash", &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	waitpid(pid, &status, 0);
	return status;
}

static inline int rig_port_is_free(int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = bind(fd, (struct sockaddr *)&sa, sizeof sa);

	close(fd);
	return rc == 0;
}

/* Four free ports in a row, below those that the kernel hands out by itself. */
static inline int rig_free_ports(unsigned salt)
{
	for (unsigned n = 0; n < 1000; n++) {
		int port = 12000 + (int)((((unsigned)getpid() + salt * 97 + n) * 4) % 18000);
		if (rig_port_is_free(port) && rig_port_is_free(port + 1) &&
			rig_port_is_free(port + 2) && rig_port_is_free(port + 3))
			return port;
	}
	fail_msg("no free ports");
	return 0;
}

/* The file of a mail in `folder` ("" or ".Name") of ann; it appears at once, as a delivery does. */
static inline void rig_deliver(const char *folder, unsigned n, const char *text, size_t len)
{
	char base[128], from[256], to[256];
	struct stat st;
	FILE *f;

	snprintf(base, sizeof base, "%s/d/mail/ann/Maildir%s%s", rig.dir, folder[0] ? "/" : "",
		folder);
	snprintf(from, sizeof from, "%s/tmp/%u.M%uP1.host", base, 1700000000 + n, n);
	snprintf(to, sizeof to, "%s/new/%u.M%uP1.host", base, 1700000000 + n, n);
	assert_int_equal(stat(base, &st), 0);
	f = fopen(from, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chown(from, st.st_uid, st.st_gid), 0);
	assert_int_equal(rename(from, to), 0);
}

/* A small mail with the number in its subject. */
static inline void rig_deliver_small(unsigned n)
{
	char *text = mem_printf("From: Bob <bob@example.org>\r\nTo: ann@example.org\r\n"
				"Subject: number %u\r\nMessage-ID: <m%u@example.org>\r\n\r\n"
				"Body of number %u.\r\n",
		n, n, n);

	rig_deliver("", n, text, strlen(text));
	mem_free(text);
}

static inline int rig_dovecot_start(void)
{
	char port[16], extra[96];

	strcpy(rig.dir, "/tmp/sh-mail-XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	assert_int_equal(chmod(rig.dir, 0755), 0);
	unit_file(rig.dir, "extra", "pop3_lock_session = yes\nmailbox_idle_check_interval = 1s\n",
		extra);
	setenv("DOVECOT_EXTRA", extra, 1);
	setenv("MAIL_USERS", "ann", 1);
	for (unsigned i = 0; i < 10; i++) {
		rig.port = rig_free_ports(i);
		snprintf(port, sizeof port, "%d", rig.port);
		if (rig_run("tests/servers/dovecot/start.sh", port) == 0)
			return 0;
	}
	return -1;
}

static inline int rig_dovecot_stop(void)
{
	/* The master is gone, but a child may still write into its mailbox. */
	char *command = mem_printf("for i in $(seq 100); do rm -rf '%s' 2>/dev/null && exit 0; "
				   "sleep 0.05; done; exit 1",
		rig.dir);
	int rc = rig_run("tests/servers/stop.sh", NULL);

	rc |= system(command);
	mem_free(command);
	return rc;
}

#endif

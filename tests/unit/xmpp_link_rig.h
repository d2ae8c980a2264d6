/* SPDX-License-Identifier: MIT */
/* xmpp_link_rig - for the tests of xmpp_link: a Prosody, and links whose events are remembered.
 *
 * The working folder is the repository's root. Prosody's folder has the certificates for other servers, too. */
#ifndef TESTS_UNIT_XMPP_LINK_RIG_H
#define TESTS_UNIT_XMPP_LINK_RIG_H

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_link.h"
#include "tests/fake/psession.h"
#include "tests/fake/xmppd.h"
#include "tests/unit/unit.h"

#define WAIT_MS    30000
#define TIMEOUT_MS 20000
#define USERS      "one two three four five six seven eight"

/* --- a platform that has a session, and nothing else ---------------------------------------------------------------- */

static inline int open_nothing(
	struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	UNUSED(settings);
	UNUSED(e);
	*state = ps;
	return 0;
}

static inline void close_nothing(void *state)
{
	UNUSED(state);
}

static const struct verb no_verbs[] = {{NULL, 0, NULL}};
static const struct platform nothing = {.name = "nothing",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = no_verbs,
	.open = open_nothing,
	.close = close_nothing};
static const char *const allow[] = {"127.0.0.1", "::1", NULL};

/* --- the real server --------------------------------------------------------------------------------------------------- */

static char folder[64], ca[96];
static unsigned port; /* and port + 1 */

static inline unsigned free_ports(void)
{
	for (;;) {
		struct sockaddr_in sa = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof sa;
		int first = socket(AF_INET, SOCK_STREAM, 0),
		    second = socket(AF_INET, SOCK_STREAM, 0);
		unsigned n;
		int ok;

		assert_int_equal(bind(first, (struct sockaddr *)&sa, sizeof sa), 0);
		assert_int_equal(getsockname(first, (struct sockaddr *)&sa, &len), 0);
		n = ntohs(sa.sin_port);
		sa.sin_port = htons((uint16_t)(n + 1));
		ok = n < 65535 && bind(second, (struct sockaddr *)&sa, sizeof sa) == 0;
		close(first);
		close(second);
		if (ok)
			return n;
	}
}

static inline int run_script(const char *script, const char *argument)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("XMPP_USERS", USERS, 1);
		execl(script, script, folder, argument, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline int start_server(void **state)
{
	char number[16];
	int status = -1;

	UNUSED(state);
	/* As the platform's start() does; before there is any thread. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	signal(SIGPIPE, SIG_IGN);
	unit_folder(folder);
	snprintf(ca, sizeof ca, "%s/ca.pem", folder);
	/* Another test may have been faster to take the ports. */
	for (int tries = 0; status != 0 && tries < 3; tries++) {
		port = free_ports();
		snprintf(number, sizeof number, "%u", port);
		status = run_script("tests/servers/prosody/start.sh", number);
	}
	return status;
}

static inline int stop_server(void **state)
{
	char *command = mem_printf("rm -rf %s", folder);
	int rc;

	UNUSED(state);
	run_script("tests/servers/stop.sh", NULL);
	rc = system(command);
	mem_free(command);
	return rc;
}

/* --- a link, and what it told ------------------------------------------------------------------------------------------- */

struct peer {
	struct fake *fake;
	struct xmpp_link *link;
	int online, offline, resumed, free_it;
	char full_jid[256];
	struct err why;
	int n_stanzas;
	char bodies[4096]; /* of messages, each behind a "|" */
};

static inline void on_online(void *arg, const char *full_jid, int resumed)
{
	struct peer *p = arg;

	p->online++;
	p->resumed = resumed;
	snprintf(p->full_jid, sizeof p->full_jid, "%s", full_jid);
	if (p->free_it)
		xmpp_link_free(&p->link);
}

static inline void on_stanza(void *arg, const xmpp_stanza_t *stanza)
{
	struct peer *p = arg;
	char *body = xmpp_message_get_body((xmpp_stanza_t *)stanza);
	size_t len = strlen(p->bodies);

	p->n_stanzas++;
	if (body != NULL)
		snprintf(p->bodies + len, sizeof p->bodies - len, "|%s", body);
	xmpp_free(xmpp_stanza_get_context(stanza), body);
}

static inline void on_offline(void *arg, const struct err *why)
{
	struct peer *p = arg;

	p->offline++;
	p->why = *why;
}

static inline struct xmpp_link_options to_prosody(const char *jid)
{
	return (struct xmpp_link_options){.jid = jid,
		.password = "secret",
		.host = "127.0.0.1",
		.port = port,
		.ca_file = ca,
		.connect_timeout_ms = TIMEOUT_MS};
}

static inline struct xmpp_link_options to_fake(const struct xmppd *d)
{
	struct xmpp_link_options o = to_prosody("ann@localhost");

	o.port = xmppd_port(d);
	return o;
}

static inline int try_new(
	struct peer *p, struct fake *f, const struct xmpp_link_options *o, struct err *e)
{
	struct xmpp_link_events events = {on_online, on_stanza, on_offline, p};

	memset(p, 0, sizeof *p);
	p->fake = f;
	return xmpp_link_new(fake_state(f), o, &events, &p->link, e);
}

static inline void peer_init(struct peer *p, struct fake *f, struct xmpp_link_options o)
{
	struct err e;

	assert_int_equal(try_new(p, f, &o, &e), 0);
	xmpp_link_connect(p->link);
}

static inline int is_settled(void *arg)
{
	struct peer *p = arg;

	return p->online > 0 || p->offline > 0;
}

static inline int is_offline(void *arg)
{
	return ((struct peer *)arg)->offline > 0;
}

static inline void wait_for(struct peer *p, int (*cond)(void *arg))
{
	assert_int_equal(fake_run_until(p->fake, cond, p, WAIT_MS), 0);
}

static inline void wait_online(struct peer *p)
{
	wait_for(p, is_settled);
	if (p->offline > 0)
		fail_msg("offline: %s", p->why.text);
}

static inline void wait_offline(struct peer *p, enum err_code code, const char *text)
{
	wait_for(p, is_offline);
	if (p->why.code != code || strstr(p->why.text, text) == NULL)
		fail_msg("%s: %s", err_token((int)p->why.code), p->why.text);
	assert_null(strstr(p->why.text, "secret"));
}

static inline void forget(struct peer *p)
{
	p->online = p->offline = 0;
}

static inline void say(struct peer *p, const char *to, const char *body)
{
	xmpp_stanza_t *s = xmpp_message_new(xmpp_link_ctx(p->link), "chat", to, NULL);

	xmpp_message_set_body(s, body);
	xmpp_link_send(p->link, s);
}

static inline int setup(void **state)
{
	*state = fake_new(&nothing, NULL, allow);
	return 0;
}

static inline int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_login.h"

#include <stdio.h>
#include <string.h>

#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_login_account.h"
#include "platforms/xmpp/xmpp_reason.h"
#include "platforms/xmpp/xmpp_sasl.h"
#include "platforms/xmpp/xmpp_sm.h"

#define BIND_ID "sh-bind"

enum step { OPEN, FEATURES, PROCEED, SASL, RESUME, BIND, BOUND };

struct xmpp_login {
	xmpp_conn_t *conn;
	xmpp_ctx_t *ctx;
	const struct xmpp_login_account *account;
	struct xmpp_sm *sm;
	enum step step;
	enum xmpp_login_next next;
	struct xmpp_sasl *sasl;
	int authenticated;
	int can_bind, can_manage, wants_session; /* of the features after authentication */
	int resumed;
	char *full_jid;
	struct err err;
};

struct xmpp_login *xmpp_login_new(
	xmpp_conn_t *conn, const struct xmpp_login_account *account, struct xmpp_sm *sm)
{
	struct xmpp_login *l = mem_alloc(sizeof *l);

	l->conn = conn;
	l->ctx = xmpp_conn_get_context(conn);
	l->account = account;
	l->sm = sm;
	return l;
}

void xmpp_login_free(struct xmpp_login **lp)
{
	struct xmpp_login *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	xmpp_sasl_free(&l->sasl);
	mem_free(l->full_jid);
	mem_free(l);
}

enum xmpp_login_next xmpp_login_next(struct xmpp_login *l)
{
	enum xmpp_login_next next = l->next;

	l->next = XMPP_LOGIN_WAIT;
	return next;
}

const struct err *xmpp_login_error(const struct xmpp_login *l)
{
	return &l->err;
}

int xmpp_login_is_done(const struct xmpp_login *l)
{
	return l->step == BOUND;
}

const char *xmpp_login_full_jid(const struct xmpp_login *l)
{
	return l->full_jid;
}

int xmpp_login_is_resumed(const struct xmpp_login *l)
{
	return l->resumed;
}

#define FAIL(l, ...) err_set(&(l)->err, __VA_ARGS__)

static void unexpected(struct xmpp_login *l)
{
	FAIL(l, ERR_REMOTE, "%s does not keep to the rules of the log-in", l->account->domain);
}

/* --- elements ------------------------------------------------------------------------------------------------------ */

static int is(xmpp_stanza_t *s, const char *name, const char *ns)
{
	const char *its_name = xmpp_stanza_get_name(s), *its_ns = xmpp_stanza_get_ns(s);

	return its_name != NULL && strcmp(its_name, name) == 0 && its_ns != NULL &&
	       strcmp(its_ns, ns) == 0;
}

static xmpp_stanza_t *find(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	return xmpp_stanza_get_child_by_name_and_ns(parent, name, ns);
}

static xmpp_stanza_t *element(struct xmpp_login *l, const char *name, const char *ns)
{
	xmpp_stanza_t *s = xmpp_stanza_new(l->ctx);

	xmpp_stanza_set_name(s, name);
	if (ns != NULL)
		xmpp_stanza_set_ns(s, ns);
	return s;
}

/* TAKES `child`. */
static void add(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
	xmpp_stanza_add_child_ex(parent, child, 0);
}

static void add_text(struct xmpp_login *l, xmpp_stanza_t *parent, const char *text)
{
	xmpp_stanza_t *s = xmpp_stanza_new(l->ctx);

	xmpp_stanza_set_text(s, text);
	add(parent, s);
}

/* TAKES `s`. */
static void send(struct xmpp_login *l, xmpp_stanza_t *s)
{
	xmpp_send(l->conn, s);
	xmpp_stanza_release(s);
}

/* --- encryption, authentication ------------------------------------------------------------------------------------- */

static void ask_for_tls(struct xmpp_login *l, xmpp_stanza_t *features)
{
	if (find(features, "starttls", XMPP_NS_TLS) == NULL) {
		FAIL(l, ERR_TLS, "%s offers no encryption", l->account->domain);
		return;
	}
	send(l, element(l, "starttls", XMPP_NS_TLS));
	l->step = PROCEED;
}

static void read_proceed(struct xmpp_login *l, xmpp_stanza_t *s)
{
	if (is(s, "proceed", XMPP_NS_TLS))
		l->next = XMPP_LOGIN_TLS;
	else if (is(s, "failure", XMPP_NS_TLS))
		FAIL(l, ERR_TLS, "%s could not start the encryption", l->account->domain);
	else
		unexpected(l);
	l->step = OPEN;
}

static unsigned read_mechanisms(struct xmpp_login *l, xmpp_stanza_t *features)
{
	xmpp_stanza_t *list = find(features, "mechanisms", XMPP_NS_SASL), *s;
	unsigned offer = 0;

	for (s = list != NULL ? xmpp_stanza_get_children(list) : NULL; s != NULL;
		s = xmpp_stanza_get_next(s)) {
		char *name = is(s, "mechanism", XMPP_NS_SASL) ? xmpp_stanza_get_text(s) : NULL;
		if (name == NULL)
			continue;
		xmpp_sasl_offer(&offer, name);
		xmpp_free(l->ctx, name);
	}
	return offer;
}

static void authenticate(struct xmpp_login *l, xmpp_stanza_t *features)
{
	const struct xmpp_login_account *a = l->account;
	xmpp_stanza_t *auth;

	xmpp_sasl_free(&l->sasl);
	l->sasl = xmpp_sasl_new(read_mechanisms(l, features), a->local, &a->password, NULL);
	if (l->sasl == NULL) {
		FAIL(l, ERR_AUTH, "%s offers no way to log in with a password", a->domain);
		return;
	}
	auth = element(l, "auth", XMPP_NS_SASL);
	xmpp_stanza_set_attribute(auth, "mechanism", xmpp_sasl_mechanism(l->sasl));
	add_text(l, auth, xmpp_sasl_begin(l->sasl));
	send(l, auth);
	l->step = SASL;
}

static void answer_challenge(struct xmpp_login *l, const char *challenge)
{
	const char *answer = NULL;
	xmpp_stanza_t *response;

	if (xmpp_sasl_answer(l->sasl, challenge, &answer, &l->err) < 0)
		return;
	response = element(l, "response", XMPP_NS_SASL);
	if (answer[0] != '\0')
		add_text(l, response, answer);
	send(l, response);
}

static void read_sasl(struct xmpp_login *l, xmpp_stanza_t *s)
{
	char *text;

	if (is(s, "failure", XMPP_NS_SASL)) {
		xmpp_reason_sasl(s, l->account->domain, &l->err);
		return;
	}
	text = xmpp_stanza_get_text(s);
	if (is(s, "challenge", XMPP_NS_SASL)) {
		answer_challenge(l, text != NULL ? text : "");
	} else if (!is(s, "success", XMPP_NS_SASL)) {
		unexpected(l);
	} else if (xmpp_sasl_finish(l->sasl, text, &l->err) == 0) {
		l->authenticated = 1;
		l->next = XMPP_LOGIN_STREAM;
		l->step = OPEN;
	}
	xmpp_free(l->ctx, text);
}

/* --- the session ---------------------------------------------------------------------------------------------------- */

static void bind(struct xmpp_login *l)
{
	xmpp_stanza_t *iq, *bind;

	if (!l->can_bind) {
		unexpected(l);
		return;
	}
	iq = xmpp_iq_new(l->ctx, "set", BIND_ID);
	bind = element(l, "bind", XMPP_NS_BIND);
	if (l->account->resource != NULL) {
		xmpp_stanza_t *resource = element(l, "resource", NULL);
		add_text(l, resource, l->account->resource);
		add(bind, resource);
	}
	add(iq, bind);
	send(l, iq);
	l->step = BIND;
}

/* RFC 3921, 3: old servers want it. Nobody waits for the answer; it goes by as an iq that nobody asked for. */
static void start_session(struct xmpp_login *l)
{
	xmpp_stanza_t *iq = xmpp_iq_new(l->ctx, "set", "sh-session");

	add(iq, element(l, "session", XMPP_NS_SESSION));
	send(l, iq);
}

static void enable_management(struct xmpp_login *l)
{
	xmpp_stanza_t *enable = element(l, "enable", XMPP_NS_SM);

	xmpp_stanza_set_attribute(enable, "resume", "true");
	send(l, enable);
	xmpp_sm_begin(l->sm, l->full_jid);
}

/* A full JID (RFC 6120, 7.6.1): all that tells the account's own words from those of strangers depends on it. */
static int is_full_jid(const char *text)
{
	struct xmpp_jid jid;

	return xmpp_jid_parse(text, &jid, NULL) == 0 && jid.local != NULL && jid.resource != NULL;
}

static void read_bind(struct xmpp_login *l, xmpp_stanza_t *s)
{
	const char *id = xmpp_stanza_get_id(s), *type = xmpp_stanza_get_type(s);
	xmpp_stanza_t *bind = find(s, "bind", XMPP_NS_BIND);
	xmpp_stanza_t *jid = bind != NULL ? xmpp_stanza_get_child_by_name(bind, "jid") : NULL;
	char *text;

	if (id == NULL || type == NULL || strcmp(id, BIND_ID) != 0) {
		unexpected(l);
		return;
	}
	if (strcmp(type, "result") != 0) {
		xmpp_reason_bind(s, l->account->domain, &l->err);
		return;
	}
	text = jid != NULL ? xmpp_stanza_get_text(jid) : NULL;
	if (!is_full_jid(text)) {
		unexpected(l);
	} else {
		l->full_jid = mem_strdup(text);
		if (l->wants_session)
			start_session(l);
		if (l->can_manage)
			enable_management(l);
		l->step = BOUND;
	}
	xmpp_free(l->ctx, text);
}

static void resume(struct xmpp_login *l)
{
	xmpp_stanza_t *s = element(l, "resume", XMPP_NS_SM);
	char h[16];

	snprintf(h, sizeof h, "%u", (unsigned)xmpp_sm_resume(l->sm));
	xmpp_stanza_set_attribute(s, "h", h);
	xmpp_stanza_set_attribute(s, "previd", l->sm->id);
	send(l, s);
	l->step = RESUME;
}

static void read_resume(struct xmpp_login *l, xmpp_stanza_t *s)
{
	const char *previd = xmpp_stanza_get_attribute(s, "previd");

	if (is(s, "failed", XMPP_NS_SM)) {
		/* What was not acknowledged may have arrived or not: nobody can tell, so it is not sent again. */
		xmpp_sm_clear(l->sm);
		bind(l);
	} else if (!is(s, "resumed", XMPP_NS_SM) || previd == NULL ||
		   strcmp(previd, l->sm->id) != 0 ||
		   xmpp_sm_acked(l->sm, xmpp_stanza_get_attribute(s, "h")) < 0) {
		xmpp_sm_clear(l->sm);
		unexpected(l);
	} else {
		l->sm->asked = 0;
		l->sm->enabled = 1;
		l->full_jid = mem_strdup(l->sm->full_jid);
		l->resumed = 1;
		l->step = BOUND;
	}
}

/* --- driven --------------------------------------------------------------------------------------------------------- */

static void read_features(struct xmpp_login *l, xmpp_stanza_t *s)
{
	xmpp_stanza_t *session = find(s, "session", XMPP_NS_SESSION);

	if (!is(s, "features", XMPP_NS_STREAMS)) {
		unexpected(l);
	} else if (!xmpp_conn_is_secured(l->conn)) {
		ask_for_tls(l, s);
	} else if (!l->authenticated) {
		authenticate(l, s);
	} else {
		l->can_bind = find(s, "bind", XMPP_NS_BIND) != NULL;
		l->can_manage = find(s, "sm", XMPP_NS_SM) != NULL;
		l->wants_session = session != NULL &&
				   xmpp_stanza_get_child_by_name(session, "optional") == NULL;
		if (l->sm->id != NULL && l->can_manage) {
			resume(l);
		} else {
			xmpp_sm_clear(l->sm);
			bind(l);
		}
	}
}

void xmpp_login_opened(struct xmpp_login *l)
{
	if (l->step == OPEN)
		l->step = FEATURES;
	else
		unexpected(l);
}

void xmpp_login_read(struct xmpp_login *l, xmpp_stanza_t *s)
{
	if (l->err.code != ERR_NONE)
		return;
	if (is(s, "error", XMPP_NS_STREAMS)) {
		xmpp_reason_stream(s, l->account->domain, &l->err);
	} else if (l->next != XMPP_LOGIN_WAIT) {
		unexpected(l);
	} else {
		switch (l->step) {
		case OPEN:
		case BOUND:
			unexpected(l);
			break;
		case FEATURES:
			read_features(l, s);
			break;
		case PROCEED:
			read_proceed(l, s);
			break;
		case SASL:
			read_sasl(l, s);
			break;
		case RESUME:
			read_resume(l, s);
			break;
		case BIND:
			read_bind(l, s);
			break;
		}
	}
}

/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_ack.h"

#include <stdio.h>
#include <string.h>

#include "platforms/xmpp/xmpp_sm.h"

static void send_text(void *arg, const char *text)
{
	xmpp_conn_t *conn = arg;

	xmpp_send_raw(conn, text, strlen(text));
}

void xmpp_ack_ask(struct xmpp_sm *sm, xmpp_conn_t *conn)
{
	if (!sm->enabled || sm->asked || sm->n_unacked == 0)
		return;
	send_text(conn, "<r xmlns='" XMPP_NS_SM "'/>");
	sm->asked = 1;
}

void xmpp_ack_resend(struct xmpp_sm *sm, xmpp_conn_t *conn)
{
	xmpp_sm_each(sm, send_text, conn);
}

static void confirm(struct xmpp_sm *sm, xmpp_conn_t *conn)
{
	char text[64];

	snprintf(text, sizeof text, "<a xmlns='" XMPP_NS_SM "' h='%u'/>",
		(unsigned)xmpp_sm_confirm(sm));
	send_text(conn, text);
}

int xmpp_ack_answer(struct xmpp_sm *sm, xmpp_conn_t *conn)
{
	int all = sm->taken >= sm->owed_for;

	if (!sm->owed || (!all && sm->taken == sm->confirmed))
		return 0;
	confirm(sm, conn);
	sm->owed = !all;
	return 1;
}

void xmpp_ack_end(struct xmpp_sm *sm, xmpp_conn_t *conn)
{
	if (sm->enabled && (sm->owed || sm->taken > sm->confirmed))
		confirm(sm, conn);
}

static const char *read_enabled(struct xmpp_sm *sm, xmpp_stanza_t *stanza)
{
	const char *resume = xmpp_stanza_get_attribute(stanza, "resume");
	const char *id = xmpp_stanza_get_attribute(stanza, "id");
	int can = resume != NULL && (strcmp(resume, "true") == 0 || strcmp(resume, "1") == 0);

	if (!sm->counting || sm->enabled)
		return "does not keep to the rules";
	xmpp_sm_enabled(sm, can ? id : NULL);
	return NULL;
}

const char *xmpp_ack_read(struct xmpp_sm *sm, xmpp_conn_t *conn, xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza);
	const char *complaint = NULL;

	if (strcmp(name, "r") == 0) {
		sm->owed = sm->enabled;
		sm->owed_for = sm->came;
		xmpp_ack_answer(sm, conn);
	} else if (strcmp(name, "enabled") == 0) {
		complaint = read_enabled(sm, stanza);
	} else if (strcmp(name, "failed") == 0) {
		xmpp_sm_clear(sm);
	} else if (strcmp(name, "a") == 0) {
		sm->asked = 0;
		if (xmpp_sm_acked(sm, xmpp_stanza_get_attribute(stanza, "h")) < 0)
			complaint = "acknowledged what was not sent";
	}
	xmpp_ack_ask(sm, conn);
	return complaint;
}

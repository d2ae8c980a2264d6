/* SPDX-License-Identifier: MIT */
/* xmpp_account - one account: its stream, whether it is up, and what has to be the same after it was lost.
 *
 * Opens the stream, gets it back when it is lost, and tells the sessions; announces presence and rooms on a new one. What
 * stanzas mean is xmpp_inbox's business, what the verbs do that of the files named after them: they share this struct, which
 * nobody outside this folder sees. */
#ifndef PLATFORMS_XMPP_ACCOUNT_H
#define PLATFORMS_XMPP_ACCOUNT_H

#include "platforms/platform.h"
#include "platforms/xmpp/xmpp_credentials.h"
#include "platforms/xmpp/xmpp_link.h"
#include "platforms/xmpp/xmpp_request.h"
#include "platforms/xmpp/xmpp_room.h"

#define XMPP_ACCOUNT_ID_SIZE 40

enum xmpp_account_state {
	XMPP_ACCOUNT_CONNECTING, /* for the first time */
	XMPP_ACCOUNT_ONLINE,
	XMPP_ACCOUNT_WAITING,      /* lost, until the next attempt */
	XMPP_ACCOUNT_RECONNECTING, /* lost, attempting */
	XMPP_ACCOUNT_GONE          /* for good: close() follows */
};

struct xmpp_account {
	unsigned magic;
	struct psession *ps;
	const json_t *settings; /* the worker's, checked */
	struct xmpp_credentials login;
	struct xmpp_link *link;
	enum xmpp_account_state state;
	char *full_jid; /* as bound; while there was no stream yet, as asked for */

	struct xmpp_requests *requests;
	struct xmpp_rooms *rooms;
	json_t *roster;     /* bare JID -> subscription */
	size_t roster_size; /* bytes that it takes, about: see xmpp_contact */
	json_t *presence;   /* {"show"?,"status"?,"priority"?}: the own, as last set */
	int fenced;         /* a ping is on its way: see xmpp_fence */

	struct platform_timer *retry;   /* WAITING */
	struct platform_timer *reenter; /* rooms whose service went down: see xmpp_muc */
	unsigned attempts;              /* since lost_at_ms */
	/* When a stream that had lasted was lost, and since when it is up; 0: never yet. Monotonic. */
	uint64_t lost_at_ms, online_at_ms;
	int restored; /* until online: opened by a worker for another that died */

	uint64_t id_prefix, id_count;
};

/* See struct platform. */
int xmpp_account_open(struct psession *ps, const json_t *settings, void **state, struct err *e);
void xmpp_account_cancel(void *state, struct job *job);
void xmpp_account_close(void *state);
/* The account of a verb's `state`; aborts on anything else. */
struct xmpp_account *xmpp_account_of(void *state);

/* The address that the sessions know the account by. */
const char *xmpp_account_actor(const struct xmpp_account *a);
/* A setting that is a number. */
json_int_t xmpp_account_setting(const struct xmpp_account *a, const char *name);
/* A fresh id for a stanza: nobody else can guess it. */
void xmpp_account_id(struct xmpp_account *a, char out[XMPP_ACCOUNT_ID_SIZE]);
/* TAKES. */
void xmpp_account_send(struct xmpp_account *a, xmpp_stanza_t *stanza);
/* Sends an iq and waits for its answer from `to` (NULL: own server). TAKES `iq`, which has its id. The request is borrowed
 * until it is answered. */
struct xmpp_request *xmpp_account_ask(struct xmpp_account *a, xmpp_stanza_t *iq, const char *to,
	struct job *job, xmpp_request_fn *fn);
/* To every session. TAKES `message`. */
void xmpp_account_tell(struct xmpp_account *a, json_t *message);
/* An array of messages to the sessions of `ps`: the account's or a job's. Borrows `messages`. */
void xmpp_account_tell_all(struct psession *ps, const json_t *messages);
/* Rooms or presence have changed: a successor of this worker shall know. */
void xmpp_account_keep(struct xmpp_account *a);

/* The verbs `connect` and `disconnect`. */
void xmpp_account_run_connect(void *state, struct job *job);
void xmpp_account_run_disconnect(void *state, struct job *job);

#endif

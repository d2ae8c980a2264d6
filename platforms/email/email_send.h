/* SPDX-License-Identifier: MIT */
/* email_send - the verb `send`: a job becomes a message (email_compose), goes out (email_smtp), and is answered.
 *
 * One sender per account. It knows jobs; neither how a message is written nor how SMTP is spoken. Result:
 *   {"messageId":"<..>", "date":"2026-11-23T07:20:41.000Z", "accepted":["bob@example.org"],
 *    "refused":[{"address":"x@example.org", "code":550, "text":"5.1.1 no such user", "temporary":false}]}
 * `refused` is absent when nobody was. */
#ifndef PLATFORMS_EMAIL_EMAIL_SEND_H
#define PLATFORMS_EMAIL_EMAIL_SEND_H

#include <jansson.h>

struct email_send;
struct email_server;
struct job;
struct psession;

/* The sending side of an account. Opens nothing before the first job; every connection has a curl_loop of its own.
 * `ps` (the instance's own session), `server` (kind smtp) and `settings` are KEPT until email_send_free(). Read of
 * `settings`, each with a default: "max_message_bytes" (26214400), "max_recipients" (100), "max_attachments" (50),
 * "idle_timeout_s" (30: how long an unused connection is kept), "send_timeout_ms" (60000: how long the server may be
 * silent within a delivery). GIVES. */
struct email_send *email_send_new(
	struct psession *ps, const struct email_server *server, const json_t *settings);
/* No job may be under way: answer or cancel them before. Sets NULL; NULL is legal. */
void email_send_free(struct email_send **send);

/* Takes over `job`: answers it once, later, with the result above, or fails it: ERR_INVALID (the activity),
 * ERR_TOO_LARGE, what email_server_explain() gives, ERR_REMOTE (refused; the text has the server's code and words and
 * says whether that is temporary), ERR_TIMEOUT, ERR_UNKNOWN_OUTCOME (the connection was lost after the whole message
 * went out). Uses job_set_data(). */
void email_send_run(struct email_send *send, struct job *job);
/* For platform.cancel: ends what was begun by email_send_run(). Nothing more is sent, `job` is not answered. A
 * message whose last byte is out already can not be called back. */
void email_send_cancel(struct email_send *send, struct job *job);

#endif

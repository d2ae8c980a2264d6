/* SPDX-License-Identifier: MIT */
/* email_server - one server of an e-mail account: a block `smtp`, `imap` or `pop` of the credentials.
 *
 * Reads the block, sets up libcurl handles for it (address guard, TLS, login), and turns libcurl's results into our
 * errors. TLS is required: implicit or by STARTTLS, never "if the server offers it"; plaintext only where the operator
 * allows it and the block asks for it. It speaks no protocol: imap_link, pop_link and smtp_link do. */
#ifndef PLATFORMS_EMAIL_EMAIL_SERVER_H
#define PLATFORMS_EMAIL_EMAIL_SERVER_H

#include <curl/curl.h>
#include <jansson.h>

#include "core/curl_guard.h"

struct err;
struct outbound;
struct psession;
struct email_server;

enum email_server_kind { EMAIL_SERVER_SMTP, EMAIL_SERVER_IMAP, EMAIL_SERVER_POP };

/* Reads a block of the credentials, all of which is copied (secrets are wiped when freed):
 *
 *   {"host":"mail.example.org", "port":587, "username":"ann", "password":"...", "tls":false, "starttls":true}
 *   with a token in place of the password: "token":"...", "oauth":"XOAUTH2" (the default) or "OAUTHBEARER";
 *   `smtp` only: "domain":"client.example.org", the name in the greeting (EHLO; RFC 5321, 4.1.1.1)
 *
 * `tls` true is TLS from the first byte, `starttls` true requires STARTTLS (STLS). Both true is an error; both false
 * is plaintext and an error unless the operator allows it. When neither is there: TLS from the first byte on the
 * ports 465, 993 and 995, and for imap and pop without a port (RFC 8314, 3); STARTTLS otherwise. `tls` false alone is
 * STARTTLS. Default ports: smtp 587, 465 with tls, 25 in plaintext; imap 143, 993 with tls; pop 110, 995 with tls.
 *
 * `settings` is platforms.email of the configuration; read of it, each with a default: "ca_file" (string; the
 * system's authorities), "verify" (true), "allow_plaintext" (false), "connect_timeout_ms" (20000). ERR_INVALID names
 * the field, never its value. GIVES in `*out`. */
int email_server_new(enum email_server_kind kind, const json_t *block, const json_t *settings,
	struct email_server **out, struct err *e);
/* NULL is legal. */
void email_server_free(struct email_server *s);

/* "mail.example.org:587", for error texts and logs; borrowed for the server's life, as are the next two. */
const char *email_server_name(const struct email_server *s);
const char *email_server_username(const struct email_server *s);
/* smtp.domain, or "". */
const char *email_server_domain(const struct email_server *s);

/* A line that the server sent during login (or later, where libcurl reads on), without its line end. Not from within
 * it: curl_loop_remove(), curl_easy_cleanup(). */
typedef void email_server_line_fn(void *arg, const char *line, size_t len);

/* What is learnt while an easy handle runs. One per handle, embedded in whatever owns the handle. */
struct email_server_call {
	unsigned magic;
	const struct email_server *server;
	struct curl_guard guard;
	unsigned offers; /* what the server said about ways to log in */
	char said[256];  /* the last line of the server, cut, as it came; "" before the first */
	char error[CURL_ERROR_SIZE]; /* libcurl's words */
	email_server_line_fn *line;  /* NULL, or set after email_server_prepare() */
	void *arg;
};

/* Sets on a fresh `easy` all but what belongs to the use of the connection: URL (for smtp with the greeting's name), user
 * and password or token, TLS 1.2 or later with verification, required STARTTLS, protocol, address guard, time to connect
 * and log in, header function (fills `call`); no proxy, no .netrc, no signals. libcurl 7.88 blocks while it waits for the
 * reply to QUIT, so leave a connection to it with CURLOPT_CONNECT_ONLY only. `call` is KEPT and must stay where it is, and
 * `s` and `outbound` are KEPT, until `easy` is cleaned up. */
void email_server_prepare(const struct email_server *s, const struct outbound *outbound,
	struct email_server_call *call, CURL *easy);

/* 1: the login failed with `rc` only because the server has no SASL; that is remembered, and another handle, prepared
 * now, will use the command LOGIN (IMAP) or USER and PASS (POP3). Else 0. */
int email_server_learn(
	const struct email_server *s, const struct email_server_call *call, CURLcode rc);
/* Takes user and secret out of a handle that has logged in. libcurl keeps copies with the connection all the same. */
void email_server_forget_login(CURL *easy);

/* Remembers for 5 seconds that a login was refused, ERR_AUTH; other errors are ignored. */
void email_server_remember(const struct email_server *s, const struct err *why);
/* The refusal of a moment ago, negative with `e` filled, or 0: many jobs with a wrong password are not to lock the
 * account, nor to look like an attack. */
int email_server_recall(const struct email_server *s, struct err *e);

/* The result of a handle as our error: one clear sentence with host and port, never a secret. CURLE_OK clears `e` and
 * is 0. Else negative: ERR_AUTH (login refused, with the server's words), ERR_BUSY (login not possible now: SMTP 4xx,
 * [UNAVAILABLE], [INUSE], [IN-USE], ...), ERR_TLS (certificate, handshake, STARTTLS not offered, plaintext where TLS
 * was expected), ERR_RESOLVE, ERR_CONNECT, ERR_BLOCKED, ERR_TIMEOUT, ERR_REMOTE (connection lost, or anything else,
 * with the server's words when it said some). */
int email_server_explain(const struct email_server *s, const struct email_server_call *call,
	CURL *easy, CURLcode rc, struct err *e);

/* Logs that something failed there: its name and which error. Not the text, which may have names of folders, addresses
 * and what the server says of the user. */
void email_server_log(
	const struct email_server *s, struct psession *ps, const char *ev, const struct err *why);

/* What a server said, fit for an error text or a result: valid UTF-8 (other bytes become '?'), control characters
 * become spaces, runs of them one, none at the ends, cut at a character. `size` counts the NUL. Returns `out`. */
char *email_server_text(char *out, size_t size, const char *bytes, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_server_login.h"

#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "platforms/email/email_server_block.h"
#include "platforms/platform.h"

/* Jobs that come together ask once; who corrects a mistake need not wait. */
#define REFUSED_MS 5000

/* Left alone libcurl would try Kerberos wherever the server offers it, which looks up names and blocks, and gives up when
 * there is no ticket. So mechanisms are named. */
#define MECHANISMS "AUTH=SCRAM-SHA-256;AUTH=SCRAM-SHA-1;AUTH=CRAM-MD5;AUTH=PLAIN;AUTH=LOGIN"

/* Bits of email_server_call.offers: what makes another attempt needless or unwanted. */
enum { OFFERS_OURS = 1 << 0, OFFERS_KERBEROS = 1 << 1, OFFERS_NO_LOGIN = 1 << 2 };

/* Where mechanisms are named, libcurl 7.88 does not take the command LOGIN of IMAP or USER of POP3, and has no word for
 * them (AUTH=+LOGIN came later). */
static const char *options(const struct email_server *s)
{
	if (s->token.len > 0)
		return s->oauthbearer ? "AUTH=OAUTHBEARER" : "AUTH=XOAUTH2";
	return s->learnt->no_sasl ? NULL : MECHANISMS;
}

void email_server_login_set(const struct email_server *s, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_USERNAME, s->username);
	curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, options(s));
	if (s->token.len > 0)
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, (char *)s->token.bytes);
	else
		curl_easy_setopt(easy, CURLOPT_PASSWORD, (char *)s->password.bytes);
}

void email_server_forget_login(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_USERNAME, NULL);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, NULL);
	curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, NULL);
}

/* --- servers without SASL ----------------------------------------------------------------------------------------- */

/* What one word of a list of mechanisms offers. */
static unsigned mechanism(const char *word, size_t len)
{
	for (const char *m = MECHANISMS; m != NULL; m = strchr(m, ';')) {
		m += strspn(m, ";");
		m += strlen("AUTH=");
		if (strncasecmp(m, word, len) == 0 && (m[len] == ';' || m[len] == '\0'))
			return OFFERS_OURS;
	}
	return len >= 3 && strncasecmp(word, "GSS", 3) == 0 ? OFFERS_KERBEROS : 0;
}

/* A word of "* CAPABILITY IMAP4rev1 AUTH=PLAIN" (RFC 3501, 7.2.1). */
static unsigned capability(const char *word, size_t len)
{
	static const char no_login[] = "LOGINDISABLED";

	if (len == sizeof no_login - 1 && strncasecmp(word, no_login, len) == 0)
		return OFFERS_NO_LOGIN;
	if (len <= 5 || strncasecmp(word, "AUTH=", 5) != 0)
		return 0;
	return mechanism(word + 5, len - 5);
}

/* Words end where they end for libcurl, which has its own look at the line; a NUL ends them for one of its readers. */
static size_t word_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && memchr(" \t\r\n", s[n], 5) == NULL)
		n++;
	return n;
}

/* POP3 has "SASL PLAIN LOGIN" (RFC 5034, 6). SMTP knows no other way than SASL. */
static void note_offers(struct email_server_call *call, const char *line, size_t len)
{
	const int is_imap = call->server->kind == EMAIL_SERVER_IMAP;

	if (call->server->kind == EMAIL_SERVER_SMTP ||
		(!is_imap && (len < 5 || strncasecmp(line, "SASL ", 5) != 0)))
		return;
	for (size_t at = 0; at < len; at++) {
		const size_t n = word_length(line + at, len - at);

		call->offers |= is_imap ? capability(line + at, n) : mechanism(line + at, n);
		at += n;
	}
}

int email_server_login_note(struct email_server_call *call, const char *line, size_t len)
{
	const struct email_server *s = call->server;

	note_offers(call, line, len);
	if (s->token.len > 0 || !s->learnt->no_sasl || call->offers == 0)
		return 0;
	s->learnt->no_sasl = 0;
	return -1;
}

int email_server_learn(
	const struct email_server *s, const struct email_server_call *call, CURLcode rc)
{
	if (rc != CURLE_LOGIN_DENIED || s->kind == EMAIL_SERVER_SMTP || s->token.len > 0 ||
		s->learnt->no_sasl || call->offers != 0)
		return 0;
	s->learnt->no_sasl = 1;
	return 1;
}

/* --- refusals ------------------------------------------------------------------------------------------------------ */

void email_server_remember(const struct email_server *s, const struct err *why)
{
	if (why->code != ERR_AUTH)
		return;
	s->learnt->refusal = *why;
	s->learnt->refused_ms = platform_now_ms();
}

int email_server_recall(const struct email_server *s, struct err *e)
{
	if (s->learnt->refusal.code == ERR_NONE ||
		platform_now_ms() - s->learnt->refused_ms >= REFUSED_MS)
		return 0;
	*e = s->learnt->refusal;
	return -(int)e->code;
}

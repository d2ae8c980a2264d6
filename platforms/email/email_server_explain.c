/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "platforms/email/email_charset.h"
#include "platforms/email/email_server_block.h"
#include "platforms/email/email_server_echo.h"
#include "platforms/platform.h"

#define TEXT_SIZE 200

/* --- what servers say -------------------------------------------------------------------------------------------- */

/* Blank is what separates words: spaces, and C0 and C1 control characters. */
static int is_blank(const unsigned char *s, size_t n)
{
	return *s <= 0x20 || *s == 0x7F || (n == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

char *email_server_text(char *out, size_t size, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t used = 0;
	int space = 0;

	for (size_t i = 0, n; i < len; i += MAX(n, 1)) {
		n = (size_t)MAX(email_charset_character(s + i, len - i), 0);
		if (n > 0 && is_blank(s + i, n)) {
			space = used > 0;
			continue;
		}
		if (used + (size_t)space + MAX(n, 1) >= size)
			break;
		if (space)
			out[used++] = ' ';
		space = 0;
		memcpy(out + used, n > 0 ? bytes + i : "?", MAX(n, 1));
		used += MAX(n, 1);
	}
	out[used] = '\0';
	return out;
}

/* The server's last line for an error text: ": 535 5.7.8 wrong password", or "" when it said nothing,
 * or repeated the secret. */
static void words(const struct email_server *s, const struct email_server_call *call,
	char out[static TEXT_SIZE])
{
	out[0] = '\0';
	if (call->said[0] == '\0' || email_server_echoes(&s->password, call->said) ||
		email_server_echoes(&s->token, call->said))
		return;
	strcpy(out, ": ");
	email_server_text(out + 2, TEXT_SIZE - 2, call->said, strlen(call->said));
}

/* The last line refuses: an SMTP code of 4 or 5, an IMAP NO or BAD, a POP3 -ERR. */
static int is_refusal(const struct email_server *s, const char *said)
{
	switch (s->kind) {
	case EMAIL_SERVER_SMTP:
		return *said == '4' || *said == '5';
	case EMAIL_SERVER_IMAP:
		return strstr(said, " NO ") != NULL || strstr(said, " BAD ") != NULL;
	default:
		return strncmp(said, "-ERR", 4) == 0;
	}
}

/* A token that is refused is answered with a challenge first, whose text is for programs; libcurl goes no further. */
static int is_challenge(const struct email_server *s, const char *said)
{
	return s->kind == EMAIL_SERVER_SMTP ? strncmp(said, "334", 3) == 0 : *said == '+';
}

/* The login was fine, or could not be tried, and may be right later: SMTP 421 and 454 (RFC 4954, 6), the response
 * codes UNAVAILABLE and INUSE of IMAP (RFC 5530, 3) and IN-USE, LOGIN-DELAY (RFC 2449, 8.1) and SYS/TEMP (RFC 3206,
 * 4) of POP3. */
static int is_temporary(const struct email_server *s, const char *said)
{
	static const char *const codes[] = {
		"[UNAVAILABLE]", "[INUSE]", "[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]"};

	if (s->kind == EMAIL_SERVER_SMTP)
		return *said == '4';
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcasestr(said, codes[i]) != NULL)
			return 1;
	return 0;
}

/* --- results of libcurl ------------------------------------------------------------------------------------------ */

static int explain_login(
	const struct email_server *s, const struct email_server_call *call, struct err *e)
{
	const char *what = s->token.len > 0 ? "token" : "password";
	char text[TEXT_SIZE];

	words(s, call, text);
	if (is_challenge(s, call->said))
		return err_set(e, ERR_AUTH, "%s refused user name or %s", s->name, what);
	if (!is_refusal(s, call->said))
		return err_set(
			e, ERR_AUTH, "%s offers no way to log in with these credentials", s->name);
	if (is_temporary(s, call->said))
		return err_set(e, ERR_BUSY, "%s can not take the login now, try again later%s",
			s->name, text);
	return err_set(e, ERR_AUTH, "%s refused user name or %s%s", s->name, what, text);
}

static int explain_timeout(
	const struct email_server *s, const struct email_server_call *call, struct err *e)
{
	const char *hint = "";

	if (call->guard.opened && call->said[0] == '\0' && s->security != EMAIL_SERVER_TLS)
		hint = "; maybe this port wants TLS from the first byte (tls: true)";
	return err_set(e, ERR_TIMEOUT, "%s did not answer in time%s", s->name, hint);
}

static int explain_tls(const struct email_server *s, const struct email_server_call *call,
	CURLcode rc, struct err *e)
{
	char text[TEXT_SIZE];

	if (rc == CURLE_USE_SSL_FAILED) {
		words(s, call, text);
		return err_set(e, ERR_TLS, "%s does not offer STARTTLS, which is required%s",
			s->name, is_refusal(s, call->said) ? text : "");
	}
	email_server_text(text, sizeof text, call->error, strlen(call->error));
	return err_set(e, ERR_TLS, "%s: no secure connection: %s", s->name,
		text[0] != '\0' ? text : curl_easy_strerror(rc));
}

static int explain_connect(const struct email_server *s, CURL *easy, struct err *e)
{
	const char *name = NULL;
	long sys = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &sys);
	if (sys != 0)
		name = strerrordesc_np((int)sys);
	return err_set(e, ERR_CONNECT, "could not connect to %s%s%s", s->name,
		name != NULL ? ": " : "", name != NULL ? name : "");
}

static int explain_lost(const struct email_server *s, const struct email_server_call *call,
	CURLcode rc, struct err *e)
{
	char text[TEXT_SIZE];

	words(s, call, text);
	switch (rc) {
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		if (is_refusal(s, call->said))
			return err_set(e, ERR_REMOTE, "%s closed the connection%s", s->name, text);
		return err_set(e, ERR_REMOTE, "the connection to %s was lost", s->name);
	case CURLE_WEIRD_SERVER_REPLY:
		if (!is_refusal(s, call->said))
			return err_set(e, ERR_REMOTE, "%s does not speak the expected protocol%s",
				s->name, text);
		break;
	default:
		break;
	}
	if (is_refusal(s, call->said))
		return err_set(e, ERR_REMOTE, "%s refused%s", s->name, text);
	return err_set(e, ERR_REMOTE, "%s: %s", s->name, curl_easy_strerror(rc));
}

int email_server_explain(const struct email_server *s, const struct email_server_call *call,
	CURL *easy, CURLcode rc, struct err *e)
{
	const char *blocked = curl_guard_blocked(&call->guard);

	*e = (struct err){0};
	switch (rc) {
	case CURLE_OK:
		return 0;
	case CURLE_LOGIN_DENIED:
	case CURLE_AUTH_ERROR:
		return explain_login(s, call, e);
	case CURLE_WRITE_ERROR: /* email_server_login_note() */
		return err_set(e, ERR_REMOTE,
			"%s offers other ways to log in than a moment ago, try again", s->name);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_RESOLVE, "%s: no such host", s->name);
	case CURLE_COULDNT_CONNECT:
		if (blocked == NULL)
			return explain_connect(s, easy, e);
		return err_set(
			e, ERR_BLOCKED, "%s: the address %s is not allowed", s->name, blocked);
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(s, call, e);
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return explain_tls(s, call, rc, e);
	default:
		return explain_lost(s, call, rc, e);
	}
}

void email_server_log(
	const struct email_server *s, struct psession *ps, const char *ev, const struct err *why)
{
	char *text = mem_printf("%s: %s", s->name, err_token((int)why->code));

	psession_log(ps, LOG_INFO, ev, text);
	mem_free(text);
}

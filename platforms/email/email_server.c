/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_server.h"

#include <dirent.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_server_block.h"
#include "platforms/email/email_server_login.h"

#define EMAIL_SERVER_CALL_MAGIC 0x65736361u

/* --- life ------------------------------------------------------------------------------------------------------- */

int email_server_new(enum email_server_kind kind, const json_t *block, const json_t *settings,
	struct email_server **out, struct err *e)
{
	struct email_server *s = mem_alloc(sizeof *s);
	int rc;

	s->learnt = mem_alloc(sizeof *s->learnt);
	rc = email_server_block_read(s, kind, block, settings, e);

	if (rc < 0) {
		email_server_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

void email_server_free(struct email_server *s)
{
	if (s == NULL)
		return;
	mem_free(s->host);
	mem_free(s->domain);
	mem_free(s->name);
	mem_free(s->ca_file);
	mem_free(s->username);
	secret_release(&s->password);
	secret_release(&s->token);
	mem_free(s->learnt);
	mem_free(s);
}

const char *email_server_name(const struct email_server *s)
{
	return s->name;
}

const char *email_server_username(const struct email_server *s)
{
	return s->username;
}

const char *email_server_domain(const struct email_server *s)
{
	return s->domain;
}

/* --- a handle --------------------------------------------------------------------------------------------------- */

static const char *scheme_of(const struct email_server *s)
{
	static const char *const schemes[][2] = {[EMAIL_SERVER_SMTP] = {"smtp", "smtps"},
		[EMAIL_SERVER_IMAP] = {"imap", "imaps"},
		[EMAIL_SERVER_POP] = {"pop3", "pop3s"}};

	return schemes[s->kind][s->security == EMAIL_SERVER_TLS];
}

static void set_url(const struct email_server *s, const char *path, CURL *easy)
{
	const int is_ipv6 = strchr(s->host, ':') != NULL;
	char *url = mem_printf("%s://%s%s%s:%u/%s", scheme_of(s), is_ipv6 ? "[" : "", s->host,
		is_ipv6 ? "]" : "", s->port, path);

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme_of(s));
	mem_free(url);
}

/* Without a name libcurl would tell the server that of our host. A client that has none of its own says its address
 * (RFC 5321, 4.1.4), of which a mail server behind NAT learns nothing anyhow. */
static void set_smtp_url(const struct email_server *s, CURL *easy)
{
	char *path = curl_easy_escape(easy, *s->domain != '\0' ? s->domain : "[127.0.0.1]", 0);

	assert(path != NULL);
	set_url(s, path, easy);
	curl_free(path);
}

/* Whether libcurl's folder of authorities has their hashed names (openssl-rehash(1)). Looked at once. */
static int has_hashed_authorities(void)
{
	static int known = -1;
	const char *path = curl_version_info(CURLVERSION_NOW)->capath;
	DIR *dir = known < 0 && path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;

	if (known < 0)
		known = 0;
	while (dir != NULL && known == 0 && (entry = readdir(dir)) != NULL)
		known = strlen(entry->d_name) == 10 && strcmp(entry->d_name + 8, ".0") == 0;
	if (dir != NULL)
		closedir(dir);
	return known;
}

/* The bundle of all authorities is parsed anew for each connection, which takes the loop 23 ms; out of the folder
 * only the one that is needed is read, in 1 ms. */
static void set_authorities(const struct email_server *s, CURL *easy)
{
	if (s->ca_file != NULL) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	} else if (has_hashed_authorities()) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	}
}

static void set_tls(const struct email_server *s, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_USE_SSL,
		s->security == EMAIL_SERVER_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, s->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, s->insecure ? 0L : 2L);
	set_authorities(s, easy);
}

static int note_line(struct email_server_call *call, const char *line, size_t len)
{
	size_t kept = MIN(len, sizeof call->said - 1);

	memcpy(call->said, line, kept);
	call->said[kept] = '\0';
	if (call->line != NULL)
		call->line(call->arg, line, len);
	return email_server_login_note(call, line, len);
}

/* CURLOPT_HEADERFUNCTION: the lines of the server. libcurl hears of 0 before it acts on the line, and ends. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	CAST(email_server_call, call, arg, EMAIL_SERVER_CALL_MAGIC);
	size_t all = size * n, len = all;

	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	return note_line(call, bytes, len) < 0 ? 0 : all;
}

void email_server_prepare(const struct email_server *s, const struct outbound *outbound,
	struct email_server_call *call, CURL *easy)
{
	*call = (struct email_server_call){.magic = EMAIL_SERVER_CALL_MAGIC, .server = s};
	curl_guard_init(&call->guard, outbound, easy);
	if (s->kind == EMAIL_SERVER_SMTP)
		set_smtp_url(s, easy);
	else
		set_url(s, "", easy);
	email_server_login_set(s, easy);
	set_tls(s, easy);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else its end waits for name look-ups */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_timeout_ms);
	curl_easy_setopt(
		easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(s->connect_timeout_ms + 999) / 1000);
}

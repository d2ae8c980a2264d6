/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_server_block.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"

#define HOST_MAX           253 /* RFC 1035, 2.3.4 */
#define USERNAME_MAX       1024
#define SECRET_MAX         16384 /* tokens of some services have several thousand bytes */
#define CONNECT_TIMEOUT_MS 20000

static const char *const kinds[] = {
	[EMAIL_SERVER_SMTP] = "smtp", [EMAIL_SERVER_IMAP] = "imap", [EMAIL_SERVER_POP] = "pop"};

static int invalid(const struct email_server *s, const char *field, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "credentials: %s.%s %s", kinds[s->kind], field, why);
}

/* Control characters could end a command line of the protocol and begin another. */
static int has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			return 1;
	return 0;
}

/* The string `field`, "" when it is not there, between 1 and `max` bytes without control characters when it is. */
static int read_text(const struct email_server *s, const json_t *block, const char *field,
	size_t max, struct err *e)
{
	const json_t *value = json_object_get(block, field);
	size_t len = json_string_length(value);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return invalid(s, field, "has to be a string", e);
	if (len == 0 || len > max)
		return invalid(s, field, len == 0 ? "is empty" : "is too long", e);
	if (has_control(json_string_value(value), len))
		return invalid(s, field, "has control characters in it", e);
	return 0;
}

static const char *text_of(const json_t *block, const char *field)
{
	const char *text = json_string_value(json_object_get(block, field));

	return text != NULL ? text : "";
}

/* --- host, port ------------------------------------------------------------------------------------------------- */

static int is_host(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET6, host, address) == 1)
		return 1;
	if (*host == '.' || *host == '-')
		return 0;
	for (; *host != '\0'; host++)
		if (strchr("-.", *host) == NULL && (*host < '0' || *host > '9') &&
			(*host < 'A' || *host > 'Z') && (*host < 'a' || *host > 'z'))
			return 0;
	return 1;
}

/* The argument of EHLO: a name, or an address literal in brackets (RFC 5321, 4.1.3). */
static int is_domain(const char *domain)
{
	if (*domain == '[')
		return domain[strcspn(domain, " ]")] == ']' &&
		       domain[strspn(domain, "[]0123456789abcdefABCDEFIPv:.")] == '\0';
	return domain[strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-.")] == '\0';
}

static int read_host(struct email_server *s, const json_t *block, struct err *e)
{
	const char *host = text_of(block, "host"), *domain = text_of(block, "domain");
	char *ascii;

	if (read_text(s, block, "host", HOST_MAX, e) < 0 ||
		read_text(s, block, "domain", HOST_MAX, e) < 0)
		return -ERR_INVALID;
	if (*host == '\0')
		return invalid(s, "host", "is missing", e);
	ascii = g_hostname_to_ascii(host); /* libcurl would do so in the encoding of the locale */
	if (ascii != NULL && is_host(ascii) && strlen(ascii) <= HOST_MAX)
		s->host = mem_strdup(ascii);
	g_free(ascii);
	if (s->host == NULL)
		return invalid(s, "host", "is not a host name", e);
	if (*domain != '\0' && (s->kind != EMAIL_SERVER_SMTP || !is_domain(domain)))
		return invalid(s, "domain", "is not a domain name", e);
	s->domain = mem_strdup(domain);
	return 0;
}

/* -1: not there. */
static int read_flag(const struct email_server *s, const json_t *block, const char *field,
	int *flag, struct err *e)
{
	const json_t *value = json_object_get(block, field);

	*flag = -1;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return invalid(s, field, "has to be true or false", e);
	*flag = json_is_true(value);
	return 0;
}

static int is_tls_port(json_int_t port)
{
	return port == 465 || port == 993 || port == 995;
}

static int read_security(
	struct email_server *s, const json_t *block, const json_t *settings, struct err *e)
{
	const json_int_t port = json_integer_value(json_object_get(block, "port"));
	int tls, starttls;

	if (read_flag(s, block, "tls", &tls, e) < 0 ||
		read_flag(s, block, "starttls", &starttls, e) < 0)
		return -ERR_INVALID;
	if (tls == 1 && starttls == 1)
		return invalid(s, "tls", "and starttls exclude each other", e);
	if (tls < 0 && starttls < 0)
		tls = is_tls_port(port) || (port == 0 && s->kind != EMAIL_SERVER_SMTP);
	s->security = tls == 1        ? EMAIL_SERVER_TLS
		      : starttls == 0 ? EMAIL_SERVER_PLAIN
				      : EMAIL_SERVER_STARTTLS;
	if (s->security == EMAIL_SERVER_PLAIN &&
		!json_is_true(json_object_get(settings, "allow_plaintext")))
		return err_set(e, ERR_FORBIDDEN,
			"credentials: %s: a connection without TLS is not allowed here",
			kinds[s->kind]);
	return 0;
}

static int read_port(struct email_server *s, const json_t *block, struct err *e)
{
	static const unsigned defaults[][3] = {[EMAIL_SERVER_SMTP] = {465, 587, 25},
		[EMAIL_SERVER_IMAP] = {993, 143, 143},
		[EMAIL_SERVER_POP] = {995, 110, 110}};
	const json_t *value = json_object_get(block, "port");
	const int is_ipv6 = strchr(s->host, ':') != NULL;
	json_int_t port = json_integer_value(value);

	if (value == NULL || json_is_null(value))
		port = defaults[s->kind][s->security];
	if (port < 1 || port > 65535)
		return invalid(s, "port", "is not a port number", e);
	s->port = (unsigned)port;
	s->name = mem_printf("%s%s%s:%u", is_ipv6 ? "[" : "", s->host, is_ipv6 ? "]" : "", s->port);
	return 0;
}

/* --- login ------------------------------------------------------------------------------------------------------ */

static int read_login(struct email_server *s, const json_t *block, struct err *e)
{
	const json_t *password = json_object_get(block, "password");
	const json_t *token = json_object_get(block, "token");
	const char *oauth = text_of(block, "oauth");

	if (read_text(s, block, "username", USERNAME_MAX, e) < 0 ||
		read_text(s, block, "password", SECRET_MAX, e) < 0 ||
		read_text(s, block, "token", SECRET_MAX, e) < 0 ||
		read_text(s, block, "oauth", SECRET_MAX, e) < 0)
		return -ERR_INVALID;
	if (*text_of(block, "username") == '\0')
		return invalid(s, "username", "is missing", e);
	if (json_is_string(password) == json_is_string(token))
		return invalid(s, "password",
			json_is_string(token) ? "and token exclude each other" : "is missing", e);
	if (*oauth != '\0' && strcasecmp(oauth, "XOAUTH2") != 0 &&
		strcasecmp(oauth, "OAUTHBEARER") != 0)
		return invalid(s, "oauth", "has to be XOAUTH2 or OAUTHBEARER", e);
	s->oauthbearer = strcasecmp(oauth, "OAUTHBEARER") == 0;
	s->username = mem_strdup(text_of(block, "username"));
	secret_init(&s->password, text_of(block, "password"), json_string_length(password));
	secret_init(&s->token, text_of(block, "token"), json_string_length(token));
	return 0;
}

static void read_settings(struct email_server *s, const json_t *settings)
{
	const json_int_t ms = json_integer_value(json_object_get(settings, "connect_timeout_ms"));
	const char *ca_file = text_of(settings, "ca_file");

	s->ca_file = *ca_file != '\0' ? mem_strdup(ca_file) : NULL;
	s->insecure = json_is_false(json_object_get(settings, "verify"));
	s->connect_timeout_ms = ms > 0 ? (unsigned)ms : CONNECT_TIMEOUT_MS;
}

int email_server_block_read(struct email_server *s, enum email_server_kind kind,
	const json_t *block, const json_t *settings, struct err *e)
{
	int rc;

	s->kind = kind;
	read_settings(s, settings);
	if ((rc = read_host(s, block, e)) < 0 || (rc = read_security(s, block, settings, e)) < 0 ||
		(rc = read_port(s, block, e)) < 0 || (rc = read_login(s, block, e)) < 0)
		return rc;
	return 0;
}

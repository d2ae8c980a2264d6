/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose_address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/mem.h"

#define LOCAL_MAX  64 /* RFC 5321, 4.5.3.1 */
#define DOMAIN_MAX 253
#define LABEL_MAX  63
#define INPUT_MAX  1024

struct span {
	const char *at;
	size_t len;
};

static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5322, 3.2.3. */
static int is_atext(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static struct span trim(struct span s)
{
	while (s.len > 0 && s.at[0] == ' ')
		s = (struct span){s.at + 1, s.len - 1};
	while (s.len > 0 && s.at[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* NUL is one of them, where the C string ends before the value does. */
static int has_control(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			return 1;
	return 0;
}

static int is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return 0;
	return 1;
}

/* --- local part ------------------------------------------------------------------------------------------------- */

/* Dot-string: atoms with single dots between them. */
static int is_dot_string(struct span s)
{
	char before = '.';

	for (size_t i = 0; i < s.len; before = s.at[i++])
		if (s.at[i] == '.' ? before == '.' : !is_atext(s.at[i]))
			return 0;
	return before != '.';
}

/* Quoted-string, but for spaces in it: nobody has them, and a header field may be folded there. */
static int is_quoted_string(struct span s)
{
	if (s.len < 3 || s.at[0] != '"' || s.at[s.len - 1] != '"')
		return 0;
	for (size_t i = 1; i < s.len - 1; i++) {
		const int escaped = s.at[i] == '\\';
		i += escaped;
		if (i == s.len - 1 || s.at[i] <= 0x20 || s.at[i] >= 0x7F ||
			(s.at[i] == '"' && !escaped))
			return 0;
	}
	return 1;
}

/* --- domain ----------------------------------------------------------------------------------------------------- */

static int is_domain(const char *domain)
{
	size_t label = 0, i;

	for (i = 0; domain[i] != '\0'; i++) {
		if (domain[i] == '.') {
			if (label == 0 || domain[i - 1] == '-')
				return 0;
			label = 0;
			continue;
		}
		if (!is_alnum(domain[i]) && (domain[i] != '-' || label == 0))
			return 0;
		if (++label > LABEL_MAX)
			return 0;
	}
	return label > 0 && domain[i - 1] != '-' && i <= DOMAIN_MAX;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3). */
static int is_literal(const char *domain)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t len = strlen(domain);
	char text[INET6_ADDRSTRLEN];
	int six = strncasecmp(domain, "[IPv6:", 6) == 0;
	size_t head = six ? 6 : 1;

	if (len < head + 2 || domain[0] != '[' || domain[len - 1] != ']' ||
		len - head - 1 >= sizeof text)
		return 0;
	memcpy(text, domain + head, len - head - 1);
	text[len - head - 1] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, text, bytes) == 1;
}

/* GIVES the domain as it is sent, or NULL. */
static char *read_domain(struct span s)
{
	char *domain = mem_dup(s.at, s.len);

	if (!is_ascii(s)) {
		char *ascii = g_hostname_to_ascii(domain); /* IDNA, RFC 3490 */
		mem_free(domain);
		domain = mem_strdup(ascii);
		g_free(ascii);
	}
	if (domain != NULL && !is_domain(domain) && !is_literal(domain)) {
		mem_free(domain);
		domain = NULL;
	}
	return domain;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static int read_mailbox(struct span s, const char *what, char *out, struct err *e)
{
	struct span local = s, domain = {0};
	const char *at = memrchr(s.at, '@', s.len);
	char *sent;

	if (at == NULL)
		return err_set(e, ERR_INVALID, "%s: the address \"%.*s\" has no domain", what,
			(int)MIN(s.len, 100), s.at);
	local.len = (size_t)(at - s.at);
	domain = (struct span){at + 1, s.len - local.len - 1};
	if (!is_ascii(local))
		return err_set(e, ERR_INVALID,
			"%s: the address \"%.*s\" has characters beyond ASCII before the @, which "
			"is not "
			"supported",
			what, (int)MIN(s.len, 100), s.at);
	sent = domain.len > 0 ? read_domain(domain) : NULL;
	if (sent == NULL || local.len > LOCAL_MAX ||
		local.len + 1 + strlen(sent) >= EMAIL_COMPOSE_ADDRESS_SIZE ||
		(!is_dot_string(local) && !is_quoted_string(local))) {
		mem_free(sent);
		return err_set(e, ERR_INVALID, "%s: \"%.*s\" is not an e-mail address", what,
			(int)MIN(s.len, 100), s.at);
	}
	memcpy(out, s.at, local.len + 1);
	strcpy(out + local.len + 1, sent);
	mem_free(sent);
	return 0;
}

/* The name in front of "<": as it is, or between quotes. */
static int read_name(struct span s, const char *what, char *out, struct err *e)
{
	size_t n = 0;
	int quoted;

	s = trim(s);
	quoted = s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"';
	if (quoted)
		s = (struct span){s.at + 1, s.len - 2};
	if (s.len > EMAIL_COMPOSE_NAME_MAX)
		return err_set(e, ERR_INVALID, "%s: the name is longer than %d bytes", what,
			EMAIL_COMPOSE_NAME_MAX);
	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.at[i] == '\\' && i + 1 < s.len)
			i++;
		out[n++] = s.at[i];
	}
	out[n] = '\0';
	return 0;
}

int email_compose_address_read(
	const json_t *who, const char *what, struct email_compose_address *out, struct err *e)
{
	const json_t *address = json_is_object(who) ? json_object_get(who, "address") : who;
	const char *text = json_string_value(address);
	const json_t *name = json_object_get(who, "name");
	struct span box, label = {"", 0};

	*out = (struct email_compose_address){0};
	if (text == NULL || *text == '\0')
		return err_set(e, ERR_INVALID, "%s has no address", what);
	if (has_control(address) || has_control(name))
		return err_set(e, ERR_INVALID, "%s has control characters in it", what);
	if (strlen(text) > INPUT_MAX)
		return err_set(
			e, ERR_INVALID, "%s: the address is longer than %d bytes", what, INPUT_MAX);
	box = trim((struct span){text, strlen(text)});
	if (box.len > 0 && box.at[box.len - 1] == '>' && strchr(text, '<') != NULL) {
		const char *open = strrchr(text, '<');
		label = (struct span){box.at, (size_t)(open - box.at)};
		box = (struct span){open + 1, (size_t)(box.at + box.len - open - 2)};
	}
	if (json_string_length(name) > 0)
		label = (struct span){json_string_value(name), json_string_length(name)};
	if (read_name(label, what, out->name, e) < 0)
		return -ERR_INVALID;
	return read_mailbox(box, what, out->address, e);
}

const char *email_compose_address_domain(const struct email_compose_address *a)
{
	return strrchr(a->address, '@') + 1;
}

/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_reason.h"

#include <stdio.h>
#include <string.h>

#include "core/base.h"

#define TEXT_MAX 160

struct reason {
	const char *condition; /* borrowed from the element; "" when there is none */
	char text[TEXT_MAX];   /* "" or " (...)" */
};

/* Cut between two characters: what came is UTF-8, for the parser saw to that. */
static void set_text(struct reason *r, const char *text)
{
	size_t len = strlen(text), max = sizeof r->text - 4;

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	snprintf(r->text, sizeof r->text, " (%.*s)", (int)len, text);
}

static void read_reason(xmpp_stanza_t *parent, const char *ns, struct reason *r)
{
	xmpp_stanza_t *child = parent != NULL ? xmpp_stanza_get_children(parent) : NULL;

	*r = (struct reason){"", ""};
	for (; child != NULL; child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child), *its_ns = xmpp_stanza_get_ns(child);

		if (!xmpp_stanza_is_tag(child) || name == NULL || its_ns == NULL ||
			strcmp(its_ns, ns) != 0)
			continue;
		if (strcmp(name, "text") == 0) {
			char *text = xmpp_stanza_get_text(child);
			if (text != NULL)
				set_text(r, text);
			xmpp_free(xmpp_stanza_get_context(child), text);
		} else if (r->condition[0] == '\0') {
			r->condition = name;
		}
	}
}

static int is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return 1;
	return 0;
}

int xmpp_reason_stream(xmpp_stanza_t *error, const char *domain, struct err *e)
{
	struct reason r;

	read_reason(error, XMPP_NS_STREAMS_IETF, &r);
	if (strcmp(r.condition, "conflict") == 0)
		return err_set(e, ERR_CONFLICT,
			"another connection to %s took the place of this one%s", domain, r.text);
	if (strcmp(r.condition, "not-authorized") == 0)
		return err_set(e, ERR_AUTH, "%s refused the credentials%s", domain, r.text);
	/* It is not followed: the client's credentials are for the server that was asked. */
	if (strcmp(r.condition, "see-other-host") == 0)
		return err_set(e, ERR_REMOTE,
			"%s wants this account to connect to another server: name it in the "
			"credentials",
			domain);
	if (strcmp(r.condition, "host-unknown") == 0)
		return err_set(e, ERR_REMOTE, "the server does not serve %s%s", domain, r.text);
	return err_set(e, ERR_REMOTE, "%s ended the stream: %.60s%s", domain,
		r.condition[0] != '\0' ? r.condition : "undefined-condition", r.text);
}

int xmpp_reason_sasl(xmpp_stanza_t *failure, const char *domain, struct err *e)
{
	static const char *const not_the_credentials[] = {"aborted", "incorrect-encoding",
		"malformed-request", "temporary-auth-failure", NULL};
	struct reason r;

	read_reason(failure, XMPP_NS_SASL, &r);
	if (is_one_of(r.condition, not_the_credentials))
		return err_set(e, ERR_REMOTE, "%s could not check the credentials: %.60s%s", domain,
			r.condition, r.text);
	return err_set(e, ERR_AUTH, "%s refused the credentials: %.60s%s", domain,
		r.condition[0] != '\0' ? r.condition : "not-authorized", r.text);
}

int xmpp_reason_bind(xmpp_stanza_t *iq, const char *domain, struct err *e)
{
	struct reason r;

	read_reason(xmpp_stanza_get_child_by_name(iq, "error"), XMPP_NS_STANZAS_IETF, &r);
	if (strcmp(r.condition, "conflict") == 0)
		return err_set(e, ERR_CONFLICT, "the resource is in use at %s%s", domain, r.text);
	return err_set(e, ERR_REMOTE, "%s gave no resource: %.60s%s", domain,
		r.condition[0] != '\0' ? r.condition : "undefined-condition", r.text);
}

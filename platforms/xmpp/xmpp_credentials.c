/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_credentials.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"

static const char *field(const json_t *credentials, const char *key)
{
	const char *s = json_string_value(json_object_get(credentials, key));

	return s != NULL && *s != '\0' ? s : NULL;
}

static char *made_up(void)
{
	unsigned n = 0;

	/* Not a secret: it only has to differ from that of the account's other clients. */
	if (getrandom(&n, sizeof n, 0) != sizeof n)
		n = (unsigned)(uintptr_t)&n;
	return mem_printf("sockethub-%08x", n);
}

static int jid_make(struct xmpp_credentials *l, const char *username, const char *server,
	const char *resource, struct err *e)
{
	struct xmpp_jid jid;
	char *made = NULL;

	if (username == NULL || (strchr(username, '@') == NULL && server == NULL))
		return err_set(e, ERR_INVALID,
			"the credentials need a username with a domain (ann@example.org), or a "
			"server");
	l->bare = strchr(username, '@') != NULL ? mem_strdup(username)
						: mem_printf("%s@%s", username, server);
	if (xmpp_jid_parse_bare(l->bare, &jid, e) < 0)
		return err_prefix(e, "the username is no address");
	if (jid.local == NULL)
		return err_set(e, ERR_INVALID, "the username has nothing in front of its @");
	if (resource == NULL)
		resource = made = made_up();
	l->jid = mem_printf("%s/%s", l->bare, resource);
	mem_free(made);
	if (xmpp_jid_parse(l->jid, &jid, e) < 0)
		return err_prefix(e, "the resource cannot be used");
	return 0;
}

int xmpp_credentials_read(
	struct xmpp_credentials *l, const json_t *credentials, const char *resource, struct err *e)
{
	const char *server = field(credentials, "server");
	const char *own_resource = field(credentials, "resource");
	int rc;

	memset(l, 0, sizeof *l);
	rc = jid_make(l, field(credentials, "username"), server,
		own_resource != NULL ? own_resource : resource, e);
	if (rc < 0)
		return rc;
	if (field(credentials, "password") == NULL)
		return err_set(e, ERR_INVALID, "the credentials have no password");
	l->password = mem_strdup(field(credentials, "password"));
	l->port = (unsigned)json_integer_value(json_object_get(credentials, "port"));
	l->tls = json_is_true(json_object_get(credentials, "tls"));
	if (server != NULL && (l->port != 0 || strcasecmp(strchr(l->bare, '@') + 1, server) != 0))
		l->host = mem_strdup(server);
	return 0;
}

void xmpp_credentials_release(struct xmpp_credentials *l)
{
	if (l->password != NULL)
		mem_wipe(l->password, strlen(l->password));
	mem_free(l->password);
	mem_free(l->jid);
	mem_free(l->bare);
	mem_free(l->host);
	memset(l, 0, sizeof *l);
}

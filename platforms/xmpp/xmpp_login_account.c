/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_login_account.h"

#include <string.h>

#include "platforms/xmpp/xmpp_jid.h"

int xmpp_login_account_init(
	struct xmpp_login_account *a, const char *jid, const char *password, struct err *e)
{
	struct xmpp_jid parts;

	memset(a, 0, sizeof *a);
	if (xmpp_jid_parse(jid, &parts, NULL) < 0 || parts.local == NULL)
		return err_set(e, ERR_INVALID, "the address is none of an XMPP account");
	a->jid = mem_dup(jid, parts.bare_len);
	a->local = mem_dup(parts.local, parts.local_len);
	a->domain = mem_dup(parts.domain, parts.domain_len);
	a->resource = mem_strdup(parts.resource);
	secret_init(&a->password, password, strlen(password));
	return 0;
}

void xmpp_login_account_release(struct xmpp_login_account *a)
{
	secret_release(&a->password);
	mem_free(a->jid);
	mem_free(a->local);
	mem_free(a->domain);
	mem_free(a->resource);
	memset(a, 0, sizeof *a);
}

/* SPDX-License-Identifier: MIT */
/* xmpp_jid - addresses of XMPP: are they well-formed, what are their parts, are two the same.
 *
 * A JID is local@domain/resource; local part and resource may be absent (RFC 7622). What is checked is what keeps an
 * address from being mistaken for another or from breaking a stanza: lengths, characters, UTF-8. Unicode preparation
 * (PRECIS, IDNA) is the server's: local part and domain are compared without regard to the case of ASCII letters,
 * resources (and nicks) byte for byte. Pure; knows no stanza. (libstrophe has functions of this prefix, too: they check
 * nothing.) */
#ifndef PLATFORMS_XMPP_JID_H
#define PLATFORMS_XMPP_JID_H

#include "core/err.h"

/* The longest part, in bytes (RFC 7622, 3.2 to 3.4), and the longest JID with its NUL. */
#define XMPP_JID_PART_MAX 1023
#define XMPP_JID_SIZE     (3 * XMPP_JID_PART_MAX + 3)

/* The parts lie in the text that was parsed. An absent part is NULL, 0; a present one is never empty. */
struct xmpp_jid {
	const char *local;
	size_t local_len;
	const char *domain;
	size_t domain_len;
	const char *resource;
	size_t resource_len;
	size_t bare_len; /* of local@domain, from the beginning of the text */
};

/* Takes `text` (NULL: not an address) apart. 0, or ERR_INVALID with a sentence that names what is wrong and does not
 * quote the text; `jid` is undefined then. `e` may be NULL. */
int xmpp_jid_parse(const char *text, struct xmpp_jid *jid, struct err *e);
/* 1 when xmpp_jid_parse() would take it. */
int xmpp_jid_is_valid(const char *text);
/* As xmpp_jid_parse(), and there has to be no resource: the address of an account or a room. */
int xmpp_jid_parse_bare(const char *text, struct xmpp_jid *jid, struct err *e);
/* 1 when `text` could be the resource of a JID: a nick in a room. */
int xmpp_jid_is_resource(const char *text);

/* local@domain of `text`; NULL when it is no JID. GIVES. */
char *xmpp_jid_to_bare(const char *text);
/* `bare` with a resource. GIVES. Both are valid: the caller has asked. */
char *xmpp_jid_join(const char *bare, const char *resource);
/* The resource within `text`; NULL when there is none or `text` is no JID. Borrowed from `text`. */
const char *xmpp_jid_find_resource(const char *text);

/* 1 when both are JIDs and the same; 0 also when one is NULL. */
int xmpp_jid_equals(const char *a, const char *b);
/* The same, resources left aside. */
int xmpp_jid_equals_bare(const char *a, const char *b);
/* 1 when `text` is nothing but the domain of `jid`: that account's server. */
int xmpp_jid_is_server_of(const char *text, const char *jid);

/* 1 when an iq that came from `from` (NULL: no attribute) may answer one that was sent to `to` (NULL: to the own server)
 * by the account bound to `full_jid`. Anybody can send an iq with a guessed id; only this tells it from the answer. For
 * the own account, absent, bare, full and (with `to` NULL) domain are the same sender (RFC 6120, 8.1.2.1 and 10.3.3). */
int xmpp_jid_answers(const char *from, const char *to, const char *full_jid);

#endif

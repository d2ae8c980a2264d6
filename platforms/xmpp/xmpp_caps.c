/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_caps.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_xml.h"

#define NODE     "https://sockethub.org"
#define CATEGORY "client"
#define TYPE     "web"

/* The platform does all of these. */
static const char *const features[] = {XMPP_NS_CAPS, XMPP_NS_CHATSTATES, XMPP_NS_DISCO_INFO,
	XMPP_NS_DISCO_ITEMS, XMPP_NS_MUC, XMPP_NS_VERSION, XMPP_NS_CONFERENCE, XMPP_NS_MARKERS,
	XMPP_NS_CORRECT, XMPP_NS_PING, XMPP_NS_RECEIPTS, XMPP_NS_TIME};

static int by_octets(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void xmpp_caps_hash(
	const char *identity, const char *const *list, size_t n, char out[XMPP_CAPS_HASH_SIZE])
{
	const char **sorted = mem_array(n, sizeof *sorted);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf b = BUF_INIT;

	if (n > 0)
		memcpy(sorted, list, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_octets);
	buf_printf(&b, "%s<", identity);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s<", sorted[i]);
	if (EVP_Digest(b.data, b.len, digest, &len, EVP_sha1(), NULL) != 1)
		abort();
	EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
	buf_release(&b);
	mem_free(sorted);
}

static const char *own_hash(void)
{
	static char hash[XMPP_CAPS_HASH_SIZE];

	if (hash[0] == '\0')
		xmpp_caps_hash(
			CATEGORY "/" TYPE "//" XMPP_CAPS_NAME, features, ARRAY_LEN(features), hash);
	return hash;
}

void xmpp_caps_add(xmpp_stanza_t *presence)
{
	xmpp_stanza_t *c = xmpp_xml_add(presence, "c", XMPP_NS_CAPS);

	xmpp_xml_set(c, "hash", "sha-1");
	xmpp_xml_set(c, "node", NODE);
	xmpp_xml_set(c, "ver", own_hash());
}

void xmpp_caps_describe(xmpp_stanza_t *query)
{
	xmpp_stanza_t *identity = xmpp_xml_add(query, "identity", NULL);

	xmpp_xml_set(identity, "category", CATEGORY);
	xmpp_xml_set(identity, "type", TYPE);
	xmpp_xml_set(identity, "name", XMPP_CAPS_NAME);
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		xmpp_xml_set(xmpp_xml_add(query, "feature", NULL), "var", features[i]);
}

int xmpp_caps_is_node(const char *node)
{
	static const char prefix[] = NODE "#";

	return node != NULL && strncmp(node, prefix, strlen(prefix)) == 0 &&
	       strcmp(node + strlen(prefix), own_hash()) == 0;
}

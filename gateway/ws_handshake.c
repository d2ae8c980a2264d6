/* SPDX-License-Identifier: MIT */
#include "gateway/ws_handshake.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"

/* Section 1.3. */
#define GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_BYTES  16
#define KEY_LEN    24
#define SHA1_BYTES 20

/* Finds `token` in a comma-separated list, case ignored; NULL when it is not there. */
static const char *list_find(const char *list, const char *token)
{
	size_t len = strlen(token);

	while (list != NULL && *list != '\0') {
		size_t item = strcspn(list, ",");
		size_t lead = MIN(strspn(list, " \t"), item);
		size_t word = MIN(strcspn(list + lead, " \t,"), item - lead);
		size_t trail = strspn(list + lead + word, " \t");

		if (word == len && lead + word + trail >= item &&
			strncasecmp(list + lead, token, len) == 0)
			return list + lead;
		list += item + (list[item] == ',');
	}
	return NULL;
}

int ws_handshake_wanted(const char *upgrade)
{
	return list_find(upgrade, "websocket") != NULL;
}

/* Section 4.2.1, item 5: base64 of 16 bytes. */
static int key_valid(const char *key)
{
	unsigned char bytes[KEY_BYTES];
	size_t len = 0;

	return key != NULL && strlen(key) == KEY_LEN &&
	       sodium_base642bin(bytes, sizeof bytes, key, KEY_LEN, NULL, &len, NULL,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       len == KEY_BYTES;
}

static int accept_make(const char *key, char out[WS_ACCEPT_SIZE])
{
	char text[KEY_LEN + sizeof GUID];
	unsigned char digest[SHA1_BYTES];

	snprintf(text, sizeof text, "%s" GUID, key);
	if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) != 1)
		return -(int)ERR_INTERNAL;
	sodium_bin2base64(
		out, WS_ACCEPT_SIZE, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
	return 0;
}

int ws_handshake(const struct ws_offer *offer, struct ws_answer *out, struct err *e)
{
	const char *protocol = list_find(offer->protocol, WS_PROTOCOL);

	if (list_find(offer->connection, "upgrade") == NULL)
		return err_set(e, ERR_INVALID, "the Connection header has to name Upgrade");
	if (offer->version == NULL || strcmp(offer->version, "13") != 0)
		return err_set(e, ERR_UPGRADE, NULL);
	if (!key_valid(offer->key))
		return err_set(e, ERR_INVALID, "Sec-WebSocket-Key has to be 16 bytes in base64");
	if (protocol == NULL)
		return err_set(e, ERR_INVALID,
			"the WebSocket subprotocol " WS_PROTOCOL " has to be offered");
	memcpy(out->protocol, protocol, strlen(WS_PROTOCOL));
	out->protocol[strlen(WS_PROTOCOL)] = '\0';
	if (accept_make(offer->key, out->accept) < 0)
		return err_set(e, ERR_INTERNAL, "SHA-1 is not available");
	return 0;
}

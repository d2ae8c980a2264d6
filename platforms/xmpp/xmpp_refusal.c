/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_refusal.h"

#include <sodium.h>
#include <string.h>

#include "platforms/platform.h"
#include "platforms/xmpp/xmpp_credentials.h"

#define HASH_BYTES 16
/* A place is taken by whoever comes last: who is pushed out of it is asked about once more. */
#define PLACES 256

static struct refusal {
	unsigned char hash[HASH_BYTES];
	uint64_t until_ms; /* monotonic; 0: free */
	struct err why;
} refusals[PLACES];

/* Without the resource, which may be a new one each time. */
static void hash_of(const struct xmpp_credentials *l, unsigned char out[HASH_BYTES])
{
	static unsigned char key[crypto_generichash_KEYBYTES];
	static int has_key;
	const unsigned numbers[] = {l->port, (unsigned)l->tls};
	const char *texts[] = {l->bare, l->password, l->host != NULL ? l->host : ""};
	crypto_generichash_state state;

	if (!has_key)
		randombytes_buf(key, sizeof key);
	has_key = 1;
	crypto_generichash_init(&state, key, sizeof key, HASH_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)numbers, sizeof numbers);
	/* With its NUL, so that no text can go on into the next. */
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		crypto_generichash_update(
			&state, (const unsigned char *)texts[i], strlen(texts[i]) + 1);
	crypto_generichash_final(&state, out, HASH_BYTES);
	sodium_memzero(&state, sizeof state);
}

void xmpp_refusal_note(const struct xmpp_credentials *l, const struct err *why)
{
	unsigned char hash[HASH_BYTES];
	struct refusal *r;

	hash_of(l, hash);
	r = &refusals[hash[0] % PLACES];
	memcpy(r->hash, hash, sizeof r->hash);
	r->until_ms = platform_now_ms() + XMPP_REFUSAL_MS;
	r->why = *why;
}

int xmpp_refusal_check(const struct xmpp_credentials *l, struct err *e)
{
	unsigned char hash[HASH_BYTES];
	const struct refusal *r;

	hash_of(l, hash);
	r = &refusals[hash[0] % PLACES];
	if (memcmp(r->hash, hash, sizeof hash) != 0 || platform_now_ms() >= r->until_ms)
		return 0;
	return err_set(e, r->why.code, "%s (a moment ago: wait %d seconds between two attempts)",
		r->why.text, XMPP_REFUSAL_MS / 1000);
}

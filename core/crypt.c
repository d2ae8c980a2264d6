/* SPDX-License-Identifier: MIT */
#include "core/crypt.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE   crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(NONCE_SIZE + TAG_SIZE == CRYPT_OVERHEAD, "overhead");
static_assert(CRYPT_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");

static void base64url(const unsigned char *bytes, size_t len, char *out, size_t size)
{
	sodium_bin2base64(out, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void crypt_random(void *bytes, size_t len)
{
	randombytes_buf(bytes, len);
}

void crypt_token(char out[CRYPT_TOKEN_SIZE])
{
	unsigned char bytes[16];

	crypt_random(bytes, sizeof bytes);
	base64url(bytes, sizeof bytes, out, CRYPT_TOKEN_SIZE);
}

void crypt_digest(
	const struct crypt_key *key, const void *bytes, size_t len, char out[CRYPT_TOKEN_SIZE])
{
	unsigned char sum[16];

	crypto_generichash(sum, sizeof sum, bytes, len, key != NULL ? key->bytes : NULL,
		key != NULL ? sizeof key->bytes : 0);
	base64url(sum, sizeof sum, out, CRYPT_TOKEN_SIZE);
}

void crypt_derive(const struct crypt_key *parent, const char *label, const void *context,
	size_t len, struct crypt_key *out)
{
	crypto_generichash_state st;

	/* The label's NUL goes in as well, so that no label and context run into another pair. */
	crypto_generichash_init(&st, parent->bytes, sizeof parent->bytes, sizeof out->bytes);
	crypto_generichash_update(&st, (const unsigned char *)label, strlen(label) + 1);
	crypto_generichash_update(&st, context, len);
	crypto_generichash_final(&st, out->bytes, sizeof out->bytes);
	mem_wipe(&st, sizeof st);
}

void crypt_key_wipe(struct crypt_key *key)
{
	mem_wipe(key, sizeof *key);
}

static unsigned char nonce_prefix[NONCE_SIZE - sizeof(uint64_t)];
static uint64_t nonce_counter; /* 0: the prefix has to be drawn */

static void nonce_forget(void)
{
	nonce_counter = 0;
}

/* 16 random bytes, drawn once per process (a fork draws anew, by a handler: asking getpid() each time is a system call),
 * and a counter. */
static void next_nonce(unsigned char nonce[NONCE_SIZE])
{
	static int has_handler;

	if (nonce_counter == 0) {
		crypt_random(nonce_prefix, sizeof nonce_prefix);
		if (!has_handler)
			pthread_atfork(NULL, NULL, nonce_forget);
		has_handler = 1;
	}
	nonce_counter++;
	memcpy(nonce, nonce_prefix, sizeof nonce_prefix);
	memcpy(nonce + sizeof nonce_prefix, &nonce_counter, sizeof nonce_counter);
}

void crypt_seal(
	const struct crypt_key *key, const char *ad, const void *text, size_t len, struct buf *out)
{
	unsigned char *at = (unsigned char *)buf_reserve(out, len + CRYPT_OVERHEAD);

	next_nonce(at);
	crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE_SIZE, NULL, text, len,
		(const unsigned char *)ad, strlen(ad), NULL, at, key->bytes);
	buf_added(out, len + CRYPT_OVERHEAD);
}

int crypt_open(
	const struct crypt_key *key, const char *ad, const void *blob, size_t len, struct buf *out)
{
	const unsigned char *at = blob;
	unsigned char *text;

	if (len < CRYPT_OVERHEAD)
		return -(int)ERR_SEALED;
	text = (unsigned char *)buf_reserve(out, len - CRYPT_OVERHEAD);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, at + NONCE_SIZE,
		    len - NONCE_SIZE, (const unsigned char *)ad, strlen(ad), at, key->bytes) != 0)
		return -(int)ERR_SEALED;
	buf_added(out, len - CRYPT_OVERHEAD);
	return 0;
}

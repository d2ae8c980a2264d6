/* SPDX-License-Identifier: MIT */
/* crypt - sealing what users gave us before it reaches Redis, and making unguessable ids.
 *
 * XChaCha20-Poly1305 (libsodium crypto_aead_xchacha20poly1305_ietf). A sealed blob is nonce || ciphertext || tag,
 * CRYPT_OVERHEAD bytes longer than the text. The nonce is a random prefix of the process and a counter: no system
 * call per message and no repeat. The associated data binds a blob to its place, so one session's blob does not
 * open as another's. Keys: master -> platform -> session (BLAKE2b, keyed, with a label). */
#ifndef CORE_CRYPT_H
#define CORE_CRYPT_H

#include "core/buf.h"

struct err;

#define CRYPT_KEY_SIZE  32
#define CRYPT_OVERHEAD  (24 + 16)
#define CRYPT_SALT_SIZE 16
/* base64url of 16 bytes and a NUL. */
#define CRYPT_TOKEN_SIZE 23

struct crypt_key {
	unsigned char bytes[CRYPT_KEY_SIZE];
};

void crypt_random(void *bytes, size_t len);
/* 128 random bits, base64url. */
void crypt_token(char out[CRYPT_TOKEN_SIZE]);
/* 128 bits of BLAKE2b over `len` bytes, base64url; `key` may be NULL. */
void crypt_digest(
	const struct crypt_key *key, const void *bytes, size_t len, char out[CRYPT_TOKEN_SIZE]);
/* The key below `parent` for `label` and `context`. */
void crypt_derive(const struct crypt_key *parent, const char *label, const void *context,
	size_t len, struct crypt_key *out);
void crypt_key_wipe(struct crypt_key *key);

/* Appends the sealed blob to `out`. `ad` is a string, usually "kind:H". */
void crypt_seal(
	const struct crypt_key *key, const char *ad, const void *text, size_t len, struct buf *out);
/* Appends the text to `out`; < 0 (ERR_SEALED) when the blob was not sealed with this key and `ad`. */
int crypt_open(
	const struct crypt_key *key, const char *ad, const void *blob, size_t len, struct buf *out);

#endif

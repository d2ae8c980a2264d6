/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_sasl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

#define NONCE_BYTES 18
#define MESSAGE_MAX 4096
/* A server that wants more wants us to be busy: this is about a second. */
#define ITERATIONS_MAX 1000000

/* The order is that of preference; PLAIN is last. */
static const struct mechanism {
	const char *name;
	const EVP_MD *(*hash)(void);
} mechanisms[] = {
	{"SCRAM-SHA-512", EVP_sha512},
	{"SCRAM-SHA-256", EVP_sha256},
	{"SCRAM-SHA-1", EVP_sha1},
	{"PLAIN", NULL},
};

enum step { FIRST, FINAL, VERIFIED };

struct xmpp_sasl {
	const struct mechanism *mechanism;
	const struct secret *password;
	enum step step;
	char *user;                               /* as RFC 5802 escapes it, for SCRAM */
	char *nonce;                              /* ours */
	char *out;                                /* what was given to the caller last */
	unsigned char signature[EVP_MAX_MD_SIZE]; /* the server's, as it has to be */
};

void xmpp_sasl_offer(unsigned *offer, const char *mechanism)
{
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++)
		if (strcmp(mechanism, mechanisms[i].name) == 0)
			*offer |= 1u << i;
}

/* RFC 5802, 5.1: "=" and "," have a meaning in the messages. */
static char *escape(const char *user)
{
	struct buf b = BUF_INIT;

	for (; *user != '\0'; user++)
		if (*user == '=')
			buf_add_str(&b, "=3D");
		else if (*user == ',')
			buf_add_str(&b, "=2C");
		else
			buf_add_char(&b, *user);
	return buf_take(&b);
}

static char *encode(const void *bytes, size_t len)
{
	char *text = mem_alloc(4 * ((len + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return text;
}

/* Bytes of base64, with a NUL behind; NULL when it is none. GIVES. */
static char *decode(const char *text, size_t *len)
{
	size_t n = strlen(text), padding = 0;
	unsigned char *bytes;

	if (n == 0 || n % 4 != 0 || n > MESSAGE_MAX)
		return NULL;
	while (padding < 2 && text[n - 1 - padding] == '=')
		padding++;
	bytes = mem_alloc(n / 4 * 3 + 1);
	if (EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n) < 0) {
		mem_free(bytes);
		return NULL;
	}
	*len = n / 4 * 3 - padding;
	bytes[*len] = '\0';
	return (char *)bytes;
}

static void forget_out(struct xmpp_sasl *sasl)
{
	if (sasl->out != NULL)
		mem_wipe(sasl->out, strlen(sasl->out));
	mem_free(sasl->out);
	sasl->out = NULL;
}

struct xmpp_sasl *xmpp_sasl_new(
	unsigned offer, const char *user, const struct secret *password, const char *nonce)
{
	unsigned char random[NONCE_BYTES];
	struct xmpp_sasl *sasl;
	size_t i = 0;

	while (i < ARRAY_LEN(mechanisms) && (offer & 1u << i) == 0)
		i++;
	if (i == ARRAY_LEN(mechanisms))
		return NULL;
	sasl = mem_alloc(sizeof *sasl);
	sasl->mechanism = &mechanisms[i];
	sasl->password = password;
	sasl->user = mechanisms[i].hash != NULL ? escape(user) : mem_strdup(user);
	if (nonce == NULL && RAND_bytes(random, sizeof random) != 1)
		abort();
	sasl->nonce = nonce != NULL ? mem_strdup(nonce) : encode(random, sizeof random);
	return sasl;
}

void xmpp_sasl_free(struct xmpp_sasl **sp)
{
	struct xmpp_sasl *sasl = *sp;

	*sp = NULL;
	if (sasl == NULL)
		return;
	forget_out(sasl);
	mem_free(sasl->user);
	mem_free(sasl->nonce);
	mem_wipe(sasl, sizeof *sasl);
	mem_free(sasl);
}

const char *xmpp_sasl_mechanism(const struct xmpp_sasl *sasl)
{
	return sasl->mechanism->name;
}

static char *plain(const struct xmpp_sasl *sasl)
{
	size_t user = strlen(sasl->user), len = 2 + user + sasl->password->len;
	char *message = mem_alloc(len), *text;

	memcpy(message + 1, sasl->user, user);
	if (sasl->password->len > 0)
		memcpy(message + 2 + user, sasl->password->bytes, sasl->password->len);
	text = encode(message, len);
	mem_wipe(message, len);
	mem_free(message);
	return text;
}

const char *xmpp_sasl_begin(struct xmpp_sasl *sasl)
{
	char *message;

	forget_out(sasl);
	if (sasl->mechanism->hash == NULL) {
		sasl->out = plain(sasl);
		sasl->step = VERIFIED;
		return sasl->out;
	}
	message = mem_printf("n,,n=%s,r=%s", sasl->user, sasl->nonce);
	sasl->out = encode(message, strlen(message));
	mem_free(message);
	return sasl->out;
}

/* --- SCRAM --------------------------------------------------------------------------------------------------------- */

struct first {
	char *nonce; /* both parts */
	char *salt;
	size_t salt_len;
	int iterations;
};

/* server-first-message of RFC 5802, 7: r=...,s=...,i=... An extension that must be understood ("m=") is none of these.
 * Cuts `message` into its parts. */
static int read_first(const struct xmpp_sasl *sasl, char *message, struct first *f)
{
	char *save = NULL, *end, *salt;
	long n;

	f->nonce = strtok_r(message, ",", &save);
	salt = strtok_r(NULL, ",", &save);
	end = strtok_r(NULL, ",", &save);
	if (f->nonce == NULL || salt == NULL || end == NULL || strncmp(f->nonce, "r=", 2) != 0 ||
		strncmp(salt, "s=", 2) != 0 || strncmp(end, "i=", 2) != 0)
		return -1;
	f->nonce += 2;
	if (strncmp(f->nonce, sasl->nonce, strlen(sasl->nonce)) != 0 ||
		strlen(f->nonce) == strlen(sasl->nonce))
		return -1;
	n = strtol(end + 2, &end, 10);
	if (*end != '\0' || n < 1 || n > ITERATIONS_MAX)
		return -1;
	f->iterations = (int)n;
	f->salt = decode(salt + 2, &f->salt_len);
	return f->salt != NULL ? 0 : -1;
}

static void hmac(const struct xmpp_sasl *sasl, const unsigned char *key, const char *text,
	unsigned char *out)
{
	int len = EVP_MD_get_size(sasl->mechanism->hash());

	if (HMAC(sasl->mechanism->hash(), key, len, (const unsigned char *)text, strlen(text), out,
		    NULL) == NULL)
		abort();
}

/* RFC 5802, 3: the proof into `proof`, what the server has to answer into sasl->signature. */
static void prove(struct xmpp_sasl *sasl, const struct first *f, const char *auth_message,
	unsigned char *proof)
{
	const EVP_MD *md = sasl->mechanism->hash();
	int len = EVP_MD_get_size(md);
	unsigned char salted[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE];

	if (PKCS5_PBKDF2_HMAC(sasl->password->len > 0 ? (const char *)sasl->password->bytes : "",
		    (int)sasl->password->len, (const unsigned char *)f->salt, (int)f->salt_len,
		    f->iterations, md, len, salted) != 1)
		abort();
	hmac(sasl, salted, "Client Key", key);
	if (EVP_Digest(key, (size_t)len, stored, NULL, md, NULL) != 1)
		abort();
	hmac(sasl, stored, auth_message, proof);
	for (int i = 0; i < len; i++)
		proof[i] ^= key[i];
	hmac(sasl, salted, "Server Key", key);
	hmac(sasl, key, auth_message, sasl->signature);
	mem_wipe(salted, sizeof salted);
	mem_wipe(key, sizeof key);
	mem_wipe(stored, sizeof stored);
}

static int answer_first(struct xmpp_sasl *sasl, char *message, struct err *e)
{
	unsigned char proof[EVP_MAX_MD_SIZE];
	char *whole = mem_strdup(message), *auth_message, *encoded, *final;
	struct first f = {0};

	if (read_first(sasl, message, &f) < 0) {
		mem_free(whole);
		return err_set(e, ERR_REMOTE, "the server's SCRAM challenge is malformed");
	}
	/* "biws" is "n,,": no channel binding. */
	auth_message = mem_printf(
		"n=%s,r=%s,%s,c=biws,r=%s", sasl->user, sasl->nonce, whole, f.nonce);
	prove(sasl, &f, auth_message, proof);
	encoded = encode(proof, (size_t)EVP_MD_get_size(sasl->mechanism->hash()));
	final = mem_printf("c=biws,r=%s,p=%s", f.nonce, encoded);
	sasl->out = encode(final, strlen(final));
	sasl->step = FINAL;
	mem_free(whole);
	mem_free(auth_message);
	mem_free(encoded);
	mem_free(final);
	mem_free(f.salt);
	return 0;
}

/* server-final-message: v=..., or e=... */
static int verify(struct xmpp_sasl *sasl, const char *message, struct err *e)
{
	size_t len = (size_t)EVP_MD_get_size(sasl->mechanism->hash()), n = 0;
	char *signature;
	int same;

	if (strncmp(message, "v=", 2) != 0)
		return err_set(e, ERR_AUTH, "the server refused the credentials");
	signature = decode(message + 2, &n);
	same = signature != NULL && n == len && CRYPTO_memcmp(signature, sasl->signature, len) == 0;
	mem_free(signature);
	if (!same)
		return err_set(
			e, ERR_AUTH, "the server could not prove that it knows the password");
	sasl->step = VERIFIED;
	return 0;
}

int xmpp_sasl_answer(
	struct xmpp_sasl *sasl, const char *challenge, const char **answer, struct err *e)
{
	size_t len = 0;
	char *message = decode(challenge, &len);
	int rc;

	forget_out(sasl);
	*answer = "";
	if (message == NULL || strlen(message) != len || sasl->step == VERIFIED) {
		rc = err_set(e, ERR_REMOTE, "the server's challenge is malformed");
	} else if (sasl->step == FIRST) {
		rc = answer_first(sasl, message, e);
		*answer = sasl->out;
	} else {
		rc = verify(sasl, message, e);
	}
	mem_free(message);
	return rc;
}

int xmpp_sasl_finish(struct xmpp_sasl *sasl, const char *data, struct err *e)
{
	size_t len = 0;
	char *message;
	int rc;

	if (sasl->step == VERIFIED)
		return 0;
	if (sasl->step != FINAL || data == NULL)
		return err_set(e, ERR_AUTH, "the server did not prove that it knows the password");
	message = decode(data, &len);
	rc = verify(sasl, message != NULL ? message : "", e);
	mem_free(message);
	return rc;
}

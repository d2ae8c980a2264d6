/* SPDX-License-Identifier: MIT */
/* keyring - the sealing keys this process holds: the master key (gateway, supervisor) or one platform's (worker).
 *
 * A key travels as one line of text, in a file of mode 0600 or over an inherited pipe:
 *   sockethub-key-1 master BASE64
 *   sockethub-key-1 feeds BASE64
 * so that a worker can be given its platform's key and nothing more. */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "core/crypt.h"

struct conf;

struct keyring {
	char owner[33]; /* "master" or a platform's name; "" while empty */
	struct crypt_key key;
};

/* The descriptor number of the pipe, in a child's environment. */
#define KEYRING_FD_VARIABLE "SOCKETHUB_KEY_FD"

/* From the inherited pipe when there is one (it is read to its end and closed), else from key_file, else from
 * master.key in state_dir. With `create` a missing file is made, with a fresh master key. < 0: ERR_CONFIG. */
int keyring_load(struct keyring *k, const struct conf *c, int create, struct err *e);
/* The key of `platform`. < 0 (ERR_SEALED): this process holds another platform's key only. */
int keyring_platform(
	const struct keyring *k, const char *platform, struct crypt_key *out, struct err *e);
/* Appends the line for `platform` (NULL: as it is) to `out`; wipe the buffer after use. Errors as above. */
int keyring_export(const struct keyring *k, const char *platform, struct buf *out, struct err *e);
void keyring_wipe(struct keyring *k);

#endif

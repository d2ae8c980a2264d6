/* SPDX-License-Identifier: MIT */
#include "core/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/mem.h"

#define MASTER    "master"
#define LINE_SIZE 256
#define TEXT_SIZE (sodium_base64_ENCODED_LEN(CRYPT_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL))

static int line_parse(struct keyring *k, const char *line, struct err *e)
{
	char text[128];
	size_t len;

	if (sscanf(line, "sockethub-key-1 %32[a-z0-9-] %127[A-Za-z0-9+/=]", k->owner, text) != 2 ||
		sodium_base642bin(k->key.bytes, sizeof k->key.bytes, text, strlen(text), NULL, &len,
			NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
		len != sizeof k->key.bytes) {
		keyring_wipe(k);
		return err_set(
			e, ERR_CONFIG, "not a key: has to be a line `sockethub-key-1 NAME BASE64`");
	}
	mem_wipe(text, sizeof text);
	return 0;
}

static int descriptor_read(struct keyring *k, int fd, struct err *e)
{
	char line[LINE_SIZE];
	size_t len = 0;
	ssize_t n;
	int rc;

	while (len < sizeof line - 1 && (n = read(fd, line + len, sizeof line - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_sys(e, ERR_CONFIG, errno, "reading the key");
		len += (size_t)n;
	}
	line[len] = '\0';
	rc = line_parse(k, line, e);
	mem_wipe(line, sizeof line);
	return rc;
}

static int line_write(const char *path, const struct buf *line, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	if (write(fd, line->data, line->len) != (ssize_t)line->len || fsync(fd) < 0)
		rc = err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	close(fd);
	return rc;
}

/* The file appears under its name when it is complete. Two processes may start at once: the one that comes second
 * reads what the other made. */
static int file_create(const char *path, struct err *e)
{
	struct keyring fresh = {.owner = MASTER};
	struct buf line = BUF_INIT;
	char *draft = mem_printf("%s.%d", path, (int)getpid());
	int rc;

	crypt_random(fresh.key.bytes, sizeof fresh.key.bytes);
	keyring_export(&fresh, NULL, &line, NULL);
	unlink(draft); /* of a process that died here, once, with our number */
	rc = line_write(draft, &line, e);
	if (rc == 0 && link(draft, path) < 0 && errno != EEXIST)
		rc = err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	unlink(draft);
	mem_free(draft);
	mem_wipe(line.data, line.len);
	buf_release(&line);
	keyring_wipe(&fresh);
	return rc;
}

static int file_load(struct keyring *k, const char *path, int create, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (create && access(path, F_OK) < 0 && (rc = file_create(path, e)) < 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0)
		rc = err_set(e, ERR_CONFIG, "others may read the key: chmod 600");
	else
		rc = descriptor_read(k, fd, e);
	close(fd);
	if (rc < 0)
		err_prefix(e, "%s", path);
	return rc;
}

int keyring_load(struct keyring *k, const struct conf *c, int create, struct err *e)
{
	const char *inherited = getenv(KEYRING_FD_VARIABLE);
	char *path;
	int rc;

	memset(k, 0, sizeof *k);
	if (inherited != NULL) {
		int fd = atoi(inherited);
		rc = descriptor_read(k, fd, e);
		close(fd);
		unsetenv(KEYRING_FD_VARIABLE);
		return rc;
	}
	path = c->key_file != NULL ? conf_path(c, c->key_file) : conf_state_path(c, "master.key");
	rc = file_load(k, path, create, e);
	mem_free(path);
	return rc;
}

int keyring_platform(
	const struct keyring *k, const char *platform, struct crypt_key *out, struct err *e)
{
	/* The master key first: a platform that is called "master" gets a key of its own like any other. */
	if (strcmp(k->owner, MASTER) == 0) {
		crypt_derive(&k->key, "platform", platform, strlen(platform), out);
		return 0;
	}
	if (strcmp(k->owner, platform) != 0)
		return err_set(e, ERR_SEALED, "this key is for platform %s, not for %s", k->owner,
			platform);
	*out = k->key;
	return 0;
}

int keyring_export(const struct keyring *k, const char *platform, struct buf *out, struct err *e)
{
	struct crypt_key key = k->key;
	char text[TEXT_SIZE];

	if (platform != NULL) {
		int rc = keyring_platform(k, platform, &key, e);
		if (rc < 0)
			return rc;
	}
	sodium_bin2base64(
		text, sizeof text, key.bytes, sizeof key.bytes, sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out, "sockethub-key-1 %s %s\n", platform != NULL ? platform : k->owner, text);
	mem_wipe(text, sizeof text);
	crypt_key_wipe(&key);
	return 0;
}

void keyring_wipe(struct keyring *k)
{
	mem_wipe(k, sizeof *k);
}

/* SPDX-License-Identifier: MIT */
/* A request body, through all that the dispatcher does with it before Redis is asked: reading, the checks of the
 * envelope, the schema files in force, credentials, and every form of reply. Each reply has to be one JSON object, and a
 * job has to survive being written and read again, as it does on its way to a worker.
 * The schema files are those of the folder SOCKETHUB_SCHEMA, default "schema", and one platform with credentials. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/result.h"
#include "gateway/classic.h"
#include "gateway/credentials.h"
#include "schema/registry.h"
#include "schema/schema.h"

#define DEPTH 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vault[] =
	"{\"name\":\"vault\",\"version\":1,\"summary\":\"\",\"verbs\":{\"send\":{}},"
	"\"credentials\":{\"type\":\"object\",\"required\":[\"objectType\",\"password\"],"
	"\"properties\":{\"objectType\":{\"const\":\"credentials\"},\"password\":{\"type\":"
	"\"string\"}}}}";

/* A folder with links to the real files and one local platform. GIVES. */
static char *schema_folder(void)
{
	const char *given = getenv("SOCKETHUB_SCHEMA");
	char *from = realpath(given != NULL ? given : "schema", NULL);
	char dir[] = "/tmp/fuzz-envelope-XXXXXX";
	char to[128], name[4200];
	FILE *f;

	if (from == NULL || mkdtemp(dir) == NULL)
		abort();
	snprintf(to, sizeof to, "%s/verbs.json", dir);
	snprintf(name, sizeof name, "%s/verbs.json", from);
	if (symlink(name, to) < 0)
		abort();
	snprintf(to, sizeof to, "%s/platforms", dir);
	snprintf(name, sizeof name, "%s/platforms", from);
	if (symlink(name, to) < 0)
		abort();
	snprintf(to, sizeof to, "%s/platforms.local", dir);
	mkdir(to, 0700);
	snprintf(to, sizeof to, "%s/platforms.local/vault.json", dir);
	f = fopen(to, "w");
	if (f == NULL || fputs(vault, f) < 0 || fclose(f) != 0)
		abort();
	free(from);
	return mem_strdup(dir);
}

static void folder_remove(const char *dir)
{
	static const char *const names[] = {
		"platforms.local/vault.json", "verbs.json", "platforms"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/platforms.local", dir);
	rmdir(path);
	rmdir(dir);
}

static struct registry *load(void)
{
	json_t *configured = json_pack("{s:{}, s:{}}", "dummy", "vault");
	char *dir = schema_folder();
	struct registry *r;
	struct err e;

	if (registry_load(dir, configured, &r, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	folder_remove(dir);
	mem_free(dir);
	json_decref(configured);
	return r;
}

/* The text is one object with a boolean status; empties it. */
static void check_reply(struct buf *text)
{
	struct err e;
	json_t *reply = json_read(text->data, text->len, DEPTH + 8, &e);

	assert(json_is_object(reply));
	assert(json_is_boolean(json_object_get(reply, "status")));
	json_decref(reply);
	buf_clear(text);
}

static void check_results(const struct classic_job *job, struct buf *out)
{
	struct buf again = BUF_INIT;
	struct err e;
	json_t *copy;

	json_append(out, job->activity);
	copy = json_loadb(out->data, out->len, 0, NULL);
	assert(copy != NULL);
	json_append(&again, copy);
	assert(again.len == out->len && memcmp(again.data, out->data, out->len) == 0);
	buf_clear(out);
	buf_release(&again);
	result_success(out, copy, job->platform->name, json_object_get(copy, "object"));
	check_reply(out);
	err_set(&e, ERR_REMOTE, "%s", json_string_value(json_object_get(copy, "verb")));
	result_failure(out, copy, job->platform->name, e.text);
	check_reply(out);
	json_decref(copy);
}

static void check_credentials(
	const struct registry *r, const struct classic_job *job, struct buf *out)
{
	struct credentials c = {NULL, NULL};
	struct err e;

	if (credentials_read(r, job, &c, &e) < 0) {
		classic_failure(out, job, e.text);
		check_reply(out);
		assert(c.entries == NULL);
		return;
	}
	assert(json_object_size(c.entries) > 0 && c.platform->credentials != NULL);
	json_decref(c.entries);
}

static void check_job(const struct registry *r, const struct classic_job *job, struct buf *out)
{
	const struct schema *const schemas[] = {job->verb->general, job->verb->own};
	struct schema_failure f;
	int valid = 1;

	classic_confirm(out, job);
	check_reply(out);
	classic_refuse(out, job, job->verb->name);
	check_reply(out);
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		if (schemas[i] == NULL || schema_validate(schemas[i], job->activity, &f) == 0)
			continue;
		classic_failure(out, job, f.why);
		check_reply(out);
		classic_failure(out, job, f.where);
		check_reply(out);
		valid = 0;
	}
	if (!valid)
		return;
	classic_success(out, job, json_object_get(job->activity, "object"));
	check_reply(out);
	if (strcmp(job->verb->name, "set") == 0)
		check_credentials(r, job, out);
	else
		check_results(job, out);
}

/* TAKES `item`. */
static void check_item(const struct registry *r, json_t *item, struct buf *out)
{
	struct classic_job job;

	if (classic_read(r, item, &job, out) < 0) {
		check_reply(out);
		return;
	}
	assert(out->len == 0);
	check_job(r, &job, out);
	classic_job_release(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct registry *r;
	struct buf out = BUF_INIT;
	struct err e;
	char *copy = mem_dup(data, size); /* so that a read past its end is seen */
	json_t *root, *item;
	size_t i;

	if (r == NULL) {
		json_setup();
		r = load();
	}
	root = json_read(copy, size, DEPTH, &e);
	mem_free(copy);
	if (root == NULL) {
		classic_invalid(&out, e.text);
		check_reply(&out);
	} else if (json_is_array(root)) {
		json_array_foreach (root, i, item)
			check_item(r, json_incref(item), &out);
		json_decref(root);
	} else {
		check_item(r, root, &out);
	}
	buf_release(&out);
	return 0;
}

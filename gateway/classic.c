/* SPDX-License-Identifier: MIT */
#include "gateway/classic.h"

#include <string.h>

#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "schema/registry.h"

static void add_member(struct buf *b, const char *name, const json_t *value)
{
	buf_add_str(b, b->data[b->len - 1] == '{' ? "\"" : ",\"");
	buf_add_str(b, name);
	buf_add_str(b, "\":");
	json_append(b, value);
}

static void add_text(struct buf *b, const char *name, const char *text)
{
	buf_add_str(b, ",\"");
	buf_add_str(b, name);
	buf_add_str(b, "\":");
	json_append_string(b, text, strlen(text));
}

/* In V32 the reply of a dispatcher verb ends with the normalised target, unless that is empty. */
static void add_target(struct buf *b, const struct classic_job *job)
{
	const json_t *target = json_object_get(job->activity, "target");

	if (json_is_array(target) && json_array_size(target) > 0)
		add_member(b, "target", target);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* `{rid?, platform?, verb:"confirm", status:false, message}`: rows 2 to 8, by what was found so far. */
static int refuse(
	struct buf *out, const json_t *item, int with_rid, int with_platform, const char *message)
{
	buf_add_char(out, '{');
	if (with_rid)
		add_member(out, "rid", json_object_get(item, "rid"));
	if (with_platform)
		add_member(out, "platform", json_object_get(item, "platform"));
	buf_add_str(out, with_rid ? ",\"verb\":\"confirm\",\"status\":false"
				  : "\"verb\":\"confirm\",\"status\":false");
	add_text(out, "message", message);
	buf_add_char(out, '}');
	return -(int)ERR_INVALID;
}

static int refuse_naming(struct buf *out, const json_t *item, const char *before, const char *what,
	const char *after)
{
	char *message = mem_printf("%s%s%s", before, what, after);
	int rc = refuse(out, item, 1, 1, message);

	mem_free(message);
	return rc;
}

static int envelope_check(
	const struct registry *r, const json_t *item, struct classic_job *job, struct buf *out)
{
	const json_t *rid = json_object_get(item, "rid");
	const char *platform = json_string_value(json_object_get(item, "platform"));
	const char *verb = json_string_value(json_object_get(item, "verb"));

	if (!json_is_string(rid) && !json_is_number(rid))
		return refuse(out, item, 0, 0, "no rid (request ID) specified");
	if (platform == NULL)
		return refuse(out, item, 1, 0, "no platform specified");
	if (verb == NULL)
		return refuse(out, item, 1, 1, "no verb (action) specified");
	job->platform = registry_find(r, platform);
	if (job->platform == NULL)
		return refuse_naming(out, item, "unknown platform received: ", platform, "");
	if (!job->platform->loaded)
		return refuse_naming(out, item, "platform '", platform, "' not loaded");
	job->verb = registry_verb(job->platform, verb);
	if (job->verb == NULL)
		return refuse_naming(out, item, "unknown verb received: ", verb, "");
	if (json_object_get(item, "sessionId") != NULL)
		return refuse(out, item, 1, 1, "cannot use name sessionId, reserved property");
	return 0;
}

static void normalise(json_t *item)
{
	json_t *target = json_object_get(item, "target");

	if (target == NULL)
		json_object_set_new(item, "target", json_array());
	else if (json_is_object(target))
		json_object_set_new(item, "target", json_pack("[O]", target));
	if (json_object_get(item, "object") == NULL)
		json_object_set_new(item, "object", json_object());
}

int classic_read(
	const struct registry *r, json_t *item, struct classic_job *job, struct buf *refusal)
{
	memset(job, 0, sizeof *job);
	if (envelope_check(r, item, job, refusal) < 0) {
		json_decref(item);
		return -(int)ERR_INVALID;
	}
	normalise(item);
	job->activity = item;
	return 0;
}

void classic_job_release(struct classic_job *job)
{
	json_decref(job->activity);
	job->activity = NULL;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

void classic_invalid(struct buf *out, const char *message)
{
	buf_add_str(out, "{\"status\":false");
	add_text(out, "message", message);
	buf_add_char(out, '}');
}

void classic_refuse(struct buf *out, const struct classic_job *job, const char *message)
{
	refuse(out, job->activity, 1, 1, message);
}

void classic_failure(struct buf *out, const struct classic_job *job, const char *message)
{
	buf_add_char(out, '{');
	add_member(out, "rid", json_object_get(job->activity, "rid"));
	add_member(out, "platform", json_object_get(job->activity, "platform"));
	add_member(out, "verb", json_object_get(job->activity, "verb"));
	buf_add_str(out, ",\"status\":false");
	add_text(out, "message", message);
	add_target(out, job);
	buf_add_char(out, '}');
}

void classic_confirm(struct buf *out, const struct classic_job *job)
{
	buf_add_char(out, '{');
	add_member(out, "rid", json_object_get(job->activity, "rid"));
	buf_add_str(out, ",\"verb\":\"confirm\",\"status\":true}");
}

void classic_success(struct buf *out, const struct classic_job *job, const json_t *object)
{
	buf_add_char(out, '{');
	add_member(out, "rid", json_object_get(job->activity, "rid"));
	add_member(out, "verb", json_object_get(job->activity, "verb"));
	add_member(out, "platform", json_object_get(job->activity, "platform"));
	buf_add_str(out, ",\"status\":true");
	if (object != NULL)
		add_member(out, "object", object);
	add_target(out, job);
	buf_add_char(out, '}');
}

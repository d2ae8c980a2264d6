/* SPDX-License-Identifier: MIT */
#include "core/result.h"

#include <string.h>

#include "core/json.h"

static void add_name(struct buf *out, const char *name)
{
	buf_add_str(out, out->data[out->len - 1] == '{' ? "\"" : ",\"");
	buf_add_str(out, name);
	buf_add_str(out, "\":");
}

static void add_member(struct buf *out, const json_t *activity, const char *name)
{
	const json_t *value = json_object_get(activity, name);

	if (value == NULL)
		return;
	add_name(out, name);
	json_append(out, value);
}

static void add_head(struct buf *out, const json_t *activity, const char *platform)
{
	buf_add_char(out, '{');
	add_member(out, activity, "actor");
	add_name(out, "platform");
	json_append_string(out, platform, strlen(platform));
	add_member(out, activity, "verb");
	add_member(out, activity, "rid");
	add_member(out, activity, "target");
}

void result_success(
	struct buf *out, const json_t *activity, const char *platform, const json_t *object)
{
	add_head(out, activity, platform);
	buf_add_str(out, ",\"status\":true,\"object\":");
	if (object != NULL)
		json_append(out, object);
	else
		buf_add_str(out, "{}");
	buf_add_char(out, '}');
}

void result_failure(
	struct buf *out, const json_t *activity, const char *platform, const char *message)
{
	add_head(out, activity, platform);
	add_name(out, "message");
	json_append_string(out, message, strlen(message));
	buf_add_str(out, ",\"status\":false,\"object\":{}}");
}

void result_message(struct buf *out, const json_t *message, const char *platform)
{
	const char *name;
	json_t *value;

	buf_add_char(out, '{');
	json_object_foreach ((json_t *)message, name, value) {
		if (strcmp(name, "platform") == 0)
			continue;
		add_name(out, name);
		json_append(out, value);
	}
	add_name(out, "platform");
	json_append_string(out, platform, strlen(platform));
	buf_add_char(out, '}');
}

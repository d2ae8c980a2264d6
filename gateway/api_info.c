/* SPDX-License-Identifier: MIT */
/* api_info - health, readiness and the schema files in force. Answered from memory: probing costs Redis nothing. */
#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/json.h"
#include "gateway/api_priv.h"
#include "gateway/janitor.h"
#include "schema/registry.h"

void api_health(struct api *api, struct api_call *call)
{
	struct buf body = BUF_INIT;

	buf_add_str(&body, "{\"status\":\"ok\",\"version\":\"" SOCKETHUB_VERSION "\"}");
	api_answer(api, call->x, 200, "application/json", NULL, &body);
}

void api_ready(struct api *api, struct api_call *call)
{
	const struct registry *r = api->parts.registry;
	int redis = hub_is_up(api->parts.hub);
	int all = redis && !api->draining;
	struct buf platforms = BUF_INIT, body = BUF_INIT;

	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_platform *p = registry_at(r, i);
		int up = redis && janitor_platform_up(api->parts.janitor, i);

		if (!p->loaded || strcmp(p->name, REGISTRY_DISPATCHER) == 0)
			continue;
		buf_printf(&platforms, "%s\"%s\":%s", platforms.len > 0 ? "," : "", p->name,
			up ? "true" : "false");
		all = all && up;
	}
	buf_printf(&body, "{\"status\":\"%s\",\"redis\":%s,\"platforms\":{%s}}",
		all             ? "ready"
		: api->draining ? "draining"
				: "not ready",
		redis ? "true" : "false", buf_str(&platforms));
	buf_release(&platforms);
	api_answer(api, call->x, all ? 200 : 503, "application/json", NULL, &body);
}

void api_schema(struct api *api, struct api_call *call)
{
	const json_t *doc = registry_document(api->parts.registry);
	struct buf body = BUF_INIT;

	if (call->name != NULL)
		doc = json_object_get(json_object_get(doc, "platforms"), call->name);
	if (doc == NULL) {
		api_problem(api, call->x, ERR_NOT_FOUND, "there is no such platform here");
		return;
	}
	json_append(&body, doc);
	api_answer(api, call->x, 200, "application/json", NULL, &body);
}

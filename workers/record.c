/* SPDX-License-Identifier: MIT */
#include "workers/record.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "core/hub.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "workers/instance.h"
#include "workers/worker.h"

#define AD_SIZE (CRYPT_TOKEN_SIZE + 8)

static void ad_of(const char *key, char out[AD_SIZE])
{
	snprintf(out, AD_SIZE, "a:%s", key);
}

static json_t *record_make(const struct instance *in)
{
	json_t *sessions = json_array();
	const struct attached *a;

	DL_FOREACH (in->attached, a) {
		json_t *one = json_pack(
			"{s:i, s:s}", "n", (int)a->session.shard, "h", a->session.h);

		if (a->topics != NULL)
			json_object_set(one, "t", a->topics);
		json_array_append_new(sessions, one);
	}
	return json_pack(
		"{s:s, s:o, s:O}", "actor", in->actor, "sessions", sessions, "state", in->keep);
}

void record_seal(const struct instance *in, struct buf *out)
{
	struct buf text = BUF_INIT;
	char ad[AD_SIZE];
	json_t *record = record_make(in);

	json_append(&text, record);
	json_decref(record);
	ad_of(in->key, ad);
	crypt_seal(&in->worker->key, ad, text.data, text.len, out);
	mem_wipe(text.data, text.len);
	buf_release(&text);
}

json_t *record_open(const struct worker *w, const char *key, const void *data, size_t len)
{
	struct buf text = BUF_INIT;
	json_t *record = NULL;
	char ad[AD_SIZE];

	ad_of(key, ad);
	if (crypt_open(&w->key, ad, data, len, &text) == 0)
		record = json_loadb(text.data, text.len, 0, NULL);
	if (text.data != NULL)
		mem_wipe(text.data, text.len);
	buf_release(&text);
	if (json_is_string(json_object_get(record, "actor")))
		return record;
	log_event(LOG_ERROR, "account.garbled", LOG_STR("key", key));
	json_decref(record);
	return NULL;
}

int record_session(const struct worker *w, const json_t *one, struct session_ref *out)
{
	const char *tag = json_string_value(json_object_get(one, "h"));
	json_int_t shard = json_integer_value(json_object_get(one, "n"));

	if (tag == NULL || shard < 0 || shard >= hub_shards(w->hub))
		return -1;
	return session_ref_from_tag(out, (unsigned)shard, tag, strlen(tag));
}

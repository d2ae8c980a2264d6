/* SPDX-License-Identifier: MIT */
#include "bench/lib/session.h"
#include "bench/lib/client.h"
#include "bench/lib/reply.h"
#include "bench/lib/wire.h"
#include "core/err.h"
#include <string.h>

int session_opener_init(struct session_opener *o, const struct loop *l, const char *base,
	const char *secret, struct err *e)
{
	if (strpbrk(secret, "\"\\\n\r\t@") != NULL)
		return err_set(
			e, ERR_INVALID, "the secret holds a character that would need escaping");
	struct buf job = BUF_INIT;
	buf_printf(&job,
		"{\"platform\":\"dispatcher\",\"verb\":\"register\",\"object\":{\"secret\":\"%s\"},"
		"\"rid\":@RID@}",
		secret);
	int rc = body_init(&o->body, buf_str(&job), 1, l->wire, e);
	buf_release(&job);
	const struct wire_request r = {.method = "POST",
		.path = base,
		.base = base,
		.body_len = o->body.len,
		.keep = l->keep};
	if (rc == 0)
		l->wire->head(&o->head, &r);
	return rc;
}

void session_opener_release(struct session_opener *o)
{
	buf_release(&o->head);
	body_release(&o->body);
}

const char *session_opened(char path[SESSION_PATH_SIZE], const struct answer *a, uint64_t rid)
{
	if (a->status != 200)
		return "registration was not answered with 200";
	if (a->location == NULL || a->location_len == 0 || a->location_len >= SESSION_PATH_SIZE)
		return "registration was answered without a Location";
	if (a->location[0] != '/' || memchr(a->location, ' ', a->location_len) != NULL)
		return "the Location is not a path";
	memcpy(path, a->location, a->location_len);
	path[a->location_len] = '\0';
	return reply_check(a->body, a->body_len, rid, 1);
}

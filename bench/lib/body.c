/* SPDX-License-Identifier: MIT */
#include "bench/lib/body.h"
#include "bench/lib/wire.h"
#include "core/err.h"
#include "core/mem.h"
#include <string.h>

#define MARK       "@RID@"
#define RID_DIGITS 10

/* Appends `template` with room for the numbers; notes their places while there is room in `at`. */
static void expand(struct buf *out, const char *template, size_t *at, unsigned *n)
{
	const char *p = template;
	for (const char *mark; (mark = strstr(p, MARK)) != NULL; p = mark + strlen(MARK)) {
		buf_add(out, p, (size_t)(mark - p));
		if (*n < BODY_RIDS_MAX)
			at[*n] = out->len;
		*n += 1;
		buf_printf(out, "%0*d", RID_DIGITS, 0);
	}
	buf_add_str(out, p);
}

int body_init(
	struct body *b, const char *template, unsigned jobs, const struct wire *wire, struct err *e)
{
	struct buf plain = BUF_INIT;
	*b = (struct body){.rid_at = mem_array(BODY_RIDS_MAX, sizeof(size_t))};
	for (unsigned i = 0; i < jobs && plain.len <= wire->body_max; i++) {
		if (jobs > 1)
			buf_add_char(&plain, i == 0 ? '[' : ',');
		expand(&plain, template, b->rid_at, &b->n_rids);
	}
	if (jobs > 1)
		buf_add_char(&plain, ']');
	int rc = 0;
	if (plain.len > wire->body_max || b->n_rids > BODY_RIDS_MAX) {
		body_release(b);
		rc = err_set(e, ERR_INVALID, "the body is too long or holds too many numbers");
	} else {
		size_t at = wire->tail(&b->bytes, buf_str(&plain), plain.len);
		for (unsigned i = 0; i < b->n_rids; i++)
			b->rid_at[i] += at;
		b->len = plain.len;
	}
	buf_release(&plain);
	return rc;
}

void body_release(struct body *b)
{
	buf_release(&b->bytes);
	mem_free(b->rid_at);
	*b = (struct body){0};
}

void body_number(struct body *b, uint64_t first)
{
	for (unsigned i = 0; i < b->n_rids; i++) {
		uint64_t v = first + i;
		char *to = b->bytes.data + b->rid_at[i];
		for (int d = RID_DIGITS - 1; d >= 0; d--, v /= 10)
			to[d] = (char)('0' + v % 10);
	}
}

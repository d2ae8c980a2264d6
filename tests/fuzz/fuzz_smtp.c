/* SPDX-License-Identifier: MIT */
/* What an SMTP server may send. The first input byte cuts the rest into pieces: the replies have to be the same as those of
 * the whole, and their words fit for a client. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"
#include "platforms/email/email_server.h"
#include "platforms/email/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_reply(struct buf *out, const struct smtp_reply *r)
{
	char text[200];
	json_t *value;

	assert(r->code >= 200 && r->code <= 599 && r->text.len <= SMTP_REPLY_TEXT_MAX);
	email_server_text(text, sizeof text, buf_str(&r->text), r->text.len);
	value = json_string(text);
	assert(value != NULL && strlen(text) < sizeof text && strpbrk(text, "\r\n\t") == NULL);
	json_decref(value);
	buf_printf(out, "%d %s\n", r->code, text);
}

/* All replies up to the first mistake; `step` bytes at a time. */
static void read_all(const char *bytes, size_t len, size_t step, struct buf *out)
{
	struct smtp_reply r = {0};
	int rc = 0;

	while (len > 0 && rc >= 0) {
		size_t piece = MIN(step, len), used = 0;
		rc = smtp_reply_read(&r, bytes, piece, &used);
		assert(used <= piece && (rc != 0 || used == piece));
		if (rc > 0)
			add_reply(out, &r);
		bytes += used;
		len -= used;
	}
	buf_add_char(out, rc < 0 ? '!' : '.');
	smtp_reply_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;

	if (size < 1)
		return 0;
	read_all((const char *)data + 1, size - 1, size, &whole);
	read_all((const char *)data + 1, size - 1, data[0] % 40u + 1, &pieces);
	assert(strcmp(buf_str(&whole), buf_str(&pieces)) == 0);
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}

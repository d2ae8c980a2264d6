/* SPDX-License-Identifier: MIT */
/* What a FastCGI peer may send, from the first byte on. The first input byte cuts the rest into pieces. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "gateway/fcgi_intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct fcgi_intake *in)
{
	const char *type = cgi_request_header(&in->cgi, "Content-Type");

	assert(in->refused == 0 || in->refused == 400 || in->refused == 413);
	assert(in->cgi.path[0] == '/');
	assert(in->body.len <= in->body_bytes);
	assert(strlen(in->cgi.query) <= CGI_VARIABLES_MAX);
	assert(type == NULL || strlen(type) <= CGI_VARIABLES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf reply = BUF_INIT;
	struct fcgi_intake in;

	if (size < 1)
		return 0;
	size_t step = data[0] == 0 ? size : data[0];
	fcgi_intake_init(&in, 4096, NULL);
	for (size_t at = 1; at < size; at += step) {
		size_t n = MIN(step, size - at);
		char *copy = mem_dup(data + at, n); /* so that a read past its end is seen */
		fcgi_intake_feed(&in, copy, n, &reply);
		mem_free(copy);
	}
	if (in.state == FCGI_INTAKE_COMPLETE)
		look_at(&in);
	assert(reply.len <= 64 * 24);
	fcgi_intake_release(&in);
	buf_release(&reply);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "gateway/fcgi_intake.h"

#define PARAMS_MAX (128 * 1024) /* all variables, also those that are not kept */
#define DROP_BYTES_MAX \
	(16 * 1024 *   \
		1024) /* of a body that is too large: read this much for the sake of the peer */
#define REPLIES_MAX 64

enum { ROLE_RESPONDER = 1, BEGIN_SIZE = 8, KEEP_CONN = 1 };

void fcgi_intake_init(struct fcgi_intake *in, size_t body_bytes, const struct fcgi_intake *before)
{
	*in = (struct fcgi_intake){.body_bytes = body_bytes};
	if (before != NULL)
		in->reader = before->reader; /* may have to pass over padding */
	cgi_request_init(&in->cgi);
}

void fcgi_intake_release(struct fcgi_intake *in)
{
	cgi_request_release(&in->cgi);
	buf_release(&in->params);
	buf_release(&in->body);
}

static void take_begin(struct fcgi_intake *in, const struct fcgi_piece *p, struct buf *reply)
{
	if (p->id == 0 || p->total != BEGIN_SIZE) {
		in->state = FCGI_INTAKE_BAD;
		return;
	}
	in->id = p->id;
	for (size_t i = 0; i < p->len; i++, in->n_begin++)
		if (in->n_begin < sizeof(in->begin))
			in->begin[in->n_begin] = p->bytes[i];
	if (!p->is_last)
		return;
	in->state = FCGI_INTAKE_PARAMS;
	if ((in->begin[0] << 8 | in->begin[1]) != ROLE_RESPONDER) {
		fcgi_put_end(reply, in->id, FCGI_STATUS_UNKNOWN_ROLE);
		in->state = FCGI_INTAKE_BAD;
	}
}

static void parse_params(struct fcgi_intake *in)
{
	const char *at = in->params.data;
	size_t len = in->params.len;
	struct fcgi_pair pair;
	int rc;

	while ((rc = fcgi_pair_next(&at, &len, &pair)) > 0)
		if (cgi_request_add(
			    &in->cgi, pair.name, pair.name_len, pair.value, pair.value_len) < 0)
			in->refused = 400;
	if (rc < 0 || cgi_request_parse(&in->cgi) != 0)
		in->refused = 400;
	buf_release(&in->params);
}

static void take_params(struct fcgi_intake *in, const struct fcgi_piece *p)
{
	if (p->total == 0) {
		parse_params(in);
		in->state = FCGI_INTAKE_BODY;
	} else if (p->len > PARAMS_MAX - in->params.len) {
		in->state = FCGI_INTAKE_BAD; /* what no web server lets through */
	} else {
		buf_add(&in->params, p->bytes, p->len);
	}
}

static void complete(struct fcgi_intake *in)
{
	in->state = FCGI_INTAKE_COMPLETE;
	if (in->n_body > in->body_bytes)
		in->refused = 413;
	else if (in->cgi.content_length >= 0 && (size_t)in->cgi.content_length != in->n_body)
		in->refused = 400; /* cut short on its way: half a job is none */
}

/* FastCGI frames the body itself, so its end is the empty record, whatever CONTENT_LENGTH says. */
static void take_body(struct fcgi_intake *in, const struct fcgi_piece *p)
{
	in->n_body += p->len;
	if (in->n_body <= in->body_bytes)
		buf_add(&in->body, p->bytes, p->len);
	else
		buf_release(&in->body);
	if (p->total == 0 || in->n_body > DROP_BYTES_MAX) {
		if (in->body.len == 0)
			buf_release(&in->body); /* a parked GET keeps no buffer */
		in->keeps_conn = p->total == 0 && (in->begin[2] & KEEP_CONN);
		complete(in);
	}
}

/* A record of the request under way, in the order of section 6.2. */
static void take_own(struct fcgi_intake *in, const struct fcgi_piece *p)
{
	if (p->type == FCGI_TYPE_ABORT)
		in->state = FCGI_INTAKE_ABORTED;
	else if (in->state == FCGI_INTAKE_PARAMS && p->type == FCGI_TYPE_PARAMS)
		take_params(in, p);
	else if (in->state == FCGI_INTAKE_BODY && p->type == FCGI_TYPE_STDIN)
		take_body(in, p);
	else if (in->state != FCGI_INTAKE_COMPLETE || p->type == FCGI_TYPE_BEGIN)
		in->state = FCGI_INTAKE_BAD;
}

/* A peer that asks and asks and never reads shall not fill our memory. */
static int count_reply(struct fcgi_intake *in)
{
	if (++in->n_replies > REPLIES_MAX)
		in->state = FCGI_INTAKE_BAD;
	return in->state != FCGI_INTAKE_BAD;
}

static void take_piece(struct fcgi_intake *in, const struct fcgi_piece *p, struct buf *reply)
{
	if (p->id == 0) {
		if (p->is_last && count_reply(in))
			fcgi_put_management(reply, p->type);
	} else if (in->state == FCGI_INTAKE_BEGIN && p->type == FCGI_TYPE_BEGIN) {
		take_begin(in, p, reply);
	} else if (in->state == FCGI_INTAKE_BEGIN) {
		in->state = FCGI_INTAKE_BAD;
	} else if (p->id == in->id) {
		take_own(in, p);
	} else if (p->type == FCGI_TYPE_BEGIN && p->is_last && count_reply(in)) {
		fcgi_put_end(reply, p->id, FCGI_STATUS_CANT_MPX);
	}
}

enum fcgi_intake_state fcgi_intake_feed(
	struct fcgi_intake *in, const void *bytes, size_t len, struct buf *reply)
{
	const unsigned char *at = bytes;
	struct fcgi_piece piece;

	while (in->state != FCGI_INTAKE_BAD && in->state != FCGI_INTAKE_ABORTED) {
		int rc = fcgi_reader_next(&in->reader, &at, &len, &piece);
		if (rc == 0)
			break;
		if (rc < 0)
			in->state = FCGI_INTAKE_BAD;
		else
			take_piece(in, &piece, reply);
	}
	return in->state;
}

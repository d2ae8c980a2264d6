/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_reader.h"

#include "core/err.h"
#include "core/mem.h"

#define READER_MAGIC 0x656d7264u

struct email_reader {
	unsigned magic;
	uv_work_t work;
	email_reader_fn *done; /* NULL: cancelled */
	void *arg;
	/* the thread's between uv_queue_work() and on_read() */
	struct buf mail;
	struct email_read_options options;
	char *part;
	size_t max_bytes;
	json_t *result;
	struct err err;
};

/* In a thread of the pool; touches nothing but its own reader. */
static void read_mail(uv_work_t *work)
{
	CAST(email_reader, r, CONTAINER_OF(work, struct email_reader, work), READER_MAGIC);

	if (r->part != NULL)
		r->result = email_read_part(
			buf_str(&r->mail), r->mail.len, r->part, r->max_bytes, &r->err);
	else
		r->result = email_read(buf_str(&r->mail), r->mail.len, &r->options);
	buf_release(&r->mail);
}

static void on_read(uv_work_t *work, int status)
{
	CAST(email_reader, r, CONTAINER_OF(work, struct email_reader, work), READER_MAGIC);

	UNUSED(status); /* email_reader_cancel() says why it does not matter */
	if (r->done != NULL)
		r->done(r->arg, r->result, &r->err);
	else
		json_decref(r->result);
	buf_release(&r->mail);
	mem_free(r->part);
	mem_free(r);
}

struct email_reader *email_reader_start(
	uv_loop_t *loop, const struct email_reader_job *job, email_reader_fn *done, void *arg)
{
	struct email_reader *r = mem_alloc(sizeof *r);

	r->magic = READER_MAGIC;
	r->done = done;
	r->arg = arg;
	r->mail = job->mail;
	r->options = job->options;
	r->part = mem_strdup(job->part);
	r->max_bytes = job->max_bytes;
	uv_queue_work(loop, &r->work, read_mail, on_read);
	return r;
}

void email_reader_cancel(struct email_reader **r)
{
	if (*r == NULL)
		return;
	(*r)->done = NULL;
	/* What has not begun is spared; it comes to on_read() all the same, with nothing read. */
	uv_cancel((uv_req_t *)&(*r)->work);
	*r = NULL;
}

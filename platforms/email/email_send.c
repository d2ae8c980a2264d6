/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_send.h"

#include <gmime/gmime.h>
#include <libxml/parser.h>
#include <string.h>

#include "core/http.h"
#include "core/mem.h"
#include "platforms/email/email_compose.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_smtp.h"
#include "platforms/platform.h"

#define TASK_MAGIC 0x65737461u
/* Beyond this a mail is composed by a thread of the pool, so that others need not wait for it. */
#define THREAD_BYTES ((size_t)128 << 10)

struct email_send {
	struct psession *ps;
	const struct email_server *server;
	struct email_smtp *smtp;
	struct email_compose_limits limits;
};

/* A job under way. While a thread composes it can not be stopped: then `job` is NULL after a cancel, and the task frees
 * itself when the thread is done. */
struct task {
	unsigned magic;
	struct email_send *send;
	struct job *job;
	uv_work_t work;
	int composing;
	json_t *activity; /* a reference of our own: the job may be gone before the thread is */
	char *domain;
	struct email_compose_limits limits;
	struct email_compose_mail mail;
	struct email_smtp_delivery *delivery;
	struct err err;
};

static void task_free(struct task *t)
{
	email_smtp_cancel(&t->delivery);
	email_compose_release(&t->mail);
	json_decref(t->activity);
	mem_free(t->domain);
	mem_free(t);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static json_t *result_of(const struct task *t, const struct email_smtp_recipient *to, size_t n)
{
	json_t *accepted = json_array(), *refused = json_array();
	json_t *object = json_pack("{ssssso}", "messageId", t->mail.message_id, "date",
		t->mail.date, "accepted", accepted);

	for (size_t i = 0; i < n; i++) {
		if (to[i].text == NULL)
			json_array_append_new(accepted, json_string(to[i].address));
		else
			json_array_append_new(
				refused, json_pack("{sssisssb}", "address", to[i].address, "code",
						 to[i].code, "text", to[i].text, "temporary",
						 to[i].code / 100 == 4));
	}
	if (json_array_size(refused) > 0)
		json_object_set(object, "refused", refused);
	json_decref(refused);
	return object;
}

static void fail(struct task *t, const struct err *e)
{
	struct job *job = t->job;
	struct err copy = *e;

	task_free(t);
	job_fail(job, &copy);
}

static void on_sent(void *arg, const struct email_smtp_recipient *to, size_t n, const struct err *e)
{
	CAST(task, t, arg, TASK_MAGIC);
	struct job *job = t->job;
	json_t *object;

	t->delivery = NULL;
	if (e->code != ERR_NONE) {
		email_server_log(t->send->server, job_psession(job), "email.not-sent", e);
		fail(t, e);
		return;
	}
	object = result_of(t, to, n);
	task_free(t);
	job_done(job, object);
}

/* --- the course of a job ----------------------------------------------------------------------------------------- */

static void on_composed(struct task *t)
{
	if (t->err.code != ERR_NONE)
		fail(t, &t->err);
	else
		t->delivery = email_smtp_start(t->send->smtp, &t->mail, on_sent, t);
}

static void compose(struct task *t)
{
	if (email_compose(t->activity, &t->limits, t->domain, &t->mail, &t->err) == 0)
		t->err.code = ERR_NONE;
}

/* In a thread of the pool: touches nothing but its own task, and reads the activity, which nobody changes. */
static void compose_in_thread(uv_work_t *work)
{
	CAST(task, t, CONTAINER_OF(work, struct task, work), TASK_MAGIC);

	compose(t);
}

static void on_thread_done(uv_work_t *work, int status)
{
	CAST(task, t, CONTAINER_OF(work, struct task, work), TASK_MAGIC);

	UNUSED(status); /* never cancelled */
	t->composing = 0;
	if (t->job == NULL)
		task_free(t);
	else
		on_composed(t);
}

static size_t weight_of(const json_t *object)
{
	size_t sum = json_string_length(json_object_get(object, "text")) +
		     json_string_length(json_object_get(object, "html"));
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(object, "attachments"), i, one)
		sum += json_string_length(json_object_get(one, "contents"));
	return sum;
}

void email_send_run(struct email_send *s, struct job *job)
{
	struct task *t = mem_alloc(sizeof *t);
	const json_t *activity = job_activity(job);

	t->magic = TASK_MAGIC;
	t->send = s;
	t->job = job;
	t->activity = json_incref((json_t *)(uintptr_t)activity);
	t->limits = s->limits;
	if (*email_server_domain(s->server) != '[')
		t->domain = mem_strdup(email_server_domain(s->server));
	job_set_data(job, t);
	if (weight_of(activity_object(activity)) < THREAD_BYTES) {
		compose(t);
		on_composed(t);
		return;
	}
	t->composing = 1;
	uv_queue_work(http_client_loop(psession_http(s->ps)), &t->work, compose_in_thread,
		on_thread_done);
}

void email_send_cancel(struct email_send *s, struct job *job)
{
	CAST(task, t, job_data(job), TASK_MAGIC);

	UNUSED(s);
	t->job = NULL;
	if (!t->composing)
		task_free(t);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static unsigned setting(const json_t *settings, const char *key, unsigned fallback)
{
	const json_t *value = json_object_get(settings, key);

	return json_is_integer(value) ? (unsigned)json_integer_value(value) : fallback;
}

struct email_send *email_send_new(
	struct psession *ps, const struct email_server *server, const json_t *settings)
{
	struct email_send *s = mem_alloc(sizeof *s);

	g_mime_init();
	xmlInitParser();
	s->ps = ps;
	s->server = server;
	s->limits.max_bytes = setting(settings, "max_message_bytes", 25u << 20);
	s->limits.max_recipients = setting(settings, "max_recipients", 100);
	s->limits.max_attachments = setting(settings, "max_attachments", 50);
	s->smtp = email_smtp_new(ps, server, setting(settings, "idle_timeout_s", 30) * 1000,
		setting(settings, "send_timeout_ms", 60000));
	return s;
}

void email_send_free(struct email_send **send)
{
	struct email_send *s = *send;

	*send = NULL;
	if (s == NULL)
		return;
	email_smtp_free(&s->smtp);
	mem_free(s);
}

/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_smtp.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_compose.h"
#include "platforms/email/email_server.h"
#include "platforms/email/smtp_link.h"
#include "platforms/platform.h"

#define DELIVERY_MAGIC 0x736d6476u
#define COURIER_MAGIC  0x736d636fu
#define COURIERS       4 /* connections of an account; servers dislike more */
#define WAITING_MAX    1000
#define RCPT_BATCH     100 /* recipients named at a time to a server with PIPELINING (RFC 2920) */
#define TEXT_SIZE      200

enum step { STEP_CONNECT, STEP_RESET, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_BODY, STEP_IDLE };

/* One connection, and the mail that it carries. */
struct courier {
	unsigned magic;
	struct email_smtp *smtp;
	struct courier *next;
	struct smtp_link *link;
	struct email_smtp_delivery *delivery; /* NULL: idle */
	struct platform_timer *idle;
	enum step step;
	int used; /* it has carried a mail before: the server may have closed it meanwhile */
	size_t asked, answered, taken; /* recipients */
};

struct email_smtp_delivery {
	unsigned magic;
	struct email_smtp *smtp;
	struct email_smtp_delivery *next;
	const struct email_compose_mail *mail; /* until `done` is called */
	email_smtp_done_fn *done;
	void *arg;
	struct courier *courier;      /* NULL: waiting */
	struct platform_timer *early; /* to fail from the loop with `why`; NULL: does not */
	struct err why;
	struct email_smtp_recipient *to;
	size_t n_to;
};

struct email_smtp {
	struct psession *ps;
	const struct email_server *server;
	unsigned idle_ms, timeout_ms;
	struct courier *couriers;
	size_t n_couriers, n_waiting;
	struct email_smtp_delivery *waiting; /* in order */
};

static void dispatch(struct email_smtp *smtp);
static void start_mail(struct courier *c);

/* --- couriers ---------------------------------------------------------------------------------------------------- */

static void courier_free(struct courier *c)
{
	struct courier **at = &c->smtp->couriers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->smtp->n_couriers--;
	platform_timer_free(&c->idle);
	smtp_link_free(&c->link);
	c->magic = 0;
	mem_free(c);
}

static void on_idle(void *arg)
{
	CAST(courier, c, arg, COURIER_MAGIC);

	c->idle = NULL;
	courier_free(c);
}

/* Free for the next mail. */
static void rest(struct courier *c)
{
	c->delivery = NULL;
	c->step = STEP_IDLE;
	c->used = 1;
	c->idle = psession_timer(c->smtp->ps, c->smtp->idle_ms, on_idle, c);
}

/* --- the end of a delivery --------------------------------------------------------------------------------------- */

static void delivery_free(struct email_smtp_delivery *d)
{
	platform_timer_free(&d->early);
	for (size_t i = 0; i < d->n_to; i++)
		mem_free(d->to[i].text);
	mem_free(d->to);
	d->magic = 0;
	mem_free(d);
}

/* The courier is told before to rest or to go. `done` may start and cancel others, and free the whole. */
static void finish(struct email_smtp_delivery *d, const struct err *e)
{
	dispatch(d->smtp);
	d->done(d->arg, d->to, d->n_to, e);
	delivery_free(d);
}

/* What the courier's mail ends with; the connection is not in order any more. */
static void fail(struct courier *c, const struct err *e)
{
	struct email_smtp_delivery *d = c->delivery;

	courier_free(c);
	finish(d, e);
}

/* The connection is in order, but a transaction is open there. */
static void refuse(struct courier *c, const struct err *e)
{
	struct email_smtp_delivery *d = c->delivery;

	c->delivery = NULL;
	c->step = STEP_RESET;
	smtp_link_command(c->link, "RSET");
	finish(d, e);
}

/* "550 5.1.1 no such user" of a reply. */
static void words(const struct smtp_reply *reply, char out[static TEXT_SIZE])
{
	int n = snprintf(out, TEXT_SIZE, "%d ", reply->code);

	email_server_text(out + n, TEXT_SIZE - (size_t)n, buf_str(&reply->text), reply->text.len);
	if (out[n] == '\0')
		out[n - 1] = '\0';
}

static const char *whether_later(int code)
{
	return code / 100 == 4 ? "try again later" : "for good";
}

static void say_refused(
	const struct courier *c, const char *what, const struct smtp_reply *reply, struct err *e)
{
	char text[TEXT_SIZE];

	words(reply, text);
	err_set(e, reply->code == 552 ? ERR_TOO_LARGE : ERR_REMOTE, "%s refused %s (%s): %s",
		email_server_name(c->smtp->server), what, whether_later(reply->code), text);
}

/* --- the transaction --------------------------------------------------------------------------------------------- */

/* Names the next recipients: one, or a batch. */
static void ask_recipients(struct courier *c)
{
	const struct email_compose_mail *mail = c->delivery->mail;
	size_t batch = smtp_link_has_pipelining(c->link) ? RCPT_BATCH : 1;

	c->step = STEP_RCPT;
	for (; batch > 0 && c->asked < mail->n_to; batch--)
		smtp_link_command(c->link, "RCPT TO:<%s>", mail->to[c->asked++]);
}

static void on_mail_reply(struct courier *c, const struct smtp_reply *reply)
{
	struct err e;

	if (reply->code / 100 == 2) {
		ask_recipients(c);
		return;
	}
	say_refused(c, "the sender", reply, &e);
	refuse(c, &e);
}

/* Every recipient was refused; the first speaks for all. */
static void refuse_all(struct courier *c)
{
	const struct email_smtp_delivery *d = c->delivery;
	const size_t n = d->mail->n_to;
	struct err e;

	err_set(&e, ERR_REMOTE, "%s refused %s %.100s (%s): %d %.150s",
		email_server_name(c->smtp->server),
		n == 1 ? "the recipient" : "all recipients, the first", d->to[0].address,
		whether_later(d->to[0].code), d->to[0].code, d->to[0].text);
	refuse(c, &e);
}

static void on_rcpt_reply(struct courier *c, const struct smtp_reply *reply)
{
	struct email_smtp_delivery *d = c->delivery;
	struct email_smtp_recipient *to = &d->to[c->answered++];
	char text[TEXT_SIZE];

	to->code = reply->code;
	if (reply->code / 100 == 2) {
		c->taken++;
	} else {
		email_server_text(text, sizeof text, buf_str(&reply->text), reply->text.len);
		to->text = mem_strdup(text);
	}
	if (c->answered < c->asked)
		return;
	if (c->asked < d->mail->n_to) {
		ask_recipients(c);
	} else if (c->taken == 0) {
		refuse_all(c);
	} else {
		c->step = STEP_DATA;
		smtp_link_command(c->link, "DATA");
	}
}

static void on_data_reply(struct courier *c, const struct smtp_reply *reply)
{
	struct err e;

	if (reply->code == 354) {
		c->step = STEP_BODY;
		smtp_link_mail(c->link, &c->delivery->mail->bytes);
		return;
	}
	say_refused(c, "the mail", reply, &e);
	if (reply->code / 100 < 4)
		fail(c, &e); /* it waits for something else than we do */
	else
		refuse(c, &e);
}

/* Before the end of the mail only a refusal makes sense, and then the connection can not be used again. */
static void on_body_reply(struct courier *c, const struct smtp_reply *reply, int is_whole)
{
	struct email_smtp_delivery *d = c->delivery;
	struct err e = {0};

	if (reply->code / 100 == 2 && is_whole) {
		rest(c);
		finish(d, &e);
		return;
	}
	say_refused(c, "the mail", reply, &e);
	if (is_whole && reply->code / 100 >= 4)
		refuse(c, &e);
	else
		fail(c, &e);
}

/* --- what the link says ------------------------------------------------------------------------------------------ */

/* A connection that was kept may be gone when it is needed again, and nothing was sent: another is taken. */
static int is_stale(const struct courier *c)
{
	return c->used && c->step == STEP_MAIL;
}

static void take_another(struct courier *c)
{
	struct email_smtp_delivery *d = c->delivery;
	struct email_smtp *smtp = c->smtp;

	courier_free(c);
	d->courier = NULL;
	d->next = smtp->waiting;
	smtp->waiting = d;
	smtp->n_waiting++;
	dispatch(smtp);
}

/* The connection is gone or going, with `e` as the reason. */
static void drop(struct courier *c, const struct err *e)
{
	struct email_smtp *smtp = c->smtp;

	if (c->delivery == NULL) {
		courier_free(c);
		dispatch(smtp);
	} else if (is_stale(c)) {
		take_another(c);
	} else {
		fail(c, e);
	}
}

static void on_up(void *arg)
{
	CAST(courier, c, arg, COURIER_MAGIC);
	struct email_smtp *smtp = c->smtp;

	start_mail(c);
	dispatch(smtp);
}

static void on_reply(void *arg, const struct smtp_reply *reply)
{
	CAST(courier, c, arg, COURIER_MAGIC);
	struct email_smtp *smtp = c->smtp;
	const int is_whole = smtp_link_is_mail_out(c->link);
	struct err e;

	if (reply->code == 421) { /* the server closes, whatever was asked (RFC 5321, 4.2.1) */
		say_refused(c, "the mail", reply, &e);
		drop(c, &e);
		return;
	}
	switch (c->step) {
	case STEP_MAIL:
		on_mail_reply(c, reply);
		break;
	case STEP_RCPT:
		on_rcpt_reply(c, reply);
		break;
	case STEP_DATA:
		on_data_reply(c, reply);
		break;
	case STEP_BODY:
		on_body_reply(c, reply, is_whole);
		break;
	default: /* to RSET */
		rest(c);
		dispatch(smtp);
	}
}

static void on_down(void *arg, const struct err *why)
{
	CAST(courier, c, arg, COURIER_MAGIC);
	struct err e = *why;

	if (c->step == STEP_BODY && smtp_link_is_mail_out(c->link))
		err_set(&e, ERR_UNKNOWN_OUTCOME,
			"%s: the connection was lost before the server had answered to the mail: "
			"it "
			"may or may not have been sent",
			email_server_name(c->smtp->server));
	else if (c->step != STEP_CONNECT)
		err_set(&e, why->code, "%s; the mail was not sent", why->text);
	drop(c, &e);
}

/* --- who carries what -------------------------------------------------------------------------------------------- */

static void on_early(void *arg)
{
	CAST(email_smtp_delivery, d, arg, DELIVERY_MAGIC);

	d->early = NULL;
	finish(d, &d->why);
}

/* `d->why` is filled; `done` comes in the next turn of the loop. */
static void fail_later(struct email_smtp_delivery *d)
{
	d->courier = NULL;
	d->early = psession_timer(d->smtp->ps, 0, on_early, d);
}

/* The courier is connected. */
static void start_mail(struct courier *c)
{
	struct email_smtp_delivery *d = c->delivery;
	const unsigned long long max = smtp_link_max_size(c->link);

	if (max > 0 && d->mail->bytes.len > max) {
		err_set(&d->why, ERR_TOO_LARGE, "the mail has %zu bytes, %s takes %llu at most",
			d->mail->bytes.len, email_server_name(c->smtp->server), max);
		rest(c);
		fail_later(d);
		return;
	}
	c->step = STEP_MAIL;
	c->asked = c->answered = c->taken = 0;
	if (smtp_link_has_size(c->link)) /* RFC 1870, 3 */
		smtp_link_command(
			c->link, "MAIL FROM:<%s> SIZE=%zu", d->mail->from, d->mail->bytes.len);
	else
		smtp_link_command(c->link, "MAIL FROM:<%s>", d->mail->from);
}

static struct courier *courier_new(struct email_smtp *smtp)
{
	struct courier *c = mem_alloc(sizeof *c);
	const struct smtp_link_events events = {on_up, on_reply, on_down, c};

	c->magic = COURIER_MAGIC;
	c->smtp = smtp;
	c->next = smtp->couriers;
	smtp->couriers = c;
	smtp->n_couriers++;
	c->link = smtp_link_new(smtp->ps, smtp->server, smtp->timeout_ms, &events);
	return c;
}

static struct courier *courier_at(const struct email_smtp *smtp, enum step step)
{
	struct courier *c = smtp->couriers;

	while (c != NULL && c->step != step)
		c = c->next;
	return c;
}

/* Gives the oldest waiting mail to a courier that rests, or to a new one, but for one that will rest in a moment; 0:
 * there is none. */
static int dispatch_one(struct email_smtp *smtp)
{
	struct email_smtp_delivery *d = smtp->waiting;
	struct courier *c = courier_at(smtp, STEP_IDLE);

	if (c == NULL && (courier_at(smtp, STEP_RESET) != NULL || smtp->n_couriers >= COURIERS))
		return 0;
	smtp->waiting = d->next;
	smtp->n_waiting--;
	if (c == NULL) {
		d->courier = courier_new(smtp);
		d->courier->delivery = d;
		return 1;
	}
	platform_timer_free(&c->idle);
	d->courier = c;
	c->delivery = d;
	start_mail(c);
	return 1;
}

static void dispatch(struct email_smtp *smtp)
{
	while (smtp->waiting != NULL && dispatch_one(smtp))
		continue;
}

struct email_smtp_delivery *email_smtp_start(struct email_smtp *smtp,
	const struct email_compose_mail *mail, email_smtp_done_fn *done, void *arg)
{
	struct email_smtp_delivery *d = mem_alloc(sizeof *d), **at = &smtp->waiting;

	d->magic = DELIVERY_MAGIC;
	d->smtp = smtp;
	d->mail = mail;
	d->done = done;
	d->arg = arg;
	d->n_to = mail->n_to;
	d->to = mem_array(d->n_to, sizeof *d->to);
	for (size_t i = 0; i < mail->n_to; i++)
		d->to[i].address = mail->to[i];
	if (smtp->n_waiting >= WAITING_MAX) {
		err_set(&d->why, ERR_BUSY, "too many mails wait for %s, try again later",
			email_server_name(smtp->server));
		fail_later(d);
		return d;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = d;
	smtp->n_waiting++;
	dispatch(smtp);
	return d;
}

void email_smtp_cancel(struct email_smtp_delivery **delivery)
{
	struct email_smtp_delivery *d = *delivery, **at;
	struct email_smtp *smtp;

	*delivery = NULL;
	if (d == NULL)
		return;
	assert(d->magic == DELIVERY_MAGIC);
	smtp = d->smtp;
	for (at = &smtp->waiting; *at != NULL && *at != d; at = &(*at)->next)
		continue;
	if (*at == d) {
		*at = d->next;
		smtp->n_waiting--;
	}
	if (d->courier != NULL)
		courier_free(d->courier);
	delivery_free(d);
	dispatch(smtp);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

struct email_smtp *email_smtp_new(struct psession *ps, const struct email_server *server,
	unsigned idle_ms, unsigned timeout_ms)
{
	struct email_smtp *smtp = mem_alloc(sizeof *smtp);

	smtp->ps = ps;
	smtp->server = server;
	smtp->idle_ms = idle_ms;
	smtp->timeout_ms = timeout_ms;
	return smtp;
}

void email_smtp_free(struct email_smtp **smtp)
{
	struct email_smtp *s = *smtp;

	*smtp = NULL;
	if (s == NULL)
		return;
	while (s->waiting != NULL) {
		struct email_smtp_delivery *d = s->waiting;
		s->waiting = d->next;
		delivery_free(d);
	}
	while (s->couriers != NULL) {
		struct courier *c = s->couriers;
		if (c->delivery != NULL)
			delivery_free(c->delivery);
		courier_free(c);
	}
	mem_free(s);
}

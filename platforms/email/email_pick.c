/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_pick.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_batch.h"
#include "platforms/email/email_mail.h"
#include "platforms/email/email_maildrop.h"

#define PICK_MAGIC 0x7069636bu

struct email_pick {
	unsigned magic;
	struct email_account *account;
	const struct email_maildrop_turn *turn;
	struct pop_link_entry *entries;
	size_t n, next;
	int whole;
	int no_top;         /* the server cannot give a header alone */
	int held;           /* the next mail waits until those that came are read */
	size_t n_given;     /* messages */
	struct err missing; /* why the last mail that is left out is */
	struct email_batch *batch;
	struct email_pick_events events;
};

static void next_mail(struct email_pick *p);

static void over(struct email_pick *p, const struct err *e)
{
	p->events.done(p->events.arg, e);
}

/* A mail that the server does not give is left out, but not all of them without a word. */
static void complete(struct email_pick *p)
{
	static const struct err none = {.code = ERR_NONE};
	const struct err missing = p->missing;

	over(p, p->n_given == 0 ? &missing : &none);
}

static void on_message(void *arg, json_t *message)
{
	CAST(email_pick, p, arg, PICK_MAGIC);

	p->n_given++;
	p->events.message(p->events.arg, message);
}

static void on_drained(void *arg)
{
	CAST(email_pick, p, arg, PICK_MAGIC);

	if (p->next == p->n) {
		complete(p);
	} else if (p->held) {
		p->held = 0;
		next_mail(p);
	}
}

static void mail_add(struct email_pick *p, const struct pop_link_result *r)
{
	const struct email_read_options options = {
		.max_text_bytes = email_account_limits(p->account)->max_text_bytes,
		.headers_only = !p->whole,
		.cut = r->truncated};
	const struct pop_link_entry *entry = &p->entries[p->next];
	json_t *members = json_pack(
		"{sIsI}", "popSeqNo", (json_int_t)entry->number, "size", (json_int_t)entry->size);

	if (*entry->uid != '\0')
		json_object_set_new(members, "uid", json_string(entry->uid));
	if (r->truncated && p->whole)
		json_object_set_new(members, "truncated", json_true());
	p->next++;
	email_batch_add(p->batch, r->bytes, &options, members);
}

static void on_mail(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(email_pick, p, arg, PICK_MAGIC);

	if (e->code == ERR_UNSUPPORTED && !p->whole && !p->no_top) {
		p->no_top = 1;
	} else if (e->code == ERR_NOT_FOUND) {
		p->missing = *e;
		p->next++;
	} else if (e->code != ERR_NONE) {
		over(p, e);
		return;
	} else {
		mail_add(p, r);
	}
	next_mail(p);
}

static void next_mail(struct email_pick *p)
{
	struct pop_link *link = email_maildrop_link(p->turn);
	struct err e;

	if (p->next == p->n) {
		if (email_batch_waiting(p->batch) == 0)
			complete(p);
	} else if (link == NULL) {
		err_set(&e, ERR_REMOTE, "the connection to the server was lost");
		over(p, &e);
	} else if (email_batch_is_full(p->batch)) {
		p->held = 1;
	} else if (p->whole) {
		pop_link_mail(link, p->entries[p->next].number,
			email_mail_share(email_account_limits(p->account), p->n), on_mail, p);
	} else if (p->no_top) {
		pop_link_mail(
			link, p->entries[p->next].number, EMAIL_MAIL_HEADER_BYTES, on_mail, p);
	} else {
		pop_link_head(
			link, p->entries[p->next].number, EMAIL_MAIL_HEADER_BYTES, on_mail, p);
	}
}

struct email_pick *email_pick_new(struct email_account *a, const struct email_maildrop_turn *turn,
	const struct email_pick_what *what, const struct email_pick_events *events)
{
	struct email_pick *p = mem_alloc(sizeof *p);
	const struct email_batch_events batch_events = {on_message, on_drained, p};

	assert(what->n > 0 && email_maildrop_link(turn) != NULL);
	p->magic = PICK_MAGIC;
	p->account = a;
	p->turn = turn;
	p->entries = mem_array(what->n, sizeof *p->entries);
	memcpy(p->entries, what->entries, what->n * sizeof *p->entries);
	p->n = what->n;
	p->whole = what->whole;
	p->events = *events;
	p->batch = email_batch_new(email_account_loop(a), &batch_events);
	next_mail(p);
	return p;
}

void email_pick_free(struct email_pick **pp)
{
	struct email_pick *p = *pp;
	struct pop_link *link;

	*pp = NULL;
	if (p == NULL)
		return;
	link = p->next < p->n ? email_maildrop_link(p->turn) : NULL;
	if (link != NULL)
		pop_link_forget(link, p);
	email_batch_free(&p->batch);
	mem_free(p->entries);
	mem_free(p);
}

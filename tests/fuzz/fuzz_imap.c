/* SPDX-License-Identifier: MIT */
/* Any bytes from an IMAP server, split where the first byte says: every response is read as everything it could be. */
#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/imap_mailbox.h"
#include "platforms/email/imap_parse.h"
#include "platforms/email/imap_parse_data.h"
#include "platforms/email/imap_reason.h"
#include "platforms/email/imap_select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_fetch(const struct imap_parse_response *r)
{
	struct imap_parse_data_fetch d;
	struct buf text = BUF_INIT;

	if (imap_parse_data_fetch(r->data, &d) < 0)
		return;
	assert(d.n_sections <= IMAP_PARSE_DATA_SECTIONS);
	for (size_t i = 0; i < d.n_sections; i++) {
		imap_parse_token_text(&d.sections[i].value, &text);
		buf_add(&text, d.sections[i].name, d.sections[i].name_len);
	}
	buf_release(&text);
}

/* What the decoder gives is a name that the encoder takes, unless it is none. */
static void read_names(const struct imap_parse_response *r)
{
	struct imap_parse_data_status s;
	struct imap_parse_data_list l;
	struct buf name = BUF_INIT, again = BUF_INIT;
	struct err e;

	if (imap_parse_data_list(r->data, &l) == 0 && l.name.len > 0 && l.name.len <= 300) {
		imap_mailbox_decode(l.name.data, l.name.len, &name);
		assert(imap_mailbox_encode(buf_str(&name), &again, &e) == 0);
	}
	imap_parse_data_list_release(&l);
	imap_parse_data_status(r->data, &s);
	imap_parse_data_status_release(&s);
	buf_release(&name);
	buf_release(&again);
}

static void read_numbers(const struct imap_parse_response *r)
{
	struct imap_parse_data_numbers n = {0};

	imap_parse_data_search(r->data, &n);
	imap_parse_data_esearch(r->data, &n);
	imap_parse_data_numbers_release(&n);
}

static void read_response(const struct imap_parse_response *r, struct imap_select *s)
{
	struct err e;

	read_fetch(r);
	read_names(r);
	read_numbers(r);
	imap_select_note(s, r);
	imap_reason_explain("mail.example.org:993", r, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct imap_parse_limits limits = {.line_bytes = 4000, .literal_bytes = 1000};
	size_t piece = size > 0 ? data[0] + 1u : 1;
	struct imap_select select = {0};
	struct imap_parse_response r;
	struct imap_parse p;
	struct err e;
	int rc = 0;

	imap_parse_init(&p, &limits);
	for (size_t at = 1; at < size && rc >= 0; at += piece) {
		imap_parse_add(&p, (const char *)data + at, MIN(piece, size - at));
		while ((rc = imap_parse_next(&p, &r, &e)) > 0)
			read_response(&r, &select);
	}
	imap_parse_release(&p);
	imap_select_clear(&select);
	return 0;
}

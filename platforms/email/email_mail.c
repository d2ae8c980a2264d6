/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_mail.h"

#include <string.h>

#include "core/base.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_batch.h"

#define MAX_KEYWORDS 50

static const struct {
	const char *name;
	unsigned flag;
} flag_names[] = {{"seen", IMAP_SEEN}, {"answered", IMAP_ANSWERED}, {"flagged", IMAP_FLAGGED},
	{"deleted", IMAP_DELETED}, {"draft", IMAP_DRAFT}, {"recent", IMAP_RECENT}};

unsigned email_mail_flags(const json_t *names)
{
	unsigned flags = 0;
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name)
		for (size_t k = 0; k < ARRAY_LEN(flag_names); k++)
			if (strcmp(flag_names[k].name, json_string_value(name)) == 0)
				flags |= flag_names[k].flag;
	return flags;
}

static json_t *flags_write(const struct imap_mail *mail)
{
	json_t *list = json_array();
	const char *at = mail->keywords != NULL ? mail->keywords : "";

	for (size_t k = 0; k < ARRAY_LEN(flag_names); k++)
		if ((mail->flags & flag_names[k].flag) != 0)
			json_array_append_new(list, json_string(flag_names[k].name));
	for (int n = 0; *at != '\0' && n < MAX_KEYWORDS; n++) {
		size_t len = strcspn(at, " ");

		json_array_append_new(list, json_stringn(at, len));
		at += len + strspn(at + len, " ");
	}
	return list;
}

static json_t *members(const struct imap_where *where, const struct imap_mail *mail)
{
	json_t *m = json_pack("{sssIsIsosI}", "imapBox", where->folder, "imapSeqNo",
		(json_int_t)mail->seq, "uid", (json_int_t)mail->uid, "flags", flags_write(mail),
		"size", (json_int_t)mail->size);

	if (where->uid_validity != 0)
		json_object_set_new(m, "uidValidity", json_integer(where->uid_validity));
	if (mail->truncated)
		json_object_set_new(m, "truncated", json_true());
	return m;
}

void email_mail_add(struct email_batch *b, const struct email_limits *limits,
	const struct imap_where *where, struct imap_mail *mail, int whole)
{
	const struct email_read_options options = {.max_text_bytes = limits->max_text_bytes,
		.headers_only = !whole,
		.cut = mail->truncated,
		.received_ms = mail->date == INT64_MIN ? 0 : mail->date * 1000};

	email_batch_add(b, &mail->bytes, &options, members(where, mail));
}

size_t email_mail_share(const struct email_limits *limits, size_t n)
{
	return MIN(limits->max_message_bytes, limits->max_fetch_bytes / MAX(n, 1));
}

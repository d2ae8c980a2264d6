/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_folders.h"

#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_pool.h"
#include "platforms/email/imap.h"
#include "platforms/platform.h"

#define LISTING_MAGIC 0x656c7374u
#define MAX_FOLDERS   10000
#define MAX_BYTES     ((size_t)4 << 20) /* of their names together */

struct listing {
	unsigned magic;
	struct job *job;
	struct imap_op *op;
	json_t *folders;
	size_t bytes; /* of the names */
	int more;     /* there are more than MAX_FOLDERS, or MAX_BYTES */
};

static void listing_free(struct listing *l)
{
	imap_cancel(&l->op);
	json_decref(l->folders);
	mem_free(l);
}

static void listing_fail(struct listing *l, const struct err *e)
{
	struct job *job = l->job;
	struct err why = *e;

	listing_free(l);
	job_fail(job, &why);
}

/* "\\Sent" is "sent" here, as flags are written without the backslash and in small letters. */
static json_t *special_use(const char *word)
{
	char text[32];
	size_t n = 0;

	if (*word == '\\')
		word++;
	for (; word[n] != '\0' && n + 1 < sizeof text; n++)
		text[n] = (char)tolower((unsigned char)word[n]);
	return json_stringn(text, n);
}

static void on_entry(void *arg, const struct imap_entry *entry)
{
	CAST(listing, l, arg, LISTING_MAGIC);
	const char delimiter[] = {entry->delimiter, '\0'};
	size_t len = strlen(entry->name);
	json_t *folder;

	if (l->more || json_array_size(l->folders) >= MAX_FOLDERS || len > MAX_BYTES - l->bytes) {
		l->more = 1;
		return;
	}
	l->bytes += len;
	folder = json_pack("{sssssb}", "name", entry->name, "delimiter", delimiter, "selectable",
		entry->selectable);
	if (folder == NULL)
		return;
	if (*entry->special_use != '\0')
		json_object_set_new(folder, "specialUse", special_use(entry->special_use));
	json_array_append_new(l->folders, folder);
}

static void on_listed(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(listing, l, arg, LISTING_MAGIC);
	struct job *job = l->job;
	json_t *result;

	UNUSED(r);
	l->op = NULL;
	if (e->code != ERR_NONE) {
		listing_fail(l, e);
		return;
	}
	result = json_pack("{sO}", "folders", l->folders);
	if (l->more)
		json_object_set_new(result, "truncated", json_true());
	listing_free(l);
	job_done(job, result);
}

void email_folders_run(struct email_account *a, struct job *job)
{
	struct listing *l = mem_alloc(sizeof *l);
	const struct imap_calls calls = {.entry = on_entry, .done = on_listed, .arg = l};
	struct email_place place;
	struct imap *im = NULL;
	struct err e = {.code = ERR_NONE};

	l->magic = LISTING_MAGIC;
	l->job = job;
	l->folders = json_array();
	if (email_place_read(a, job_activity(job), &place, &e) == 0) {
		if (place.way == EMAIL_WAY_IMAP)
			im = email_pool_get(email_account_pool(a), &e);
		else
			err_set(&e, ERR_UNSUPPORTED, "POP3 has no folders");
	}
	if (im == NULL) {
		listing_fail(l, &e);
		return;
	}
	job_set_data(job, l);
	l->op = imap_list(im, &calls);
}

int email_folders_cancel(struct job *job)
{
	struct listing *l = job_data(job);

	if (l->magic != LISTING_MAGIC)
		return 0;
	listing_free(l);
	return 1;
}

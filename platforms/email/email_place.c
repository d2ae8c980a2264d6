/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_place.h"

#include <string.h>
#include <strings.h>

#include "core/activity.h"
#include "core/err.h"
#include "platforms/email/email_account.h"

/* Without a choice IMAP, which can more; its error, too, when there is neither. */
static int way_default(const struct email_account *a, enum email_way *way, struct err *e)
{
	struct err pop;

	*way = EMAIL_WAY_IMAP;
	if (email_account_imap(a, e) != NULL)
		return 0;
	if (e->code != ERR_NO_CREDENTIALS || email_account_pop(a, &pop) == NULL)
		return -(int)e->code;
	*way = EMAIL_WAY_POP;
	return 0;
}

static int way_read(
	const struct email_account *a, const json_t *activity, enum email_way *way, struct err *e)
{
	const char *address = activity_target_address(activity, 0);

	if (address == NULL || *address == '\0' ||
		strcasecmp(address, activity_actor_address(activity)) == 0)
		return way_default(a, way, e);
	if (strcasecmp(address, "imap") == 0) {
		*way = EMAIL_WAY_IMAP;
		return email_account_imap(a, e) != NULL ? 0 : -(int)e->code;
	}
	if (strcasecmp(address, "pop") == 0) {
		*way = EMAIL_WAY_POP;
		return email_account_pop(a, e) != NULL ? 0 : -(int)e->code;
	}
	return err_set(e, ERR_INVALID, "the target's address has to be imap or pop");
}

int email_place_read(const struct email_account *a, const json_t *activity,
	struct email_place *place, struct err *e)
{
	int rc = way_read(a, activity, &place->way, e);

	if (rc < 0)
		return rc;
	place->folder = activity_object_string(activity, "folder", "INBOX");
	if (strcasecmp(place->folder, "INBOX") == 0)
		place->folder = "INBOX";
	place->uid_validity = activity_object_integer(activity, "uidValidity", 0);
	if (place->way == EMAIL_WAY_POP && strcmp(place->folder, "INBOX") != 0)
		return err_set(e, ERR_UNSUPPORTED, "POP3 has no folders");
	if (place->way == EMAIL_WAY_POP && place->uid_validity != 0)
		return err_set(e, ERR_UNSUPPORTED, "POP3 has no uidValidity");
	return 0;
}

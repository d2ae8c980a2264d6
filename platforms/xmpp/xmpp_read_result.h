/* SPDX-License-Identifier: MIT */
/* xmpp_read_result - what the answers to the account's own iqs say.
 *
 * For XMPP_READ_RESULT, after the account has found the request by id and checked the sender. Each reader takes the whole
 * iq and gives the `object` of the job's result; those that report rows give messages too. Pure. Results are GIVEN. < 0 is
 * ERR_REMOTE: the answer is not what was asked for. */
#ifndef PLATFORMS_XMPP_READ_RESULT_H
#define PLATFORMS_XMPP_READ_RESULT_H

#include "platforms/xmpp/xmpp_read.h"

/* Bounds of what one answer may list; what is beyond is left out, and `truncated` is true in the object. */
#define XMPP_READ_RESULT_ROSTER_MAX 10000
#define XMPP_READ_RESULT_ITEMS_MAX  10000
/* Of a roster, so many are told as messages: an outbox has an end. The rest stands in the result only. */
#define XMPP_READ_RESULT_MESSAGES_MAX 5000

/* The roster (RFC 6121, 2.1.4): `*messages` has one per contact in the classic form, to be sent before the result
 * (`messages` NULL: not wanted);
 * `*object` is {"objectType":"roster","count":n,"items":[{"address","name"?,"subscription","ask"?,"groups"?}]}. */
int xmpp_read_result_roster(const xmpp_stanza_t *iq, const struct xmpp_read_self *self,
	json_t **messages, json_t **object, struct err *e);

/* disco#items of a room (XEP-0045, 6.5): `*members` is an array of nicks, for xmpp_map_attendance(). */
int xmpp_read_result_members(const xmpp_stanza_t *iq, json_t **members, struct err *e);
/* disco#items of anything: {"objectType":"items","items":[{"address","name"?,"node"?}]}. */
int xmpp_read_result_items(const xmpp_stanza_t *iq, json_t **object, struct err *e);
/* disco#info (XEP-0030, XEP-0128): {"objectType":"room-info" for a conference, else "info","name"?,
 * "identities":[{"category","type","name"?}],"features":[...],"roominfo"?:{var:{"type","label"?,"value","options"?}}}. */
int xmpp_read_result_info(const xmpp_stanza_t *iq, json_t **object, struct err *e);

/* The end of a page of an archive (XEP-0313, 4.3; XEP-0059): {"objectType":"history","complete":bool,"first"?,"last"?,
 * "count"?}. `first` and `last` are ids for the next page's `before` and `after`. */
int xmpp_read_result_history(const xmpp_stanza_t *iq, json_t **object, struct err *e);

/* A software version (XEP-0092): {"objectType":"version","name","version"?,"os"?}. */
int xmpp_read_result_version(const xmpp_stanza_t *iq, json_t **object, struct err *e);

#endif

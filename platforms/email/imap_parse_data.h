/* SPDX-License-Identifier: MIT */
/* imap_parse_data - what stands behind the names of untagged responses: FETCH, LIST, SEARCH, ESEARCH, STATUS,
 * flags (RFC 3501, 7.2 to 7.4; RFC 4731).
 *
 * Reads from a response's cursor into plain structs. All functions return 0, or -1 when the data is not what the
 * standard says. Pure. */
#ifndef PLATFORMS_EMAIL_IMAP_PARSE_DATA_H
#define PLATFORMS_EMAIL_IMAP_PARSE_DATA_H

#include "platforms/email/imap_flag.h"
#include "platforms/email/imap_parse_token.h"

/* Numbers of one SEARCH or COPYUID: a mailbox with more has to be searched in parts. */
#define IMAP_PARSE_DATA_NUMBERS  500000
#define IMAP_PARSE_DATA_SECTIONS 4
/* Bytes of a folder's name as it comes; a longer one is an error. Modified UTF-7 needs less for IMAP_MAILBOX_BYTES. */
#define IMAP_PARSE_DATA_NAME 4000

struct imap_parse_data_flags {
	unsigned flags; /* enum imap_flag */
	char keywords
		[256]; /* the others, separated by spaces, printable ASCII; what does not fit is left out */
};

/* One BODY[...], BINARY[...] or RFC822... of a FETCH. */
struct imap_parse_data_section {
	const char *
		name; /* what is in the brackets: "", "HEADER", "1.MIME"; borrowed as the response is */
	size_t name_len;
	uint64_t origin; /* of BODY[]<origin>; 0 without */
	struct imap_parse_token
		value; /* NIL: there is no such section; else imap_parse_token_text() has its bytes */
};

struct imap_parse_data_fetch {
	uint32_t uid; /* 0: not said */
	int has_flags;
	struct imap_parse_data_flags flags;
	int64_t date;  /* INTERNALDATE in seconds since 1970; INT64_MIN: not said */
	uint64_t size; /* RFC822.SIZE; UINT64_MAX: not said */
	struct imap_parse_data_section sections[IMAP_PARSE_DATA_SECTIONS];
	size_t n_sections; /* what is more is skipped */
};

struct imap_parse_data_list {
	unsigned attributes;  /* enum below */
	char delimiter;       /* 0: NIL */
	char special_use[24]; /* "\\Sent" and so on in the spelling of RFC 6154; "" none */
	struct buf name;      /* as it came, mostly modified UTF-7 */
};

enum { IMAP_PARSE_DATA_NOSELECT = 1 << 0 /* or \NonExistent */ };

struct imap_parse_data_status {
	struct buf name;
	uint32_t messages, unseen, uid_next, uid_validity; /* 0 when not said */
};

/* Zero-initialise; imap_parse_data_numbers_release(). */
struct imap_parse_data_numbers {
	uint32_t *list;
	size_t n, cap;
};

/* "(\Seen $Label)" */
int imap_parse_data_flags(struct imap_parse_cursor *c, struct imap_parse_data_flags *out);
/* Behind "* 12 FETCH". ENVELOPE, BODYSTRUCTURE and what is not known are skipped. */
int imap_parse_data_fetch(struct imap_parse_cursor c, struct imap_parse_data_fetch *out);
/* Behind "* LIST" or "* LSUB". `out` is initialised here; release with imap_parse_data_list_release() in any case. */
int imap_parse_data_list(struct imap_parse_cursor c, struct imap_parse_data_list *out);
void imap_parse_data_list_release(struct imap_parse_data_list *l);
/* Behind "* STATUS"; as with list. */
int imap_parse_data_status(struct imap_parse_cursor c, struct imap_parse_data_status *out);
void imap_parse_data_status_release(struct imap_parse_data_status *s);
/* Behind "* SEARCH": appends. */
int imap_parse_data_search(struct imap_parse_cursor c, struct imap_parse_data_numbers *out);
/* Behind "* ESEARCH": appends the numbers of ALL. */
int imap_parse_data_esearch(struct imap_parse_cursor c, struct imap_parse_data_numbers *out);
/* A set "1,3:5,9:7": appends. "*" is an error. */
int imap_parse_data_set(const char *bytes, size_t len, struct imap_parse_data_numbers *out);
void imap_parse_data_numbers_release(struct imap_parse_data_numbers *n);
/* "17-Jul-1996 02:44:25 -0700" (the day may begin with a blank) as seconds since 1970. */
int imap_parse_data_date(const char *bytes, size_t len, int64_t *out);

#endif

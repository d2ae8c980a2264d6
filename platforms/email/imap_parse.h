/* SPDX-License-Identifier: MIT */
/* imap_parse - the bytes of an IMAP server as responses (RFC 3501, 7; RFC 9051, 7).
 *
 * Bytes go in as they come, responses come out whole, with their literals. Everything is bounded: the length of
 * the lines of one response and that of its literals. What follows a response's name is read with
 * imap_parse_token.h and imap_parse_data.h. Pure: it opens nothing, and has no idea which command was sent. */
#ifndef PLATFORMS_EMAIL_IMAP_PARSE_H
#define PLATFORMS_EMAIL_IMAP_PARSE_H

#include "core/buf.h"
#include "platforms/email/imap_parse_token.h"

struct err;

struct imap_parse_limits {
	size_t line_bytes;    /* of one response without its literals */
	size_t literal_bytes; /* of all literals of one response */
};

/* Embedded in whoever reads; the fields are this file's. */
struct imap_parse {
	struct imap_parse_limits limits;
	struct buf raw;
	size_t start;           /* of the response that is being collected */
	size_t at;              /* seen so far */
	size_t line_start;      /* of its line that is being collected */
	size_t end;             /* of the response given out last; 0: none */
	size_t literal_left;    /* bytes that still belong to a literal */
	size_t lines, literals; /* bytes of each in this response */
};

enum imap_parse_kind {
	IMAP_PARSE_TAGGED,   /* the end of a command: `status` is OK, NO or BAD */
	IMAP_PARSE_UNTAGGED, /* "* ..." */
	IMAP_PARSE_CONTINUE  /* "+ ...": go on with the command */
};

enum imap_parse_status {
	IMAP_PARSE_DATA, /* no status: `name`, `number` and `data` say what it is */
	IMAP_PARSE_OK,
	IMAP_PARSE_NO,
	IMAP_PARSE_BAD,
	IMAP_PARSE_BYE,
	IMAP_PARSE_PREAUTH
};

/* Borrowed from the parser until its next call. */
struct imap_parse_response {
	enum imap_parse_kind kind;
	enum imap_parse_status status;
	char tag[16];    /* tagged: as it was sent */
	char name[24];   /* data, in capitals: "EXISTS", "FETCH", "LIST"; cut when longer */
	uint32_t number; /* "* 12 EXISTS"; 0: none */
	struct imap_parse_cursor data; /* behind the name */
	char code[24]; /* a status' code, in capitals: "UIDVALIDITY"; "": none; cut when longer */
	struct imap_parse_cursor code_data; /* behind the code's name, up to "]" */
	const char *text; /* a status' or continuation's words: any bytes, not terminated */
	size_t text_len;
};

void imap_parse_init(struct imap_parse *p, const struct imap_parse_limits *limits);
void imap_parse_release(struct imap_parse *p);
/* Bytes that came; ends the loan of the last response. */
void imap_parse_add(struct imap_parse *p, const char *bytes, size_t len);
/* 1: a response; 0: more bytes are needed; < 0: ERR_TOO_LARGE (a limit) or ERR_REMOTE (this is not IMAP), and
 * there is no way to go on. */
int imap_parse_next(struct imap_parse *p, struct imap_parse_response *r, struct err *e);

#endif

/* SPDX-License-Identifier: MIT */
/* email_read_tree - the parts of a mail (RFC 2046, 5): where each begins and ends, and what it says it is.
 *
 * One pass over the bytes without recursion; number and depth of parts are bounded before memory is spent, which is why
 * this is not left to GMime: it makes objects of 265 bytes for each byte of a mail of empty parts. Nothing is decoded
 * or copied but a few words: the bytes have to outlive the tree. A message within the mail is one part. */
#ifndef PLATFORMS_EMAIL_READ_TREE_H
#define PLATFORMS_EMAIL_READ_TREE_H

#include "core/base.h"
#include "platforms/email/email_read_param.h"

/* What is deeper is not taken apart; what is more is left out. */
#define EMAIL_READ_TREE_DEPTH 64
#define EMAIL_READ_TREE_PARTS 500
/* The largest path: a number and a dot for each level. */
#define EMAIL_READ_TREE_PATH_SIZE (EMAIL_READ_TREE_DEPTH * 4 + 16)

struct email_read_tree_node {
	char type[EMAIL_READ_PARAM_WORD_SIZE]; /* "text/plain"; the default when there is none */
	char disposition[EMAIL_READ_PARAM_WORD_SIZE]; /* "attachment", "inline", other, or "" */
	char charset[EMAIL_READ_PARAM_WORD_SIZE];     /* as it is named, or "" */
	char encoding[EMAIL_READ_PARAM_WORD_SIZE];    /* Content-Transfer-Encoding, or "" */
	char *file_name;                              /* tidy UTF-8, not yet clean; NULL: none */
	char *cid;                                    /* without brackets; NULL: none */
	int named_in_type; /* the name is of Content-Type, where it says little */
	const char *body;
	size_t len;
	int parent;      /* -1: the mail itself */
	unsigned number; /* among its siblings, from 1 */
	unsigned n_children;
	unsigned depth;
	int open; /* the bytes end before the part does */
};

struct email_read_tree {
	struct email_read_tree_node *nodes; /* in the order of the bytes; [0] is the mail */
	int n;
	int cut; /* parts were left out */
};

struct email_read_head;

/* `head` is the mail's and `bytes` what follows it; `cut`: it goes on behind them. */
void email_read_tree_init(struct email_read_tree *t, const struct email_read_head *head,
	const char *bytes, size_t len, int cut);
void email_read_tree_release(struct email_read_tree *t);
/* 1 for a multipart that really has parts; one without is read as text. */
int email_read_tree_is_multipart(const struct email_read_tree_node *node);
/* "2.1", as IMAP counts (RFC 9051, 6.4.5.1): the only part of a mail that has no parts is "1". */
void email_read_tree_path(
	const struct email_read_tree *t, int node, char out[EMAIL_READ_TREE_PATH_SIZE]);
/* The part that is the nearest one around both; they may be one another's. */
int email_read_tree_common(const struct email_read_tree *t, int a, int b);

#endif

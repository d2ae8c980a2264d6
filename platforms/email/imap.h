/* SPDX-License-Identifier: MIT */
/* imap - one IMAP connection of an account (RFC 3501, 9051) and what can be asked of it: folders, pages of mail,
 * parts, searches, flags, moving, news of one folder.
 *
 * Operations are queued and run one after the other, each with the folder it names selected first; so the owner
 * never sees IMAP's selected state. Everything is a callback from the loop, none is called from within the call
 * that asked. Knows nothing of jobs, activities and MIME: mails are bytes. imap_link.h is the layer below. */
#ifndef PLATFORMS_EMAIL_IMAP_H
#define PLATFORMS_EMAIL_IMAP_H

#include "core/buf.h"
#include "core/err.h"
#include "platforms/email/imap_flag.h"

struct email_server;
struct psession;
struct imap;
struct imap_op;

/* Ranges or UIDs of one command: its line stays below the 8,000 bytes that every server takes (RFC 2683, 3.2.1.5). An
 * operation with more takes several commands; when one fails, those before it have been done. */
#define IMAP_RANGES 300

struct imap_settings {
	unsigned timeout_ms; /* the longest silence of a server that owes an answer; 0: 30,000 */
	unsigned idle_ms;    /* IDLE is renewed after this (RFC 2177); 0: 29 minutes */
	unsigned poll_ms;    /* NOOP this often where there is no IDLE; 0: 60,000 */
	int no_idle;         /* poll even where the server has IDLE */
	size_t max_bytes;    /* of the literals in one response, 96 KiB to 2 GiB; 0: 64 MiB */
};

/* The folder an operation ran in. */
struct imap_folder {
	const char *name;         /* UTF-8 */
	uint32_t uid_validity;    /* UIDs mean nothing under another one */
	uint32_t uid_next;        /* when it was selected; 0: the server does not say */
	uint32_t exists;          /* mails */
	unsigned permanent_flags; /* enum imap_flag */
	int read_only;
};

/* What happened in the watched folder. */
enum imap_news_kind {
	IMAP_NEWS_EXISTS, /* `n` mails now: maybe new ones, also after the folder was selected anew */
	IMAP_NEWS_EXPUNGE, /* the mail with the sequence number `n` is gone, the following move up */
	IMAP_NEWS_FLAGS    /* the mail with the sequence number `n` has `flags` now */
};

struct imap_news {
	enum imap_news_kind kind;
	uint32_t n;
	uint32_t uid; /* IMAP_NEWS_FLAGS: 0 when the server does not say */
	unsigned flags;
};

/* The connection's own events. imap_free() may be called from any of them, and from every other callback here. */
struct imap_events {
	/* Logged in. Operations may be queued before. NULL: not wanted. */
	void (*online)(void *arg);
	/* Of the folder given to imap_watch(). NULL: not wanted. */
	void (*news)(void *arg, const struct imap_news *news);
	/* The connection could not be made or is gone; once, after every operation got its `done`. Only
	 * imap_free() may follow. ERR_AUTH (login refused), ERR_BUSY (not now: [UNAVAILABLE], [INUSE], also with
	 * BYE), ERR_RESOLVE, ERR_CONNECT, ERR_TLS, ERR_BLOCKED, ERR_TIMEOUT, ERR_REMOTE (lost, BYE, or not IMAP),
	 * ERR_TOO_LARGE (a bound of imap_parse.h). */
	void (*offline)(void *arg, const struct err *why);
	void *arg;
};

/* Connects, with TLS and login as `server` says. `ps` and `server` are KEPT until imap_free(). GIVES. */
struct imap *imap_new(struct psession *ps, const struct email_server *server,
	const struct imap_settings *settings, const struct imap_events *events);
/* LOGOUT when that can be said at once, and closes. No callback follows, of operations neither. Sets NULL; NULL
 * inside is legal. */
void imap_free(struct imap **im);
/* 1 between online and offline. */
int imap_is_online(const struct imap *im);
/* 1 when no operation is queued or running: then it may be closed for idling. */
int imap_is_idle(const struct imap *im);

/* No mails, entries and news while `paused`, but for those that have been read from the socket already (some 16
 * KiB): the server has to wait. For an owner that digests them elsewhere. */
void imap_pause(struct imap *im, int paused);

/* --- results ---------------------------------------------------------------------------------------------------- */

struct imap_mail {
	uint32_t seq, uid;
	unsigned flags;       /* enum imap_flag */
	const char *keywords; /* other flags, separated by spaces; printable ASCII; "" none */
	int64_t date;         /* INTERNALDATE in seconds since 1970; INT64_MIN: not said */
	uint64_t size;        /* of the whole mail (RFC822.SIZE) */
	int truncated;        /* `bytes` were cut at max_bytes */
	struct buf head;      /* IMAP_FETCH_PART: the part's MIME header, with the empty line */
	struct buf bytes;     /* what was asked for; both may be taken with buf_take() */
};

/* One line of LIST. */
struct imap_entry {
	const char *name; /* UTF-8 */
	char delimiter;   /* between the levels of a name; 0: there are none */
	int selectable;
	const char *special_use; /* "\\Sent", "\\Trash", ... (RFC 6154), or "" */
};

struct imap_result {
	/* Where it ran; NULL for imap_list(), imap_create() and imap_status(). */
	const struct imap_folder *folder;
	const uint32_t *
		uids; /* imap_search(): ascending. imap_move(), imap_copy(): the new UIDs if the server tells */
	size_t n_uids;
	int marked; /* imap_move(), imap_delete(): the mails are still there, marked \Deleted */
	uint32_t messages, unseen, uid_next, uid_validity; /* imap_status() */
};

/* `e->code` is ERR_NONE on success; else
 *   ERR_NOT_FOUND    the folder does not exist
 *   ERR_BUSY         the mailbox is locked or in use ([INUSE], [UNAVAILABLE])
 *   ERR_CONFLICT     UIDVALIDITY is not the expected one; or the folder to create exists
 *   ERR_FORBIDDEN    no permission ([NOPERM]), or the folder is read-only
 *   ERR_TOO_LARGE    over quota ([OVERQUOTA]); or the server sent more than is accepted, and is gone
 *   ERR_UNSUPPORTED  the server can not search in UTF-8 ([BADCHARSET])
 *   ERR_INVALID      an argument can not be sent (NUL, CR, LF, not UTF-8, too long)
 *   ERR_REMOTE       NO or BAD with the server's words; or the connection was lost, see offline; or not IMAP
 *   ERR_TIMEOUT and what offline may say: the connection failed
 * The text says which folder or server. The operation is gone afterwards. `r` is borrowed for the call. */
typedef void imap_done_fn(void *arg, const struct imap_result *r, const struct err *e);
/* A mail, as soon as it is there. Borrowed for the call. */
typedef void imap_mail_fn(void *arg, struct imap_mail *mail);
typedef void imap_entry_fn(void *arg, const struct imap_entry *entry);

struct imap_calls {
	imap_mail_fn *mail;   /* imap_fetch() */
	imap_entry_fn *entry; /* imap_list() */
	imap_done_fn *done;   /* all */
	void *arg;
};

/* --- operations: each GIVES a handle that is valid until `done` or imap_cancel(); arguments are copied ---------- */

/* No callback follows. What is queued is dropped; what runs ends unseen, or ends the connection when the server
 * does not come to its end. Sets NULL; NULL inside is legal. */
void imap_cancel(struct imap_op **op);

/* Where: the folder and the UIDVALIDITY the caller's UIDs belong to. */
struct imap_where {
	const char *folder;    /* UTF-8; any case of "INBOX" is the inbox */
	uint32_t uid_validity; /* 0: any */
};

/* Which: an inclusive range of sequence numbers or UIDs; `last` 0 means "*", the newest. */
struct imap_range {
	uint32_t first, last;
};

enum imap_fetch_what {
	IMAP_FETCH_FLAGS,   /* no bytes: UID, flags, date and size alone, as with all others */
	IMAP_FETCH_HEADERS, /* the header */
	IMAP_FETCH_WHOLE,   /* header and body */
	IMAP_FETCH_PART     /* one MIME part, encoded as it is in the mail, and its MIME header */
};

struct imap_fetch {
	struct imap_where where;
	const struct imap_range
		*ranges; /* NULL: the newest `count` after skipping the newest `skip` */
	size_t n_ranges;
	int by_seq; /* ranges are of sequence numbers instead of UIDs */
	uint32_t skip, count;
	enum imap_fetch_what what;
	const char *part; /* "2" or "1.3": numbers from 1, at most 10 of them (RFC 3501, 6.4.5) */
	size_t max_bytes; /* of each mail's bytes, up to 16 KiB less than the settings'; 0: 64 KiB */
};

/* Mails come in the server's order, which is mostly that of sequence numbers. No flag is changed. */
struct imap_op *imap_fetch(
	struct imap *im, const struct imap_fetch *fetch, const struct imap_calls *calls);

/* All that is set has to match; strings are UTF-8, compared as substrings without regard to case. */
struct imap_search {
	struct imap_where where;
	const char *from, *to, *subject, *body, *text; /* NULL: any; `text`: header or body */
	int64_t since,
		before; /* days of arrival, as seconds since 1970; 0: any; `before` is exclusive */
	unsigned with, without; /* enum imap_flag that are set, that are not */
	struct imap_range uids; /* first 0: any */
	const char *message_id; /* the Message-ID field contains it */
};

struct imap_op *imap_search(
	struct imap *im, const struct imap_search *search, const struct imap_calls *calls);

/* Selects a folder for reading: for its state in `r->folder`. */
struct imap_op *imap_look(
	struct imap *im, const struct imap_where *where, const struct imap_calls *calls);
/* Numbers of a folder without selecting it (STATUS). */
struct imap_op *imap_status(struct imap *im, const char *folder, const struct imap_calls *calls);
/* All folders, however many the server tells of, but those whose name has more than IMAP_MAILBOX_BYTES. */
struct imap_op *imap_list(struct imap *im, const struct imap_calls *calls);
/* Makes a folder. Its name is as the server's: levels are separated by the delimiter of imap_list(). */
struct imap_op *imap_create(struct imap *im, const char *folder, const struct imap_calls *calls);

/* Mails to change, by UID. */
struct imap_targets {
	struct imap_where where;
	const uint32_t *uids; /* in any order */
	size_t n_uids;
};

/* Sets the flags in `add` and takes those in `remove` away (enum imap_flag, the first five). A UID that is gone is
 * not an error. */
struct imap_op *imap_store(struct imap *im, const struct imap_targets *targets, unsigned add,
	unsigned remove, const struct imap_calls *calls);
/* To another folder; by MOVE (RFC 6851) where the server has it, else COPY, then as imap_delete(). A UID that is
 * gone is not an error. */
struct imap_op *imap_move(struct imap *im, const struct imap_targets *targets, const char *to,
	const struct imap_calls *calls);
struct imap_op *imap_copy(struct imap *im, const struct imap_targets *targets, const char *to,
	const struct imap_calls *calls);
/* For good: marked \Deleted and expunged. A server without UIDPLUS (RFC 4315) can only expunge all that is marked:
 * when other mails are, too, or the server does not tell, these stay marked, and `r->marked` says so. */
struct imap_op *imap_delete(
	struct imap *im, const struct imap_targets *targets, const struct imap_calls *calls);

/* From now on news of this folder come, and the server is asked for them whenever no operation is queued; NULL: of
 * none any more. The first is IMAP_NEWS_EXISTS, each time the folder was selected. `done` is called when watching
 * can not begin or go on (also when the connection goes), and never for success; another imap_watch() forgets it. */
void imap_watch(struct imap *im, const struct imap_where *where, const struct imap_calls *calls);

#endif

/* SPDX-License-Identifier: MIT */
/* hangup - tells when the peer of a descriptor that nobody reads for the moment goes away.
 *
 * libmicrohttpd does not look at a suspended connection; this does. The descriptor stays its owner's, who stops the watch
 * before using it again. */
#ifndef GATEWAY_HANGUP_H
#define GATEWAY_HANGUP_H

#include <uv.h>

struct hangup;

/* Calls fn(arg) once when the peer has closed its end. NULL when the descriptor cannot be watched. GIVES. */
struct hangup *hangup_watch(uv_loop_t *loop, int fd, void (*fn)(void *arg), void *arg);
/* `*h` may be NULL; sets NULL. Legal from within fn(). */
void hangup_stop(struct hangup **h);

#endif

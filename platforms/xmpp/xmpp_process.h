/* SPDX-License-Identifier: MIT */
/* xmpp_process - what has to be done once for all links, at the beginning and at the end of the process.
 *
 * Any thread. */
#ifndef PLATFORMS_XMPP_PROCESS_H
#define PLATFORMS_XMPP_PROCESS_H

/* Before the first context of libstrophe; does its work at the first call. */
void xmpp_process_setup(void);
/* A link begins to say good-bye, or has done so. exit() waits for those that are at it, three seconds at most, so that
 * servers learn of it and no thread is inside the TLS library while that cleans up behind itself. */
void xmpp_process_ending(void);
void xmpp_process_ended(void);

#endif

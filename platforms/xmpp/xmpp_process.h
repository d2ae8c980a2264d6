/* SPDX-License-Identifier: MIT */
/* xmpp_process - what has to be done once for all links, at the beginning and at the end of the process.
 *
 * Any thread. */
#ifndef PLATFORMS_XMPP_PROCESS_H
#define PLATFORMS_XMPP_PROCESS_H

/* Before the first context of libstrophe; does its work at the first call. */
void xmpp_process_setup(void);
/* A link's thread is started, or has nothing more to do. exit() waits for all of them, three seconds at most, so that
 * servers are told good-bye and no thread is inside the TLS library while that cleans up behind itself. */
void xmpp_process_thread_begins(void);
void xmpp_process_thread_ends(void);

#endif

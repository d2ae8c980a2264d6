/* SPDX-License-Identifier: MIT */
/* xmpp_fd - numbers of descriptors that libstrophe can live with.
 *
 * libstrophe waits with select(), which ends the process when a descriptor is 1024 or above; and there are streams that
 * make it close a socket twice, the second time perhaps the one that another thread has got under this number meanwhile.
 * So its sockets get numbers of their own, from 1023 downwards, that nobody else comes by before all lower ones are
 * taken; and what needs no low number goes above. Any thread; knows nothing of XMPP. */
#ifndef PLATFORMS_XMPP_FD_H
#define PLATFORMS_XMPP_FD_H

/* Once per process, before the others: raises the limit of open descriptors to what the process may have. */
void xmpp_fd_setup(void);
/* Moves `fd` (TAKES) to one of the numbers below 1024, which stays reserved, open or not, until xmpp_fd_release(). The
 * number, or -1 when there is none left. */
int xmpp_fd_reserve(int fd);
/* Gives the number back; whoever had it has closed it. -1 is legal. */
void xmpp_fd_release(int number);
/* A non-blocking eventfd, at 1024 or above where the limit allows. -1 with errno. */
int xmpp_fd_event(void);

#endif

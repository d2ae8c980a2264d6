/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_fd.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

/* Below this everybody takes his descriptors. */
#define FIRST 32

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned char reserved[FD_SETSIZE];

void xmpp_fd_setup(void)
{
	struct rlimit limit;

	/* Best effort: without it there is room for fewer accounts, and they are told so. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* F_DUPFD gives the lowest free number from here on: the wanted one, or another when it is taken. It never replaces a
 * descriptor, as dup2() would. */
static int try_number(int fd, int number)
{
	int got = fcntl(fd, F_DUPFD_CLOEXEC, number);

	if (got == number)
		return 0;
	if (got >= 0)
		close(got);
	return -1;
}

int xmpp_fd_reserve(int fd)
{
	int number;

	pthread_mutex_lock(&mutex);
	for (number = FD_SETSIZE - 1; number >= FIRST; number--)
		if (!reserved[number] && try_number(fd, number) == 0)
			break;
	if (number >= FIRST)
		reserved[number] = 1;
	else
		number = -1;
	pthread_mutex_unlock(&mutex);
	close(fd);
	return number;
}

void xmpp_fd_release(int number)
{
	if (number < 0)
		return;
	pthread_mutex_lock(&mutex);
	reserved[number] = 0;
	pthread_mutex_unlock(&mutex);
}

int xmpp_fd_event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), high;

	if (fd < 0)
		return -1;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_SETSIZE);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

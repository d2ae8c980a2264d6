/* SPDX-License-Identifier: MIT */
/* status - `sockethubctl status`: what Redis knows of workers, accounts, queues and sessions.
 *
 * It asks Redis directly, so it works while no gateway runs. Every command it sends is cheap however much Redis holds:
 * no SCAN, no KEYS. It blocks, which a tool for people may. */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

/* The exit status: 0 all is well, 1 a platform has no living worker or Redis is away, 2 wrong usage. */
int status_command(int argc, char **argv);

#endif

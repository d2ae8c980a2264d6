/* SPDX-License-Identifier: MIT */
/* scripts - the server-side steps (core/lua), as text to load and as names to call them by. */
#ifndef CORE_SCRIPTS_H
#define CORE_SCRIPTS_H

enum script {
	SCRIPT_INTAKE,
	SCRIPT_FINISH,
	SCRIPT_READ,
	SCRIPT_END_SESSIONS,
	SCRIPT_BEAT,
	SCRIPT_START,
	SCRIPT_HAND,
	SCRIPT_OWN,
	SCRIPT_ADOPT,
	SCRIPT_LEAVE
};

/* In the order of enum script; ends with NULL. For redis_options.scripts. */
extern const char *const scripts_all[];

#endif

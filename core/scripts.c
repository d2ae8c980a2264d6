/* SPDX-License-Identifier: MIT */
#include "core/scripts.h"

#include <stddef.h>

#include "scripts.inc"

const char *const scripts_all[] = {
	[SCRIPT_INTAKE] = script_intake,
	[SCRIPT_FINISH] = script_finish,
	[SCRIPT_READ] = script_read,
	[SCRIPT_END_SESSIONS] = script_end_sessions,
	[SCRIPT_BEAT] = script_beat,
	[SCRIPT_START] = script_start,
	[SCRIPT_HAND] = script_hand,
	[SCRIPT_OWN] = script_own,
	[SCRIPT_ADOPT] = script_adopt,
	[SCRIPT_LEAVE] = script_leave,
	[SCRIPT_LEAVE + 1] = NULL,
};

/* SPDX-License-Identifier: MIT */
/* settings - `sockethubctl settings PLATFORM`: what may stand below platforms.PLATFORM of the configuration.
 *
 * Reads it from the platform's schema file, and so knows no platform; what the gateway and the workers know of each
 * one's settings is the same file. It asks neither Redis nor a gateway. */
#ifndef CONTROL_SETTINGS_H
#define CONTROL_SETTINGS_H

/* The exit status: 0, or 2 for wrong usage, an unknown platform or a configuration that is refused. */
int settings_command(int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT */
/* config_schema - `sockethubctl config-schema`: schema/config.json, made from the table of settings in core/conf.def. */
#ifndef CONTROL_CONFIG_SCHEMA_H
#define CONTROL_CONFIG_SCHEMA_H

/* The exit status: 0, or 2 when there are words left on the command line. */
int config_schema_command(int argc, char **argv);

#endif

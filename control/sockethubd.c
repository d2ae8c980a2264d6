/* SPDX-License-Identifier: MIT */
#include "control/supervisor.h"
#include "core/cli.h"
#include "core/conf.h"

static const struct cli_program program = {
	.name = "sockethubd",
	.tag = "sockethubd",
	.usage = "[options]",
	.summary = "Runs Sockethub: a private redis-server when no Redis is configured, the "
		   "gateways, and a\n"
		   "worker per platform. What dies is started again.\n",
	.extra = "\nSignals: SIGTERM and SIGINT drain and end, a second one ends at once; SIGHUP "
		 "reads the\n"
		 "configuration again and replaces gateways and workers without refusing a "
		 "request.\n",
};

int main(int argc, char **argv)
{
	struct conf conf;
	int check_only, status;

	cli_start(&program, argc, argv, &conf, NULL, 0, &check_only);
	status = check_only ? supervisor_check(&conf) : supervisor_run(&conf);
	conf_release(&conf);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "cmd_trace.h"
#include "options.h"

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "trace") == 0)
		return (cmd_trace(argc - 1, argv + 1));
	return (options_refuse("ephmap", "expected a command: trace"));
}

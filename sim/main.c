/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ephmap: the program.  Commands stand in one table; what a command prints
 * has reached standard output when the program says 0 or 1.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd_trace.h"
#include "command.h"
#include "options.h"

#include "ephmap/version.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "list", cmd_list, "what can be chosen: designs, policies, ..." },
	{ "run", cmd_run, "replay a trace through one design" },
	{ "compare", cmd_compare, "replay a trace through many designs" },
	{ "explore", cmd_explore, "search interleavings for failures" },
	{ "mrc", cmd_mrc, "miss ratio and events by number of buffers" },
	{ "claims", cmd_claims, "put what the authors claimed to the test" },
	{ "trace", cmd_trace, "generate, import, convert and describe traces" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
print_usage(FILE *out, int status)
{
	(void)fputs("usage: ephmap COMMAND [OPTION]... [FILE]\n\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		(void)fprintf(
		    out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	(void)fputs("\n`ephmap COMMAND --help` explains a command, `ephmap "
		    "--version` prints the version.\n"
		    "Exit status: 0, or 1 when a run found a violation, or 2 "
		    "for bad usage or input.\n",
	    out);
	return (status);
}

static int
dispatch(int argc, char **argv)
{
	const char *names[NCOMMANDS + 1];
	const char *near;

	if (argc < 2) {
		(void)fputs("ephmap: a command is missing; `ephmap --help` "
			    "lists them\n",
		    stderr);
		return (EXIT_BAD);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return (print_usage(stdout, EXIT_OK));
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("ephmap %d.%d.%d\n", EPHMAP_VERSION_MAJOR,
		    EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH);
		return (EXIT_OK);
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return (commands[i].run(argc - 1, argv + 1));
		names[i] = commands[i].name;
	}
	names[NCOMMANDS] = NULL;
	if ((near = nearest_name(argv[1], names)) != NULL)
		return (options_refuse("ephmap",
		    "unknown command %s; did you mean %s?", argv[1], near));
	return (options_refuse("ephmap",
	    "unknown command %s; `ephmap --help` lists them", argv[1]));
}

int
main(int argc, char **argv)
{
	const int status = dispatch(argc, argv);

	/*
	 * A reader that went away (`ephmap ... | head`) needs no message;
	 * where SIGPIPE is not ignored it ends the program before this.  A
	 * command that failed has said its line.
	 */
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE && status != EXIT_BAD)
			(void)fprintf(stderr, "ephmap: standard output: %s\n",
			    strerror(errno != 0 ? errno : EIO));
		return (EXIT_BAD);
	}
	return (status);
}

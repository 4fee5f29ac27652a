/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ephmap: the program.  Commands stand in commands.def; what a command
 * prints has reached standard output when the program says 0 or 1.
 */

#include <errno.h>
#include <signal.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "help.h"
#include "options.h"
#include "table.h"

#include "ephmap/names.h"
#include "ephmap/version.h"

static command_fn *const functions[COMMANDS] = {
#define COMMAND(id, function, ...) [CMD_##id] = function,
#include "commands.def"
#undef COMMAND
};

/*
 * The row that argv[1] names, or argv[1] and argv[2] where several commands
 * share a first word; *nwordsp is how many, and 1 without a row where
 * argv[1] is such a word alone.
 */
static const struct command *
find_command(int argc, char **argv, int *nwordsp)
{
	*nwordsp = 0;
	for (unsigned i = 0; argc >= 2 && i < COMMANDS; i++) {
		const char *name = command_table[i].name;
		const size_t n = strcspn(name, " ");

		if (strlen(argv[1]) != n || strncmp(name, argv[1], n) != 0)
			continue;
		*nwordsp = 1;
		if (name[n] == '\0')
			return (&command_table[i]);
		if (argc >= 3 && strcmp(name + n + 1, argv[2]) == 0) {
			*nwordsp = 2;
			return (&command_table[i]);
		}
	}
	return (NULL);
}

/* `family' is NULL, or the word before the one that is not known. */
static int
refuse_command(const char *family, const char *word)
{
	const char *names[COMMANDS + 3], *near;
	char first[COMMANDS][16], command[32];
	size_t skip = family != NULL ? strlen(family) + 1 : 0, n = 0;

	for (unsigned i = 0; i < COMMANDS; i++) {
		const char *name = command_table[i].name;

		if (skip > 0 &&
		    (strncmp(name, family, skip - 1) != 0 ||
			name[skip - 1] != ' '))
			continue;
		(void)snprintf(first[n], sizeof(first[n]), "%.*s",
		    (int)strcspn(name + skip, " "), name + skip);
		names[n] = first[n];
		n++;
	}
	if (family == NULL) {
		names[n++] = "help";
		names[n++] = "--version";
	}
	names[n] = NULL;
	near = eph_nearest_name(word, names);
	(void)snprintf(command, sizeof(command), "ephmap%s%s",
	    family != NULL ? " " : "", family != NULL ? family : "");
	if (near != NULL)
		return (options_refuse(command,
		    "unknown command %s; did you mean %s?", word, near));
	return (options_refuse(command,
	    "unknown command %s; `%s --help` lists them", word, command));
}

static bool
is_help(const char *word)
{
	return (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "help") == 0);
}

/* `ephmap help [COMMAND]': as COMMAND --help. */
static int
help(int argc, char **argv)
{
	const struct command *c;
	int nwords;

	if (argc < 2) {
		help_program(stdout);
		return (EXIT_OK);
	}
	c = find_command(argc, argv, &nwords);
	if (c == NULL && (nwords == 0 || argc > 2))
		return (refuse_command(
		    nwords == 0 ? NULL : argv[1], argv[nwords + 1]));
	if (c != NULL)
		help_command(stdout, c);
	else
		help_family(stdout, argv[1]);
	return (EXIT_OK);
}

static int
dispatch(int argc, char **argv)
{
	const struct command *c;
	struct opts o;
	int first, nwords, status;

	if (argc < 2 || is_help(argv[1]))
		return (help(argc > 1 ? argc - 1 : argc, argv + (argc > 1)));
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		(void)printf("ephmap %d.%d.%d\n", EPHMAP_VERSION_MAJOR,
		    EPHMAP_VERSION_MINOR, EPHMAP_VERSION_PATCH);
		return (EXIT_OK);
	}
	c = find_command(argc, argv, &nwords);
	if (c == NULL && nwords == 0)
		return (refuse_command(NULL, argv[1]));
	if (c == NULL && (argc == 2 || is_help(argv[2]))) {
		help_family(stdout, argv[1]);
		return (EXIT_OK);
	}
	if (c == NULL)
		return (refuse_command(argv[1], argv[2]));
	argc -= nwords;
	argv += nwords;
	if ((status = options_parse(c, &o, argc, argv, &first)) != OPTIONS_OK)
		return (status == OPTIONS_HELP ? EXIT_OK : EXIT_BAD);
	/* A file size limit is an error to report, not a signal to die of. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return (functions[c - command_table](&o, argc - first, argv + first));
}

static void *
json_alloc(size_t n)
{
	return (must_alloc(NULL, n, 1));
}

int
main(int argc, char **argv)
{
	int status;

	/* A member that is missing for want of memory would be no answer. */
	json_set_alloc_funcs(json_alloc, free);
	status = dispatch(argc, argv);
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

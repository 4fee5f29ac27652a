/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * perf trace of Linux: perf trace -e sendfile,read,openat,close,... -p PIDS
 *
 *      0.955 ( 0.011 ms): nginx/30526 sendfile(out_fd: 4, in_fd: 5</a>, \
 *          offset: 0x7ffeb7dea8c0, count: 100)	= 100
 *
 * Milliseconds since the start, the duration, the name and the thread.
 * Arguments have names, and those that are 0 are left out.  A pointer's value
 * is not what it points to: where offset is one, the offset is not known, and
 * such a call cannot be counted.  Calls are rewritten as strace would print
 * them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/calls.h"

#define NS_PER_MS ((uint64_t)1000000)
#define TEXT_MAX  8192u
#define ARGS_MAX  8

/* Arguments in the order of the call, by the names that perf gives them. */
static const struct {
	const char *call;
	const char *args[7];
} calls[] = {
	{ "sendfile", { "out_fd", "in_fd", "offset", "count" } },
	{ "sendfile64", { "out_fd", "in_fd", "offset", "count" } },
	{ "read", { "fd", "buf", "count" } },
	{ "pread64", { "fd", "buf", "count", "pos" } },
	{ "readv", { "fd", "vec", "vlen" } },
	{ "preadv", { "fd", "vec", "vlen", "pos_l" } },
	{ "splice",
	    { "fd_in", "off_in", "fd_out", "off_out", "len", "flags" } },
	{ "copy_file_range",
	    { "fd_in", "off_in", "fd_out", "off_out", "len", "flags" } },
	{ "mmap", { "addr", "len", "prot", "flags", "fd", "off" } },
	{ "lseek", { "fd", "offset", "whence" } },
	{ "open", { "filename", "flags", "mode" } },
	{ "openat", { "dfd", "filename", "flags", "mode" } },
	{ "close", { "fd" } },
	{ "dup", { "fildes" } },
	{ "dup2", { "oldfd", "newfd" } },
	{ "dup3", { "oldfd", "newfd", "flags" } },
	{ "rename", { "oldname", "newname" } },
	{ "renameat", { "olddfd", "oldname", "newdfd", "newname" } },
	{ "renameat2", { "olddfd", "oldname", "newdfd", "newname", "flags" } },
	{ "unlink", { "pathname" } },
	{ "unlinkat", { "dfd", "pathname", "flag" } },
	{ "clone", { "clone_flags" } },
};

#define NCALLS (sizeof(calls) / sizeof(calls[0]))

struct perf_line {
	uint64_t ns;
	uint64_t task;
	char *call; /* its name, cut at the parenthesis */
	char *args;
	char *result;
};

/* "0.955 ( 0.011 ms): nginx/30526 " before the call; NULL: another line. */
static char *
cut_head(char *line, struct perf_line *l)
{
	char *p = line + strspn(line, " "), *slash, *call;
	uint64_t ms, ns = 0, unit = NS_PER_MS / 10;
	const char *end;

	l->task = 0;
	if (!eph__strace_number(p, &end, &ms) || *end != '.' ||
	    ms > INT64_MAX / NS_PER_MS / 2)
		return (NULL);
	for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
		ns += unit * (uint64_t)(*end - '0');
	l->ns = ms * NS_PER_MS + ns;
	if (strncmp(end, " (", 2) != 0 || (p = strstr(line, "): ")) == NULL)
		return (NULL);
	p += 3;
	/* The name may hold blanks and slashes; a single thread has none. */
	if ((call = strchr(p, '(')) == NULL)
		call = p + strlen(p);
	for (slash = call; slash > p && *slash != '/'; slash--)
		continue;
	if (*slash == '/' && eph__strace_number(slash + 1, &end, &l->task) &&
	    *end == ' ')
		p = slash + 1 + (end - slash - 1);
	return (p + strspn(p, " "));
}

/* Cut "name(args) = result"; false: there is no result in it. */
static bool
cut_call(char *text, struct perf_line *l)
{
	char *close, *open = strchr(text, '(');
	size_t blanks;

	if (open == NULL)
		return (false);
	for (close = text + strlen(text) - 1; close > open; close--) {
		if (*close != ')')
			continue;
		blanks = strspn(close + 1, " ");
		if (strncmp(close + 1 + blanks, "= ", 2) == 0) {
			*open = *close = '\0';
			l->call = text;
			l->args = open + 1;
			l->result = close + 1 + blanks + 2;
			return (true);
		}
	}
	return (false);
}

/* The value of an argument by its name, or NULL. */
static const char *
argument(char **argv, size_t n, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(argv[i], name, len) == 0 &&
		    strncmp(argv[i] + len, ": ", 2) == 0)
			return (argv[i] + len + 2);
	}
	return (NULL);
}

/* An argument as strace prints it. */
static const char *
value_of(const char *call, const char *name, const char *value)
{
	const bool offset = strcmp(name, "off_in") == 0 ||
	    (strcmp(name, "offset") == 0 && call[0] == 's');

	if (value == NULL)
		return (offset || strcmp(name, "off_out") == 0 ? "NULL" : "0");
	if (strcmp(value, "CWD") == 0)
		return ("AT_FDCWD");
	return (offset ? CALLS_UNTOLD : value);
}

/* Rewrite as strace; false: a call of no interest, or too long. */
static bool
rewrite(struct perf_line *l, char *text)
{
	char *argv[ARGS_MAX];
	size_t n, at, row = 0;

	while (row < NCALLS && strcmp(calls[row].call, l->call) != 0)
		row++;
	if (row == NCALLS)
		return (false);
	n = eph__strace_split(l->args, argv, ARGS_MAX);
	at = (size_t)snprintf(text, TEXT_MAX, "%s(", l->call);
	for (size_t i = 0; i < 7 && calls[row].args[i] != NULL; i++) {
		const char *name = calls[row].args[i];

		at += (size_t)snprintf(text + at, TEXT_MAX - at, "%s%s",
		    i > 0 ? ", " : "",
		    value_of(l->call, name, argument(argv, n, name)));
		if (at >= TEXT_MAX)
			return (false);
	}
	at += (size_t)snprintf(text + at, TEXT_MAX - at, ") = %s", l->result);
	return (at < TEXT_MAX);
}

static int
perf_line(struct calls *c, char *line)
{
	static const char continued[] = "... [continued]: ";
	struct perf_line l = { 0 };
	char *p = cut_head(line, &l), text[TEXT_MAX], *dots;
	uint32_t task;
	int error;

	if (p == NULL)
		return (0);
	if ((error = eph__calls_task(c, l.task, &task)) != 0)
		return (error);
	if (strncmp(p, continued, strlen(continued)) == 0) {
		/* "... [continued]: read()) = 5": the rest of a half. */
		p = strstr(p, "())");
		if (p == NULL || !c->tasks[task].half_open)
			return (0);
		if ((error = eph__calls_half(c, task, p + 2, strlen(p + 2))) !=
		    0)
			return (error);
		c->tasks[task].half_open = false;
		p = c->tasks[task].half;
		l.ns = c->tasks[task].half_ns;
	} else if ((dots = strstr(p, ") ...")) != NULL && dots[5] == '\0') {
		eph__calls_half_drop(c, task);
		c->tasks[task].half_ns = l.ns;
		return (eph__calls_half(c, task, p, (size_t)(dots - p)));
	}
	if (!cut_call(p, &l))
		return (0);
	c->lines++;
	if (!rewrite(&l, text))
		return (0);
	c->lines--;
	error = eph__strace_whole(c, task, l.ns, text);
	return (error != 0 ? error : eph__calls_drain(c, false));
}

static int
perf_run(struct eph_import *im)
{
	return (eph__calls_run(im, perf_line));
}

static bool
perf_guess_line(char *line, size_t i)
{
	struct perf_line l;
	const char *p = line + strspn(line, " ");

	(void)i;
	/* The rest of a call that began before perf did has no time. */
	return (cut_head(line, &l) != NULL ||
	    (*p == '?' && strstr(p, "): ") != NULL &&
		strstr(p, "[continued]: ") != NULL));
}

static bool
perf_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, perf_guess_line));
}

const struct eph_import_format eph__import_perf_trace = {
	.abi = EPHMAP_ABI,
	.name = "perf-trace",
	.desc = "perf trace of Linux: calls; their offsets where printed",
	.unit = "calls",
	.options = EPH_IMPORT_CALLS | EPH_IMPORT_PID | EPH_IMPORT_THREAD,
	.guess = perf_guess,
	.run = perf_run,
};

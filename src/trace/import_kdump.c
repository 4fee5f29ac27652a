/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The BSDs' kdump, of what ktrace recorded.
 *
 *   4321 nginx    CALL  openat(AT_FDCWD,0x801234567,0x100000<O_CLOEXEC>)
 *   4321 nginx    NAMI  "/usr/local/www/a"
 *   4321 nginx    RET   openat 5
 *
 * The process, with -H the thread, its name, with -T or -R a time, and what
 * happened.  A call is put together from CALL, the names looked up since
 * (NAMI) and RET, and rewritten as strace would print it.  sendfile's count
 * of sent bytes is not recorded: a call that succeeds is taken to have sent
 * what it asked for, and one that asks for all (0) cannot be counted.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/calls.h"

#define NS_PER_S  ((uint64_t)1000000000)
#define TEXT_MAX  8192u
#define NAMES_MAX 2
#define BSD_AGAIN 35u

enum kdump_kind { KDUMP_OTHER, KDUMP_CALL, KDUMP_NAMI, KDUMP_RET };

struct kdump_line {
	uint64_t task;
	uint64_t ns;
	char *what; /* after CALL, NAMI or RET */
	enum kdump_kind kind;
};

static const struct {
	const char *word;
	enum kdump_kind kind;
} kinds[] = {
	{ " CALL ", KDUMP_CALL },
	{ " NAMI ", KDUMP_NAMI },
	{ " RET ", KDUMP_RET },
};

/* The time before a kind: the word that ends there, if it is one. */
static uint64_t
time_before(const char *line, const char *at)
{
	const char *p = at, *end;
	uint64_t v, ns = 0, unit = NS_PER_S / 10;

	while (p > line && p[-1] != ' ')
		p--;
	if (!eph__strace_number(p, &end, &v) || *end != '.' ||
	    v > INT64_MAX / NS_PER_S / 2)
		return (0);
	for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
		ns += unit * (uint64_t)(*end - '0');
	return (end == at ? v * NS_PER_S + ns : 0);
}

/* False: no line of kdump. */
static bool
cut_line(char *line, struct kdump_line *l)
{
	char *p = line + strspn(line, " "), *at = NULL;
	const char *end;
	uint64_t tid;

	memset(l, 0, sizeof(*l));
	if (!eph__strace_number(p, &end, &l->task) || *end != ' ')
		return (false);
	p += end - p;
	p += strspn(p, " ");
	/* -H: a thread of six digits, where else a name is */
	if (eph__strace_number(p, &end, &tid) && *end == ' ' && end - p > 4)
		l->task = tid;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *found = strstr(p, kinds[i].word);

		if (found != NULL && (at == NULL || found < at)) {
			at = found;
			l->kind = kinds[i].kind;
			l->what = found + strlen(kinds[i].word);
		}
	}
	if (at == NULL)
		return (true);
	l->what += strspn(l->what, " ");
	l->ns = time_before(line, at);
	return (true);
}

/* How many of a call's arguments are paths, and which is the first. */
static unsigned
path_arguments(const char *name, unsigned at[NAMES_MAX])
{
	static const struct {
		const char *name;
		unsigned n, at[NAMES_MAX];
	} calls[] = {
		{ "open", 1, { 0 } },
		{ "creat", 1, { 0 } },
		{ "openat", 1, { 1 } },
		{ "unlink", 1, { 0 } },
		{ "unlinkat", 1, { 1 } },
		{ "chdir", 1, { 0 } },
		{ "rename", 2, { 0, 1 } },
		{ "link", 2, { 0, 1 } },
		{ "renameat", 2, { 1, 3 } },
		{ "linkat", 2, { 1, 3 } },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		memcpy(at, calls[i].at, sizeof(calls[i].at));
		return (calls[i].n);
	}
	return (0);
}

/* The call that a task is in: "name(args)", then "\n" and each name. */
static int
call_start(struct calls *c, uint32_t task, const struct kdump_line *l)
{
	struct task *t = &c->tasks[task];

	eph__calls_half_drop(c, task);
	t->half_ns = l->ns;
	return (eph__calls_half(c, task, l->what, strlen(l->what)));
}

static int
call_name(struct calls *c, uint32_t task, const struct kdump_line *l)
{
	int error;

	if (!c->tasks[task].half_open)
		return (0);
	if ((error = eph__calls_half(c, task, "\n", 1)) != 0)
		return (error);
	return (eph__calls_half(c, task, l->what, strlen(l->what)));
}

/* Append to text[TEXT_MAX]; false: it does not fit. */
static bool
append(char *text, size_t *n, const char *what, size_t len)
{
	if (*n + len + 1 > TEXT_MAX)
		return (false);
	memcpy(text + *n, what, len);
	*n += len;
	text[*n] = '\0';
	return (true);
}

/* name(args) with paths in place of pointers, as strace prints it. */
static bool
rewrite(char *half, char *text)
{
	char *names = strchr(half, '\n'), *args = strchr(half, '('), *end;
	unsigned at[NAMES_MAX] = { 0 }, paths, used = 0;
	size_t n = 0;

	text[0] = '\0';
	if (names != NULL)
		*names++ = '\0';
	if (args == NULL || (end = strrchr(args, ')')) == NULL)
		return (false);
	*args++ = *end = '\0';
	paths = path_arguments(half, at);
	if (!append(text, &n, half, strlen(half)) || !append(text, &n, "(", 1))
		return (false);
	for (unsigned i = 0; *args != '\0'; i++) {
		size_t len = strcspn(args, ",");
		const char *arg = args;
		size_t arg_len = len;

		if (used < paths && at[used] == i && names != NULL) {
			arg = names;
			arg_len = strcspn(names, "\n");
			names =
			    names[arg_len] == '\n' ? names + arg_len + 1 : NULL;
			used++;
		}
		if ((i > 0 && !append(text, &n, ", ", 2)) ||
		    !append(text, &n, arg, arg_len))
			return (false);
		args += len + (args[len] == ',');
	}
	return (used == paths);
}

static int
call_end(struct calls *c, uint32_t task, const struct kdump_line *l)
{
	struct task *t = &c->tasks[task];
	char text[TEXT_MAX + 64];
	const char *p = l->what + strcspn(l->what, " "), *end;
	uint64_t value = 0, error = 0;
	bool fails;

	if (!t->half_open)
		return (0);
	t->half_open = false;
	p += strspn(p, " ");
	fails = strncmp(p, "-1 errno ", 9) == 0;
	if (fails ? !eph__strace_number(p + 9, &end, &error)
		  : !eph__strace_number(p, &end, &value))
		return (0); /* JUSTRETURN, RESTART */
	if (!rewrite(t->half, text))
		return (0);
	if (strncmp(text, "sendfile(", 9) == 0) {
		c->lines++;
		return (eph__bsd_sendfile(
		    c, task, t->half_ns, text + 9, error, false));
	}
	(void)snprintf(text + strlen(text), 64, ") = %s%" PRIu64,
	    !fails		     ? ""
		: error == BSD_AGAIN ? "-1 EAGAIN "
				     : "-1 errno ",
	    fails ? error : value);
	return (eph__strace_whole(c, task, t->half_ns, text));
}

static int
kdump_line(struct calls *c, char *line)
{
	struct kdump_line l;
	uint32_t task;
	int error;

	if (!cut_line(line, &l) || l.kind == KDUMP_OTHER)
		return (0);
	if ((error = eph__calls_task(c, l.task, &task)) != 0)
		return (error);
	if (l.kind == KDUMP_CALL)
		error = call_start(c, task, &l);
	else if (l.kind == KDUMP_NAMI)
		error = call_name(c, task, &l);
	else
		error = call_end(c, task, &l);
	return (error != 0 ? error : eph__calls_drain(c, false));
}

static int
kdump_run(struct eph_import *im)
{
	return (eph__calls_run(im, kdump_line));
}

/* A first line of a process, and a call: what is between may be data. */
static bool
kdump_guess(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	struct kdump_line l;
	char first[512], rest[4096];
	size_t len = nl != NULL ? (size_t)(nl - p) : n;

	if (len >= sizeof(first))
		return (false);
	memcpy(first, p, len);
	first[len] = '\0';
	len = n < sizeof(rest) ? n : sizeof(rest) - 1;
	memcpy(rest, p, len);
	rest[len] = '\0';
	return (strlen(rest) == len && cut_line(first, &l) &&
	    strstr(rest, " CALL  ") != NULL && strstr(rest, " RET   ") != NULL);
}

const struct eph_import_format eph__import_kdump = {
	.abi = EPHMAP_ABI,
	.name = "kdump",
	.desc = "kdump of the BSDs' ktrace: calls",
	.unit = "calls",
	.options = EPH_IMPORT_CALLS | EPH_IMPORT_PID | EPH_IMPORT_THREAD,
	.guess = kdump_guess,
	.run = kdump_run,
};

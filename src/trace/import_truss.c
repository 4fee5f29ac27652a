/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * FreeBSD's truss: truss -f -d -H or any less of it.
 *
 *   45678: 0.012345678 sendfile(3,4,0x0,0x10000,0x0,{ 65536 },0x0) = 0 (0x0)
 *
 * Process and thread with -f and -H, seconds with -d (since the start) or -D
 * (since the line before, of this thread: no time of ours).  Errors are
 * "ERR#35 'text'".  Calls are rewritten as strace would print them; sendfile
 * is another call there: sendfile(FILE, SOCKET, OFFSET, BYTES, HEADERS, SENT,
 * FLAGS), where BYTES 0 is up to the end, SENT counts headers too, and a call
 * that fails with EAGAIN may have sent something.
 */

#include <string.h>

#include "trace/calls.h"

#define FREEBSD_AGAIN 35u
#define TEXT_MAX      8192u

struct truss_line {
	bool has_pid;
	uint64_t pid;
	uint64_t ns;
	char *text; /* name(args) */
	char *args;
	char *result;
	uint64_t error; /* 0: none */
};

/* "45678: " or "45678 100123: ": the last number is the thread. */
static char *
cut_pid(char *p, struct truss_line *l)
{
	const char *end;
	uint64_t pid, tid;
	char *q = p + strspn(p, " ");

	if (!eph__strace_number(q, &end, &pid))
		return (p);
	tid = pid;
	if (*end == ' ' && end[1 + strspn(end + 1, " ")] != '\0')
		(void)eph__strace_number(end + strspn(end, " "), &end, &tid);
	if (*end != ':')
		return (p);
	l->has_pid = true;
	l->pid = tid;
	q += end + 1 - q;
	return (q + strspn(q, " "));
}

/* "0.012345678 ", once or (-d with -D) twice: the first. */
static char *
cut_times(char *p, struct truss_line *l)
{
	bool first = true;

	for (;;) {
		uint64_t v, ns = 0, unit = NS_PER_S / 10;
		const char *end;

		if (!eph__strace_number(p, &end, &v) || *end != '.' ||
		    v > INT64_MAX / NS_PER_S / 2)
			return (p);
		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
			ns += unit * (uint64_t)(*end - '0');
		if (*end != ' ')
			return (p);
		if (first)
			l->ns = v * NS_PER_S + ns;
		first = false;
		p += end - p;
		p += strspn(p, " ");
	}
}

/* False: no call with a result. */
static bool
cut_line(char *line, struct truss_line *l)
{
	const char *end;
	char *close, *p;

	memset(l, 0, sizeof(*l));
	p = cut_times(cut_pid(line, l), l);
	l->text = p;
	l->args = strchr(p, '(');
	if (l->args == NULL || l->args == p)
		return (false);
	for (close = p + strlen(p) - 1; close > l->args; close--) {
		const char *after = close + 1 + strspn(close + 1, " \t");

		if (*close != ')' || close[1] == '\0' ||
		    (close[1] != ' ' && close[1] != '\t'))
			continue;
		if (strncmp(after, "ERR#", 4) == 0 &&
		    eph__strace_number(after + 4, &end, &l->error))
			break;
		if (strncmp(after, "= ", 2) == 0 &&
		    strstr(after, " (0x") != NULL) {
			l->result = close + (after + 2 - close);
			break;
		}
	}
	if (close <= l->args)
		return (false);
	*close = '\0';
	*l->args++ = '\0';
	return (true);
}

/* Arguments as strace prints them: a blank after each comma. */
static bool
rewrite(const struct truss_line *l, char *text, size_t size)
{
	size_t n = strlen(l->text);
	bool quoted = false;
	const char *result = l->error == 0 ? l->result
	    : l->error == FREEBSD_AGAIN	   ? "-1 EAGAIN"
					   : "-1 ERR";

	if (n + strlen(result) + 16 > size)
		return (false);
	memcpy(text, l->text, n);
	text[n++] = '(';
	for (const char *p = l->args; *p != '\0'; p++) {
		if (n + strlen(result) + 16 > size)
			return (false);
		if (*p == '"')
			quoted = !quoted;
		text[n++] = *p;
		if (*p == '\\' && p[1] != '\0')
			text[n++] = *++p;
		else if (*p == ',' && !quoted && p[1] != ' ')
			text[n++] = ' ';
	}
	memcpy(text + n, ") = ", 4);
	strcpy(text + n + 4, result);
	return (true);
}

static int
truss_line(struct calls *c, char *line)
{
	struct truss_line l;
	char text[TEXT_MAX];
	uint32_t task;
	int error;

	if (!cut_line(line, &l))
		return (0);
	if ((error = eph__calls_task(c, l.has_pid ? l.pid : 0, &task)) != 0)
		return (error);
	if (strcmp(l.text, "sendfile") == 0) {
		c->lines++;
		if (rewrite(&l, text, sizeof(text))) {
			char *close = strrchr(text, ')');

			while (close != NULL && strncmp(close, ") = ", 4) != 0)
				close--;
			*close = '\0';
			error = eph__bsd_sendfile(c, task, l.ns,
			    text + strlen("sendfile("), l.error, true);
		}
	} else if (rewrite(&l, text, sizeof(text))) {
		error = eph__strace_whole(c, task, l.ns, text);
	}
	return (error != 0 ? error : eph__calls_drain(c, false));
}

static int
truss_run(struct eph_import *im)
{
	return (eph__calls_run(im, truss_line));
}

static bool
truss_guess_line(char *line, size_t i)
{
	static const char *const others[] = { "process ", "SIGNAL ", "<new ",
		"<thread ", "<process " };
	struct truss_line l = { 0 };
	const char *p = cut_times(cut_pid(line, &l), &l);

	/* What is no call, but not first. */
	for (size_t k = 0; i > 0 && k < sizeof(others) / sizeof(others[0]);
	     k++) {
		if (strncmp(p, others[k], strlen(others[k])) == 0)
			return (true);
	}
	return (cut_line(line, &l) && strchr(l.text, ' ') == NULL);
}

static bool
truss_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, truss_guess_line));
}

const struct eph_import_format eph__import_truss = {
	.abi = EPHMAP_ABI,
	.name = "truss",
	.desc = "FreeBSD's truss -f -d -H: calls",
	.unit = "calls",
	.options = EPH_IMPORT_CALLS | EPH_IMPORT_PID | EPH_IMPORT_THREAD,
	.guess = truss_guess,
	.run = truss_run,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The words of a line of strace: numbers, descriptors with names, strings,
 * results, and the cut of a call into name, arguments and result.
 *
 * With -y the file's name stands in the line.  It may hold ">" (older
 * versions; newer ones write \76), ", " and quotes, so a call is read from
 * its right end.
 */

#define _GNU_SOURCE /* memrchr */

#include <string.h>

#include "trace/calls.h"

/* Hexadecimal, after its 0x. */
static bool
hex_number(const char *p, const char **endp, uint64_t *out)
{
	const char *first = p;
	uint64_t v = 0;

	for (;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		if (v >> 60 != 0)
			return (false);
		v = v << 4 | digit;
	}
	*out = v;
	*endp = p;
	return (p > first);
}

bool
eph__strace_number(const char *p, const char **endp, uint64_t *out)
{
	const char *first = p;
	uint64_t v = 0;

	if (p[0] == '0' && p[1] == 'x')
		return (hex_number(p + 2, endp, out));
	for (; *p >= '0' && *p <= '9'; p++) {
		const unsigned digit = (unsigned)(*p - '0');

		/* 18 digits fit. */
		if (p - first >= 18 && v > (UINT64_MAX - digit) / 10)
			return (false);
		v = v * 10 + digit;
	}
	*out = v;
	*endp = p;
	return (p > first);
}

/* One escape after a backslash; returns what follows it. */
static const char *
unescape_one(const char *p, char *out)
{
	static const char from[] = "ntrvfab\"\\'", to[] = "\n\t\r\v\f\a\b\"\\'";
	const char *at;
	unsigned v = 0;

	if (*p >= '0' && *p <= '7') {
		for (int i = 0; i < 3 && *p >= '0' && *p <= '7'; i++, p++)
			v = v * 8 + (unsigned)(*p - '0');
		*out = (char)v;
		return (p);
	}
	at = *p != '\0' ? strchr(from, *p) : NULL;
	*out = at != NULL ? to[at - from] : '\\';
	return (at != NULL ? p + 1 : p);
}

size_t
eph__strace_unescape(char *p, size_t len)
{
	const char *q, *end = p + len;
	char *to = memchr(p, '\\', len);

	if (to == NULL)
		return (len);
	for (q = to; q < end;) {
		if (*q == '\\' && q + 1 < end)
			q = unescape_one(q + 1, to++);
		else
			*to++ = *q++;
	}
	return ((size_t)(to - p));
}

bool
eph__strace_word_fd(const char *p, const char *end, struct fd_word *fd)
{
	static const char deleted[] = ">(deleted)";
	const char *after;
	uint64_t n;

	memset(fd, 0, sizeof(*fd));
	if (!eph__strace_number(p, &after, &n) || n >= CALLS_FD_MAX ||
	    after > end)
		return (false);
	fd->fd = (uint32_t)n;
	/* -X verbose and the like may add a comment */
	if (after == end || *after == ' ')
		return (true);
	if (*after != '<')
		return (false);
	fd->name = after + 1;
	if ((size_t)(end - fd->name) > strlen(deleted) &&
	    strncmp(end - strlen(deleted), deleted, strlen(deleted)) == 0) {
		fd->deleted = true;
		end -= strlen(deleted);
	} else if (end[-1] == '>') {
		end--;
	}
	/* older versions: "</path (deleted)>" */
	if (end - fd->name > 10 && strncmp(end - 10, " (deleted)", 10) == 0) {
		fd->deleted = true;
		end -= 10;
	}
	if (end <= fd->name)
		return (false);
	/* The line is ours, and the name is read once. */
	fd->len = (size_t)(end - fd->name);
	if (memchr(fd->name, '\\', fd->len) != NULL)
		fd->len =
		    eph__strace_unescape((char *)(uintptr_t)fd->name, fd->len);
	return (true);
}

char *
eph__strace_first_end(char *args)
{
	char *p = args + strcspn(args, "<,");

	if (*p == '<') {
		while ((p = strchr(p, '>')) != NULL) {
			if (p[1] == ',' || p[1] == '\0' ||
			    strncmp(p + 1, "(deleted)", 9) == 0)
				break;
			p++;
		}
		if (p == NULL)
			return (args + strlen(args));
		p++;
		p += strcspn(p, ",");
	}
	return (p);
}

/* The end of a quoted string, at its closing quote. */
static char *
quote_end(char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return (p);
}

size_t
eph__strace_split(char *args, char **argv, size_t max)
{
	size_t n = 0;
	int depth = 0;
	char *p;

	if (*args == '\0')
		return (0);
	argv[n++] = args;
	for (p = args; *(p += strcspn(p, "\"[]{}()<,")) != '\0'; p++) {
		if (*p == '"') {
			if (*(p = quote_end(p)) == '\0')
				break;
		} else if (*p == '[' || *p == '{' || *p == '(') {
			depth++;
		} else if (*p == ']' || *p == '}' || *p == ')') {
			depth--;
		} else if (*p == '<' && p > args && p[-1] != ' ' &&
		    p[-1] != '<') {
			p = eph__strace_first_end(p);
			if (*p == '\0')
				break;
			p--;
		} else if (*p == ',' && p[1] == ' ' && depth <= 0) {
			if (n == max)
				break;
			*p = '\0';
			argv[n++] = p + 2;
			p++;
		}
	}
	return (n);
}

bool
eph__strace_string(char *p, char **startp, size_t *lenp)
{
	char *end;

	if (*p != '"')
		return (false);
	end = quote_end(p);
	if (*end != '"' || end[1] == '.')
		return (false);
	*startp = p + 1;
	*lenp = eph__strace_unescape(p + 1, (size_t)(end - p - 1));
	return (*lenp > 0);
}

bool
eph__strace_result_number(const struct words *w, uint64_t *out)
{
	const char *end;

	return (eph__strace_number(w->result, &end, out) &&
	    (*end == '\0' || *end == ' ' || *end == '<'));
}

/* -T's "<0.000021>", at the end of a result. */
static void
cut_duration(char *result)
{
	char *tail = result + strlen(result), *p;

	if (tail > result && tail[-1] == '>' &&
	    (p = strrchr(result, '<')) != NULL && p > result && p[-1] == ' ' &&
	    p + 1 + strspn(p + 1, "0123456789.") == tail - 1)
		p[-1] = '\0';
}

bool
eph__strace_cut(char *line, struct words *w)
{
	char *open = strchr(line, '('), *p, *close = NULL;

	if (open == NULL)
		return (false);
	for (p = line + strlen(line); close == NULL &&
	     (p = memrchr(open, '=', (size_t)(p - open))) != NULL;) {
		char *q = p - 1;

		if (p[1] != ' ' || *q != ' ')
			continue;
		while (q > open && *q == ' ')
			q--;
		if (*q == ')' && q > open) {
			close = q;
			w->result = p + 2;
		}
	}
	if (close == NULL)
		return (false);
	while (close[-1] == ' ') /* of a joined line */
		close--;
	*open = *close = '\0';
	w->name = line;
	w->args = open + 1;
	cut_duration(w->result);
	return (true);
}

bool
eph__strace_arg_number(const char *arg, uint64_t *out)
{
	const char *end;

	return (eph__strace_number(arg, &end, out) &&
	    (*end == '\0' || *end == ' '));
}

bool
eph__strace_arg_fd(const char *arg, struct fd_word *fd)
{
	return (eph__strace_word_fd(arg, arg + strlen(arg), fd));
}

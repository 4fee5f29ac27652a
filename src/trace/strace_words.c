/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The words of a line: numbers, descriptors with names, results, and the
 * cut of a call into name, arguments and result.
 */

#include <string.h>

#include "trace/strace.h"

bool
eph__strace_number(const char *p, const char **endp, uint64_t *out)
{
	const unsigned base = p[0] == '0' && p[1] == 'x' ? 16 : 10;
	const char *first;
	uint64_t v = 0;

	if (base == 16)
		p += 2;
	for (first = p;; p++) {
		unsigned digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned)(*p - '0');
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = (unsigned)(*p - 'a') + 10;
		else
			break;
		if (v > (UINT64_MAX - digit) / base)
			return (false);
		v = v * base + digit;
	}
	*out = v;
	*endp = p;
	return (p > first);
}

bool
eph__strace_word_fd(const char *p, const char *end, uint32_t *fdp,
    const char **namep, size_t *lenp)
{
	const char *after;
	uint64_t fd;

	*namep = NULL;
	*lenp = 0;
	if (!eph__strace_number(p, &after, &fd) || fd >= STRACE_FD_MAX ||
	    after > end)
		return (false);
	*fdp = (uint32_t)fd;
	if (after == end)
		return (true);
	if (*after != '<')
		return (false);
	*namep = after + 1;
	/* "(deleted)" may follow the name; it is a name of its own. */
	if (end[-1] == '>')
		end--;
	*lenp = (size_t)(end - *namep);
	return (end > *namep);
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

bool
eph__strace_result_number(const struct strace_words *w, uint64_t *out)
{
	const char *end;

	return (eph__strace_number(w->result, &end, out) &&
	    (*end == '\0' || *end == ' ' || *end == '<'));
}

bool
eph__strace_result_fd(const struct strace_words *w, uint32_t *fdp,
    const char **namep, size_t *lenp)
{
	return (eph__strace_word_fd(
	    w->result, w->result + strlen(w->result), fdp, namep, lenp));
}

bool
eph__strace_cut(char *line, struct strace_words *w)
{
	char *open = strchr(line, '('), *p, *close = NULL, *tail;

	if (open == NULL)
		return (false);
	for (p = line + strlen(line) - 1; p > open && close == NULL; p--) {
		char *q = p - 1;

		if (p[0] != '=' || p[1] != ' ' || *q != ' ')
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
	/* -T's "<0.000021>" */
	tail = w->result + strlen(w->result);
	if (tail > w->result && tail[-1] == '>' &&
	    (p = strrchr(w->result, '<')) != NULL && p > w->result &&
	    p[-1] == ' ' && p + 1 + strspn(p + 1, "0123456789.") == tail - 1)
		p[-1] = '\0';
	return (true);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/tracepoint.h"

#include <string.h>

#define NS_PER_S ((uint64_t)1000000000)

bool
eph__tracepoint_number(const char **pp, unsigned base, uint64_t *out)
{
	const char *p = *pp;
	uint64_t v = 0;

	for (;; p++) {
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
	if (p == *pp)
		return (false);
	*pp = p;
	*out = v;
	return (true);
}

bool
eph__tracepoint_head(const char *line, const char *end, uint64_t *taskp,
    uint64_t *cpup, uint64_t *nsp)
{
	const char *open = end, *p, *time;
	uint64_t fraction = 0, unit = NS_PER_S / 10;

	do {
		while (open > line && *open != '[')
			open--;
		if (open == line)
			return (false);
		p = open + 1;
		if (eph__tracepoint_number(&p, 10, cpup) && *p == ']')
			break;
		open--;
	} while (open > line);
	if (open <= line || *p != ']')
		return (false);
	/* The task, before a "( tgid)" if there is one. */
	time = open;
	while (time > line && (time[-1] == ' ' || time[-1] == ')'))
		time--;
	if (*time == ')' || (time < open && memchr(time, ')', 1) != NULL)) {
		while (time > line && *time != '(')
			time--;
		while (time > line && time[-1] == ' ')
			time--;
	}
	while (time > line && time[-1] >= '0' && time[-1] <= '9')
		time--;
	if (!eph__tracepoint_number(&time, 10, taskp))
		return (false);
	/* The time: the last word before `end`. */
	time = end;
	while (time > p && (time[-1] == ' ' || time[-1] == ':'))
		time--;
	while (time > p && time[-1] != ' ')
		time--;
	if (!eph__tracepoint_number(&time, 10, nsp) ||
	    *nsp > INT64_MAX / NS_PER_S / 2 || *time != '.')
		return (false);
	for (time++; *time >= '0' && *time <= '9'; time++, unit /= 10)
		fraction += unit * (uint64_t)(*time - '0');
	*nsp = *nsp * NS_PER_S + fraction;
	return (*time == ':');
}

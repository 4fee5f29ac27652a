/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Common and Combined Log Format, and what is made of them:
 *
 *	host ident user [date] "METHOD URL PROTOCOL" status bytes ...
 *
 * with anything before the date (a virtual host, syslog's prefix, addresses
 * and users with brackets), dates of CLF or ISO 8601 in brackets or alone,
 * columns between blanks, tabs, bars, semicolons or commas.  The request, the status and the
 * bytes follow each other.  Real logs have lines that are none (attacks, cut
 * lines); they are counted and skipped.
 */

#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

#define BETWEEN " \t|;,\""

static bool
is_between(char c)
{
	return (c == ' ' || c == '"' || c == '\t' || c == '|' || c == ';' ||
	    c == ',');
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/*
 * Are there a status and bytes behind `p', the end of the request?  Then
 * they are in `r'.
 */
static bool
clf_status(const char *p, struct web_request *r)
{
	size_t n = 0;

	while (is_between(*p))
		p++;
	if (!is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[2]) ||
	    !is_between(p[3]))
		return (false);
	r->status = (uint64_t)(p[0] - '0') * 100 + (uint64_t)(p[1] - '0') * 10 +
	    (uint64_t)(p[2] - '0');
	for (p += 3; is_between(*p);)
		p++;
	p += *p == '+'; /* haproxy's logasap */
	while (is_digit(p[n]))
		n++;
	n += n == 0 && *p == '-';
	if (p[n] != '\0' && !is_between(p[n]))
		return (false);
	r->bytes = 0;
	return ((n == 1 && *p == '-') || eph__digits(p, n, &r->bytes));
}

/* Is the character at `p' escaped, by an odd number of backslashes? */
static bool
clf_escaped(const char *start, const char *p)
{
	size_t n = 0;

	while (p - n > start && p[-1 - (ptrdiff_t)n] == '\\')
		n++;
	return (n % 2 == 1);
}

static bool
clf_protocol_before(const char *start, const char *p)
{
	return ((p - start > 9 && memcmp(p - 9, " HTTP/", 6) == 0) ||
	    (p - start > 7 && memcmp(p - 7, " HTTP/", 6) == 0));
}

/*
 * Where a request in quotes ends: at the first quote that a status follows.
 * Some servers write quotes inside it as they come, and clients write what
 * they like; so one behind a protocol is better than one that is not, and an
 * escaped one is the last choice.
 */
static const char *
clf_quoted_end(const char *start, struct web_request *r)
{
	const char *best = NULL;
	int rank = 0;

	for (const char *p = start; (p = strchr(p, '"')) != NULL; p++) {
		const int now = clf_escaped(start, p) ? 1
		    : clf_protocol_before(start, p)   ? 3
						      : 2;

		if (now > rank && clf_status(p, r)) {
			if (now == 3)
				return (p);
			best = p;
			rank = now;
		}
	}
	return (best != NULL && clf_status(best, r) ? best : NULL);
}

/* The request, with its status and bytes; *pp is where it ends. */
static enum web_line
clf_request(const char *line, struct web_request *r, const char **startp,
    const char **endp)
{
	const char *p, *end;

	for (p = line; (p = strchr(p, '"')) != NULL; p++) {
		/* An escaped quote begins a string in another tool's log. */
		if (!eph__web_is_request(p + 1) || clf_escaped(line, p))
			continue;
		if ((end = clf_quoted_end(p + 1, r)) == NULL)
			return (WEB_BAD);
		*startp = p;
		*endp = end;
		return (eph__web_cut_request(p + 1, end, r) ? WEB_REQUEST
							    : WEB_NONE);
	}
	/* Without quotes, between bars or tabs. */
	for (p = line; p != NULL; p = strpbrk(p, "|\t")) {
		p += *p == '|' || *p == '\t';
		if (!eph__web_is_request(p))
			continue;
		end = p + strcspn(p, "|\t");
		*startp = p;
		*endp = end;
		return (clf_status(end, r) && eph__web_cut_request(p, end, r)
			? WEB_REQUEST
			: WEB_BAD);
	}
	/* A response to something else, as "-"? */
	for (p = line; (p = strchr(p, '"')) != NULL; p++) {
		*startp = *endp = p;
		if (!clf_escaped(line, p) && clf_status(p, r))
			return (WEB_NONE);
	}
	return (WEB_BAD);
}

/* A date in [from, to): in brackets, else at the start of a column. */
static bool
clf_date(const char *from, const char *to, struct web_request *r)
{
	const char *end;

	for (const char *p = from;
	     p < to && (p = strchr(p, '[')) != NULL && p < to; p++) {
		if (eph__date(p + 1, &end, &r->ns) && *end == ']')
			return (true);
	}
	for (const char *p = from; p < to; p++) {
		if ((p == from || strchr(BETWEEN "[", p[-1]) != NULL) &&
		    *p >= '0' && *p <= '9' && eph__date(p, &end, &r->ns) &&
		    (*end == '\0' || strchr(BETWEEN "],", *end) != NULL))
			return (true);
	}
	/* Seconds since 1970 are ten digits, milliseconds three more, ... */
	for (const char *p = from; p < to; p++) {
		const size_t n = strcspn(p, BETWEEN "]");
		const size_t digits = strspn(p, "0123456789");

		if ((p == from || strchr(BETWEEN "[", p[-1]) != NULL) &&
		    (digits == 10 ||
			(digits == n && (n == 13 || n == 16 || n == 19))) &&
		    eph__decimal(p, n, 19 - (int)digits, &r->ns))
			return (true);
	}
	return (false);
}

static enum web_line
clf_parse(void *state, char *line, size_t len, struct web_request *r)
{
	const char *start = NULL, *end = NULL;
	const enum web_line kind = clf_request(line, r, &start, &end);

	(void)state;
	if (kind == WEB_BAD)
		return (kind);
	r->timed = clf_date(line, start, r) || clf_date(end, line + len, r);
	return (r->timed ? kind : WEB_BAD);
}

/* Who writes such lines counts the header, too: haproxy, squid. */
static int
clf_has_headers(struct eph_import *im, bool *headers)
{
	char line[1024];
	const char *p;
	size_t n;
	int error;

	error = eph_import_peek(im, sizeof(line), &p, &n);
	if (error != 0)
		return (error);
	n = n < sizeof(line) ? n : sizeof(line) - 1;
	memcpy(line, p, n);
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	*headers =
	    strstr(line, "haproxy[") != NULL || strstr(line, ":HIER_") != NULL;
	return (0);
}

static int
clf_run(struct eph_import *im)
{
	struct web_form form = { .parse = clf_parse };
	const int error = clf_has_headers(im, &form.headers);

	return (error != 0 ? error : eph__web_run(im, &form));
}

static bool
clf_guess_line(char *line, size_t i)
{
	struct web_request r = { 0 };

	(void)i;
	return (clf_parse(NULL, line, strlen(line), &r) != WEB_BAD);
}

static bool
clf_guess(const char *p, size_t n)
{
	return (eph__web_any_line(p, n, clf_guess_line));
}

const struct eph_import_format eph__import_clf = {
	.abi = EPHMAP_ABI,
	.name = "clf",
	.desc = "web logs in Common or Combined Log Format",
	.unit = "requests",
	.options = EPH_IMPORT_HEADER,
	.guess = clf_guess,
	.run = clf_run,
};

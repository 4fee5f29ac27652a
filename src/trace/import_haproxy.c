/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * HAProxy's httplog and httpslog, behind what syslog writes:
 *
 *	client:port [date] frontend backend/server timers status bytes
 *	    cookies state connections queues {headers} "METHOD URL PROTOCOL"
 *
 * The date is when the request came, in local time, taken for UTC.  Bytes
 * are those sent to the client, with the header.
 */

#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

/* The word at *pp, and what follows it. */
static size_t
take_word(const char **pp, const char **word)
{
	size_t n;

	*pp += strspn(*pp, " ");
	*word = *pp;
	n = strcspn(*pp, " ");
	*pp += n;
	return (n);
}

/* "] frontend backend/server 1/2/3/4/5 200 123 " */
static bool
haproxy_numbers(const char **pp, struct web_request *r)
{
	const char *p = *pp, *word;
	unsigned slashes = 0;
	size_t n;

	if (take_word(&p, &word) == 0 || take_word(&p, &word) == 0)
		return (false);
	n = take_word(&p, &word);
	for (size_t i = 0; i < n; i++) {
		if (strchr("0123456789/+-", word[i]) == NULL)
			return (false);
		slashes += word[i] == '/';
	}
	if (slashes < 3 || slashes > 5)
		return (false);
	n = take_word(&p, &word);
	if (n == 2 && memcmp(word, "-1", 2) == 0) /* no response */
		r->status = 0;
	else if (n != 3 || !eph__digits(word, n, &r->status))
		return (false);
	n = take_word(&p, &word);
	if (n > 1 && *word == '+') { /* logged before the end */
		word++;
		n--;
	}
	*pp = p;
	return (eph__digits(word, n, &r->bytes));
}

static enum web_line
haproxy_parse(void *state, char *line, size_t len, struct web_request *r)
{
	const char *p = line, *end;

	(void)state;
	for (; (p = strchr(p, '[')) != NULL; p++) {
		if (eph__date(p + 1, &end, &r->ns) && end[0] == ']' &&
		    end[1] == ' ')
			break;
	}
	if (p == NULL)
		return (WEB_BAD);
	p = end + 1;
	if (!haproxy_numbers(&p, r))
		return (WEB_BAD);
	r->timed = true;
	while ((p = strchr(p, '"')) != NULL && !eph__web_is_request(p + 1))
		p++;
	if (p == NULL) /* <BADREQ> */
		return (WEB_NONE);
	for (end = line + len; end > p + 1 && *end != '"';)
		end--;
	return (end > p + 1 && eph__web_cut_request(p + 1, end, r) ? WEB_REQUEST
								   : WEB_BAD);
}

static int
haproxy_run(struct eph_import *im)
{
	const struct web_form form = { .parse = haproxy_parse,
		.headers = true };

	return (eph__web_run(im, &form));
}

static bool
haproxy_guess_line(char *line, size_t i)
{
	struct web_request r = { 0 };

	(void)i;
	return (haproxy_parse(NULL, line, strlen(line), &r) != WEB_BAD);
}

static bool
haproxy_guess(const char *p, size_t n)
{
	return (eph__web_any_line(p, n, haproxy_guess_line));
}

const struct eph_import_format eph__import_haproxy = {
	.abi = EPHMAP_ABI,
	.name = "haproxy",
	.desc = "HAProxy's httplog and httpslog",
	.unit = "requests",
	.options = EPH_IMPORT_HEADER,
	.guess = haproxy_guess,
	.run = haproxy_run,
};

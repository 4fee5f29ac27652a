/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Squid's own log:
 *
 *	time elapsed client code/status bytes method URL user peer type
 *
 * Bytes are those sent to the client, with the header.
 */

#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

#define SQUID_FIELDS 7 /* that we read; three follow */

static enum web_line
squid_parse(void *state, char *line, size_t len, struct web_request *r)
{
	char *f[SQUID_FIELDS + 1], *status;

	(void)state, (void)len;
	if (eph_import_fields(line, ' ', f, SQUID_FIELDS + 1) < SQUID_FIELDS ||
	    !eph__decimal(f[0], strlen(f[0]), 9, &r->ns) ||
	    strchr(f[0], '.') == NULL || (status = strchr(f[3], '/')) == NULL ||
	    !eph_import_digits(status + 1, 999, &r->status) ||
	    !eph_import_digits(f[4], INT64_MAX, &r->bytes))
		return (WEB_BAD);
	r->timed = true;
	r->method = f[5];
	r->method_len = strlen(f[5]);
	r->url = f[6];
	r->url_len = strlen(f[6]);
	return (strcmp(f[5], "NONE") == 0 ? WEB_NONE : WEB_REQUEST);
}

static int
squid_run(struct eph_import *im)
{
	const struct web_form form = { .parse = squid_parse, .headers = true };

	return (eph__web_run(im, &form));
}

static bool
squid_guess_line(char *line, size_t i)
{
	struct web_request r = { 0 };

	(void)i;
	return (squid_parse(NULL, line, strlen(line), &r) != WEB_BAD);
}

static bool
squid_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, squid_guess_line));
}

const struct eph_import_format eph__import_squid = {
	.abi = EPHMAP_ABI,
	.name = "squid",
	.desc = "squid's native access.log",
	.unit = "requests",
	.options = EPH_IMPORT_HEADER,
	.guess = squid_guess,
	.run = squid_run,
};

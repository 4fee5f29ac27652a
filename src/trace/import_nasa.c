/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The NASA-HTTP logs as they circulate in columns between tabs: host logname
 * time method url response bytes ..., with that header.  A line with wrong
 * columns is refused.
 */

#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

#define NASA_HEADER  "host\tlogname\ttime\tmethod\turl\tresponse\tbytes"
#define NASA_COLUMNS 7 /* more may follow, empty ones do */
#define SECONDS_MAX  ((uint64_t)INT64_MAX / 1000000000 / 2)

static bool
nasa_is_header(const char *line)
{
	return (strncmp(line, NASA_HEADER, strlen(NASA_HEADER)) == 0);
}

struct nasa {
	bool begun; /* the header was looked for */
	const char *why;
};

static const char *
nasa_why(const void *state)
{
	return (((const struct nasa *)state)->why);
}

static enum web_line
nasa_parse(void *state, char *line, size_t len, struct web_request *r)
{
	struct nasa *nasa = state;
	char *f[NASA_COLUMNS + 1];
	uint64_t seconds;

	(void)len;
	if (!nasa->begun) {
		nasa->begun = true;
		nasa->why = "expected the header host logname time method url "
			    "response bytes";
		return (nasa_is_header(line) ? WEB_COMMENT : WEB_BAD);
	}
	nasa->why = "expected 7 columns (host logname time method url response "
		    "bytes)";
	if (eph_import_fields(line, '\t', f, NASA_COLUMNS + 1) < NASA_COLUMNS)
		return (WEB_BAD);
	nasa->why = "expected a time, a status and bytes in columns 3, 6 and "
		    "7, decimal numbers";
	if (!eph_import_digits(f[2], SECONDS_MAX, &seconds) ||
	    !eph_import_digits(f[5], 999, &r->status) ||
	    !eph_import_digits(f[6], INT64_MAX, &r->bytes))
		return (WEB_BAD);
	r->ns = seconds * 1000000000;
	r->timed = true;
	r->method = f[3];
	r->method_len = strlen(f[3]);
	r->url = f[4];
	r->url_len = strlen(f[4]);
	return (WEB_REQUEST);
}

static int
nasa_run(struct eph_import *im)
{
	struct nasa nasa = { false, NULL };
	const struct web_form form = {
		.parse = nasa_parse, .state = &nasa, .why = nasa_why
	};

	return (eph__web_run(im, &form));
}

static bool
nasa_guess(const char *p, size_t n)
{
	return (n > strlen(NASA_HEADER) && nasa_is_header(p));
}

const struct eph_import_format eph__import_nasa_tsv = {
	.abi = EPHMAP_ABI,
	.name = "nasa-tsv",
	.desc = "NASA-HTTP logs as TSV: host logname time method url ...",
	.unit = "requests",
	.guess = nasa_guess,
	.run = nasa_run,
};

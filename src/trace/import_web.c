/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Web server logs.
 *
 *	nasa-tsv  host logname time method url response bytes ..., with that
 *		  header; as circulated from the NASA-HTTP logs
 *	clf	  host ident user [date] "METHOD URL PROTOCOL" status bytes,
 *		  and whatever follows (Combined Log Format)
 *
 * A request is served, and counts, when it is a GET with status 200 or 206
 * and bytes above zero: then the server sent that many bytes of the file,
 * taken from its start, which the log does not say for a 206.  The file is
 * the URL as it stands.
 *
 * Real CLF logs have lines that are none (attacks, cut lines); they are
 * counted and skipped.  A nasa-tsv line with wrong columns is refused.
 */

#include "trace/importer.h"

#include <errno.h>
#include <string.h>

#define NS_PER_S    ((uint64_t)1000000000)
#define SECONDS_MAX ((uint64_t)INT64_MAX / NS_PER_S / 2)

struct request {
	const char *method;
	const char *url;
	size_t url_len;
	uint64_t seconds;
	uint64_t status;
	uint64_t bytes;
};

static int
web_request(struct import *im, const struct request *r)
{
	uint32_t file;
	unsigned cpu;
	int error;

	if (strcmp(r->method, "GET") != 0 ||
	    (r->status != 200 && r->status != 206) || r->bytes == 0)
		return (0);
	if ((file = eph__names_get(&im->files, r->url, r->url_len)) == EPH_NONE)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	eph__import_count(im, r->bytes, r->bytes);
	if ((error = eph__import_cpu(im, 0, 0, &cpu)) != 0 ||
	    (error = eph__import_at(im, r->seconds * NS_PER_S)) != 0)
		return (error);
	return (eph__import_file_range(im, cpu, file, 0, r->bytes));
}

/* -- nasa-tsv ----------------------------------------------------------- */

#define NASA_HEADER  "host\tlogname\ttime\tmethod\turl\tresponse\tbytes"
#define NASA_COLUMNS 7 /* more may follow, empty ones do */

static int
nasa_line(struct import *im, char *line)
{
	char *f[NASA_COLUMNS + 1];
	struct request r;
	int error;

	if (eph__import_fields(line, '\t', f, NASA_COLUMNS + 1) < NASA_COLUMNS)
		return (eph__import_refuse(im,
		    "expected 7 columns (host logname time method url "
		    "response bytes)"));
	if ((error = eph__import_number(
		 im, f[2], "a time", SECONDS_MAX, &r.seconds)) != 0 ||
	    (error = eph__import_number(
		 im, f[5], "a status", 999, &r.status)) != 0 ||
	    (error = eph__import_number(
		 im, f[6], "bytes", INT64_MAX, &r.bytes)) != 0)
		return (error);
	r.method = f[3];
	r.url = f[4];
	r.url_len = strlen(f[4]);
	return (web_request(im, &r));
}

static bool
nasa_is_header(const char *line)
{
	return (strncmp(line, NASA_HEADER, strlen(NASA_HEADER)) == 0);
}

static int
nasa_run(struct import *im)
{
	char *line;
	size_t len;
	int error;

	if ((error = eph__import_line(im, &line, &len)) != 0)
		return (error);
	if (line == NULL || !nasa_is_header(line))
		return (eph__import_refuse(im,
		    "expected the header host logname time method url "
		    "response bytes"));
	while (
	    (error = eph__import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph__import_refuse(im, "NUL byte; expected text"));
		if ((error = nasa_line(im, line)) != 0)
			break;
	}
	return (error);
}

static bool
nasa_guess(const char *p, size_t n)
{
	return (n > strlen(NASA_HEADER) && nasa_is_header(p));
}

const struct import_format eph__import_nasa_tsv = {
	.name = "nasa-tsv",
	.desc = "NASA-HTTP logs as TSV: host logname time method url ...",
	.unit = "requests",
	.guess = nasa_guess,
	.run = nasa_run,
};

/* -- clf ---------------------------------------------------------------- */

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t era, yoe, doy;

	year -= month <= 2;
	era = year / 400;
	yoe = year - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return (era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
}

/* Exactly `n` digits at *pp, then `after` (0: anything). */
static bool
clf_digits(const char **pp, int n, char after, int64_t *out)
{
	*out = 0;
	for (; n > 0; n--, (*pp)++) {
		if (**pp < '0' || **pp > '9')
			return (false);
		*out = *out * 10 + (**pp - '0');
	}
	if (after == '\0')
		return (true);
	return (*(*pp)++ == after);
}

/* "17/May/2015:10:05:03 +0000]" */
static bool
clf_time(const char *p, uint64_t *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t day, month = 0, year, hour, min, sec, zone_h, zone_m, t, zone;
	char name[4] = "";
	const char *m;

	if (!clf_digits(&p, 2, '/', &day))
		return (false);
	strncpy(name, p, 3);
	name[3] = '\0';
	m = strlen(name) == 3 ? strstr(months, name) : NULL;
	if (m == NULL || (m - months) % 3 != 0 || p[3] != '/')
		return (false);
	month = (m - months) / 3 + 1;
	p += 4;
	if (!clf_digits(&p, 4, ':', &year) || !clf_digits(&p, 2, ':', &hour) ||
	    !clf_digits(&p, 2, ':', &min) || !clf_digits(&p, 2, ' ', &sec) ||
	    (*p != '+' && *p != '-'))
		return (false);
	zone = *p++ == '-' ? -1 : 1;
	if (!clf_digits(&p, 2, '\0', &zone_h) ||
	    !clf_digits(&p, 2, ']', &zone_m))
		return (false);
	t = days_of(year, month, day) * 86400 + hour * 3600 + min * 60 + sec -
	    zone * (zone_h * 3600 + zone_m * 60);
	*out = (uint64_t)t;
	return (t >= 0);
}

/*
 * Where the request ends: at the first quote that a status follows, since
 * some servers write quotes inside it as they come.
 */
static char *
clf_request_end(char *p, struct request *r)
{
	for (; (p = strchr(p, '"')) != NULL; p++) {
		char word[4] = "";
		char *bytes;

		if (p[1] != ' ' || strlen(p) < 6 || p[5] != ' ')
			continue;
		memcpy(word, p + 2, 3);
		if (!eph__import_digits(word, 999, &r->status))
			continue;
		bytes = p + 6;
		bytes[strcspn(bytes, " \t")] = '\0';
		r->bytes = 0;
		if (strcmp(bytes, "-") == 0 ||
		    eph__import_digits(bytes, INT64_MAX, &r->bytes))
			return (p);
		return (NULL);
	}
	return (NULL);
}

/* False when the line is none of a web log. */
static bool
clf_parse(char *line, struct request *r)
{
	char *date = strchr(line, '['), *request, *end, *proto = NULL;

	if (date == NULL || date == line || !clf_time(date + 1, &r->seconds) ||
	    (request = strstr(date, "] \"")) == NULL)
		return (false);
	request += 3;
	if ((end = clf_request_end(request, r)) == NULL)
		return (false);
	*end = '\0';
	r->method = request;
	r->url = request + strcspn(request, " ");
	if (*r->url == '\0') /* "-" and the like: logged, but no request */
		return (true);
	request[r->url - request] = '\0';
	r->url++;
	for (char *p = strstr(r->url, " HTTP/"); p != NULL;
	     p = strstr(p + 1, " HTTP/"))
		proto = p;
	r->url_len = proto != NULL ? (size_t)(proto - r->url) : strlen(r->url);
	return (true);
}

static int
clf_run(struct import *im)
{
	struct request r;
	char *line;
	size_t len;
	int error;

	while (
	    (error = eph__import_line(im, &line, &len)) == 0 && line != NULL) {
		if (len == 0)
			continue;
		if (strlen(line) != len || !clf_parse(line, &r)) {
			eph__import_skip(im);
			continue;
		}
		if ((error = web_request(im, &r)) != 0)
			break;
	}
	return (error);
}

static bool
clf_guess_line(char *line, size_t i)
{
	struct request r;

	(void)i;
	return (clf_parse(line, &r));
}

/* One good line is enough: logs start with bad ones, too. */
static bool
clf_guess(const char *p, size_t n)
{
	for (int i = 0; i < 20 && n > 0; i++) {
		const char *nl = memchr(p, '\n', n);

		if (eph__import_all_lines(
			p, nl != NULL ? (size_t)(nl - p) : n, clf_guess_line))
			return (true);
		if (nl == NULL)
			break;
		n -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	return (false);
}

const struct import_format eph__import_clf = {
	.name = "clf",
	.desc = "web logs in Common or Combined Log Format",
	.unit = "requests",
	.guess = clf_guess,
	.run = clf_run,
};

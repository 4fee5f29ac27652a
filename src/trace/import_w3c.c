/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * W3C Extended Log Format: IIS, CloudFront and others.  A line "#Fields:"
 * names the columns, between blanks or tabs, as often as it likes.  Needed
 * are cs-method, cs-uri-stem (or cs-uri), sc-status and sc-bytes; the query
 * is part of the URL.  Bytes are those sent, with the header.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

#define W3C_COLUMNS 64
#define W3C_URL	    8192

enum { W_DATE, W_TIME, W_METHOD, W_STEM, W_QUERY, W_STATUS, W_BYTES, W_WANTS };

static const char *const w3c_names[W_WANTS][2] = {
	[W_DATE] = { "date", NULL },
	[W_TIME] = { "time", NULL },
	[W_METHOD] = { "cs-method", NULL },
	[W_STEM] = { "cs-uri-stem", "cs-uri" },
	[W_QUERY] = { "cs-uri-query", NULL },
	[W_STATUS] = { "sc-status", NULL },
	[W_BYTES] = { "sc-bytes", NULL },
};

struct w3c {
	int column[W_WANTS]; /* -1: not there */
	bool fields;	     /* they are known */
	char missing[32];    /* a column that is needed and not there */
	char date[16];	     /* of #Date */
	char url[W3C_URL];
};

/* Cut at blanks and tabs, but not in quotes. */
static size_t
w3c_cut(char *p, char **f)
{
	size_t n = 0;

	while (n < W3C_COLUMNS && *(p += strspn(p, " \t")) != '\0') {
		f[n++] = p;
		if (*p == '"') {
			f[n - 1] = ++p;
			p += strcspn(p, "\"");
			if (*p == '"')
				*p++ = '\0';
		} else {
			p += strcspn(p, " \t");
		}
		if (*p != '\0')
			*p++ = '\0';
	}
	return (n);
}

static void
w3c_fields(struct w3c *w, char *list)
{
	char *f[W3C_COLUMNS];
	const size_t n = w3c_cut(list, f);

	w->fields = true;
	w->missing[0] = '\0';
	for (int want = 0; want < W_WANTS; want++) {
		w->column[want] = -1;
		for (int k = 0; k < 2 && w->column[want] < 0; k++) {
			const char *name = w3c_names[want][k];

			for (size_t i = 0; name != NULL && i < n; i++) {
				if (strcmp(f[i], name) == 0)
					w->column[want] = (int)i;
			}
		}
		if (w->column[want] < 0 && want >= W_METHOD && want != W_QUERY)
			(void)snprintf(w->missing, sizeof(w->missing), "%s",
			    w3c_names[want][0]);
	}
}

static enum web_line
w3c_directive(struct w3c *w, char *line)
{
	if (strncmp(line, "#Fields:", 8) == 0)
		w3c_fields(w, line + 8);
	else if (strncmp(line, "#Date:", 6) == 0) {
		line += 6 + strspn(line + 6, " ");
		(void)snprintf(w->date, sizeof(w->date), "%.*s",
		    (int)strcspn(line, " "), line);
	}
	return (WEB_COMMENT);
}

static bool
w3c_time(const struct w3c *w, char **f, struct web_request *r)
{
	const int d = w->column[W_DATE], t = w->column[W_TIME];
	char text[64];
	const char *end;

	if (t < 0)
		return (true);
	(void)snprintf(
	    text, sizeof(text), "%.20s %.30s", d >= 0 ? f[d] : w->date, f[t]);
	r->timed = eph__date(text, &end, &r->ns);
	return (r->timed);
}

static enum web_line
w3c_parse(void *state, char *line, size_t len, struct web_request *r)
{
	struct w3c *w = state;
	const int *c = w->column;
	char *f[W3C_COLUMNS];
	size_t n;

	(void)len;
	if (*line == '#')
		return (w3c_directive(w, line));
	if (!w->fields || w->missing[0] != '\0')
		return (WEB_BAD);
	n = w3c_cut(line, f);
	for (int want = 0; want < W_WANTS; want++) {
		if (c[want] >= (int)n)
			return (WEB_BAD);
	}
	if (!w3c_time(w, f, r) ||
	    !eph_import_digits(f[c[W_STATUS]], 999, &r->status))
		return (WEB_BAD);
	if (strcmp(f[c[W_BYTES]], "-") != 0 &&
	    !eph_import_digits(f[c[W_BYTES]], INT64_MAX, &r->bytes))
		return (WEB_BAD);
	r->method = f[c[W_METHOD]];
	r->method_len = strlen(r->method);
	r->url = f[c[W_STEM]];
	r->url_len = strlen(r->url);
	if (c[W_QUERY] >= 0 && strcmp(f[c[W_QUERY]], "-") != 0) {
		(void)snprintf(
		    w->url, sizeof(w->url), "%s?%s", r->url, f[c[W_QUERY]]);
		r->url = w->url;
		r->url_len = strlen(w->url);
	}
	return (WEB_REQUEST);
}

static int
w3c_run(struct eph_import *im)
{
	struct w3c *w = calloc(1, sizeof(*w));
	struct web_form form = { .parse = w3c_parse, .headers = true };
	int error;

	if (w == NULL)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	form.state = w;
	error = eph__web_run(im, &form);
	if (error == 0 && w->missing[0] != '\0')
		error = eph_import_refuse(im,
		    "expected a column %s in #Fields; the server can be told "
		    "to log it",
		    w->missing);
	free(w);
	return (error);
}

static bool
w3c_guess_line(char *line, size_t i)
{
	(void)i;
	return (
	    strncmp(line, "#Fields:", 8) == 0 && strstr(line, "cs-") != NULL);
}

static bool
w3c_guess(const char *p, size_t n)
{
	return (*p == '#' && eph__web_any_line(p, n, w3c_guess_line));
}

const struct eph_import_format eph__import_w3c = {
	.abi = EPHMAP_ABI,
	.name = "w3c",
	.desc = "W3C Extended Log Format: IIS, CloudFront",
	.unit = "requests",
	.options = EPH_IMPORT_HEADER,
	.guess = w3c_guess,
	.run = w3c_run,
};

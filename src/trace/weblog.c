/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/weblog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Headers that a server sends by itself are shorter. */
#define HEADER_MAX 4096u
/* Of a 304 they are shorter by the lines on the body, which are so long. */
#define HEADER_OF_BODY 200u
/* Headers of one server differ by a line, as squid's by Age. */
#define HEADER_LINE 64u
/* A response of more bytes is no measure of a header. */
#define HEADER_LIKELY 1024u

#define SIZES 64u

/* How often so many bytes were seen, of the first SIZES kinds. */
struct sizes {
	uint64_t bytes[SIZES];
	uint64_t times[SIZES];
	unsigned n;
	uint64_t zeros;
	uint64_t others; /* above zero */
	uint64_t first_line;
};

/* What responses tell of headers. */
struct survey {
	struct sizes head, not_modified;
	uint64_t least; /* bytes of a response with a body, perhaps */
};

struct web {
	const struct web_form *form;
	struct survey seen;
	uint64_t header;       /* bytes to take off */
	uint64_t header_least; /* with fewer there was no body */
	uint64_t ranges;       /* with status 206 */
};

/* -- requests ----------------------------------------------------------- */

bool
eph__web_is_request(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'A' && s[n] <= 'Z') || s[n] == '-' || s[n] == '_')
		n++;
	if (n < 3 || n > 24 || s[n] != ' ')
		return (false);
	if (s[n + 1] == '/' || s[n + 1] == '*' ||
	    strncmp(s + n + 1, "http", 4) == 0 ||
	    strncmp(s, "CONNECT ", 8) == 0)
		return (true);
	return (strstr(s + n, " HTTP/") != NULL);
}

bool
eph__web_cut_request(const char *s, const char *end, struct web_request *r)
{
	const char *blank = memchr(s, ' ', (size_t)(end - s)), *url, *p;

	if (blank == NULL)
		return (false);
	for (url = blank; url < end && *url == ' ';)
		url++;
	if (url == end)
		return (false);
	r->method = s;
	r->method_len = (size_t)(blank - s);
	r->url = url;
	/* The protocol is behind the last blank that one stands behind. */
	for (p = end - url > 7 ? end - 7 : url; p > url; p--) {
		if (*p == ' ' && memcmp(p, " HTTP/", 6) == 0)
			break;
	}
	r->url_len = (size_t)((p > url ? p : end) - url);
	return (r->url_len > 0);
}

static bool
method_is(const struct web_request *r, const char *method)
{
	return (r->method_len == strlen(method) &&
	    memcmp(r->method, method, r->method_len) == 0);
}

/* -- bytes of headers --------------------------------------------------- */

static void
sizes_add(struct sizes *s, uint64_t bytes, uint64_t line)
{
	unsigned i = 0;

	if (bytes == 0) {
		s->zeros++;
		return;
	}
	if (bytes > HEADER_MAX)
		return;
	if (s->others++ == 0)
		s->first_line = line;
	while (i < s->n && s->bytes[i] != bytes)
		i++;
	if (i == SIZES)
		return;
	if (i == s->n)
		s->bytes[s->n++] = bytes;
	s->times[i]++;
}

/*
 * The most frequent, and of what is a line longer the longest: a header taken
 * for too long by some bytes loses a page of few files, one taken for too
 * short makes a page more of each file that fills its pages.  There is one.
 */
static uint64_t
sizes_most(const struct sizes *s)
{
	unsigned best = 0;
	uint64_t most;

	for (unsigned i = 1; i < s->n; i++) {
		if (s->times[i] > s->times[best] ||
		    (s->times[i] == s->times[best] &&
			s->bytes[i] < s->bytes[best]))
			best = i;
	}
	most = s->bytes[best];
	for (unsigned i = 0; i < s->n; i++) {
		if (s->bytes[i] > most &&
		    s->bytes[i] <= s->bytes[best] + HEADER_LINE)
			most = s->bytes[i];
	}
	return (most);
}

static void
survey_add(struct survey *s, const struct web_request *r, uint64_t line)
{
	if (r->status == 304)
		sizes_add(&s->not_modified, r->bytes, line);
	else if (method_is(r, "HEAD") && r->status == 200)
		sizes_add(&s->head, r->bytes, line);
	if (r->status == 200 && r->bytes > 0 &&
	    (s->least == 0 || r->bytes < s->least))
		s->least = r->bytes;
}

/* The header's size by what was seen; false when that tells nothing. */
static bool
survey_tells(const struct survey *s, uint64_t *header, const char **how)
{
	const struct sizes *h = &s->head, *n = &s->not_modified;
	uint64_t most;

	*header = 0;
	*how = "responses without a body have no bytes";
	if (h->zeros + n->zeros > h->others + n->others)
		return (true);
	if (h->others > 0) {
		*header = sizes_most(h);
		*how = "from HEAD requests";
		return (true);
	}
	if (n->others > 0) {
		most = sizes_most(n);
		*header = s->least > most && s->least <= most + HEADER_OF_BODY
		    ? s->least
		    : most;
		*how = "from responses with status 304";
		return (true);
	}
	*header = s->least;
	*how = "the smallest response";
	return (s->least > 0 && s->least <= HEADER_LIKELY);
}

/* -- lines -------------------------------------------------------------- */

/* The next line that is a request, or of the kind that *kindp says. */
static int
web_next(struct eph_import *im, struct web *w, struct web_request *r,
    enum web_line *kindp, bool *morep)
{
	char *line;
	size_t len;
	int error = eph_import_line(im, &line, &len);

	*morep = error == 0 && line != NULL;
	*kindp = WEB_COMMENT;
	if (!*morep || line[strspn(line, " \t")] == '\0')
		return (error);
	memset(r, 0, sizeof(*r));
	*kindp = memchr(line, '\0', len) != NULL
	    ? WEB_BAD
	    : w->form->parse(w->form->state, line, len, r);
	if (*kindp == WEB_NO_MEMORY)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	return (0);
}

/* Go through the log for its headers, and back to its start. */
static int
web_survey(struct eph_import *im, struct web *w)
{
	struct web_request r;
	enum web_line kind;
	const char *how;
	bool more = true;
	int error;

	while ((error = web_next(im, w, &r, &kind, &more)) == 0 && more) {
		if (kind == WEB_REQUEST)
			survey_add(&w->seen, &r, eph_import_lineno(im));
	}
	if (error != 0 || (error = eph_import_rewind(im)) != 0)
		return (error);
	if (!survey_tells(&w->seen, &w->header, &how)) {
		w->header = 0;
		if (!im->o->header_auto)
			return (0);
		return (eph_err_set(im->err, EINVAL,
		    "%s: --header auto: no HEAD request, no response with "
		    "status 304 and none below %u bytes tells a header's size; "
		    "expected --header BYTES",
		    eph__input_path(im->own->in), HEADER_LIKELY));
	}
	w->header_least = w->seen.least;
	eph_import_found(
	    im, "bytes less a header of %" PRIu64 " (%s)", w->header, how);
	return (0);
}

/* Bytes of the body. */
static uint64_t
web_body(const struct web *w, uint64_t bytes)
{
	if (bytes > w->header)
		return (bytes - w->header);
	/* Headers differ by some bytes; the smallest response is empty. */
	return (bytes > w->header_least && w->header_least > 0 ? 1 : 0);
}

static int
web_request(struct eph_import *im, struct web *w, const struct web_request *r)
{
	const uint64_t body = web_body(w, r->bytes);
	uint32_t file;
	unsigned cpu;
	int error;

	survey_add(&w->seen, r, eph_import_lineno(im));
	if (!method_is(r, "GET")) {
		eph_import_left_out(im, "with another method than GET", 1);
		return (0);
	}
	if (r->status != 200 && r->status != 206) {
		eph_import_left_out(
		    im, "with another status than 200 or 206", 1);
		return (0);
	}
	if (body == 0) {
		eph_import_left_out(im, "of no bytes", 1);
		return (0);
	}
	w->ranges += r->status == 206;
	if ((error = eph_import_name(im, r->url, r->url_len, &file)) != 0)
		return (error);
	eph_import_count(im, body, body);
	if ((error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0 ||
	    (r->timed && (error = eph_import_clock(im, r->ns)) != 0))
		return (error);
	return (eph_import_file_range(im, cpu, file, 0, body));
}

/* What the log does not tell, and what it tells against the options. */
static void
web_tell(struct eph_import *im, const struct web *w)
{
	const struct sizes *h = &w->seen.head, *n = &w->seen.not_modified;
	const bool first =
	    h->others > 0 && (n->others == 0 || h->first_line < n->first_line);

	if (w->ranges > 0)
		eph_import_found(im,
		    "%" PRIu64 " with status 206 taken from the file's start",
		    w->ranges);
	if (im->o->header_auto || im->o->header_bytes > 0 || w->header > 0)
		return;
	if (h->others + n->others > h->zeros + n->zeros)
		eph_import_warn(im,
		    "responses without a body (to HEAD, or 304) that have "
		    "bytes: %" PRIu64 " (first: line %" PRIu64 "), so bytes "
		    "have headers in them and pages are too many; --header "
		    "auto, or --header BYTES",
		    h->others + n->others,
		    first ? h->first_line : n->first_line);
	else if (w->form->headers)
		eph_import_warn(im,
		    "bytes of this form have headers in them, whose size the "
		    "log does not tell: pages may be too many; --header BYTES");
}

int
eph__web_run(struct eph_import *im, const struct web_form *form)
{
	static const struct survey nothing;
	struct web w = { .form = form, .header = im->o->header_bytes };
	struct web_request r;
	enum web_line kind;
	bool more = true;
	int error = 0;

	if (im->o->header_auto || (form->headers && w.header == 0))
		error = web_survey(im, &w);
	else if (w.header > 0)
		eph_import_found(
		    im, "bytes less a header of %" PRIu64, w.header);
	w.seen = nothing;
	while (error == 0 &&
	    (error = web_next(im, &w, &r, &kind, &more)) == 0 && more) {
		if (kind == WEB_REQUEST)
			error = web_request(im, &w, &r);
		else if (kind == WEB_NONE)
			eph_import_left_out(im, "that ask for nothing", 1);
		else if (kind == WEB_BAD && form->why != NULL)
			error =
			    eph_import_refuse(im, "%s", form->why(form->state));
		else if (kind == WEB_BAD)
			eph_import_skip(im);
	}
	if (error == 0)
		web_tell(im, &w);
	return (error);
}

bool
eph__web_any_line(const char *p, size_t n, bool (*line)(char *line, size_t i))
{
	for (int i = 0; i < 20 && n > 0; i++) {
		const char *nl = memchr(p, '\n', n);

		if (eph_import_all_lines(
			p, nl != NULL ? (size_t)(nl - p) : n, line))
			return (true);
		if (nl == NULL)
			break;
		n -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	return (false);
}

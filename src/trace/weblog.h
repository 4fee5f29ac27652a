/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_WEBLOG_H
#define TRACE_WEBLOG_H

/*
 * Web server logs: what their importers share.
 *
 * A request is served, and counts, when it is a GET with status 200 or 206
 * and bytes above zero: then the server sent that many bytes of the file,
 * taken from its start, which a log does not say for a 206.  The file is
 * the URL as it stands.
 *
 * Some servers log the bytes of the body, others those of the header with
 * it.  HEAD requests and responses with status 304 have no body, and so tell
 * which: bytes above zero there are a header's.
 */

#include "trace/importer.h"

/* One line; what it points to lies in the line. */
struct web_request {
	const char *method;
	size_t method_len;
	const char *url;
	size_t url_len;
	uint64_t ns;
	bool timed;
	uint64_t status;
	uint64_t bytes;
};

enum web_line {
	WEB_REQUEST,
	WEB_COMMENT, /* part of the form, no request and none left out */
	WEB_NONE,    /* a response without a request: attacks, "-" */
	WEB_BAD,
	WEB_NO_MEMORY,
};

/* A form of log is a parser of its lines. */
struct web_form {
	/* `line' ends with NUL, has none before, and may be changed. */
	enum web_line (*parse)(
	    void *state, char *line, size_t len, struct web_request *r);
	void *state;
	bool headers; /* its bytes have headers in them */
	/* Why the line taken last is bad, to refuse it; NULL: it is skipped. */
	const char *(*why)(const void *state);
};

int eph__web_run(struct eph_import *im, const struct web_form *form);

/*
 * Does a request line begin at `s': METHOD URL, or METHOD URL HTTP/...?
 * Methods are in capitals.
 */
bool eph__web_is_request(const char *s);

/* Cut [s, end) into method, URL and protocol; false without an URL. */
bool eph__web_cut_request(
    const char *s, const char *end, struct web_request *r);

/*
 * For guesses: as eph_import_all_lines(), but one good line is enough, as
 * logs start with bad ones, too.
 */
bool eph__web_any_line(
    const char *p, size_t n, bool (*line)(char *line, size_t i));

#endif /* !TRACE_WEBLOG_H */

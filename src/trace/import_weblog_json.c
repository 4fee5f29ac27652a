/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Web logs with one JSON object a line: caddy's, and what nginx, traefik,
 * envoy and others are told to write.
 *
 * What is where is known from names that are in use, or said by --columns
 * time=ts,method=request.method,url=request.uri,status=status,size=size;
 * a dot goes into an object, unless a name has it.  A request line can stand
 * in place of method and URL.  A prefix before the first brace is passed
 * over.  nginx writes \x22 in strings unless told escape=json; it is read as
 * what is meant.
 */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "trace/numeral.h"
#include "trace/weblog.h"

#define NAMES	  12
#define NAME_MAX_ 96

enum { J_TIME, J_REQUEST, J_METHOD, J_URL, J_STATUS, J_SIZE, J_WANTS };

static const char *const json_words[J_WANTS] = { "time", "request", "method",
	"url", "status", "size" };

/* In the order in which they are looked for. */
static const char *const json_names[J_WANTS][NAMES] = {
	[J_TIME] = { "ts", "time", "timestamp", "@timestamp", "time_iso8601",
	    "msec", "time_local", "start_time", "StartUTC", "StartLocal",
	    "date" },
	[J_REQUEST] = { "request_line", "request" },
	[J_METHOD] = { "request.method", "request_method", "method",
	    "RequestMethod", "http.request.method", "verb",
	    "httpRequest.requestMethod" },
	[J_URL] = { "request.uri", "request_uri", "uri", "url", "path",
	    "RequestPath", "url.original", "request.url",
	    "httpRequest.requestUrl" },
	[J_STATUS] = { "status", "response.status", "status_code",
	    "DownstreamStatus", "http.response.status_code", "response_code",
	    "httpRequest.status", "code" },
	[J_SIZE] = { "size", "body_bytes_sent", "response.body_bytes",
	    "DownstreamContentSize", "http.response.body.bytes", "bytes",
	    "response_size", "httpRequest.responseSize", "bytes_sent",
	    "response.bytes" },
};

struct json_log {
	char given[J_WANTS][NAME_MAX_]; /* by --columns; "": look */
	bool any_given;
	json_t *root; /* of the line taken last; strings lie in it */
	char *copy;
	size_t cap;
	bool headers;	/* the size was one with headers */
	bool no_memory; /* for the line taken last */
};

/* The member `name' of the object, a dot in it going into objects. */
static json_t *
json_at(json_t *object, const char *name)
{
	const char *dot = strchr(name, '.');
	json_t *value = json_object_get(object, name);
	char first[NAME_MAX_];

	if (value != NULL || dot == NULL)
		return (value);
	(void)snprintf(first, sizeof(first), "%.*s", (int)(dot - name), name);
	value = json_object_get(object, first);
	return (json_is_object(value) ? json_at(value, dot + 1) : NULL);
}

static json_t *
json_want(struct json_log *j, int want, const char **namep)
{
	json_t *value = NULL;

	*namep = j->given[want];
	if (j->given[want][0] != '\0')
		return (json_at(j->root, j->given[want]));
	for (int i = 0; value == NULL && i < NAMES; i++) {
		if ((*namep = json_names[want][i]) == NULL)
			break;
		value = json_at(j->root, *namep);
		/* caddy's "request" is an object, others' a line. */
		if (json_is_object(value))
			value = NULL;
	}
	return (value);
}

/* A number, or a string that is one. */
static bool
json_u64(const json_t *value, uint64_t *out)
{
	const char *s = json_string_value(value);

	if (json_is_integer(value)) {
		*out = (uint64_t)json_integer_value(value);
		return (json_integer_value(value) >= 0);
	}
	if (json_is_real(value)) {
		*out = (uint64_t)json_real_value(value);
		return (json_real_value(value) >= 0 &&
		    json_real_value(value) < 9e18);
	}
	*out = 0;
	return (s != NULL &&
	    (strcmp(s, "-") == 0 || s[0] == '\0' ||
		eph__digits(s, strlen(s), out)));
}

/* Seconds, or a unit that their size tells, or a date. */
static bool
json_time(const json_t *value, uint64_t *ns)
{
	const char *s = json_string_value(value), *end;
	char text[64];
	uint64_t whole;
	int scale = 9;

	if (json_is_number(value)) {
		if (json_is_integer(value))
			(void)snprintf(text, sizeof(text),
			    "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			(void)snprintf(
			    text, sizeof(text), "%.6f", json_real_value(value));
		s = text;
	}
	if (s == NULL)
		return (false);
	if (eph__date(s, &end, ns))
		return (true);
	if (!eph__decimal(s, strlen(s), 0, &whole))
		return (false);
	for (; whole >= 100000000000u && scale > 0; whole /= 1000)
		scale -= 3;
	return (eph__decimal(s, strlen(s), scale, ns));
}

/* nginx's \x22 as JSON has it: \u0022. */
static const char *
json_escapes(struct json_log *j, const char *s, size_t len)
{
	char *to;

	if (strstr(s, "\\x") == NULL)
		return (NULL);
	if (j->cap < 2 * len + 1) {
		free(j->copy);
		j->cap = 2 * len + 1;
		if ((j->copy = malloc(j->cap)) == NULL) {
			j->cap = 0;
			j->no_memory = true;
			return (NULL);
		}
	}
	to = j->copy;
	while (*s != '\0') {
		if (s[0] == '\\' && s[1] == 'x') {
			memcpy(to, "\\u00", 4);
			to += 4;
			s += 2;
			continue;
		}
		if (s[0] == '\\' && s[1] != '\0')
			*to++ = *s++;
		*to++ = *s++;
	}
	*to = '\0';
	return (j->copy);
}

/* What is no JSON has an error of its own; without memory there may be none. */
static json_t *
json_text(struct json_log *j, const char *s)
{
	json_error_t je = { .line = 0 };
	json_t *root =
	    json_loads(s, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &je);

	if (root == NULL &&
	    (json_error_code(&je) == json_error_out_of_memory ||
		json_error_code(&je) == json_error_unknown))
		j->no_memory = true;
	return (root);
}

static bool
json_load(struct json_log *j, const char *line, size_t len)
{
	const char *brace = strchr(line, '{'), *again;

	json_decref(j->root);
	j->root = NULL;
	if (brace == NULL)
		return (false);
	j->root = json_text(j, brace);
	if (j->root == NULL &&
	    (again = json_escapes(j, brace, len - (size_t)(brace - line))) !=
		NULL)
		j->root = json_text(j, again);
	return (json_is_object(j->root));
}

/* Method and URL, or the request line; false: there is neither. */
static bool
json_request(struct json_log *j, struct web_request *r)
{
	const char *name, *s;
	json_t *method = json_want(j, J_METHOD, &name);
	json_t *url = json_want(j, J_URL, &name);

	if (json_is_string(method) && json_is_string(url)) {
		r->method = json_string_value(method);
		r->method_len = json_string_length(method);
		r->url = json_string_value(url);
		r->url_len = json_string_length(url);
		return (r->url_len > 0);
	}
	s = json_string_value(json_want(j, J_REQUEST, &name));
	return (s != NULL && eph__web_cut_request(s, s + strlen(s), r));
}

static enum web_line
json_parse(void *state, char *line, size_t len, struct web_request *r)
{
	struct json_log *j = state;
	const char *name;
	json_t *value;

	if (!json_load(j, line, len))
		return (j->no_memory ? WEB_NO_MEMORY : WEB_BAD);
	if (!json_request(j, r)) /* a message of another kind */
		return (j->any_given ? WEB_BAD : WEB_NONE);
	if (!json_u64(json_want(j, J_STATUS, &name), &r->status) ||
	    !json_u64(json_want(j, J_SIZE, &name), &r->bytes))
		return (WEB_BAD);
	j->headers |= name != NULL &&
	    (strcmp(name, "bytes_sent") == 0 ||
		strcmp(name, "response.bytes") == 0);
	value = json_want(j, J_TIME, &name);
	if (value == NULL) { /* perhaps before the object */
		r->timed = eph__date(line, &name, &r->ns);
		return (WEB_REQUEST);
	}
	r->timed = json_time(value, &r->ns);
	return (r->timed ? WEB_REQUEST : WEB_BAD);
}

/* "time=ts,url=request.uri" */
static int
json_columns(struct eph_import *im, struct json_log *j)
{
	const char *p = im->o->columns;

	while (p != NULL && *p != '\0') {
		const size_t len = strcspn(p, ","), word = strcspn(p, "=,");
		int want = 0;

		while (want < J_WANTS &&
		    (strlen(json_words[want]) != word ||
			strncmp(json_words[want], p, word) != 0))
			want++;
		if (want == J_WANTS || word >= len - 1 ||
		    len - word > NAME_MAX_ - 1)
			return (eph_err_set(im->err, EINVAL,
			    "--columns %.100s: expected time=, method=, url=, "
			    "status=, size= or request= and the name of a "
			    "member, as url=request.uri",
			    im->o->columns));
		(void)snprintf(j->given[want], NAME_MAX_, "%.*s",
		    (int)(len - word - 1), p + word + 1);
		j->any_given = true;
		p += len + (p[len] == ',');
	}
	return (0);
}

/* Does the first line have bytes with headers only? */
static int
json_has_headers(struct eph_import *im, struct json_log *j, bool *headers)
{
	char *line;
	size_t len;
	struct web_request r = { 0 };
	int error = eph_import_line(im, &line, &len);

	if (error == 0 && line != NULL)
		(void)json_parse(j, line, len, &r);
	*headers = j->headers;
	return (error != 0 ? error : eph_import_rewind(im));
}

static int
json_run(struct eph_import *im)
{
	struct json_log j = { .root = NULL };
	struct web_form form = { .parse = json_parse, .state = &j };
	int error;

	if ((error = json_columns(im, &j)) == 0 &&
	    (error = json_has_headers(im, &j, &form.headers)) == 0)
		error = eph__web_run(im, &form);
	json_decref(j.root);
	free(j.copy);
	return (error);
}

static bool
json_guess_line(char *line, size_t i)
{
	struct json_log j = { .root = NULL };
	struct web_request r = { 0 };
	enum web_line kind = WEB_BAD;

	(void)i;
	if (strchr(line, '{') != NULL)
		kind = json_parse(&j, line, strlen(line), &r);
	json_decref(j.root);
	free(j.copy);
	return (kind == WEB_REQUEST);
}

static bool
json_guess(const char *p, size_t n)
{
	return (eph__web_any_line(p, n, json_guess_line));
}

const struct eph_import_format eph__import_weblog_json = {
	.abi = EPHMAP_ABI,
	.name = "weblog-json",
	.desc = "web logs in JSON lines: caddy, nginx, traefik, ...",
	.unit = "requests",
	.options = EPH_IMPORT_HEADER | EPH_IMPORT_FIELDS,
	.guess = json_guess,
	.run = json_run,
};

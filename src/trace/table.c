/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tables.  A row is cut once, in one pass, with quotes and blanks taken off
 * on the way; then the wanted fields are read.  An id that is no number gets
 * one, its hash, so that 5, "5" and " 5" are one page.
 */

#include "trace/table.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "trace/numeral.h"

/* A number of this size of seconds lies after the year 5138. */
#define SECONDS_LATEST ((uint64_t)100000000000)

/* Windows counts ticks from 1601: 1970 in them. */
#define TICKS_1970 ((uint64_t)116444736000000000)

struct table {
	const struct table_shape *shape;
	char delimiter;
	int column[TABLE_WANTS]; /* from 0; -1: not there */
	int last;		 /* the highest of them */
	size_t columns;		 /* that each row must have; 0: any number */
	int unit;		 /* of times; TABLE_ANY: not known yet */
	uint64_t dates;		 /* times that were dates */
};

static const char *const want_words[TABLE_WANTS] = { "time", "id", "size", "op",
	"offset", "disk", "disk2", "size2", "times" };

/* -- rows --------------------------------------------------------------- */

/* A field in quotes, which stand doubled in it; NULL without its end. */
static char *
cut_quoted(char *p, char *end, struct table_field *f)
{
	char *to = ++p;

	f->s = p;
	for (; p < end; p++) {
		if (*p == '"' && (++p == end || *p != '"')) {
			f->n = (size_t)(to - f->s);
			return (p);
		}
		*to++ = *p;
	}
	return (NULL);
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

size_t
eph__table_cut(char delimiter, char *line, size_t len, struct table_field *f)
{
	const bool blanks = delimiter == ' ';
	char *p = line, *end = line + len, *stop;
	size_t n = 0;

	if (blanks) {
		while (p < end && is_blank(*p))
			p++;
		while (end > p && is_blank(end[-1]))
			end--;
	}
	for (; n < TABLE_COLUMNS; n++) {
		while (p < end && is_blank(*p) && *p != delimiter)
			p++;
		if (p < end && *p == '"') {
			if ((p = cut_quoted(p, end, &f[n])) == NULL)
				return (0);
			while (p < end && is_blank(*p) && *p != delimiter)
				p++;
			if (p < end && *p != delimiter &&
			    !(blanks && is_blank(*p)))
				return (0);
		} else {
			f[n].s = p;
			if (blanks)
				while (p < end && !is_blank(*p))
					p++;
			else
				while (p < end && *p != delimiter)
					p++;
			stop = p;
			while (stop > f[n].s && is_blank(stop[-1]))
				stop--;
			f[n].n = (size_t)(stop - f[n].s);
		}
		if (p == end)
			return (n + 1);
		p++;
		while (blanks && is_blank(*p))
			p++;
	}
	return (TABLE_COLUMNS + 1);
}

/* A time of digits alone, in a unit that is known: most are. */
static inline bool
row_plain_time(const struct table *t, const struct table_field *f, uint64_t *ns)
{
	static const uint64_t scales[] = { [TABLE_NS] = 1,
		[TABLE_US] = 1000,
		[TABLE_MS] = 1000000,
		[TABLE_S] = 1000000000 };
	uint64_t v;

	if (t->unit < 0 || t->unit == TABLE_TICKS ||
	    !eph__digits(f->s, f->n, &v) ||
	    v > (uint64_t)INT64_MAX / 2 / scales[t->unit])
		return (false);
	*ns = v * scales[t->unit];
	return (true);
}

/* The time of the row; sets the unit at the first number. */
static int
row_time(struct eph_import *im, struct table *t, const struct table_field *f,
    struct eph_import_object *ob)
{
	const char *end;
	uint64_t v;

	ob->timed = true;
	if (row_plain_time(t, f, &ob->ns))
		return (0);
	if (t->unit == TABLE_ANY && eph__decimal(f->s, f->n, 0, &v)) {
		t->unit = v < SECONDS_LATEST	   ? TABLE_S
		    : v < SECONDS_LATEST * 1000	   ? TABLE_MS
		    : v < SECONDS_LATEST * 1000000 ? TABLE_US
						   : TABLE_NS;
		if (t->unit != TABLE_S)
			eph_import_found(im, "times taken for %s by their size",
			    t->unit == TABLE_MS	      ? "milliseconds"
				: t->unit == TABLE_US ? "microseconds"
						      : "nanoseconds");
	}
	if (t->unit == TABLE_TICKS && eph__decimal(f->s, f->n, 0, &v) &&
	    v >= TICKS_1970 && v - TICKS_1970 <= INT64_MAX / 200) {
		ob->ns = (v - TICKS_1970) * 100;
		return (0);
	}
	if (eph__decimal(
		f->s, f->n, t->unit == TABLE_ANY ? 0 : t->unit, &ob->ns) &&
	    ob->ns <= INT64_MAX / 2)
		return (0);
	/* What follows the field is its delimiter or the line's NUL. */
	if (eph__date(f->s, &end, &ob->ns) && end == f->s + f->n) {
		t->dates++;
		return (0);
	}
	return (eph_import_refuse(im, "expected a time, got \"%.*s\"",
	    f->n < 40 ? (int)f->n : 40, f->s));
}

static int
row_bytes(struct eph_import *im, const struct table_field *f, const char *what,
    uint64_t unit, uint64_t *out)
{
	uint64_t v = 0;

	if (f->n == 0 || (f->n == 1 && *f->s == '-')) /* not known */
		return (0);
	if ((!eph__digits(f->s, f->n, &v) || v > INT64_MAX) &&
	    !eph__decimal(f->s, f->n, 0, &v))
		v = UINT64_MAX;
	if (v == UINT64_MAX || (unit > 1 && v > (uint64_t)INT64_MAX / unit))
		return (eph_import_refuse(im, "expected %s, got \"%.*s\"", what,
		    f->n < 40 ? (int)f->n : 40, f->s));
	*out = v * (unit > 1 ? unit : 1);
	return (0);
}

/* Which disk: its number, or the hash of its name. */
static uint64_t
row_disk(const struct table *t, const struct table_field *f)
{
	const int first = t->column[TABLE_DISK], rest = t->column[TABLE_DISK2];
	uint64_t id = 0, more;

	if (first >= 0 && !eph__digits(f[first].s, f[first].n, &id))
		id = eph__names_hash(f[first].s, f[first].n);
	if (rest >= 0) {
		if (!eph__digits(f[rest].s, f[rest].n, &more))
			more = eph__names_hash(f[rest].s, f[rest].n);
		id = (id ^ id >> 29) * 0x9e3779b97f4a7c15u + more;
	}
	return (id);
}

static int
row_object(struct eph_import *im, struct table *t, const struct table_field *f,
    struct eph_import_object *ob)
{
	const struct table_shape *shape = t->shape;
	const int *c = t->column;
	uint64_t more = 0;
	int error = 0;

	if (c[TABLE_TIME] >= 0)
		error = row_time(im, t, &f[c[TABLE_TIME]], ob);
	if (error == 0 && c[TABLE_SIZE] >= 0)
		error = row_bytes(im, &f[c[TABLE_SIZE]], "a size in bytes",
		    shape->size_unit, &ob->bytes);
	if (error == 0 && c[TABLE_SIZE2] >= 0)
		error = row_bytes(
		    im, &f[c[TABLE_SIZE2]], "a size in bytes", 1, &more);
	if (error == 0 && c[TABLE_TIMES] >= 0)
		error = row_bytes(im, &f[c[TABLE_TIMES]],
		    "how often the request came", 1, &ob->times);
	if (error == 0 && c[TABLE_OFFSET] >= 0)
		error = row_bytes(im, &f[c[TABLE_OFFSET]], "an offset",
		    shape->offset_unit, &ob->offset);
	if (error != 0)
		return (error);
	ob->bytes += more;
	if (c[TABLE_OFFSET] >= 0) {
		ob->on_disk = true;
		ob->id = row_disk(t, f);
		return (0);
	}
	f += c[TABLE_ID];
	if (f->n == 0)
		return (eph_import_refuse(im, "expected an id, got nothing"));
	if (!eph__digits(f->s, f->n, &ob->id))
		ob->id = eph__names_hash(f->s, f->n);
	return (0);
}

static int
table_row(struct eph_import *im, struct table *t, char *line, size_t len)
{
	struct eph_import_object ob = { 0 };
	struct table_field f[TABLE_COLUMNS];
	const size_t n = eph__table_cut(t->delimiter, line, len, f);
	const int op = t->column[TABLE_OP];
	int error;

	if (n == 0)
		return (eph_import_refuse(im,
		    "a quoted field without its end, or with something "
		    "behind it"));
	if (n > TABLE_COLUMNS)
		return (eph_import_refuse(
		    im, "more than %d columns", TABLE_COLUMNS));
	if (n <= (size_t)t->last || n < t->shape->columns_min ||
	    (t->columns != 0 && n != t->columns))
		return (eph_import_refuse(im, "expected %zu columns%s, got %zu",
		    t->columns != 0	       ? t->columns
			: n <= (size_t)t->last ? (size_t)t->last + 1
					       : t->shape->columns_min,
		    t->columns != 0 ? " as in the first line" : " or more", n));
	if (op >= 0 && eph__import_is_delete(f[op].s, f[op].n)) {
		eph__import_delete(im);
		return (0);
	}
	if ((error = row_object(im, t, f, &ob)) != 0)
		return (error);
	return (eph_import_object(im, &ob));
}

/* -- headers ------------------------------------------------------------ */

/* Between the words of a name. */
static bool
is_joint(char c)
{
	return (c == '_' || c == ' ' || c == '-');
}

/* Is the name of the column `name', up to a unit in brackets? */
static bool
same_name(const struct table_field *f, const char *name)
{
	const char *s = f->s;
	size_t n = f->n;

	while (n > 0 && (*s == '#' || *s == ' ')) {
		s++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '(' || s[i] == '[') {
			n = i;
			while (n > 0 && s[n - 1] == ' ')
				n--;
			break;
		}
	}
	/* "Object ID", "objectId" and "object-id" are object_id. */
	for (;; s++, n--, name++) {
		while (n > 0 && is_joint(*s)) {
			s++;
			n--;
		}
		while (is_joint(*name))
			name++;
		if (n == 0 || *name == '\0')
			return (n == 0 && *name == '\0');
		if (tolower((unsigned char)*s) != tolower((unsigned char)*name))
			return (false);
	}
}

int
eph__table_find(const struct table_shape *shape, enum table_want want,
    const struct table_field *f, size_t n)
{
	for (size_t k = 0;
	     k < TABLE_NAMES && shape->want[want].names[k] != NULL; k++) {
		for (size_t i = 0; i < n && i < TABLE_COLUMNS; i++) {
			if (same_name(&f[i], shape->want[want].names[k]))
				return ((int)i);
		}
	}
	return (-1);
}

/* Has it the id or the offset that is needed? */
static bool
header_finds(const struct table_shape *shape, struct table *t,
    const struct table_field *f, size_t n)
{
	for (int want = 0; want < TABLE_WANTS; want++)
		t->column[want] =
		    eph__table_find(shape, (enum table_want)want, f, n);
	return (n > 0 && n <= TABLE_COLUMNS &&
	    (t->column[TABLE_ID] >= 0 || t->column[TABLE_OFFSET] >= 0));
}

/* Cut a copy of the line, so that it can be cut again. */
static size_t
cut_copy(char delimiter, const char *line, char copy[2048],
    struct table_field f[TABLE_COLUMNS])
{
	const size_t len = strlen(line);

	if (len >= 2048)
		return (0);
	memcpy(copy, line, len + 1);
	return (eph__table_cut(delimiter, copy, len, f));
}

/* The delimiter with which the line has most columns. */
static char
tell_delimiter(const char *line)
{
	struct table_field f[TABLE_COLUMNS];
	char copy[2048], best = ',';
	size_t most = 0;

	for (const char *d = ",;\t| "; *d != '\0'; d++) {
		const size_t n = cut_copy(*d, line, copy, f);

		/* Blanks are in names, too. */
		if (n <= TABLE_COLUMNS && n > most && (*d != ' ' || most < 2)) {
			most = n;
			best = *d;
		}
	}
	return (best);
}

bool
eph__table_is_header(const struct table_shape *shape, char *line)
{
	struct table_field f[TABLE_COLUMNS];
	struct table t;
	char copy[2048];
	const char delimiter =
	    shape->delimiter != '\0' ? shape->delimiter : tell_delimiter(line);
	const size_t n = cut_copy(delimiter, line, copy, f);

	return (header_finds(shape, &t, f, n));
}

/* -- what the user says ------------------------------------------------- */

static int
want_of(const char *s, size_t n)
{
	for (int w = 0; w < TABLE_WANTS; w++) {
		if (strlen(want_words[w]) == n &&
		    strncmp(want_words[w], s, n) == 0)
			return (w);
	}
	return (-1);
}

static int
refuse_columns(struct eph_import *im, const char *spec, const char *why)
{
	return (eph_err_set(im->err, EINVAL,
	    "--columns %.100s: %s; expected time=1,id=3,size=4 or the like, by "
	    "number or name, of time, id, size, op, or offset, disk",
	    spec, why));
}

/* Is the whole of --columns in numbers? */
static bool
only_numbers(const char *spec)
{
	for (const char *p = spec; (p = strchr(p, '=')) != NULL; p++) {
		if (p[1] < '0' || p[1] > '9')
			return (false);
	}
	return (true);
}

/* One "want=column" of --columns. */
static int
take_column(struct eph_import *im, struct table *t, const char *p, size_t len,
    const struct table_field *f, size_t n)
{
	const char *spec = im->o->columns, *eq = memchr(p, '=', len);
	struct table_field name;
	char word[64];
	uint64_t number;
	int want;

	if (eq == NULL || (want = want_of(p, (size_t)(eq - p))) < 0)
		return (refuse_columns(im, spec, "not understood"));
	name.s = (char *)(uintptr_t)eq + 1;
	name.n = len - (size_t)(name.s - p);
	if (eph__digits(name.s, name.n, &number)) {
		if (number < 1 || number > n)
			return (refuse_columns(
			    im, spec, "the first line has no such column"));
		t->column[want] = (int)number - 1;
		return (0);
	}
	(void)snprintf(word, sizeof(word), "%.*s", (int)name.n, name.s);
	t->column[want] = -1;
	for (size_t i = 0; i < n && t->column[want] < 0; i++) {
		if (same_name(&f[i], word))
			t->column[want] = (int)i;
	}
	if (t->column[want] < 0)
		return (refuse_columns(
		    im, spec, "the header names no such column"));
	return (0);
}

static int
take_columns(struct eph_import *im, struct table *t,
    const struct table_field *f, size_t n)
{
	const char *p = im->o->columns;
	int error = 0;

	for (int want = 0; want < TABLE_WANTS; want++)
		t->column[want] = -1;
	while (error == 0 && *p != '\0') {
		const size_t len = strcspn(p, ",");

		error = take_column(im, t, p, len, f, n);
		p += len + (p[len] == ',');
	}
	if (error == 0 && t->column[TABLE_ID] < 0 &&
	    t->column[TABLE_OFFSET] < 0)
		error = refuse_columns(
		    im, im->o->columns, "neither an id nor an offset");
	return (error);
}

/* -- a whole table ------------------------------------------------------ */

/* Say which columns were used. */
static void
tell_columns(struct eph_import *im, const struct table *t,
    const struct table_field *f, bool header)
{
	char text[400] = "";
	size_t at = 0;

	for (int want = 0; want < TABLE_WANTS; want++) {
		const int c = t->column[want];

		if (c < 0 || at >= sizeof(text) - 60)
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s=%d",
		    at > 0 ? " " : "", want_words[want], c + 1);
		if (header)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    " (%.*s)", f[c].n < 30 ? (int)f[c].n : 30, f[c].s);
	}
	eph_import_found(
	    im, "%s, columns %s", header ? "a header" : "no header", text);
}

/* The unit that a column's name says: time_ms, ts(us), timestamp [ns]. */
static int
unit_of_name(const struct table_field *f)
{
	static const struct {
		const char *word;
		int unit;
	} words[] = { { "ms", TABLE_MS }, { "msec", TABLE_MS },
		{ "millis", TABLE_MS }, { "us", TABLE_US },
		{ "usec", TABLE_US }, { "ns", TABLE_NS }, { "nsec", TABLE_NS },
		{ "s", TABLE_S }, { "sec", TABLE_S } };
	size_t n = f->n, from;

	while (n > 0 && strchr(")] ", f->s[n - 1]) != NULL)
		n--;
	for (from = n; from > 0 && strchr("_([ .-", f->s[from - 1]) == NULL;)
		from--;
	for (size_t i = 0; from > 0 && i < sizeof(words) / sizeof(words[0]);
	     i++) {
		if (strlen(words[i].word) == n - from &&
		    strncasecmp(f->s + from, words[i].word, n - from) == 0)
			return (words[i].unit);
	}
	return (TABLE_ANY);
}

static int
table_unit(const struct eph_import *im, const struct table *t,
    const struct table_field *f, bool header)
{
	static const int units[] = { TABLE_ANY, TABLE_S, TABLE_MS, TABLE_US,
		TABLE_NS };

	if (im->o->time_unit != EPH_UNIT_DEFAULT)
		return (units[im->o->time_unit]);
	if (t->shape->time_unit == TABLE_ANY && header &&
	    t->column[TABLE_TIME] >= 0)
		return (unit_of_name(&f[t->column[TABLE_TIME]]));
	return (t->shape->time_unit);
}

/* Are the fields at the chosen columns data, and no names? */
static bool
looks_like_data(const struct table *t, const struct table_field *f)
{
	static const enum table_want numbers[] = { TABLE_TIME, TABLE_SIZE,
		TABLE_OFFSET, TABLE_ID };
	const char *end;
	uint64_t v;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const int c = t->column[numbers[i]];

		if (c < 0)
			continue;
		return (eph__decimal(f[c].s, f[c].n, 0, &v) ||
		    eph__date(f[c].s, &end, &v));
	}
	return (true);
}

/* What the first line tells of the columns; *header: it names them. */
static int
table_first(struct eph_import *im, struct table *t, const struct table_field *f,
    size_t n, bool *header)
{
	const struct table_shape *shape = t->shape;
	const bool may =
	    !im->o->no_header && shape->header != TABLE_HEADER_NONE;
	int error = 0;

	*header = may;
	if (im->o->columns != NULL) {
		if ((error = take_columns(im, t, f, n)) == 0 && may &&
		    only_numbers(im->o->columns))
			*header = !looks_like_data(t, f);
		return (error);
	}
	if (may && header_finds(shape, t, f, n))
		return (0);
	*header = false;
	if (shape->header == TABLE_HEADER_MUST || shape->columns_min == 0)
		return (eph_import_refuse(im,
		    "expected a header with a column lbn, id, obj_id or key, "
		    "and perhaps time and size, or --columns time=1,id=2 by "
		    "number where there is none"));
	for (int want = 0; want < TABLE_WANTS; want++)
		t->column[want] = (int)shape->want[want].column - 1;
	return (0);
}

static int
table_begin(struct eph_import *im, struct table *t, char *line, size_t len,
    bool *header)
{
	struct table_field f[TABLE_COLUMNS];
	char copy[2048];
	size_t n;
	int error;

	t->delimiter = im->o->delimiter != '\0' ? im->o->delimiter
	    : t->shape->delimiter != '\0'	? t->shape->delimiter
						: tell_delimiter(line);
	if (len >= sizeof(copy) ||
	    (n = cut_copy(t->delimiter, line, copy, f)) == 0 ||
	    n > TABLE_COLUMNS)
		return (eph_import_refuse(im,
		    "expected the first line of a table, of at most %d "
		    "columns and 2047 bytes",
		    TABLE_COLUMNS));
	if ((error = table_first(im, t, f, n, header)) != 0)
		return (error);
	t->columns = t->shape->columns_same ? n : 0;
	for (int want = 0; want < TABLE_WANTS; want++) {
		if (t->column[want] > t->last)
			t->last = t->column[want];
	}
	t->unit = table_unit(im, t, f, *header);
	tell_columns(im, t, f, *header);
	return (0);
}

int
eph__table_run(struct eph_import *im, const struct table_shape *shape)
{
	struct table t = { .shape = shape };
	bool begun = false, header;
	char *line;
	size_t len;
	int error;

	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (len == 0 ||
		    (is_blank(*line) && line[strspn(line, " \t")] == '\0'))
			continue;
		if (memchr(line, '\0', len) != NULL)
			return (
			    eph_import_refuse(im, "NUL byte; expected text"));
		if (!begun) {
			begun = true;
			error = table_begin(im, &t, line, len, &header);
			if (error != 0)
				return (error);
			if (header)
				continue;
		}
		if ((error = table_row(im, &t, line, len)) != 0)
			return (error);
	}
	if (error == 0 && t.dates > 0)
		eph_import_found(im, "times are dates");
	return (error);
}

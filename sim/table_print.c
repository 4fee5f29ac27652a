/* SPDX-License-Identifier: BSD-2-Clause */

/* Tables within the width of the terminal. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "table_impl.h"
#include "text.h"

#define GAP	 2  /* between columns, while there is room */
#define TEXT_MIN 16 /* columns of a text that is broken */
#define REST_MIN 24 /* as many, of what stands behind a row */
#define INDENT	 6  /* of the later lines of a text between rows */
#define HEAD_MIN 6  /* a shorter heading is not broken */

struct layout {
	const struct table *t;
	unsigned limit;
	unsigned gap;
	unsigned head;	 /* rows above the first rule */
	unsigned *width; /* of each column */
	bool *out;	 /* columns left out */
	bool folded;
};

/* The cell, or NULL where the row has none there. */
static const char *
cell_of(const struct row *r, unsigned c)
{
	return (r->kind == ROW_CELLS && c < r->ncells ? r->cell[c] : NULL);
}

static bool
is_head(const struct layout *l, size_t row)
{
	return (row < l->head);
}

static unsigned
find_head(const struct table *t)
{
	for (unsigned i = 0; i < t->nrows; i++) {
		if (t->rows[i].kind == ROW_RULE)
			return (i);
	}
	return (0);
}

/* The longest part of a heading; a short one is not broken. */
static unsigned
longest_part(const char *s)
{
	unsigned most = 0;

	if (strlen(s) < HEAD_MIN)
		return ((unsigned)strlen(s));
	while (*s != '\0') {
		unsigned n = (unsigned)strcspn(s, " /");

		n += s[n] == '/';
		most = n > most ? n : most;
		s += n;
		s += *s == ' ';
	}
	return (most);
}

/* Of a column, when headings are broken between words or are not. */
static unsigned
column_width(const struct layout *l, unsigned c, bool broken)
{
	unsigned width = 1;

	for (size_t i = 0; i < l->t->nrows; i++) {
		const char *s = cell_of(&l->t->rows[i], c);
		unsigned n = 0;

		if (s != NULL)
			n = broken && is_head(l, i) ? longest_part(s)
						    : (unsigned)strlen(s);
		width = n > width ? n : width;
	}
	return (width);
}

static void
measure(struct layout *l, bool broken)
{
	for (unsigned c = 0; c < l->t->ncols; c++)
		l->width[c] = column_width(l, c, broken);
}

struct span {
	unsigned from, to; /* these columns, beside the keys */
};

static bool
in_span(const struct layout *l, const struct span *s, unsigned c)
{
	return (!l->out[c] && (c < l->t->keys || (c >= s->from && c < s->to)));
}

static unsigned
span_width(const struct layout *l, const struct span *s)
{
	unsigned width = 0;

	for (unsigned c = 0; c < l->t->ncols; c++) {
		if (in_span(l, s, c))
			width += l->width[c] + (width > 0 ? l->gap : 0);
	}
	return (width);
}

static bool
fits(const struct layout *l)
{
	const struct span all = { 0, l->t->ncols };

	return (span_width(l, &all) <= l->limit);
}

/* What all rows have there, of two or more; else NULL. */
static const char *
same_cell(const struct layout *l, unsigned c)
{
	const char *first = NULL;
	size_t n = 0;

	for (size_t i = l->head; i < l->t->nrows; i++) {
		const char *s = cell_of(&l->t->rows[i], c);

		if (s == NULL)
			continue;
		if (first != NULL && strcmp(first, s) != 0)
			return (NULL);
		first = s;
		n++;
	}
	return (n > 1 ? first : NULL);
}

/* From the right, as many as it takes. */
static void
leave_out(struct layout *l)
{
	for (unsigned c = l->t->ncols; c-- > l->t->keys && !fits(l);)
		l->out[c] = same_cell(l, c) != NULL;
}

/* Can its cells be broken between words? */
static bool
is_text(const struct layout *l, unsigned c)
{
	if (l->t->align[c] != 'l')
		return (false);
	for (size_t i = l->head; i < l->t->nrows; i++) {
		const char *s = cell_of(&l->t->rows[i], c);

		if (s != NULL && strchr(s, ' ') != NULL)
			return (true);
	}
	return (false);
}

/* Make the widest column of texts narrower, until all fit. */
static void
break_texts(struct layout *l)
{
	while (!fits(l)) {
		unsigned widest = l->t->ncols;

		for (unsigned c = 0; c < l->t->ncols; c++) {
			if (!l->out[c] && l->width[c] > TEXT_MIN &&
			    is_text(l, c) &&
			    (widest == l->t->ncols ||
				l->width[c] > l->width[widest]))
				widest = c;
		}
		if (widest == l->t->ncols)
			return;
		l->width[widest]--;
	}
}

/* A folded table's columns, each of which stands beside the keys. */
static void
limit_columns(struct layout *l)
{
	const struct span names = { 0, 0 };
	unsigned keys, widest;

	for (;;) {
		widest = 0;
		for (unsigned c = 1; c < l->t->keys; c++) {
			if (l->width[c] > l->width[widest])
				widest = c;
		}
		keys = span_width(l, &names);
		if (keys <= l->limit / 2 || l->width[widest] <= 4)
			break;
		l->width[widest]--;
	}
	for (unsigned c = l->t->keys; c < l->t->ncols; c++) {
		const unsigned room =
		    l->limit > keys + l->gap + 1 ? l->limit - keys - l->gap : 1;

		l->width[c] = l->width[c] < room ? l->width[c] : room;
	}
}

static void
find_layout(struct layout *l)
{
	l->gap = GAP;
	measure(l, false);
	if (fits(l))
		return;
	measure(l, true);
	break_texts(l);
	leave_out(l);
	if (!fits(l))
		l->gap = 1;
	if (fits(l))
		return;
	l->gap = GAP;
	l->folded = true;
	limit_columns(l);
}

/* A heading may also be broken behind a slash. */
static size_t
piece_of(const char *s, size_t width, bool head, size_t *skip)
{
	const size_t n = text_piece(s, width, skip);
	const char *slash = s + n;

	if (!head || s[*skip] == '\0' || *skip > n)
		return (n);
	while (slash > s && *slash != '/')
		slash--;
	if (slash == s || (size_t)(slash - s) + 1 > width)
		return (n);
	*skip = (size_t)(slash - s) + 1;
	return (*skip);
}

/* How many lines the cell takes. */
static unsigned
cell_lines(const char *s, unsigned width, bool head)
{
	unsigned lines = 0;
	size_t skip;

	do {
		(void)piece_of(s, width, head, &skip);
		s += skip;
		lines++;
	} while (*s != '\0');
	return (lines);
}

/* Line `line' of the cell, from below where `above' lines are empty. */
static int
cell_line(const char **s, unsigned width, bool head, unsigned line)
{
	size_t n = 0, skip = 0;

	for (unsigned i = 0; i <= line; i++) {
		*s += skip;
		n = piece_of(*s, width, head, &skip);
		if (skip == 0)
			return (0);
	}
	return ((int)n);
}

/*
 * Behind the cells, which is at column `at' and `blanks' from here, or below
 * them where there is no room.
 */
static void
print_rest(const struct layout *l, const char *rest, unsigned at,
    unsigned blanks, FILE *out)
{
	if (at + strlen(rest) > l->limit && at + REST_MIN > l->limit) {
		(void)fputc('\n', out);
		at = blanks = INDENT;
	}
	(void)fprintf(out, "%*s", (int)blanks, "");
	/* Lines of text_wrap() end one column before the last. */
	if (at + strlen(rest) <= l->limit)
		(void)fprintf(out, "%s\n", rest);
	else
		text_wrap(out, at, at == 0 ? INDENT : at, rest);
}

/* Is the row's last cell among these columns, or before them? */
static bool
has_rest(const struct row *r, const struct span *s)
{
	return (r->rest != NULL && r->ncells <= s->to &&
	    (r->ncells > s->from || s->from == 0));
}

static void
print_line(const struct layout *l, const struct row *r, const struct span *s,
    unsigned line, unsigned lines, FILE *out)
{
	const bool head = is_head(l, (size_t)(r - l->t->rows));
	unsigned at = 0, gap = 0, blanks = 0;

	for (unsigned c = 0; c < r->ncells; c++) {
		const char *text = r->cell[c];
		unsigned n, skip = 0;

		if (!in_span(l, s, c))
			continue;
		/* Headings stand on the line below them. */
		if (head)
			skip = lines - cell_lines(text, l->width[c], head);
		n = line < skip ? 0
				: (unsigned)cell_line(
				      &text, l->width[c], head, line - skip);
		blanks += gap + (l->t->align[c] == 'r' ? l->width[c] - n : 0);
		if (n > 0) {
			(void)fprintf(
			    out, "%*s%.*s", (int)blanks, "", (int)n, text);
			blanks = 0;
		}
		at += gap + l->width[c];
		blanks += l->t->align[c] == 'r' ? 0 : l->width[c] - n;
		gap = l->gap;
	}
	if (line > 0 || !has_rest(r, s)) {
		(void)fputc('\n', out);
		return;
	}
	print_rest(l, r->rest, at + gap, blanks + gap, out);
}

static void
print_row(const struct layout *l, const struct row *r, const struct span *s,
    FILE *out)
{
	const bool head = is_head(l, (size_t)(r - l->t->rows));
	unsigned lines = 1;

	/* Nothing of it stands in this part. */
	if (s->from > 0 && r->ncells <= s->from)
		return;
	for (unsigned c = 0; c < r->ncells; c++) {
		const unsigned n = in_span(l, s, c)
		    ? cell_lines(r->cell[c], l->width[c], head)
		    : 0;

		lines = n > lines ? n : lines;
	}
	for (unsigned i = 0; i < lines; i++)
		print_line(l, r, s, i, lines, out);
}

static void
print_span(const struct layout *l, const struct span *s, FILE *out)
{
	const unsigned width = span_width(l, s);

	for (size_t i = 0; i < l->t->nrows; i++) {
		if (l->t->rows[i].kind == ROW_CELLS) {
			print_row(l, &l->t->rows[i], s, out);
			continue;
		}
		for (unsigned n = 0; n < width; n++)
			(void)fputc('-', out);
		(void)fputc('\n', out);
	}
}

/* Parts of the table, below each other. */
static void
print_spans(const struct layout *l, FILE *out)
{
	struct span s = { 0, l->t->keys };

	while (s.to < l->t->ncols) {
		struct span more = { s.from, s.to + 1 };

		while (s.to < l->t->ncols &&
		    (s.to == s.from || s.to == l->t->keys ||
			span_width(l, &more) <= l->limit)) {
			s.to++;
			more.to++;
		}
		print_span(l, &s, out);
		if (s.to < l->t->ncols)
			(void)fputc('\n', out);
		s.from = s.to;
	}
}

static void
print_left_out(const struct layout *l, FILE *out)
{
	char text[4096] = "";
	size_t n = 0;

	for (unsigned c = 0; c < l->t->ncols && n < sizeof(text); c++) {
		if (l->out[c])
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s %s %s", n > 0 ? "," : "",
			    cell_of(&l->t->rows[0], c), same_cell(l, c));
	}
	if (n > 0)
		text_printf(out, "The same in every row:%s.", text);
}

void
table_print(const struct table *t, FILE *out)
{
	struct layout l = {
		.t = t, .limit = text_columns(), .head = find_head(t)
	};
	const struct span all = { 0, t->ncols };

	l.width = must_alloc(NULL, t->ncols, sizeof(*l.width));
	l.out = must_alloc(NULL, t->ncols, sizeof(*l.out));
	memset(l.out, 0, t->ncols * sizeof(*l.out));
	find_layout(&l);
	if (l.folded)
		print_spans(&l, out);
	else
		print_span(&l, &all, out);
	print_left_out(&l, out);
	if (l.folded)
		text_printf(out,
		    "Folded to %u columns; a wider terminal, or a larger "
		    "COLUMNS, shows it as one table.",
		    l.limit);
	free(l.width);
	free(l.out);
}

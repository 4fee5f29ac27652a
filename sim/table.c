/* SPDX-License-Identifier: BSD-2-Clause */

#include "table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table_impl.h"

void
out_of_memory(void)
{
	(void)fputs("ephmap: out of memory\n", stderr);
	exit(2);
}

void *
must_alloc(void *old, size_t n, size_t size)
{
	void *p = NULL;

	if (size == 0 || n <= SIZE_MAX / size)
		p = realloc(old, n * size > 0 ? n * size : 1);
	if (p == NULL)
		out_of_memory();
	return (p);
}

char *
must_copy(const char *s, size_t n)
{
	char *copy = must_alloc(NULL, n + 1, 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return (copy);
}

struct table *
table_create(const char *align)
{
	struct table *t = must_alloc(NULL, 1, sizeof(*t));

	t->align = must_copy(align, strlen(align));
	t->ncols = (unsigned)strlen(align);
	t->keys = 1;
	t->nrows = 0;
	t->rows = NULL;
	return (t);
}

void
table_keys(struct table *t, unsigned n)
{
	t->keys = n;
}

void
table_destroy(struct table *t)
{
	for (size_t i = 0; i < t->nrows; i++) {
		for (unsigned c = 0; c < t->rows[i].ncells; c++)
			free(t->rows[i].cell[c]);
		free(t->rows[i].cell);
		free(t->rows[i].rest);
	}
	free(t->rows);
	free(t->align);
	free(t);
}

static struct row *
add_row(struct table *t, enum row_kind kind)
{
	struct row *r;

	t->rows = must_alloc(t->rows, t->nrows + 1, sizeof(*t->rows));
	r = &t->rows[t->nrows++];
	r->kind = kind;
	r->ncells = 0;
	r->rest = NULL;
	r->cell = must_alloc(NULL, t->ncols, sizeof(*r->cell));
	return (r);
}

/* The row that still takes cells. */
static struct row *
open_row(struct table *t)
{
	struct row *r = t->nrows > 0 ? &t->rows[t->nrows - 1] : NULL;

	if (r == NULL || r->kind != ROW_CELLS || r->ncells == t->ncols ||
	    r->rest != NULL)
		r = add_row(t, ROW_CELLS);
	return (r);
}

void
table_cell(struct table *t, const char *fmt, ...)
{
	struct row *r = open_row(t);
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->cell[r->ncells++] = must_copy(text, strlen(text));
}

void
table_rest(struct table *t, const char *text)
{
	if (text != NULL)
		t->rows[t->nrows - 1].rest = must_copy(text, strlen(text));
}

void
table_line(struct table *t, const char *text)
{
	add_row(t, ROW_CELLS)->rest = must_copy(text, strlen(text));
}

void
table_rule(struct table *t)
{
	(void)add_row(t, ROW_RULE);
}

/* Put a comma before every third digit of the `n` at `digits`. */
static void
group_digits(char *to, const char *digits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
}

const char *
number_u64(char buf[NUMBER_MAX], uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	group_digits(buf, digits, (size_t)n);
	return (buf);
}

const char *
number_real(char buf[NUMBER_MAX], double v, int decimals)
{
	char digits[32];
	size_t whole;

	/* Beyond this a double has no unit digit, and the buffer no room. */
	if (!(v > -1e15 && v < 1e15)) {
		(void)snprintf(buf, NUMBER_MAX, "%.3e", v);
		return (buf);
	}
	(void)snprintf(
	    digits, sizeof(digits), "%.*f", decimals, v < 0 ? -v : v);
	whole = strcspn(digits, ".");
	if (v < 0)
		buf[0] = '-';
	group_digits(buf + (v < 0), digits, whole);
	(void)strcat(buf, digits + whole);
	return (buf);
}

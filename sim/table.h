/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_TABLE_H
#define SIM_TABLE_H

/*
 * Aligned text tables, and numbers as people read them.
 *
 * Cells are filled row by row, from left to right; widths come from the
 * contents.  Text is ASCII.
 *
 * A table is no wider than text_columns().  One that would be breaks its
 * headings and texts into lines, leaves out columns that say the same in
 * every row, moves its columns together, and in the end is folded: the
 * columns that name the rows are printed again with those that are left.
 * What was left out, and that it was folded, is said below it.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

/*
 * `align` has one letter a column, 'l' or 'r'.  These functions do not
 * return when the host is out of memory: they say so and exit 2.
 */
struct table *table_create(const char *align);
void table_destroy(struct table *t);

/* How many columns, from the first, name the rows; 1 unless said. */
void table_keys(struct table *t, unsigned n);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
table_cell(struct table *t, const char *fmt, ...);

/* End the row begun last with text of no column; NULL: none. */
void table_rest(struct table *t, const char *text);

/* A line of text between rows, broken between words, not to be indented. */
void table_line(struct table *t, const char *text);

/* A line of dashes under what was filled so far. */
void table_rule(struct table *t);

void table_print(const struct table *t, FILE *out);

#define NUMBER_MAX 48

/* Digits in groups of three; return `buf`. */
const char *number_u64(char buf[NUMBER_MAX], uint64_t v);
const char *number_real(char buf[NUMBER_MAX], double v, int decimals);

/* As malloc and realloc of n * size bytes, but never NULL: exit 2 instead. */
void *must_alloc(void *old, size_t n, size_t size);

/* Say so in one line, and exit 2. */
_Noreturn void out_of_memory(void);

/* As strndup, with the same rule. */
char *must_copy(const char *s, size_t n);

#endif /* !SIM_TABLE_H */

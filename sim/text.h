/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_TEXT_H
#define SIM_TEXT_H

/*
 * Running text within the width of the terminal.  A word that is longer than
 * a line stays whole, so that it can be copied.
 */

#include <stddef.h>
#include <stdio.h>

#include "ephmap/types.h"

/*
 * Columns to print in: COLUMNS where it is a number, else those of the
 * terminal that standard output is, else 80; at least 40.
 */
unsigned text_columns(void);

/*
 * Print `text' from column `at' on, broken between words before the last
 * column, with later lines indented by `indent'.  A newline in it begins a
 * paragraph.  Ends with a newline.
 */
void text_wrap(FILE *out, unsigned at, unsigned indent, const char *text);

/*
 * Print lines, each of them broken where it is too long.  Where one begins
 * with blanks, what is broken off stands further in.
 */
void text_lines(FILE *out, const char *text);

/*
 * Print a line on standard error: as one, or where that is a terminal, or
 * COLUMNS says how wide one is, broken as text_wrap() does.
 */
void text_say(const char *line);

/* Format, and print as text_say(). */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void
text_note(const char *fmt, ...);

/* Format, and print as text_lines(). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
text_printf(FILE *out, const char *fmt, ...);

/* Lines that are written piece by piece, and printed by text_end(). */
struct text {
	FILE *f;
	char *s;
	size_t n;
};

FILE *text_begin(struct text *t);
void text_end(struct text *t, FILE *out);

/* What was written is a line: print it as text_say(), unless it is empty. */
void text_end_note(struct text *t);

/* What was written, for free(). */
char *text_take(struct text *t);

/* What was written is not wanted. */
void text_drop(struct text *t);

/*
 * What was written becomes the file `to', which is the old one or the whole
 * new one.  Returns 0, or an errno value with `err' set.
 */
int text_end_file(struct text *t, const char *to, struct eph_err *err);

/* What was written is a command: print it as text_command(). */
void text_end_command(struct text *t, FILE *out, unsigned at);

/*
 * A stream that prints every line written to it, as text_lines(), to `out';
 * fclose() ends it.
 */
FILE *text_stream(FILE *out);

/*
 * Print a command to type, from column `at' on: broken between words where a
 * shell goes on reading, and in a long word behind a comma.
 */
void text_command(FILE *out, unsigned at, const char *command);

/*
 * How much of `s' fits into `width' columns, broken behind a blank or a
 * newline where there is one; all of it if it has no more than that.
 * *skip is where the next part begins.
 */
size_t text_piece(const char *s, size_t width, size_t *skip);

#endif /* !SIM_TEXT_H */

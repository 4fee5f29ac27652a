/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TABLE_H
#define TRACE_TABLE_H

/*
 * Requests as rows of a table: comma-separated values (RFC 4180) and their
 * relatives.  A shape says what a table looks like; importers are shapes.
 */

#include "trace/importer.h"

#define TABLE_COLUMNS 64
#define TABLE_NAMES   12

/* What we may want of a row. */
enum table_want {
	TABLE_TIME,
	TABLE_ID,
	TABLE_SIZE,
	TABLE_OP,
	TABLE_OFFSET, /* of a disk; then an id is not needed */
	TABLE_DISK,
	TABLE_DISK2, /* the rest of a disk's name */
	TABLE_SIZE2, /* more bytes */
	TABLE_TIMES, /* the request came so often */
	TABLE_WANTS,
};

/* Powers of ten from a unit of time to nanoseconds. */
enum {
	TABLE_NS = 0,
	TABLE_TICKS = 2, /* Windows': 100 ns */
	TABLE_US = 3,
	TABLE_MS = 6,
	TABLE_S = 9,
	TABLE_ANY = -1, /* told by the column's name, or the first number */
};

enum table_header { TABLE_HEADER_NONE, TABLE_HEADER_MAYBE, TABLE_HEADER_MUST };

struct table_shape {
	char delimiter; /* ' ': any number of blanks; 0: told by content */
	enum table_header header;
	unsigned columns_min; /* columns of each row, at least */
	bool columns_same;    /* all rows have as many as the first */
	int time_unit;
	uint64_t offset_unit; /* bytes; 0: 1 */
	uint64_t size_unit;
	/* Number from 1 where there is no header, and names where there is. */
	struct {
		unsigned column;
		const char *names[TABLE_NAMES];
	} want[TABLE_WANTS];
};

/* Import by `shape' and what im->o says of columns. */
int eph__table_run(struct eph_import *im, const struct table_shape *shape);

/* Bytes of a field. */
struct table_field {
	char *s;
	size_t n;
};

/*
 * Cut a row of `len' bytes at `delimiter', take quotes and blanks off;
 * returns the number of fields, 0 when a quote has no end, TABLE_COLUMNS + 1
 * for too many.  The line is changed.
 */
size_t eph__table_cut(
    char delimiter, char *line, size_t len, struct table_field *f);

/*
 * The column of a header of `n' names (capitals do not matter) that is
 * `want', from 0; -1 when there is none.
 */
int eph__table_find(const struct table_shape *shape, enum table_want want,
    const struct table_field *f, size_t n);

/* For guesses: does the line name the columns of this shape? */
bool eph__table_is_header(const struct table_shape *shape, char *line);

#endif /* !TRACE_TABLE_H */

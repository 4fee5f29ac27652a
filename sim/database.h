/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_DATABASE_H
#define SIM_DATABASE_H

/*
 * Results in a SQLite database, as ephmap-results(5) describes them.
 *
 * A run is written in a transaction of its own, when it has ended: whatever
 * stops the program, what was written is there, whole.  One program at a
 * time writes; others may read meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "record.h"

#include "ephmap/types.h"

struct database {
	sqlite3 *sql;
	sqlite3_stmt *put;  /* NULL until a run is written */
	sqlite3_stmt *have; /* NULL until asked */
	int lock;	    /* file descriptor; -1: only read */
	char *path;
};

/* What runs were driven by: a trace, or a workload. */
struct db_input {
	const char *name;
	const char *digest; /* 16 hexadecimal digits, or the workload's text */
	uint64_t references;
	uint64_t pages;
	uint64_t cpus;
	uint64_t duration_ns;
	bool workload;
};

/*
 * Open for reading a file that exists, or for writing one that may not.
 * Returns 0, or an errno value with `err' set: EINVAL for what is no
 * database of results, EBUSY when another program writes to it.
 */
int db_open(
    const char *path, bool write, struct database *db, struct eph_err *err);
void db_close(struct database *db);

/* Find or add an input; *idp names it in this file. */
int db_input(struct database *db, const struct db_input *in, int64_t *idp,
    struct eph_err *err);

/* Keep the command that a study is repeated with. */
int db_command(struct database *db, const char *text, struct eph_err *err);

/* Is the cell there?  Negative: an error. */
int db_have(struct database *db, const char *cell, struct eph_err *err);

/*
 * Write one run: `line' is what result_flat() gave, `more' has the columns
 * that stand before it.
 */
int db_put(struct database *db, const struct record *more,
    const struct record *line, struct eph_err *err);

/*
 * Take over the runs of another file.  Returns 0 and sets *newp, or EEXIST
 * when a cell is in both and differs; then nothing is taken over.
 */
int db_merge(
    struct database *db, const char *path, size_t *newp, struct eph_err *err);

/* The rows of a query, as values.  `each' returns false to stop. */
int db_query(struct database *db, const char *sql,
    bool (*each)(void *arg, sqlite3_stmt *row), void *arg, struct eph_err *err);

/* A column of a row; texts live until the next row. */
struct value db_value(sqlite3_stmt *row, int column);

/* One number, 0 when there is none. */
int64_t db_number(struct database *db, const char *sql);

#endif /* !SIM_DATABASE_H */

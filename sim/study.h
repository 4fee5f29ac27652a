/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_STUDY_H
#define SIM_STUDY_H

/*
 * A study: inputs, and for each of them the cells, one run each, that the
 * lists of a command line multiply out to.
 *
 * Cells are numbered from 0 through all inputs, in the order of the lists,
 * the same in every process that has the same command line.
 */

#include "database.h"
#include "record.h"
#include "setup.h"

struct study_input {
	struct setup s;
	struct eph_trace *trace; /* NULL: a workload */
	struct eph_trace_meta meta;
	struct eph_oplist *ops; /* NULL: not decoded */
	struct point *points;
	size_t n;
	char *name;	 /* in the database; of a trace */
	size_t first;	 /* number of the first cell */
	char digest[17]; /* "" before study_decode() */
	int64_t id;	 /* in the database */
};

struct study {
	const struct opts *o;
	struct plugins plugins;
	struct study_input *input;
	size_t ninputs;
	size_t ncells;
};

/*
 * Open the inputs and make the cells.  Returns OPTIONS_OK, or OPTIONS_BAD
 * with a message printed; study_free() follows either.
 */
int study_open(struct study *st, const struct opts *o);
void study_free(struct study *st);

/* Read the trace into memory, once for all its cells, and its digest. */
int study_decode(struct study_input *in);
void study_forget(struct study_input *in);

/* What names a cell: everything its result depends on.  The caller frees. */
char *study_cell(const struct study_input *in, const struct point *p);

/*
 * Are runs with these clocks, or without any, those that the database has?
 * OPTIONS_OK, or OPTIONS_BAD with a message printed.
 */
int study_check_time(
    const char *command, struct database *db, const struct opts *o);

/* Run a cell; its result is in the point. */
void study_run(const struct study_input *in, struct point *p);

/* The columns of a result; `line' borrows from `all'. */
void study_result(const struct study_input *in, const struct point *p,
    const char *cell, struct record *all, struct record *more,
    struct record *line);

#endif /* !SIM_STUDY_H */

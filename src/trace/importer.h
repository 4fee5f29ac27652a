/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_IMPORTER_H
#define TRACE_IMPORTER_H

/*
 * The kit of the importers from inside (import_kit.c, import_told.c); what
 * they call stands in ephmap/sdk/importer.h.  An importer is one file, and one
 * row of the table in import.c, which alone knows them all.
 */

#include <stdlib.h>

#include "ephmap/sdk/importer.h"
#include "trace/idmap.h"
#include "trace/input.h"
#include "trace/names.h"
#include "trace/spread.h"

#define NS_PER_S  ((uint64_t)1000000000)
#define NS_PER_US ((uint64_t)1000)

#define IMPORT_REASONS 16

/* What an import will say of itself when it has ended (import_told.c). */
struct import_told {
	char found[512];
	char warnings[3072]; /* lines */
	struct {
		const char *why;
		uint64_t n;
		uint64_t first_line; /* 0: not lines */
	} left[IMPORT_REASONS];
	unsigned nleft;
};

struct eph_import_own {
	struct input *in;
	uint64_t back;	      /* times that the log's clock ran backwards */
	uint64_t back_line;   /* the first of them */
	uint64_t back_ns;     /* by that much at most */
	unsigned turn;	      /* EPH_FOLD_ROBIN */
	struct spread spread; /* of EPH_CPU_ROBIN and its like */
	struct idmap pids;    /* dense: their CPUs */
	struct names files;   /* paths or URLs */
	struct import_told told;
};

/* Leave out a request that deletes, which reaches no data. */
void eph__import_delete(struct eph_import *im);

/* Is this a word for that?  Capitals or not. */
bool eph__import_is_delete(const char *s, size_t n);

/* Say how often and how far the log's clock ran backwards. */
void eph__import_clock_tell(struct eph_import *im);

/* Write the statement into im->res; EINVAL when there is no reference. */
int eph__import_tell(struct eph_import *im);

#endif /* !TRACE_IMPORTER_H */

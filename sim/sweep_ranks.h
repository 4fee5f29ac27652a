/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_SWEEP_RANKS_H
#define SIM_SWEEP_RANKS_H

/*
 * A sweep as several processes of one job: `mpirun -np N ephmap sweep ...'.
 *
 * Each rank runs its part of the cells into a file of its own; rank 0 then
 * joins them, and is the only one that writes to the file that was asked
 * for.  Nothing is sent between ranks: the starter says who one is, and the
 * files say what is done, so a job that was killed goes on with the same
 * command.
 */

#include <stddef.h>
#include <stdint.h>

#include "ephmap/types.h"

struct ranks {
	uint64_t rank; /* from 0 */
	uint64_t size; /* 1: no such job */
};

/* From what Open MPI's, MPICH's and Slurm's starters set. */
void ranks_find(struct ranks *r);

/* "results.db" is "results.3of8.db" for part 3 of 8. */
void part_name(
    const char *path, uint64_t i, uint64_t n, char *buf, size_t size);

/*
 * Rank 0: wait until the parts have all `n' cells between them and the file
 * at `path', take them over, and remove the parts.  0, or an errno value
 * with `err' set.
 */
int ranks_join(const char *path, const struct ranks *r,
    const char *const *cells, size_t n, struct eph_err *err);

#endif /* !SIM_SWEEP_RANKS_H */

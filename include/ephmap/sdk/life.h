/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_LIFE_H
#define EPHMAP_SDK_LIFE_H

/*
 * Creating and destroying machines.  Many may live in one process; none of
 * them shares anything.
 */

#include "ephmap/types.h"

struct eph_machine;

struct eph_machine_config {
	const char *model;			   /* NULL: amd64-skylake */
	const struct eph_machine_model *own_model; /* in its place; or NULL */
	const char *tlb;			   /* NULL: the model's */
	unsigned ncpus;				   /* 1 to EPH_CPUS_MAX */
	enum eph_contents contents;
	uint64_t seed;
	bool heap;	     /* plain malloc instead of an arena of its own */
	size_t region_bytes; /* not 0: one region, for eph_machine_mark() */
	struct eph_machine *within; /* not NULL: in that machine's memory */
	uint32_t kva_pages;	    /* not 0: fewer than the model has */
};

/*
 * Create a machine in lockstep mode (src/exec changes the mode before
 * anything runs).  Returns 0 and sets *mcp, or leaves it alone and returns
 *	EINVAL	unknown model or TLB, or ncpus out of range; `err` says which
 *	ENOMEM	the host is out of memory
 */
int eph_machine_create(const struct eph_machine_config *cfg,
    struct eph_machine **mcp, struct eph_err *err);

/*
 * Destroy it.  NULL is accepted.  Everything that was allocated from the
 * machine must have been given back: returns the number of bytes that were
 * not (they are freed all the same).
 */
size_t eph_machine_destroy(struct eph_machine *mc);

/*
 * Remember the whole state of a machine that has a region, with everything
 * that was allocated from it, and bring it back.  eph_machine_mark() returns 0
 * or ENOMEM.
 */
int eph_machine_mark(struct eph_machine *mc);
void eph_machine_rewind(struct eph_machine *mc);

#endif /* !EPHMAP_SDK_LIFE_H */

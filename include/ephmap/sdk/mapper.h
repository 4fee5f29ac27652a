/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_MAPPER_H
#define EPHMAP_SDK_MAPPER_H

/*
 * How a kernel maps a page for a moment: one design on one machine, called
 * the way the design's own callers had to.
 *
 * The mapper passes only the flags that the design's interface has, wires
 * where the design unwires (S1 unwires the page once, with the last
 * reference), asks for the address where the design's validity class wants
 * that, and counts what is held.  Consumers are written against it and run
 * on every design.
 *
 * mbufs unmap by themselves: &mp->shim, with the mapper for its state, is the
 * design for them.
 *
 * `repaired` gives S1 its later form (DragonFly b4caac98df): every use
 * wires and unwires for itself, so no wire is left.
 */

#include "ephmap/sdk/design.h"
#include "ephmap/kernel/mutex.h"

struct eph_mapper {
	struct eph_machine *mc;
	const struct eph_design_ops *ops;
	void *state;
	struct eph_design_ops shim; /* the design, for mbuf_pool_set_design() */
	bool repaired;		    /* (c) */
	struct eph_mutex mtx;	    /* wire counts, where the design unwires */
	_Atomic(uint64_t) held;	    /* mappings handed out now */
	_Atomic(uint64_t) held_peak; /* most there ever were */
	uint64_t maps;		     /* lockstep: maps that succeeded */
	uint64_t bufs_sum;	     /* lockstep: buffers in use at each */
	_Atomic(uint64_t) sleeps;    /* times a map slept */
	_Atomic(uint64_t) spurious;  /* of these, for nothing */
	_Atomic(uint64_t) inside;    /* maps that have not returned */
	_Atomic(uint64_t) wires;     /* wired for the design, not undone */
};

/* One page mapped; the caller owns it until eph_mapper_unmap(). */
struct eph_mapped {
	struct eph_mapping map;
	struct vm_page *m;
	unsigned cpu; /* that mapped it */
};

void eph_mapper_init(struct eph_mapper *mp, struct eph_machine *mc,
    const struct eph_design_ops *ops, void *state);

/*
 * Map `m` on the current CPU.  Returns 0 and fills *out, or as the design's
 * map().  Where the caller is ready for a failure (SFB_CATCH, SFB_NOWAIT)
 * one may be made on purpose (EPH_FAULT_MAP), with EAGAIN.
 */
int eph_mapper_map(struct eph_mapper *mp, struct vm_page *m, unsigned flags,
    struct eph_mapped *out);

/* Unmap, on any CPU that the design lets do it. */
void eph_mapper_unmap(struct eph_mapper *mp, struct eph_mapped *mapped);

/*
 * A consumer's own wire on a page that it maps.  Not vm_page_wire(): what a
 * design does with a page's wires is seen by their number.
 */
void eph_mapper_page_wire(struct eph_mapper *mp, struct vm_page *m);
void eph_mapper_page_unwire(struct eph_mapper *mp, struct vm_page *m);

/*
 * Move `n` bytes between `buf` and offset `off` of the page, by a load or
 * store of the current CPU through the mapping; frames with stamps move a
 * stamp, where `off` is 0.  Returns 0, or ENOTSUP where the design does not
 * allow that here.
 */
int eph_mapper_read(struct eph_mapper *mp, const struct eph_mapped *mapped,
    size_t off, void *buf, size_t n);
int eph_mapper_write(struct eph_mapper *mp, const struct eph_mapped *mapped,
    size_t off, const void *buf, size_t n);

/*
 * The same at an address that one has from elsewhere, for page `m`: for
 * consumers that keep kernel addresses of their own.
 */
int eph_page_load(struct eph_machine *mc, eph_va_t va, const struct vm_page *m,
    size_t off, void *buf, size_t n);
int eph_page_store(struct eph_machine *mc, eph_va_t va, const struct vm_page *m,
    size_t off, const void *buf, size_t n);

/*
 * Of the wires made for the design, those that its last free will not undo,
 * when nothing is mapped any more: S1's leak.
 */
uint64_t eph_mapper_wires_leaked(const struct eph_mapper *mp);

#endif /* !EPHMAP_SDK_MAPPER_H */

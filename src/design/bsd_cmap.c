/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bsd.cmap: the windows CMAP1 and CMAP2, for a page that is copied or zeroed.
 *
 * What it does.  The entry, which must be 0, is stored with A and M set in
 * advance, and this CPU invalidates it; afterwards 0 is stored, and nothing is
 * invalidated.
 *
 * Idea.  One user at a time, who invalidates when he comes and not when he
 * goes: the oldest mapping of a moment in these kernels.  (The 80386 has no
 * invlpg, so that there each use is a full flush.)
 *
 * Invariant: a window that is not in use has no entry.
 *
 *	case			L	R	F	IPI	stores
 *	map			1	0	0	0	1
 *	unmap			0	0	0	0	1
 *
 * Copying uses both windows, zeroing one: here a mapping is one window, and a
 * second one that is mapped before the first is unmapped is the other.
 *
 * Quirks kept.  A window that is busy is a panic: a third mapping is refused.
 * The first kernels have one pair, and run on one CPU; with SMP FreeBSD 3 and
 * 4 give every CPU its own in its private pages.  In a machine of one CPU
 * that is the same.
 *
 * Locking.  None in the kernels, as no thread can run: a critical section.
 *
 * 386BSD 0.1 (1992) to FreeBSD 4 (2000), sys/i386/i386/pmap.c.
 */

#include "design/windows.h"

static int
bsd_cmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	static const struct windows_kind kind = { "CMAP window", 2u,
		WINDOWS_PRESET | WINDOWS_CLEAR };

	(void)cfg;
	return (eph__windows_create(mc, &kind, statep, err));
}

const struct eph_design_ops eph__bsd_cmap_ops = {
	.abi = EPHMAP_ABI,
	.name = "bsd.cmap",
	.summary = "two windows per CPU, for copying and zeroing a page",
	.origin = "386BSD, FreeBSD to 4; Jolitz, Greenman, Dyson",
	.date = "1992",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = 0,
	.nest = 2u,
	.create = bsd_cmap_create,
	.destroy = eph__windows_destroy,
	.map = eph__windows_map,
	.unmap = eph__windows_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = eph__windows_check,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * freebsd.cmap.sysmaps: the windows of bsd.cmap, a pair for each CPU, whose
 * user is pinned.
 *
 * What it does.  The thread is pinned and takes the pair of its CPU.  The
 * entry, which must be 0, is stored with A and M set in advance and
 * invalidated on this CPU; afterwards 0 is stored.
 *
 * Idea.  freebsd.cmap.switchin had one pair for all CPUs, and let its user
 * move; pinned users of their own pairs need no hook in the scheduler and do
 * not wait for each other.
 *
 * Invariant: a window that is not in use has no entry; a CPU holds translations
 * of its own windows only.
 *
 *	case			L	R	F	IPI	stores
 *	map			1	0	0	0	1
 *	unmap			0	0	0	0	1
 *
 * Quirks kept.  A window that is busy is a panic: a third mapping is refused.
 *
 * Locking.  A mutex in each pair, and the pinning: here a critical section
 * from map to unmap, which is both.
 *
 * FreeBSD i386 pmap.c, sysmaps_pcpu, 2004 to 2015; since then in the per-CPU
 * data (pc_cmap_*).
 */

#include "design/windows.h"

static int
freebsd_cmap_sysmaps_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	static const struct windows_kind kind = { "sysmaps window", 2u,
		WINDOWS_PRESET | WINDOWS_CLEAR };

	(void)cfg;
	return (eph__windows_create(mc, &kind, statep, err));
}

const struct eph_design_ops eph__freebsd_cmap_sysmaps_ops = {
	.abi = EPHMAP_ABI,
	.name = "freebsd.cmap.sysmaps",
	.summary = "the same windows, a locked pair for each CPU",
	.origin = "FreeBSD i386 pmap.c, Cox",
	.date = "2004",
	.from = "freebsd.cmap.switchin",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = 0,
	.nest = 2u,
	.create = freebsd_cmap_sysmaps_create,
	.destroy = eph__windows_destroy,
	.map = eph__windows_map,
	.unmap = eph__windows_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = eph__windows_check,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * solaris.caddr: two windows per CPU, of which the entry is never removed.
 *
 * What it does.  With preemption off, the entry of the window is stored anew
 * and the CPU invalidates it.  When the page has been copied or zeroed nothing
 * happens: the window maps it until its next use.
 *
 * Idea.  Who invalidates when he comes need not clear when he goes.
 *
 * Invariant: a CPU holds translations of its own windows only, and each is
 * the one it stored there last.
 *
 *	case			L	R	F	IPI	stores
 *	map			1	0	0	0	1
 *	unmap			0	0	0	0	0
 *
 * Quirks kept.  There are two windows: a third mapping is refused.  Where the
 * kernel has a direct map (kpm) it is used instead: `dmap`.
 *
 * Locking.  kpreempt_disable() and the mutex of the CPU (cpu_ppaddr_mutex):
 * here a critical section from map to unmap.
 *
 * Solaris and illumos, uts/i86pc/vm/vm_machdep.c (ppcopy, pagezero) and
 * hat_i86.c (hat_mempte_remap); Sun, 1990s.
 */

#include "design/windows.h"

static int
solaris_caddr_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err)
{
	static const struct windows_kind kind = { "caddr window", 2u, 0 };

	(void)cfg;
	return (eph__windows_create(mc, &kind, statep, err));
}

const struct eph_design_ops eph__solaris_caddr_ops = {
	.abi = EPHMAP_ABI,
	.name = "solaris.caddr",
	.summary = "two windows per CPU, left as they are",
	.origin = "Solaris i86pc ppcopy and pagezero, Sun",
	.date = "1990s",
	.costs = "L 1 a map",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_THIS_CPU,
	.flags = 0,
	.nest = 2u,
	.create = solaris_caddr_create,
	.destroy = eph__windows_destroy,
	.map = eph__windows_map,
	.unmap = eph__windows_unmap,
	.kva = eph__percpu_slots_kva,
	.page = eph__percpu_slots_page,
	.check = eph__windows_check,
};

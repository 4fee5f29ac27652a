/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Broadcast: the hardware tells the other CPUs, and none is interrupted.
 *
 * The entries are stored, one instruction for each page invalidates it on
 * this CPU and all others, and one more waits until that has happened
 * everywhere (Arm: TLBI ...IS and DSB ISH; AMD: INVLPGB and TLBSYNC).
 *
 * Invariant: when the request returns, no CPU uses the old entry.
 *
 *	n pages, k targets	L n	R 0	IPI 0
 *	full flush, k targets		F 0	IPI 0
 *
 * How it is counted.  An instruction that broadcasts is one invlpg_local,
 * even if the request leaves this CPU out, because this CPU executes it and
 * no other executes anything: no invlpg_remote, no flush_remote, no
 * interrupt, and nothing on the targets that a profile could charge.  A
 * full flush of the others is one flush_local for the same reason, and
 * takes this CPU's translations too.  The wait is not counted.
 *
 * The instruction reaches every CPU, whatever `targets` says: a mask of
 * CPUs saves nothing here.
 *
 * Armv7 (2007) and later; AMD Zen 3 (2020), Linux 6.15.
 */

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "shootdown/protocol.h"

static void
broadcast_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	eph_shoot_store(mc, req);
	for (unsigned k = 0; k < req->npages; k++)
		pmap_invlpg(mc, req->va + eph_ptoa(k));
	eph__shootdown_broadcast_pages(mc, req->va, req->npages, false);
}

static void
broadcast_flush(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	all = all || mc->pgeflag != 0;
	(void)targets;
	(void)va;
	(void)npages;
	pmap_flush_local(mc, all);
	eph__shootdown_broadcast_pages(mc, 0, 0, all);
}

const struct eph_shootdown_ops eph__shootdown_broadcast = {
	.abi = EPHMAP_ABI,
	.name = "broadcast",
	.summary = "the hardware invalidates everywhere, no interrupts",
	.origin = "Arm TLBI IS, 2007; AMD INVLPGB, 2020",
	.hardware = true,
	.acked = true,
	.shoot = broadcast_shoot,
	.flush = broadcast_flush,
};

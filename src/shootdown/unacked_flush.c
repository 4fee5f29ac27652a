/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Un-acknowledged full flush: DragonFly's smp_invltlb().
 *
 * The entries are stored, this CPU executes invlpg for each, and one
 * interrupt tells all others to reload CR3.  The initiator goes on at once.
 *
 * Invariant: none until the interrupt lands.  A target that has not taken
 * it yet may still use the old entry: that is the known hole of every
 * design that relies on it.
 *
 *	n pages, k targets	L n	F k	IPI k
 *
 * It works because the SMP kernels set no G bit (pgeflag 0).  Where the
 * kernel does set it, a CR3 reload would keep the entries, so the flush
 * takes global ones too.
 *
 * DragonFly i386 pmap_qenter(), 2003 to 2010.
 */

#include "ephmap/sdk/shootdown.h"
#include "ephmap/sdk/exec.h"
#include "shootdown/protocol.h"

static void
unacked_flush(struct eph_machine *mc, const eph_cpuword_t *targets, eph_va_t va,
    unsigned npages, bool all)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_FLUSH,
		.all = all || mc->pgeflag != 0,
		.va = va,
		.npages = npages,
	};

	eph_ipi(mc, targets, &ipi, false);
}

static void
unacked_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	shoot_store_local(mc, req);
	unacked_flush(mc, req->targets, req->va, req->npages, false);
}

const struct eph_shootdown_ops eph__shootdown_unacked_flush = {
	.abi = EPHMAP_ABI,
	.name = "unacked-flush",
	.summary = "a full flush on every target, the initiator does not wait",
	.origin = "DragonFly smp_invltlb, 2003",
	.acked = false,
	.shoot = unacked_shoot,
	.flush = unacked_flush,
};

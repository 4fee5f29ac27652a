/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Broadcast: the hardware tells the other CPUs, and nobody is interrupted.
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
#include "machine/access.h"
#include "shootdown/protocol.h"

struct broadcast {
	eph_va_t va;
	unsigned npages; /* 0: everything */
	bool all;	 /* everything: global entries too */
};

/* On the target, where nothing is executed: forget, and count nothing. */
static void
broadcast_reach(struct eph_machine *mc, void *arg)
{
	const struct broadcast *bc = arg;
	struct eph_cpu *me = eph_curcpu(mc);
	const uint64_t needless = me->c.needless_invlpg;

	if (bc->npages == 0)
		eph__cpu_flush(me, bc->all);
	for (unsigned k = 0; k < bc->npages; k++)
		(void)eph__cpu_invlpg(me, bc->va + eph_ptoa(k));
	me->c.needless_invlpg = needless;
}

/*
 * The executor's interrupt is only the vehicle, because a CPU's TLB is its
 * own; what it counted is taken back.
 */
static void
broadcast_send(struct eph_machine *mc, struct broadcast *bc)
{
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.fn = broadcast_reach,
		.arg = bc,
	};
	struct eph_cpu *me = eph_curcpu(mc);

	eph_cpuset_copy(others, mc->allcpus, mc->cpuwords);
	eph_cpuset_clear(others, me->id);
	eph_ipi(mc, others, &ipi, true);
	eph_curcpu(mc)->c.ipi_sent -= eph_cpuset_count(others, mc->cpuwords);
}

static void
broadcast_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct broadcast bc = { .va = req->va, .npages = req->npages };

	eph_shoot_store(mc, req);
	for (unsigned k = 0; k < req->npages; k++)
		pmap_invlpg(mc, req->va + eph_ptoa(k));
	broadcast_send(mc, &bc);
}

static void
broadcast_flush(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	struct broadcast bc = { .all = all || mc->pgeflag != 0 };

	(void)targets;
	(void)va;
	(void)npages;
	pmap_flush_local(mc, bc.all);
	broadcast_send(mc, &bc);
}

const struct eph_shootdown_ops eph__shootdown_broadcast = {
	.name = "broadcast",
	.summary = "the hardware invalidates everywhere, no interrupts",
	.origin = "Arm TLBI IS, 2007; AMD INVLPGB, 2020",
	.hardware = true,
	.acked = true,
	.shoot = broadcast_shoot,
	.flush = broadcast_flush,
};

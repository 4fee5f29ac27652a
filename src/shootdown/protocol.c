/* SPDX-License-Identifier: BSD-2-Clause */

/* See protocol.h. */

#include "shootdown/protocol.h"

#include <errno.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "machine/access.h"

void
eph__shootdown_invlpg(
    struct eph_machine *mc, const struct eph_shoot *req, bool wait)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_INVLPG,
		.va = req->va,
		.npages = req->npages,
	};

	eph_ipi(mc, req->targets, &ipi, wait);
}

void
eph__shootdown_flush_acked(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_FLUSH,
		.all = all,
		.va = va,
		.npages = npages,
	};

	eph_ipi(mc, targets, &ipi, true);
}

void
eph__shootdown_local_range(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->npages <= SHOOT_CEILING)
		eph_shoot_local(mc, req);
	else if (req->local)
		pmap_flush_local(mc, mc->pgeflag != 0);
}

void
eph__shootdown_range_acked(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->npages <= SHOOT_CEILING)
		eph__shootdown_invlpg(mc, req, true);
	else
		eph__shootdown_flush_acked(
		    mc, req->targets, req->va, req->npages, mc->pgeflag != 0);
}

void
eph__shootdown_local_or_flush(
    struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->npages == 1)
		eph_shoot_local(mc, req);
	else if (req->local)
		pmap_flush_local(mc, mc->pgeflag != 0);
}

void
eph__shootdown_invlpg_here(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	struct eph_cpu *me = eph_curcpu(mc);

	for (unsigned k = 0; k < npages; k++) {
		me->c.invlpg_remote++;
		(void)eph__cpu_invlpg(me, va + eph_ptoa(k));
		EPH_EVENT(
		    mc, EPH_EV_INVLPG, me->id, va + eph_ptoa(k), 0, 0, NULL);
	}
}

void
eph__shootdown_flush_here(struct eph_machine *mc, eph_va_t va, bool all)
{
	struct eph_cpu *me = eph_curcpu(mc);

	me->c.flush_remote++;
	eph__cpu_flush(me, all);
	EPH_EVENT(mc, EPH_EV_FLUSH, me->id, va, 0, all, NULL);
}

void
eph__shootdown_range_here(struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	if (npages > SHOOT_CEILING)
		eph__shootdown_flush_here(mc, va, mc->pgeflag != 0);
	else
		eph__shootdown_invlpg_here(mc, va, npages);
}

void
eph__shootdown_handle(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->npages == 1)
		eph__shootdown_invlpg_here(mc, req->va, 1);
	else
		eph__shootdown_flush_here(mc, req->va, mc->pgeflag != 0);
}

bool
eph__shootdown_holds(struct eph_machine *mc, _Atomic(uint32_t) *lock)
{
	/* Relaxed: ours, if it is us. */
	return (eph_load_32(mc, lock, memory_order_relaxed) ==
	    eph_curcpu(mc)->id + 1);
}

void
eph__shootdown_lock(struct eph_machine *mc, _Atomic(uint32_t) *lock)
{
	crit_enter(mc);
	/* Acquire pairs with the release in eph__shootdown_unlock. */
	while (!eph_cas_32(
	    mc, lock, 0, eph_curcpu(mc)->id + 1, memory_order_acquire))
		mc->exec->spin(mc);
}

void
eph__shootdown_unlock(struct eph_machine *mc, _Atomic(uint32_t) *lock)
{
	eph_store_32(mc, lock, 0, memory_order_release);
	crit_exit(mc);
}

_Atomic(uint32_t) *
eph__shootdown_owed(struct eph_machine *mc, eph_va_t va)
{
	const uint32_t i = machine_va_index(mc, va);

	KASSERT((mc->shootflags & EPH_SHOOT_SETTLE) != 0,
	    "notes by address are for protocols that settle");
	return (&machine_ptp(mc, eph_curcpu(mc), i)->owed[i & EPH_PTP_MASK]);
}

void
eph__shootdown_owed_set(
    struct eph_machine *mc, eph_va_t va, unsigned npages, uint32_t what)
{
	for (unsigned k = 0; k < npages; k++) {
		_Atomic(uint32_t) *owed =
		    eph__shootdown_owed(mc, va + eph_ptoa(k));

		/* Release: what made it so has happened. */
		eph_store_32(mc, owed, what, memory_order_release);
	}
}

bool
eph__shootdown_removes(
    const struct eph_machine *mc, const struct eph_shoot *req)
{
	return (req->zero && req->local &&
	    eph_cpuset_count(req->targets, mc->cpuwords) == mc->ncpus - 1);
}

void
eph__shootdown_enter(struct eph_machine *mc, const struct eph_shoot *req)
{
	bool gone = req->ptes != NULL;

	for (unsigned k = 0; k < req->npages && gone; k++) {
		_Atomic(uint32_t) *owed =
		    eph__shootdown_owed(mc, req->va + eph_ptoa(k));

		/* Relaxed: to store is to settle, which looks properly. */
		gone =
		    eph_load_32(mc, owed, memory_order_relaxed) != OWED_UNKNOWN;
	}
	eph_shoot_store(mc, req);
	if (gone)
		return;
	eph_shoot_local(mc, req);
	eph__shootdown_invlpg(mc, req, true);
}

int
eph__shootdown_marks(struct eph_machine *mc, void **statep)
{
	*statep = eph_machine_alloc(mc, mc->ncpus * sizeof(shootdown_mark));
	return (*statep != NULL ? 0 : ENOMEM);
}

void
eph__shootdown_no_marks(struct eph_machine *mc, void *state)
{
	eph_machine_free(mc, state, mc->ncpus * sizeof(shootdown_mark));
}

bool
eph__shootdown_leave_mark(
    struct eph_machine *mc, shootdown_mark *mark, unsigned t)
{
	_Atomic(uint32_t) *idle = &mc->cpus[t]->idle;

	/* Relaxed: looked at again below. */
	if (eph_load_32(mc, idle, memory_order_relaxed) == 0)
		return (false);
	eph_store_32(mc, &mark[t], 1, memory_order_seq_cst);
	return (eph_load_32(mc, idle, memory_order_seq_cst) != 0);
}

bool
eph__shootdown_take_mark(struct eph_machine *mc, shootdown_mark *mark)
{
	return (eph_swap_32(mc, &mark[eph_curcpu(mc)->id], 0,
		    memory_order_seq_cst) != 0);
}

void
eph__shootdown_hardware(struct eph_machine *mc, const eph_cpuword_t *targets,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL,
		.hardware = true,
		.fn = fn,
		.arg = arg,
	};

	eph_ipi(mc, targets, &ipi, true);
	eph_curcpu(mc)->c.ipi_sent -= eph_cpuset_count(targets, mc->cpuwords);
}

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

	if (bc->npages == 0) {
		eph__cpu_flush(me, bc->all);
		EPH_EVENT(mc, EPH_EV_FLUSH, me->id, 0, 1, bc->all, NULL);
	}
	for (unsigned k = 0; k < bc->npages; k++) {
		(void)eph__cpu_invlpg(me, bc->va + eph_ptoa(k));
		EPH_EVENT(mc, EPH_EV_INVLPG, me->id, bc->va + eph_ptoa(k), 1, 0,
		    NULL);
	}
	me->c.needless_invlpg = needless;
}

void
eph__shootdown_broadcast_pages(
    struct eph_machine *mc, eph_va_t va, unsigned npages, bool all)
{
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	struct broadcast bc = { va, npages, all };

	eph_cpuset_copy(others, mc->allcpus, mc->cpuwords);
	eph_cpuset_clear(others, eph_curcpu(mc)->id);
	eph__shootdown_hardware(mc, others, broadcast_reach, &bc);
}

void
eph__shootdown_needless(struct eph_machine *mc, struct eph_cpu *from)
{
	if (eph_serial(mc))
		from->c.needless_ipi++;
}

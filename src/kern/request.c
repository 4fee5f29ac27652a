/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Requests to the machine's protocol and executor.  Everybody comes through
 * here, so that what the headers ask of the caller is looked at once.
 */

#include "base/kassert.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"

static bool
request_in_space(const struct eph_machine *mc, eph_va_t va, unsigned npages)
{
	return (va >= mc->kva_base && npages <= mc->kva_pages &&
	    eph_atop(va - mc->kva_base) <= mc->kva_pages - npages);
}

static bool
request_spares_me(struct eph_machine *mc, const eph_cpuword_t *targets)
{
	return (!eph_cpuset_isset(targets, eph_curcpu(mc)->id));
}

void
eph_shoot(struct eph_machine *mc, const struct eph_shoot *req)
{
	KASSERT(mc->shootdown != NULL,
	    "sdk/shootdown.h: a protocol is set before the first request");
	KASSERT(req->npages > 0 && request_in_space(mc, req->va, req->npages),
	    "sdk/shootdown.h: the pages lie in the mapping space");
	KASSERT(req->ptes == NULL || !req->zero,
	    "sdk/shootdown.h: either new entries or zeroes");
	KASSERT(request_spares_me(mc, req->targets),
	    "sdk/shootdown.h: the caller is never a target");
	mc->shootdown->shoot(mc, req);
}

void
eph_shoot_flush(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	KASSERT(mc->shootdown != NULL,
	    "sdk/shootdown.h: a protocol is set before the first request");
	KASSERT(request_spares_me(mc, targets),
	    "sdk/shootdown.h: the caller is never a target");
	mc->shootdown->flush(mc, targets, va, npages, all);
}

void
eph_shoot_settle(struct eph_machine *mc, eph_va_t va)
{
	KASSERT((mc->shootflags & EPH_SHOOT_SETTLE) != 0,
	    "sdk/shootdown.h: settle() is for protocols that asked for it");
	KASSERT(request_in_space(mc, va, 1),
	    "sdk/shootdown.h: the page lies in the mapping space");
	mc->shootdown->settle(mc, va);
}

void
eph_shoot_changed(struct eph_machine *mc, eph_va_t va)
{
	KASSERT((mc->shootflags & EPH_SHOOT_CHANGES) != 0,
	    "sdk/shootdown.h: changed() is for protocols that asked for it");
	mc->shootdown->changed(mc, va);
}

void
eph_shoot_catch_up(struct eph_machine *mc)
{
	KASSERT(eph_curcpu(mc)->crit > 0,
	    "sdk/shootdown.h: catch_up() runs in a critical section");
	if (mc->shootdown->catch_up != NULL)
		mc->shootdown->catch_up(mc);
}

void
eph_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	KASSERT(request_spares_me(mc, targets),
	    "sdk/exec.h: a CPU does not interrupt itself");
	KASSERT(ipi->kind != EPH_IPI_INVLPG || ipi->npages > 0,
	    "sdk/exec.h: an invalidation is of one page or more");
	KASSERT(ipi->kind != EPH_IPI_CALL || ipi->fn != NULL,
	    "sdk/exec.h: a call has a function");
	mc->exec->ipi(mc, targets, ipi, wait);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_REPLAY_REF_H
#define WORKLOAD_REPLAY_REF_H

/* A p line, from its beginning to its end. */

#include "ephmap/sdk/design.h"
#include "exec/clock_state.h"
#include "workload/replay_impl.h"

/* Buffers in use, over time or lines. */
static inline void
replay_sample(struct replay *rp)
{
	if (rp->sample)
		rp->buffers_sampled += rp->mc->bufs.now;
}

/* What is known beforehand of many p lines in a row. */
enum replay_how {
	REPLAY_ANY,
	REPLAY_SWIFT, /* nobody has a clock, holds, or asks for the address */
	REPLAY_TIMED, /* everybody has a clock, else the same */
};

/* `how` is constant; *mp is set where the design gave a mapping. */
EPH_INLINE int
replay_ref(struct replay *rp, const struct eph_op *op, enum replay_how how,
    struct eph_mapping *mp)
{
	struct eph_machine *mc = rp->mc;
	const unsigned cpu = op->cpu;
	struct vm_page *m;
	uint64_t since = 0;
	uint32_t reached;
	int error;

	cpu_enter_inline(mc, cpu);
	if (eph_unlikely((m = replay_page(rp, op->page)) == NULL))
		return (rp->error);
	rp->res->references++;
	if (eph_unlikely(rp->wires))
		vm_page_wire(mc, m);
	if (how != REPLAY_SWIFT)
		since = how == REPLAY_TIMED ? clock_now(mc) : eph_clock_now(mc);
	error = rp->ops->map(rp->state, m, rp->ref_flags, mp);
	if (eph_unlikely(error != 0)) {
		if (error != EAGAIN && error != EINTR)
			return (eph__replay_refused(rp, error));
		if (rp->wires)
			vm_page_unwire(mc, m);
		return (0);
	}
	if (how == REPLAY_TIMED)
		clock_mapped(mc, since);
	else if (how == REPLAY_ANY)
		eph_clock_mapped(mc, since);
	if (rp->touch != EPH_TOUCH_NONE) {
		if (how == REPLAY_ANY && eph_unlikely(rp->ask_first) &&
		    (mp->va = rp->ops->kva(rp->state, mp->obj)) == 0)
			return (eph__replay_refused(rp, ENOTSUP));
		error =
		    machine_access_inline(mc, mp->va, rp->touch, m, &reached);
		if (eph_unlikely(error != 0))
			return (eph__replay_refused(rp, error));
	}
	replay_sample(rp);
	if (how == REPLAY_ANY && eph_unlikely(rp->holds))
		return (eph__replay_hold(rp, mp->obj, cpu));
	if (how != REPLAY_SWIFT)
		since = how == REPLAY_TIMED ? clock_now(mc) : eph_clock_now(mc);
	error = rp->ops->unmap(rp->state, mp->obj);
	if (how == REPLAY_TIMED)
		clock_unmapped(mc, since);
	else if (how == REPLAY_ANY)
		eph_clock_unmapped(mc, since);
	return (eph_likely(error == 0) ? 0 : eph__replay_refused(rp, error));
}

#endif /* !WORKLOAD_REPLAY_REF_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How long p lines are held, and what a replay does between two lines, by the
 * references that were asked for: holds that end, the end of the warm-up,
 * samples.  The least number at which something is due is rp->mark, which is
 * all that a line looks at.
 */

#include "ephmap/sdk/design.h"
#include "workload/replay_impl.h"

/* What is counted from here on; violations are of the whole trace. */
static void
marks_warm(struct replay *rp)
{
	struct replay_marks *mk = &rp->marks;

	eph_machine_counters(rp->mc, &mk->before);
	mk->references = rp->res->references;
	mk->lines = rp->res->lines;
	mk->clock_ns = rp->mc->clock_ns;
	mk->ipiq_kick = rp->mc->ipiq_kick;
	mk->warm_at = UINT64_MAX;
	rp->buffers_sum = 0;
	rp->buffers_sampled = 0;
	rp->mc->bufs.peak = rp->mc->bufs.now;
}

static void
marks_sample(struct replay *rp)
{
	struct eph_counters c;
	struct eph_run_sample s = { .references = rp->res->references,
		.ns = rp->mc->clock_ns,
		.counters = &c };

	if (rp->cfg->sample == NULL)
		return;
	eph_machine_counters(rp->mc, &c);
	rp->cfg->sample(rp->cfg->sample_arg, &s);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return (a < b ? a : b);
}

/* A p line's mapping ends: an unmap by timer, or by a mark. */
static void
ref_unmap(struct eph_machine *mc, void *arg)
{
	struct held_ref *hr = arg;
	struct replay *rp = hr->rp;
	uint64_t since;
	int error;

	replay_integrate(rp);
	since = eph_clock_now(mc);
	error = rp->ops->unmap(rp->state, hr->obj);
	eph_clock_unmapped(mc, since);
	if (error != 0)
		(void)eph__replay_refused(rp, error);
	hr->next = rp->held_free;
	rp->held_free = hr;
	rp->nheld--;
}

/* Unmap what was held for as many references as were asked for. */
static int
marks_release(struct replay *rp)
{
	while (rp->held_first != NULL &&
	    rp->held_first->due <= rp->res->references) {
		struct held_ref *hr = rp->held_first;

		if ((rp->held_first = hr->next) == NULL)
			rp->held_end = &rp->held_first;
		cpu_enter_inline(rp->mc, hr->cpu);
		ref_unmap(rp->mc, hr);
		if (rp->error != 0)
			return (rp->error);
	}
	return (0);
}

void
eph__replay_marks_init(struct replay *rp)
{
	const struct eph_run_config *cfg = rp->cfg;

	rp->marks.warm_at = cfg->warmup != 0 ? cfg->warmup : UINT64_MAX;
	rp->marks.sample_at = cfg->sample != NULL ? cfg->warmup : UINT64_MAX;
	rp->mark = least(rp->marks.warm_at, rp->marks.sample_at);
}

int
eph__replay_marks(struct replay *rp)
{
	struct replay_marks *mk = &rp->marks;
	int error;

	if (mk->sample_at <= rp->res->references) {
		marks_sample(rp);
		mk->sample_at += rp->cfg->interval;
	}
	if (mk->warm_at <= rp->res->references)
		marks_warm(rp);
	error = marks_release(rp);
	rp->mark = least(mk->warm_at, mk->sample_at);
	if (rp->held_first != NULL)
		rp->mark = least(rp->mark, rp->held_first->due);
	return (error);
}

/* For references: in order, since one that is mapped later is due later. */
static void
hold_refs(struct replay *rp, struct held_ref *hr, unsigned cpu)
{
	hr->due = rp->res->references + rp->cfg->hold_refs;
	hr->cpu = cpu;
	hr->next = NULL;
	*rp->held_end = hr;
	rp->held_end = &hr->next;
	rp->mark = least(rp->mark, hr->due);
}

int
eph__replay_hold(struct replay *rp, void *obj, unsigned cpu)
{
	struct held_ref *hr = rp->held_free;

	if (hr != NULL)
		rp->held_free = hr->next;
	else
		hr = eph_machine_alloc(rp->mc, sizeof(*hr));
	if (hr == NULL)
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	hr->rp = rp;
	hr->obj = obj;
	rp->nheld++;
	if (rp->cfg->hold_refs != 0)
		hold_refs(rp, hr, cpu);
	else if (rp->mc->exec->timer(rp->mc,
		     rp->mc->clock_ns + rp->cfg->hold_ns, cpu, ref_unmap,
		     hr) != 0)
		return (eph__replay_fail(rp, ENOMEM, "out of memory"));
	return (0);
}

void
eph__replay_marks_result(struct replay *rp)
{
	const struct replay_marks *mk = &rp->marks;
	struct eph_run_result *res = rp->res;
	const struct eph_counters all = res->counters;

	marks_sample(rp);
	eph_counters_sub(&res->counters, &all, &mk->before);
	res->references -= mk->references;
	res->lines -= mk->lines;
	res->ipiq_kick -= mk->ipiq_kick;
}

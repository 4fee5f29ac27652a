/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Claims about waiting for a buffer.
 *
 * wakeup_one and wakeup are compared in one design, so that nothing else
 * can differ: sf_buf.hash as shipped, and the same with a broadcast at every
 * free that leaves a buffer unused.
 */

#include <inttypes.h>
#include <stdio.h>

#include "analysis/claims_impl.h"
#include "design/sf_pool.h"
#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"

extern const struct eph_design_ops eph__sf_buf_hash_ops;

static int
broadcast_unmap(void *state, void *obj)
{
	struct sf_pool *sp = state;
	struct eph_machine *mc = sp->mc;
	const uint64_t before = mc->bufs.now;
	const int error = eph__sf_buf_hash_ops.unmap(state, obj);

	/* One was woken as shipped; the others follow. */
	if (mc->bufs.now < before && sp->alloc_want > 0)
		wakeup(mc, &sp->alloc_want);
	return (error);
}

static void
compare_wakeups(struct eph_claim_run *r, uint64_t *spurious, double *cycles)
{
	const struct claim_sendfile sf = { "full-pool", CLAIM_OWN, 64, 64, 16,
		eph__claim_scaled(r, 8, 2), 100000, 2000000, 4, true, false };
	struct eph_design_ops all = eph__sf_buf_hash_ops;
	struct eph_run_result res[2];
	struct claim_stream s;

	all.name = "sf_buf.hash, wakeup";
	all.unmap = broadcast_unmap;
	eph__claim_sendfile(r, &sf, &s);
	(void)eph__claim_replay(r, &s, "sf_buf.hash", 4, 256, &res[0]);
	(void)eph__claim_replay_ops(r, &s, &all, 4, 256, &res[1]);
	eph__claim_step(r,
	    "ephmap run --design sf_buf.hash --cpus 4 --nbufs 256 "
	    "full-pool.ept");
	eph__claim_step(
	    r, "the same with wakeup() for wakeup_one() in sf_buf_free()");
	for (unsigned i = 0; i < 2; i++) {
		const char *who = i == 0 ? "wakeup_one" : "broadcast";

		spurious[i] = res[i].counters.wakeup_spurious;
		cycles[i] = (double)res[i].counters.cycles;
		eph__claim_fact(r, (double)res[i].counters.wakeup, "wakeups",
		    "%s: sleepers made runnable", who);
		eph__claim_fact(
		    r, (double)spurious[i], "wakeups", "%s: spurious", who);
		eph__claim_fact(r, (double)res[i].counters.sleep, "sleeps",
		    "%s: sleeps", who);
		eph__claim_fact(r, cycles[i], "cycles", "%s: all events", who);
	}
	eph__claim_stream_free(&s);
}

static void
decide_cost(struct eph_claim_run *r)
{
	uint64_t spurious[2];
	double cycles[2];
	struct eph_claim_part *p;

	compare_wakeups(r, spurious, cycles);
	p = eph__claim_part(r, "wakeup_one spares spurious wakeups");
	p->verdict = eph__claim_cases(
	    spurious[1] > 0, spurious[0] == 0 && cycles[0] < cycles[1], 1);
	SAY(p->measured,
	    "spurious wakeups %" PRIu64 " against %" PRIu64
	    " with broadcast, which costs %.1f times the cycles",
	    spurious[0], spurious[1],
	    cycles[0] > 0 ? cycles[1] / cycles[0] : 0);
	SAY(p->why,
	    "64 senders on a pool too small for them. A free makes one buffer "
	    "available; broadcast wakes every sleeper, of whom one gets it "
	    "and the others sleep again, at the price of a switch each.");
}

/* Is it as safe?  Looked for in every design that shipped it. */
static void
decide_safety(struct eph_claim_run *r)
{
	static const char *const names[] = { "lost-wakeup-hash",
		"lost-wakeup-lru", "lost-wakeup-cpumask",
		"lost-wakeup-accessed", NULL };
	struct eph_claim_part *p = eph__claim_part(r, "and loses none");
	unsigned lost = 0, clean = 0, of = 0;

	for (; names[of] != NULL && r->error == 0; of++) {
		const struct eph_bug *bug = eph_bug_find(names[of]);
		struct eph_explore_result x;

		for (unsigned repaired = 0; repaired < 2; repaired++) {
			eph__claim_error(r,
			    eph_bug_search(bug, repaired != 0, 2000, r->seed, 0,
				&x, r->err));
			if (r->error != 0)
				return;
			if (repaired == 0)
				lost += x.failure == EPH_FAIL_LOST_WAKEUP;
			else
				clean += x.failure == EPH_FAIL_NONE;
			eph__claim_fact(r, (double)x.schedules, "schedules",
			    "%s%s: %s", bug->name,
			    repaired != 0 ? ", repaired" : "",
			    x.failure == EPH_FAIL_NONE
				? "nothing found"
				: eph_failure_name(x.failure));
			eph_explore_free(&x);
		}
		eph__claim_step(r, "ephmap explore --bug %s", names[of]);
		eph__claim_step(
		    r, "ephmap explore --bug %s --repaired", names[of]);
	}
	p->verdict = clean < of ? EPH_CANNOT_TELL
				: eph__claim_cases(true, of - lost, of);
	if (lost == of && clean == of)
		p->verdict = EPH_HOLDS_IF;
	SAY(p->condition,
	    "no sleeper can be interrupted, or an interrupted "
	    "one passes its wakeup on");
	SAY(p->measured,
	    "lost wakeup found in %u of %u designs that shipped it, %u of %u "
	    "clean once the wakeup is passed on",
	    lost, of, clean, of);
	SAY(p->why,
	    "Exploration: wakeup_one may choose a sleeper that is on its way "
	    "out with a signal; the buffer is free and the next sleeper is "
	    "not told. FreeBSD went back to wakeup() for that.");
}

static void
measure_wakeup(struct eph_claim_run *r)
{
	decide_cost(r);
	decide_safety(r);
}

const struct eph_claim eph__claim_wakeup = {
	.number = 4,
	.name = "wakeup-one",
	.group = "wakeup",
	.title = "wakeup_one is better than waking everybody",
	.text = "A free makes one buffer available, so one sleeper is woken, "
		"and no thundering herd.",
	.origin = "Cox, FreeBSD i386 vm_machdep.c 1.220",
	.date = "2003-12-07",
	.method = "64 senders on 256 buffers, the same design with "
		  "wakeup_one and with broadcast: spurious wakeups and "
		  "cycles. Then an exploration with interrupted sleepers.",
	.rule = "holds if wakeup_one has no spurious wakeup and costs fewer "
		"cycles, and no schedule loses a wakeup; holds only if, where "
		"only the repaired form loses none",
	.measure = measure_wakeup,
};

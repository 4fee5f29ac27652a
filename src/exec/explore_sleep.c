/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Choices that need not be tried in a state, because where they lead is
 * reached as soon by others.
 *
 * Choices have numbers (labels): entities first, TLBs behind them.  Let t be
 * the state behind choice b of s, one step farther from the start than s, and
 * a be possible in s, commute with b there, and have a smaller label.  Then a
 * sleeps in t: the state behind it, X, is behind b in the state behind a in s.
 *
 * No state is lost, nor reached later.  Let X be d steps from the start; by
 * induction all states that are d - 1 steps from it are visited in time.  Of
 * all ways into X from these take one whose last choice has the largest label.
 * If it slept, X would also be reached by the larger b from the state behind
 * a in s; that one is at most d - 1 steps from the start, and not less, for X
 * is d steps away: so there would be a way with a larger label.
 *
 * (Sleep sets: Godefroid, 1996.  An order of labels makes them sound where
 * states are matched, without looking at a state again.)
 *
 * Only actions of TLBs are taken for commuting, with each other and with steps.
 * They touch nothing but an entry and a TLB, and a step that does so says it
 * (the operation that its entity waits to do).  Steps of two CPUs are not:
 * what they do besides their operation, to words that are no business of other
 * CPUs, may come to the same or not.  Steps have small labels, because they cost
 * most.  With late stores, protocols that put work off, and designs with hooks
 * in the switch of threads, a step does more than it says, and all is tried.
 */

#include "exec/explore_space_impl.h"

#include "ephmap/kernel/kva.h"
#include "machine/access.h"

/* Whether a step of `k` and what a TLB of `c` does to `slot` commute. */
static bool
sleep_commutes(
    const struct ex_space *sp, unsigned k, unsigned c, const void *slot)
{
	const struct ex_entity *e = &sp->ex->entity[sp->entity[k]];
	const struct ex_op op = sp->op[k];

	return (e->cpu != c && op.obj != NULL && op.obj != slot &&
	    op.kind != EPH_POINT_IPI);
}

/* The choices of the state that is loaded. */
void
eph__space_sleep_look(struct ex_space *sp, uint64_t enabled)
{
	sp->enabled = 0;
	sp->awake = ~sp->mark;
	sp->acts = ~(uint32_t)((uint64_t)sp->mark >> sp->nentities);
	for (unsigned k = 0; k < sp->nentities; k++) {
		sp->op[k] = sp->ex->entity[sp->entity[k]].op;
		if ((enabled & EX_BIT(sp->entity[k])) != 0)
			sp->enabled |= 1u << k;
	}
}

/* What sleeps behind an action of the TLB of `c` on page[i]. */
uint32_t
eph__space_sleep_mark(const struct ex_space *sp, unsigned c, unsigned i)
{
	const struct explore *ex = sp->ex;
	const unsigned label = sp->nentities + c * sp->npages + i;
	const uint64_t below =
	    label < SPACE_LABELS ? EX_BIT(label) : EX_BIT(SPACE_LABELS);
	uint32_t set = (uint32_t)(below - 1) & ~((1u << sp->nentities) - 1);
	const void *slot;

	/* An address without a page of entries so far has no place to ask for. */
	if (!kva_has_entry(ex->mc, ex->page[i]))
		return (0);
	slot = machine_pte(ex->mc, ex->mc->cpus[c], ex->page[i]);
	for (uint32_t w = sp->enabled; w != 0; w &= w - 1) {
		const unsigned k = eph_cpuword_first(w);

		if (sleep_commutes(sp, k, c, slot))
			set |= 1u << k;
	}
	return (set);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What TLBs do unasked is tried as late as a step could tell.
 *
 * An action of a TLB, a load or an eviction of address i by CPU c, touches
 * the entry of i and a cell of c, and lets nobody move who could not.  Let e
 * be the operation of a step that comes next.  The two commute, but for
 *
 *	e works on the entry of i: a load comes before it
 *	e is an access of c to i: an eviction comes before it (a load by
 *	    itself right before would be what the access does)
 *	e is a store to i by another CPU: a load reads its M
 *	e invalidates on c: a load that sets A, which stays
 *	e is an interrupt's on c: a load, whatever it may do
 *	e is of hooks in a switch of threads: any load, an eviction on c
 *
 * and evictions before a load of the same address, which then is another one.
 *
 * Of all shortest ways to a failure, take one whose actions stand as far
 * behind as in any, and where of actions in a row on different addresses or
 * CPUs the smaller (by its number, or label) is first.  Then each action is
 * followed, other actions apart, by a step that it does not commute with: else
 * it could stand behind that step, and a last one could be left out.  So what
 * is tried in a state is an action only where some step that is possible now
 * could tell, and behind it only these steps, and actions of larger labels
 * (owed).  A state that is reached twice in as many steps owes what both do;
 * one that is reached later needs nothing more, because a way through it was
 * none of the shortest.  So failures keep their length, and where none is
 * found there is none; but not every state is visited.
 *
 * An action that leads where it came from, or where less leads, is left out
 * too: an eviction of what would be loaded again as it is, a load before an
 * invalidation when A is set already.
 *
 * That a step changes entries and TLBs only as its operation says is checked
 * at each; the first that does otherwise ends this, and all is tried.  So it
 * is from the start with late stores, protocols that put work off, and where
 * labels are too many.
 *
 * (Persistent sets, and "lazy" transitions: Godefroid, 1996.)
 */

#include "exec/explore_space_impl.h"

#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "machine/access.h"

#define LATE_BIT(label) ((uint32_t)1 << (label))

/* What the state that is loaded has for each label. */
struct late_labels {
	unsigned n;
	const void *slot[SPACE_LABELS];
	uint32_t held;	/* the TLB holds it, */
	uint32_t same;	/* and would load it again as it is */
	uint32_t valid; /* the entry is */
	uint32_t plain; /* A is not set in it */
	uint32_t of[EX_CPUS];
};

/* What a step could tell. */
struct late_step {
	uint32_t fill;
	uint32_t drop;
};

static void
late_label(
    const struct ex_space *sp, struct late_labels *la, unsigned c, unsigned i)
{
	const struct explore *ex = sp->ex;
	const struct eph_cpu *cpu = ex->mc->cpus[c];
	const struct eph_shadow *sh = shadow_cell(cpu, ex->page[i]);
	const uint32_t bit = LATE_BIT(la->n);
	eph_pte_t pte = 0;

	la->of[c] |= bit;
	la->slot[la->n] = NULL;
	if (kva_has_entry(ex->mc, ex->page[i])) {
		la->slot[la->n] = machine_pte(ex->mc, cpu, ex->page[i]);
		pte = machine_pte_get(ex->mc, cpu, ex->page[i]);
	}
	if (shadow_live(cpu, sh) && (sh->key & EPH_SHADOW_GONE) == 0)
		la->held |= bit;
	if ((pte & EPH_PTE_V) != 0) {
		la->valid |= bit;
		if (eph__shadow_loads_same(sh, pte))
			la->same |= bit & la->held;
	}
	if ((pte & EPH_PTE_A) == 0)
		la->plain |= bit;
	la->n++;
}

/* Whose place is it? */
static uint32_t
late_at(const struct late_labels *la, const void *slot)
{
	uint32_t set = 0;

	for (unsigned l = 0; l < la->n; l++) {
		if (la->slot[l] == slot)
			set |= LATE_BIT(l);
	}
	return (set);
}

/* An interrupt that begins. */
static uint32_t
late_interrupt(const struct ex_space *sp, const struct late_labels *la,
    const struct ex_entity *e)
{
	const struct explore *ex = sp->ex;
	const struct ex_cpu *ec = &ex->cpu[e->cpu];
	const struct eph_ipi *ipi = &ec->pending[ec->first].ipi;
	const unsigned first = e->cpu * sp->npages;
	uint32_t set = 0;

	if (ec->npending == 0 || ipi->kind == EPH_IPI_CALL)
		return (la->of[e->cpu]);
	if (ipi->kind == EPH_IPI_FLUSH)
		return (la->of[e->cpu] & la->plain);
	for (unsigned i = 0; i < sp->npages; i++) {
		if (ex->page[i] - machine_va_index(ex->mc, ipi->va) <
		    ipi->npages)
			set |= LATE_BIT(first + i);
	}
	return (set & la->plain);
}

/* What waits for a change has no operation of its own. */
static unsigned
late_kind(struct ex_op op)
{
	return (op.obj != NULL ? op.kind : EPH_POINT_PLAIN);
}

/*
 * The hooks of a switch, which come before what the thread was about to do,
 * and may go on with that in the same step.
 */
static bool
late_in_hooks(
    const struct explore *ex, const struct ex_entity *e, struct ex_op op)
{
	return (op.obj == NULL && !ex_is_intr(e) &&
	    (ex->switch_in != NULL || ex->switch_out != NULL));
}

static struct late_step
late_step(const struct ex_space *sp, const struct late_labels *la,
    const struct ex_entity *e)
{
	const uint32_t own = la->of[e->cpu];
	struct late_step st = { 0, 0 };
	uint32_t at;

	if (e->status == EX_OFF)
		return ((struct late_step){ late_interrupt(sp, la, e), 0 });
	if (late_in_hooks(sp->ex, e, e->op))
		return ((struct late_step){ ~(uint32_t)0, own });
	if (late_kind(e->op) == EPH_POINT_PTE) {
		st.fill = late_at(la, e->op.obj);
	} else if (late_kind(e->op) == EPH_POINT_TLB) {
		at = late_at(la, e->op.obj);
		st.drop = at & own;
		if (e->op.store)
			st.fill = at & ~own;
		if (e->op.obj == sp->ex->mc->cpus[e->cpu])
			st.fill = own & la->plain;
	}
	if (ex_is_intr(e))
		st.fill |= own;
	return (st);
}

/* Does the step follow all that is owed? */
static bool
late_pays(
    const struct late_labels *la, const struct late_step *st, uint32_t owed)
{
	return ((owed & la->held & ~st->fill) == 0 &&
	    (owed & ~la->held & ~st->drop) == 0);
}

/* Actions that the step could tell, behind what is owed already. */
static uint32_t
late_acts(
    const struct late_labels *la, const struct late_step *st, uint32_t owed)
{
	uint32_t set = (la->valid & ~la->held & st->fill) |
	    (la->held & ~la->same & (st->drop | (st->fill & la->valid)));
	const unsigned last = owed == 0 ? 0 : 63 - eph_word_leading_zeros(owed);

	if (owed == 0)
		return (set);
	/* What was dropped may be loaded now; then its drop is no debt. */
	if (!late_pays(la, st, owed & ~LATE_BIT(last)))
		return (0);
	if (late_pays(la, st, owed))
		return (
		    set & ~(LATE_BIT(last) - 1) & ~(la->held & LATE_BIT(last)));
	return (set & LATE_BIT(last) & ~la->held);
}

/* The choices of the state that is loaded: which are tried? */
void
eph__space_late_look(struct ex_space *sp, uint64_t enabled)
{
	const struct explore *ex = sp->ex;
	struct late_labels la = { 0 };

	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		for (unsigned i = 0; i < sp->npages; i++)
			late_label(sp, &la, c, i);
	}
	/* What was loaded has set A itself. */
	la.plain |= sp->mark;
	sp->awake = sp->acts = 0;
	for (unsigned k = 0; k < sp->nentities; k++) {
		struct late_step st;

		if ((enabled & EX_BIT(sp->entity[k])) == 0)
			continue;
		st = late_step(sp, &la, &ex->entity[sp->entity[k]]);
		if (late_pays(&la, &st, sp->mark))
			sp->awake |= LATE_BIT(k);
		sp->acts |= late_acts(&la, &st, sp->mark);
	}
}

/* What is owed behind an action. */
uint32_t
eph__space_late_mark(const struct ex_space *sp, unsigned c, unsigned i)
{
	return (sp->mark | LATE_BIT(c * sp->npages + i));
}

/* Does piece `k` have an entry that the step has changed? */
static bool
late_changed_entries(const struct ex_space *sp, unsigned k)
{
	const struct eph_machine *mc = sp->ex->mc;
	const struct space_run *first = &sp->run[sp->first[k]];
	size_t bytes;
	const uint64_t *was = intern_piece(&sp->piece[k], sp->base[k], &bytes);

	for (const struct space_run *r = first; r < &sp->run[sp->first[k + 1]];
	     r++) {
		for (uint32_t i = 0; i < r->n; i++) {
			if (was[r->at - first->at + i] != r->p[i] &&
			    eph__space_is_entry(mc, r->p + i))
				return (true);
		}
	}
	return (false);
}

/*
 * The step of entity `who`, which waited to do `op`, has changed pieces: only
 * those that were its business?
 */
bool
eph__space_late_holds(const struct ex_space *sp, unsigned who, struct ex_op op)
{
	const struct explore *ex = sp->ex;
	const struct ex_entity *e = &ex->entity[who];
	const unsigned kind = late_kind(op);
	bool holds = true;

	/* Locked entries are loaded otherwise. */
	if (ex->mc->cpus[e->cpu]->locked != NULL)
		return (false);
	if (kind == EPH_POINT_TLB || late_in_hooks(ex, e, op))
		return (true);
	for (unsigned j = 0; j < sp->delta.n && holds; j++) {
		const unsigned k = sp->delta.piece[j];

		if (sp->of[k] < EX_CPUS)
			holds = sp->of[k] == e->cpu && ex_is_intr(e);
		else if (k < sp->ngroups && kind != EPH_POINT_PTE &&
		    (sp->of[k] == SPACE_OF_PTES || !sp->tables))
			holds = !late_changed_entries(sp, k);
	}
	return (holds);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Systematic search: every schedule with at most so many preemptions and so
 * many actions of a TLB, less those that differ only in the order of
 * operations that commute.
 *
 * Depth first and without stored states: each schedule starts from the
 * beginning and follows the path in `node` as far as it goes.  A node is a
 * step at which there is a choice.
 *
 * Preemption: to choose another entity while the running one could go on
 * costs one, as does an action of a TLB, each from a budget of its own
 * (Musuvathi and Qadeer, PLDI 2007).
 *
 * Delay: the same search where a choice costs as many as it passes over in a
 * fixed round, from one budget (Emmi, Qadeer, Rakamaric, POPL 2011).
 *
 * Reduction: sleep sets (Godefroid, 1996).  When everything that begins
 * with x at a node has been explored, x goes to sleep there: behind its
 * siblings it is not chosen again until another has done an operation that
 * does not commute with it.  That is sound only if everything behind x was
 * really explored, so an x behind which the bound cut something does not go
 * to sleep.  With a bound that nothing exceeds the search is complete.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/explore.h"

struct dfs_node {
	uint64_t enabled; /* entities that could move */
	uint64_t asleep;  /* not to be chosen: explored elsewhere */
	uint64_t done;	  /* explored from here */
	uint64_t fills;	  /* translations to load, not tried: page x CPU */
	struct ex_choice choice;
	uint8_t cur;	   /* who ran */
	uint8_t preempted; /* preemptions before this step */
	uint8_t filled;	   /* TLB actions before this step */
	bool cut;	   /* the bound cut something behind `choice` */
	bool cut_here;	   /* or here, or behind an earlier choice */
};

struct dfs {
	struct dfs_node *node;
	uint32_t n;	 /* nodes on the path */
	uint32_t at;	 /* next node of this schedule */
	uint64_t asleep; /* at the current step */
	unsigned preempted;
	unsigned filled;
};

static int
dfs_create(struct explore *ex)
{
	struct dfs *d = ex->strategy_state;

	d->node = malloc(EX_STEPS_MAX * sizeof(*d->node));
	return (d->node != NULL ? 0 : ENOMEM);
}

static void
dfs_destroy(struct explore *ex)
{
	struct dfs *d = ex->strategy_state;

	free(d->node);
}

static void
dfs_begin(struct explore *ex)
{
	struct dfs *d = ex->strategy_state;

	d->at = 0;
	d->asleep = 0;
	d->preempted = d->filled = 0;
}

/*
 * What a choice costs.  systematic: a preemption.  delay: as many entities
 * as are passed over, going round from the one that ran.
 */
unsigned
eph__ex_cost(bool delay, uint64_t enabled, unsigned cur, unsigned who)
{
	unsigned delays = 0;

	if (!delay)
		return (who != cur && (enabled & EX_BIT(cur)) != 0);
	for (unsigned e = cur; e != who; e = (e + 1) % EX_ENTITIES)
		delays += (enabled & EX_BIT(e)) != 0;
	return (delays);
}

static unsigned
dfs_cost(const struct explore *ex, const struct dfs_node *nd, unsigned who)
{
	return (eph__ex_cost(
	    ex->strategy == &eph__ex_delay, nd->enabled, nd->cur, who));
}

/* The next entity to try at a node; EX_ENTITIES: none. */
static unsigned
dfs_next_entity(struct explore *ex, struct dfs_node *nd)
{
	uint64_t left = nd->enabled & ~nd->asleep & ~nd->done;

	if ((left & EX_BIT(nd->cur)) != 0)
		return (nd->cur);
	for (; left != 0; left &= left - 1) {
		const unsigned who = eph_cpuword_first(left);

		if (nd->preempted + dfs_cost(ex, nd, who) <= ex->preemptions)
			return (who);
		nd->cut_here = true;
	}
	return (EX_ENTITIES);
}

/* The next translation to load at a node, if there is one. */
static bool
dfs_next_fill(struct explore *ex, struct dfs_node *nd)
{
	unsigned f;

	if (nd->fills == 0)
		return (false);
	if (nd->filled >= ex->fills) {
		nd->cut_here = true;
		return (false);
	}
	f = eph_cpuword_first(nd->fills);
	nd->fills &= nd->fills - 1;
	nd->choice = eph__ex_fill(ex, f);
	return (true);
}

uint64_t
eph__ex_fills(const struct explore *ex)
{
	const unsigned n = ex->mc->ncpus;
	uint64_t fills = 0;

	for (unsigned f = 0; ex->adversary && f < ex->npages * n && f < 64;
	     f++) {
		if (eph__explore_can_fill(ex, f % n, f / n))
			fills |= 1ull << f;
	}
	return (fills);
}

struct ex_choice
eph__ex_fill(const struct explore *ex, unsigned bit)
{
	const unsigned n = ex->mc->ncpus;

	return ((struct ex_choice){
	    EX_FILL, (uint8_t)(bit % n), (uint16_t)ex->page[bit / n] });
}

/* Choose at a node what was not yet; false: nothing is left. */
static bool
dfs_advance(struct explore *ex, struct dfs_node *nd)
{
	const unsigned who = dfs_next_entity(ex, nd);

	nd->cut = false; /* nothing yet, behind the new choice */
	if (who != EX_ENTITIES) {
		nd->choice = ex_run(who);
		return (true);
	}
	return (dfs_next_fill(ex, nd));
}

uint64_t
eph__ex_asleep_after(
    const struct explore *ex, uint64_t asleep, struct ex_choice choice)
{
	uint64_t after = 0;

	for (; asleep != 0; asleep &= asleep - 1) {
		const unsigned z = eph_cpuword_first(asleep);
		const struct ex_entity *e = &ex->entity[z];

		if (z >= EX_BUFFER(0) || choice.who >= EX_BUFFER(0))
			continue;
		if (choice.kind == EX_RUN
			? eph__explore_independent(e, &ex->entity[choice.who])
			: e->op.obj != NULL && e->op.kind != EPH_POINT_PTE &&
			    e->op.kind != EPH_POINT_TLB)
			after |= EX_BIT(z);
	}
	return (after);
}

/* A step at which only one thing can happen is no node. */
static struct ex_choice
dfs_forced(struct explore *ex, struct dfs *d, unsigned who)
{
	const struct ex_choice c = ex_run(who);

	if ((d->asleep & EX_BIT(who)) != 0)
		eph__explore_stop(ex, EX_PRUNED);
	d->asleep = eph__ex_asleep_after(ex, d->asleep, c);
	return (c);
}

/* A new node at the end of the path; false: nothing to choose there. */
static bool
dfs_node_make(struct explore *ex, struct dfs *d, uint64_t enabled, unsigned cur,
    uint64_t fills)
{
	struct dfs_node *nd = &d->node[d->n];

	if (d->n == EX_STEPS_MAX)
		eph__explore_stop(ex, EX_LIVELOCK);
	*nd = (struct dfs_node){
		.enabled = enabled,
		.asleep = d->asleep,
		.fills = fills,
		.cur = (uint8_t)cur,
		.preempted = (uint8_t)d->preempted,
		.filled = (uint8_t)d->filled,
	};
	if (dfs_advance(ex, nd)) {
		d->n++;
		return (true);
	}
	if (d->n > 0)
		d->node[d->n - 1].cut |= nd->cut_here;
	return (false);
}

static struct ex_choice
dfs_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct dfs *d = ex->strategy_state;
	const uint64_t fills = eph__ex_fills(ex);
	const struct dfs_node *nd;

	if ((enabled & (enabled - 1)) == 0 && fills == 0)
		return (dfs_forced(ex, d, eph_cpuword_first(enabled)));
	/* Asleep altogether: an equal schedule has been seen. */
	if (d->at == d->n && !dfs_node_make(ex, d, enabled, cur, fills))
		eph__explore_stop(ex, EX_PRUNED);
	nd = &d->node[d->at++];
	d->asleep = eph__ex_asleep_after(ex, nd->asleep, nd->choice);
	d->preempted = nd->preempted;
	d->filled = nd->filled;
	if (nd->choice.kind != EX_RUN)
		d->filled++;
	else
		d->preempted += dfs_cost(ex, nd, nd->choice.who);
	return (nd->choice);
}

/*
 * The schedule ended: go back to the last node with a choice left.  A node
 * whose choices are used up leaves the path and tells its parent whether
 * something was cut there.
 */
static bool
dfs_next(struct explore *ex, enum ex_verdict v)
{
	struct dfs *d = ex->strategy_state;

	(void)v;
	while (d->n > 0) {
		struct dfs_node *nd = &d->node[d->n - 1];

		if (nd->choice.kind == EX_RUN) {
			nd->done |= EX_BIT(nd->choice.who);
			if (!nd->cut)
				nd->asleep |= EX_BIT(nd->choice.who);
		}
		nd->cut_here |= nd->cut;
		if (dfs_advance(ex, nd))
			return (true);
		d->n--;
		if (d->n > 0)
			d->node[d->n - 1].cut |= nd->cut_here;
		else
			ex->bounded |= nd->cut_here;
	}
	return (false);
}

const struct ex_strategy eph__ex_systematic = {
	.name = "systematic",
	.state = sizeof(struct dfs),
	.create = dfs_create,
	.destroy = dfs_destroy,
	.begin = dfs_begin,
	.pick = dfs_pick,
	.next = dfs_next,
};

const struct ex_strategy eph__ex_delay = {
	.name = "delay",
	.state = sizeof(struct dfs),
	.create = dfs_create,
	.destroy = dfs_destroy,
	.begin = dfs_begin,
	.pick = dfs_pick,
	.next = dfs_next,
};

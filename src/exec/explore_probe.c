/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Looks at the tree of schedules, for estimates of its size: goes down to one
 * node, counts its children and gives up.  It is the tree that systematic and
 * delay walk (explore_dfs.c), but that these know what a bound cut behind a
 * choice and a probe does not: with a bound that cuts, no entity sleeps here,
 * so that the tree is larger than theirs.
 */

#include "exec/explore_chance.h"

static void
probe_begin(struct explore *ex)
{
	struct ex_probe *p = ex->probe;

	p->children = p->taken = 0;
	p->cost = p->filled = 0;
	p->asleep = 0;
	p->found = false;
}

static void
probe_fall_asleep(struct ex_probe *p, uint64_t done)
{
	if (p->sleeps)
		p->asleep |= done;
}

/*
 * Child `want` of this node, or how many there are.  Entities come first, the
 * one that runs before all, as in a search depth first.
 */
static bool
probe_child(struct explore *ex, uint64_t enabled, unsigned cur, uint64_t fills,
    uint32_t want, struct ex_choice *c)
{
	struct ex_probe *p = ex->probe;
	uint64_t left = enabled & ~p->asleep, done = 0;
	uint32_t n = 0;
	unsigned f;

	while (left != 0) {
		const unsigned who =
		    (left & EX_BIT(cur)) != 0 ? cur : eph_cpuword_first(left);

		left &= ~EX_BIT(who);
		f = eph__ex_cost(p->delay, enabled, cur, who);
		if (p->cost + f > p->bound) {
			p->cut = true;
			continue;
		}
		if (n++ == want) {
			probe_fall_asleep(p, done);
			p->cost += f;
			*c = ex_run(who);
			return (true);
		}
		done |= EX_BIT(who);
	}
	if (fills != 0 && p->filled >= ex->fills) {
		p->cut = true;
		fills = 0;
	}
	for (; fills != 0; fills &= fills - 1) {
		if (n++ != want)
			continue;
		f = eph_cpuword_first(fills);
		probe_fall_asleep(p, done);
		p->filled++;
		*c = eph__ex_fill(ex, f);
		return (true);
	}
	p->children = n;
	return (false);
}

static struct ex_choice
probe_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct ex_probe *p = ex->probe;
	const uint64_t fills = eph__ex_fills(ex);
	struct ex_choice c;

	if (p->found)
		eph__explore_stop(ex, EX_PRUNED);
	if ((enabled & (enabled - 1)) == 0 && fills == 0) {
		c = ex_run(eph_cpuword_first(enabled));
		if ((p->asleep & EX_BIT(c.who)) != 0)
			eph__explore_stop(ex, EX_PRUNED);
	} else if (probe_child(ex, enabled, cur, fills,
		       p->taken < p->n ? p->at[p->taken] : UINT32_MAX, &c)) {
		p->taken++;
	} else {
		/* No schedule can be given up before its first step. */
		p->found = true;
		if (ex->nchoices > 0)
			eph__explore_stop(ex, EX_PRUNED);
		c = ex_run(eph_cpuword_first(enabled));
	}
	p->asleep = eph__ex_asleep_after(ex, p->asleep, c);
	return (c);
}

const struct ex_strategy eph__ex_probe = {
	.name = "probe",
	.begin = probe_begin,
	.pick = probe_pick,
	.next = eph__ex_chance_next,
};

static struct ex_choice
prefix_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	(void)cur;
	if (ex->nchoices < ex->prefix_n)
		return (ex->prefix[ex->nchoices]);
	return (eph__ex_chance_pick(ex, enabled, prng_next(&ex->prng)));
}

const struct ex_strategy eph__ex_prefix = {
	.name = "prefix",
	.begin = eph__ex_chance_begin,
	.pick = prefix_pick,
	.next = eph__ex_chance_next,
};

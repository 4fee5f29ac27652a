/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The first strategies that decide by chance, what all such share, and the
 * strategy that repeats a schedule.
 *
 * random: every entity that can move is as likely as any other, at every
 * step.
 *
 * pct (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler
 * with probabilistic guarantees of finding bugs", ASPLOS 2010): entities
 * have distinct random priorities, the highest that can move does, and at
 * d - 1 random steps the running one falls below all others.  A bug of
 * depth d in a program of n threads and k steps is found in one schedule
 * with a probability of at least 1/(n k^(d-1)).
 *
 * In both a TLB acts at some steps: it loads a random translation that is
 * valid, or forgets one.
 */

#include "exec/explore_chance.h"

#define PCT_DEPTH_MAX 16u
#define PCT_TLB	      3u /* TLB actions in one schedule, at most */

bool
eph__ex_chance_tlb(struct explore *ex, uint32_t r, struct ex_choice *c)
{
	unsigned cpu, i;

	if (ex->npages == 0)
		return (false);
	cpu = (r >> 8) % ex->mc->ncpus;
	i = (r >> 16) % ex->npages;
	c->who = (uint8_t)cpu;
	c->page = (uint16_t)ex->page[i];
	if (eph__explore_can_fill(ex, cpu, i))
		c->kind = EX_FILL;
	else if ((r & 0x80) != 0)
		c->kind = EX_DROP;
	else
		return (false);
	return (true);
}

/* Random */

void
eph__ex_chance_begin(struct explore *ex)
{
	eph__prng_init(&ex->prng, ex->seed, ex->nschedule);
}

/* The `n`th member of `set`. */
static unsigned
nth_member(uint64_t set, unsigned n)
{
	while (n-- > 0)
		set &= set - 1;
	return (eph_cpuword_first(set));
}

struct ex_choice
eph__ex_chance_pick(struct explore *ex, uint64_t enabled, uint64_t r)
{
	struct ex_choice c;
	unsigned n;

	if (chance_tlb(ex, r, &c))
		return (c);
	if ((enabled & (enabled - 1)) == 0)
		return (ex_run(eph_cpuword_first(enabled)));
	n = (unsigned)__builtin_popcountll(enabled);
	return (ex_run(nth_member(enabled, (unsigned)((r >> 32) * n >> 32))));
}

unsigned
eph__ex_chance_draw(struct explore *ex, uint64_t set, const uint32_t *weight)
{
	uint32_t sum = 0, at;

	for (uint64_t w = set; w != 0; w &= w - 1)
		sum += weight[eph_cpuword_first(w)];
	at = prng_below(&ex->prng, sum);
	for (; (set & (set - 1)) != 0; set &= set - 1) {
		const uint32_t n = weight[eph_cpuword_first(set)];

		if (at < n)
			break;
		at -= n;
	}
	return (eph_cpuword_first(set));
}

static struct ex_choice
random_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	(void)cur;
	return (eph__ex_chance_pick(ex, enabled, prng_next(&ex->prng)));
}

bool
eph__ex_chance_next(struct explore *ex, enum ex_verdict v)
{
	(void)ex;
	(void)v;
	return (true);
}

const struct ex_strategy eph__ex_random = {
	.name = "random",
	.begin = eph__ex_chance_begin,
	.pick = random_pick,
	.next = eph__ex_chance_next,
};

/* PCT */

struct pct {
	uint32_t change[PCT_DEPTH_MAX]; /* steps at which priority falls */
	uint32_t tlb[PCT_TLB];		/* steps at which a TLB acts */
	unsigned nchange;
	unsigned ntlb;
	uint32_t next;		     /* the earliest step of either kind */
	uint64_t order[EX_ENTITIES]; /* entity's priority, higher first */
	uint64_t lowest;
};

static void
pct_begin(struct explore *ex)
{
	struct pct *pct = ex->strategy_state;
	const uint32_t k = ex->k != 0 ? ex->k : 64;

	eph__ex_chance_begin(ex);
	for (unsigned i = 0; i < ex->nthreads; i++)
		pct->order[i] = prng_next(&ex->prng) | 1ull << 63;
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		pct->order[EX_INTR(c)] = prng_next(&ex->prng) | 1ull << 63;
		pct->order[EX_BUFFER(c)] = prng_next(&ex->prng) | 1ull << 63;
	}
	pct->lowest = 1ull << 63;
	pct->nchange = ex->depth > 1 ? ex->depth - 1 : 0;
	if (pct->nchange > PCT_DEPTH_MAX)
		pct->nchange = PCT_DEPTH_MAX;
	for (unsigned i = 0; i < pct->nchange; i++)
		pct->change[i] = prng_below(&ex->prng, k);
	pct->ntlb = ex->adversary ? PCT_TLB : 0;
	for (unsigned i = 0; i < pct->ntlb; i++)
		pct->tlb[i] = prng_below(&ex->prng, k);
	pct->next = 0;
}

/* Is `step` one of the `n`?  Raises *next to the earliest that is left. */
static bool
pct_due(const uint32_t *at, unsigned n, uint32_t step, uint32_t *next)
{
	bool due = false;

	for (unsigned i = 0; i < n; i++) {
		due |= at[i] == step;
		if (at[i] > step && at[i] < *next)
			*next = at[i];
	}
	return (due);
}

static struct ex_choice
pct_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct pct *pct = ex->strategy_state;
	const uint32_t step = ex->nchoices;
	unsigned best;

	if (eph_unlikely(step >= pct->next)) {
		struct ex_choice c;

		pct->next = UINT32_MAX;
		if (pct_due(pct->change, pct->nchange, step, &pct->next))
			pct->order[cur] = --pct->lowest;
		if (pct_due(pct->tlb, pct->ntlb, step, &pct->next) &&
		    eph__ex_chance_tlb(ex, (uint32_t)prng_next(&ex->prng), &c))
			return (c);
	}
	best = eph_cpuword_first(enabled);
	for (enabled &= enabled - 1; enabled != 0; enabled &= enabled - 1) {
		const unsigned e = eph_cpuword_first(enabled);

		if (pct->order[e] > pct->order[best])
			best = e;
	}
	return (ex_run(best));
}

const struct ex_strategy eph__ex_pct = {
	.name = "pct",
	.state = sizeof(struct pct),
	.begin = pct_begin,
	.pick = pct_pick,
	.next = eph__ex_chance_next,
};

/*
 * Replay.  A token whose entity cannot move is skipped, so that a schedule
 * from which something was cut still means something; `used' tells.  After the last token
 * the running entity goes on as long as it can.
 */

struct replay {
	size_t token; /* the next */
};

static void
replay_begin(struct explore *ex)
{
	struct replay *rp = ex->strategy_state;

	rp->token = 0;
	for (size_t i = 0; i < ex->replay->n; i++)
		ex->replay->token[i].used = 0;
}

/* Can this be done now? */
static bool
replay_possible(const struct explore *ex, uint64_t enabled, struct ex_choice c)
{
	return (c.kind == EX_RUN ? (enabled & EX_BIT(c.who)) != 0
				 : eph__explore_can_act(ex, c));
}

static struct ex_choice
replay_pick(struct explore *ex, uint64_t enabled, unsigned cur)
{
	struct replay *rp = ex->strategy_state;
	const struct ex_schedule *s = ex->replay;

	for (; rp->token < s->n; rp->token++) {
		struct ex_token *t = &s->token[rp->token];

		if (t->used < t->count &&
		    replay_possible(ex, enabled, t->choice)) {
			t->used++;
			return (t->choice);
		}
	}
	return (ex_run(eph__explore_default(enabled, cur)));
}

static bool
replay_next(struct explore *ex, enum ex_verdict v)
{
	(void)ex;
	(void)v;
	return (false);
}

const struct ex_strategy eph__ex_replay = {
	.name = "replay",
	.state = sizeof(struct replay),
	.begin = replay_begin,
	.pick = replay_pick,
	.next = replay_next,
};

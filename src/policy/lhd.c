/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LHD: the page with the least hit density leaves, the expected hits per
 * buffer and time that it still brings, learnt from the ages at which
 * pages are hit and dropped.  32 candidates are drawn at random, and the
 * last eight arrivals that looked worse than what leaves are candidates
 * too.  Pages are in 16 classes by the sum of their last two ages.
 *
 * Ages are in steps of 2^coarse references at first; at the end of the 6th
 * and the 26th period the step becomes the power of two (2 at least) with
 * which the table of ages spans 100 times the number of buffers, and what
 * was learnt is stretched or squeezed to it.  Coarse steps learn soon: with
 * few steps in use each sees many events.  At the end of each period what
 * was learnt weighs 0.9 against the new.  One page in 32, within 1 % of the
 * buffers and for the first 50 periods, is kept whatever it ranks, so that
 * long ages are seen at all.
 *
 * The authors' program has 20,000 ages and a period of 2^20 references,
 * for streams of billions; traces of mappings have 10^5 to 10^7, so here
 * it is 4,096 and 2^16 (parameters `ages' and `period').  `coarse' is
 * theirs, 10.  A page that was never hit is in the class of the longest
 * ages, apart from all that were, as in their program.
 *
 * Beckmann, Chen, Cidon, NSDI 2018.
 */

#include <errno.h>
#include <float.h>

#include "ephmap/sdk/cpuset.h"
#include "policy/ops_row.h"
#include "policy/policies.h"
#include "policy/state.h"

#define POLICY(fn) lhd_##fn

#define CLASSES	      16u
#define DRAWS	      32u
#define ARRIVALS      8u
#define DECAY	      0.9f
#define SPAN	      100u /* times the buffers */
#define EXPLORE_ONE   32u
#define EXPLORE_SHARE 0.01
#define EXPLORE_MAX   50u /* periods */
#define RANK_KEEP     1.0f
#define ADAPT_FIRST   6u /* periods */
#define ADAPT_LAST    26u

struct lhd_slot {
	uint32_t page;
	uint32_t when; /* last use; wraps, only differences are used */
	uint16_t age, age_before; /* at the last two hits */
	uint8_t resident;
	uint8_t pinned;
	uint8_t explores;
	uint8_t class; /* by the last two ages */
};

/* Events of an age. */
struct lhd_age {
	float hits;
	float drops;
};

struct lhd {
	struct policy_count c;
	struct lhd_slot *n;
	struct lhd_age *a; /* CLASSES tables of `ages` */
	float *density;	   /* as many; pages of the last age leave first */
	uint32_t ages;
	uint32_t period, left, periods;
	unsigned shift; /* from references to ages */
	unsigned zeros; /* of twice `ages' as a word */
	uint32_t now;
	uint32_t explorers; /* more of them allowed */
	float dropped_rank; /* running mean */
	uint32_t arrival[ARRIVALS];
	uint32_t arrival_page[ARRIVALS];
	uint32_t arrivals;
	struct prng rng;
};

static void
lhd_destroy(void *ps)
{
	struct lhd *d = ps;

	eph_mem_free(d->c.mem, d->n, d->c.nslots * sizeof(*d->n));
	eph_mem_free(d->c.mem, d->a, (size_t)CLASSES * d->ages * sizeof(*d->a));
	eph_mem_free(d->c.mem, d->density,
	    (size_t)CLASSES * d->ages * sizeof(*d->density));
	eph_mem_free(d->c.mem, d, sizeof(*d));
}

static void
lhd_start(struct lhd *d)
{
	d->left = d->period;
	d->explorers = (uint32_t)(EXPLORE_SHARE * d->c.nslots);
	for (uint32_t i = 0; i < ARRIVALS; i++)
		d->arrival[i] = EPH_NONE;
	/* Until something is learnt: younger and often hit is better. */
	for (uint32_t c = 0; c < CLASSES; c++) {
		float *density = &d->density[c * d->ages];

		for (uint32_t a = 0; a < d->ages - 1; a++)
			density[a] = (float)(c + 1) / (float)(a + 1);
		density[d->ages - 1] = -FLT_MAX;
	}
}

static const struct eph_policy_param lhd_params[] = {
	{ "ages", 4096, 16, 65535, "ages told apart" },
	{ "period", 65536, 1, 4e9, "references between two estimates" },
	{ "coarse", 10, 0, 31,
	    "age classes at first: steps of age at first are 2 to this power" },
	{ NULL, 0, 0, 0, NULL },
};

static int
lhd_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	double v[3];
	const int error =
	    eph_policy_params(&eph_policy_lhd, env->params, v, err);
	struct lhd *d;

	if (error != 0)
		return (error);
	if ((d = eph_mem_alloc(env->mem, sizeof(*d))) == NULL)
		return (eph__policy_nomem(env, "lhd", err));
	d->c.mem = env->mem;
	d->c.nslots = env->nslots;
	d->ages = (uint32_t)v[0];
	d->period = (uint32_t)v[1];
	d->shift = (unsigned)v[2];
	d->zeros = eph_word_leading_zeros((uint64_t)d->ages << 1);
	d->n = eph_mem_alloc(env->mem, env->nslots * sizeof(*d->n));
	d->a =
	    eph_mem_alloc(env->mem, (size_t)CLASSES * d->ages * sizeof(*d->a));
	d->density = eph_mem_alloc(
	    env->mem, (size_t)CLASSES * d->ages * sizeof(*d->density));
	if (d->n == NULL || d->a == NULL || d->density == NULL) {
		lhd_destroy(d);
		return (eph__policy_nomem(env, "lhd", err));
	}
	eph__prng_init(&d->rng, env->seed, 0);
	lhd_start(d);
	*psp = d;
	return (0);
}

static inline uint32_t
lhd_age(const struct lhd *d, uint32_t slot)
{
	const uint32_t age = (d->now - d->n[slot].when) >> d->shift;

	return (age < d->ages ? age : d->ages - 1);
}

/*
 * Short sums of the last two ages are in high classes: how often a sum can
 * be doubled before it is as many as there are ages.
 */
static inline uint8_t
lhd_classify(const struct lhd *d, const struct lhd_slot *n)
{
	const uint32_t sum = (uint32_t)n->age + n->age_before;
	unsigned class = 0, zeros;

	if (sum == 0)
		return (CLASSES - 1);
	zeros = eph_word_leading_zeros((uint64_t)sum << 1);
	if (zeros > d->zeros)
		class = zeros - d->zeros;
	class += (uint64_t)sum << class < d->ages;
	return ((uint8_t)(class < CLASSES - 1 ? class : CLASSES - 1));
}

static inline struct lhd_age *
lhd_class(const struct lhd *d, uint32_t slot)
{
	return (&d->a[d->n[slot].class * d->ages]);
}

static inline float
lhd_rank(const struct lhd *d, uint32_t slot)
{
	const struct lhd_slot *n = &d->n[slot];
	const float rank = d->density[n->class * d->ages + lhd_age(d, slot)];

	return (n->explores ? rank + RANK_KEEP : rank);
}

/* Hits and lifetime from each age on, summed from the oldest down. */
static void
lhd_learn(struct lhd *d, uint32_t class)
{
	struct lhd_age *a = &d->a[class * d->ages];
	float *density = &d->density[class * d->ages];
	float hits = 0, events = 0, lifetime = 0;

	for (uint32_t i = d->ages; i-- > 0;) {
		a[i].hits *= DECAY;
		a[i].drops *= DECAY;
		hits += a[i].hits;
		events += a[i].hits + a[i].drops;
		lifetime += events;
		density[i] = events > 1e-5f ? hits / lifetime : 0;
	}
	density[d->ages - 1] = -FLT_MAX;
}

/* Events of ages in steps 2^by times as long. */
static void
lhd_squeeze(struct lhd *d, struct lhd_age *a, unsigned by)
{
	for (uint32_t i = 0; i < d->ages; i++) {
		const uint32_t to = i == d->ages - 1 ? i : i >> by;
		const struct lhd_age event = a[i];

		a[i].hits = a[i].drops = 0;
		a[to].hits += event.hits;
		a[to].drops += event.drops;
	}
}

/* Events of ages in steps 2^by times as short; those too old are one. */
static void
lhd_stretch(struct lhd *d, struct lhd_age *a, unsigned by)
{
	const uint32_t last = d->ages - 1;
	const float share = 1.0f / (float)(1u << by);

	for (uint32_t i = (last - 1) / (1u << by) + 1; i < last; i++) {
		a[last].hits += a[i].hits;
		a[last].drops += a[i].drops;
	}
	for (uint32_t i = last; i-- > 0;) {
		a[i].hits = a[i >> by].hits * share;
		a[i].drops = a[i >> by].drops * share;
	}
}

/* The step of ages that suits the number of buffers. */
static void
lhd_adapt(struct lhd *d)
{
	unsigned shift = 1;

	while ((uint64_t)d->ages << shift < (uint64_t)SPAN * d->c.nslots)
		shift++;
	for (uint32_t c = 0; c < CLASSES; c++) {
		struct lhd_age *a = &d->a[c * d->ages];

		if (shift > d->shift)
			lhd_squeeze(d, a, shift - d->shift);
		else if (shift < d->shift)
			lhd_stretch(d, a, d->shift - shift);
	}
	d->shift = shift;
}

static inline void
lhd_explore(struct lhd *d, uint32_t slot, bool arrives)
{
	struct lhd_slot *n = &d->n[slot];
	const bool drawn = prng_below(&d->rng, EXPLORE_ONE) == 0;

	n->explores = 0;
	if (drawn && d->explorers > 0 && d->periods < EXPLORE_MAX) {
		n->explores = 1;
		d->explorers--;
	}
	if (arrives && !drawn && lhd_rank(d, slot) < d->dropped_rank) {
		const uint32_t i = d->arrivals++ % ARRIVALS;

		d->arrival[i] = slot;
		d->arrival_page[i] = n->page;
	}
}

static inline void
lhd_tick(struct lhd *d)
{
	d->now++;
	if (--d->left == 0) {
		d->periods++;
		if (d->periods == ADAPT_FIRST || d->periods == ADAPT_LAST)
			lhd_adapt(d);
		for (uint32_t c = 0; c < CLASSES; c++)
			lhd_learn(d, c);
		d->left = d->period;
	}
}

static inline void
lhd_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lhd *d = ps;
	struct lhd_slot *n = &d->n[slot];

	KASSERT(!n->resident, "slot holds a page");
	n->page = page;
	n->when = d->now;
	n->age = 0;
	n->age_before = (uint16_t)d->ages;
	n->class = 0;
	n->resident = n->pinned = 1;
	d->c.resident++;
	d->c.pinned++;
	lhd_explore(d, slot, true);
	lhd_tick(d);
}

static inline void
lhd_hit(void *ps, uint32_t slot)
{
	struct lhd *d = ps;
	struct lhd_slot *n = &d->n[slot];
	const uint32_t age = lhd_age(d, slot);

	lhd_class(d, slot)[age].hits++;
	d->explorers += n->explores;
	n->age_before = n->age;
	n->age = (uint16_t)age;
	n->class = lhd_classify(d, n);
	n->when = d->now;
	lhd_explore(d, slot, false);
	lhd_tick(d);
}

static inline void
lhd_pin(void *ps, uint32_t slot)
{
	struct lhd *d = ps;

	KASSERT(!d->n[slot].pinned, "pinned twice");
	d->n[slot].pinned = 1;
	d->c.pinned++;
}

static inline void
lhd_release(void *ps, uint32_t slot)
{
	struct lhd *d = ps;

	KASSERT(d->n[slot].pinned, "not pinned");
	d->n[slot].pinned = 0;
	d->c.pinned--;
}

static inline void
lhd_forget(void *ps, uint32_t slot)
{
	struct lhd *d = ps;
	struct lhd_slot *n = &d->n[slot];

	KASSERT(n->resident, "slot holds nothing");
	d->explorers += n->explores;
	d->c.resident--;
	d->c.pinned -= n->pinned;
	n->resident = n->pinned = n->explores = 0;
}

/* `slot` instead of *bestp if it may leave and ranks lower. */
static inline void
lhd_compare(const struct lhd *d, uint32_t slot, uint32_t *bestp, float *rankp)
{
	float rank;

	if (!d->n[slot].resident || d->n[slot].pinned)
		return;
	rank = lhd_rank(d, slot);
	if (*bestp == EPH_NONE || rank < *rankp) {
		*bestp = slot;
		*rankp = rank;
	}
}

static inline uint32_t
lhd_victim(void *ps, uint32_t page)
{
	struct lhd *d = ps;
	uint32_t best = EPH_NONE, slot = 0, draw[DRAWS];
	float rank = 0;

	(void)page;
	if (d->c.pinned == d->c.resident)
		return (EPH_NONE);
	/* All are asked for before the first is looked at. */
	for (uint32_t i = 0; i < DRAWS; i++) {
		draw[i] = prng_below(&d->rng, d->c.nslots);
		eph_prefetch_write(&d->n[draw[i]]);
	}
	for (uint32_t i = 0; i < DRAWS; i++) {
		slot = draw[i];
		lhd_compare(d, slot, &best, &rank);
	}
	for (uint32_t i = 0; i < ARRIVALS; i++) {
		if (d->arrival[i] != EPH_NONE &&
		    d->n[d->arrival[i]].page == d->arrival_page[i])
			lhd_compare(d, d->arrival[i], &best, &rank);
	}
	/* Nearly all are pinned: the next one that is not. */
	while (best == EPH_NONE) {
		slot = slot + 1 < d->c.nslots ? slot + 1 : 0;
		lhd_compare(d, slot, &best, &rank);
	}
	d->dropped_rank = DECAY * d->dropped_rank + (1 - DECAY) * rank;
	lhd_class(d, best)[lhd_age(d, best)].drops++;
	lhd_forget(d, best);
	return (best);
}

static void
lhd_check(void *ps)
{
	const struct lhd *d = ps;
	uint32_t resident = 0, pinned = 0, explorers = d->explorers;

	for (uint32_t i = 0; i < d->c.nslots; i++) {
		resident += d->n[i].resident;
		pinned += d->n[i].pinned;
		explorers += d->n[i].explores;
	}
	if (resident != d->c.resident || pinned != d->c.pinned ||
	    explorers != (uint32_t)(EXPLORE_SHARE * d->c.nslots))
		PANIC("lhd: wrong number of slots");
}

#define POLICY_NEAR(ps, slot) (&((struct lhd *)(ps))->n[slot])
#include "design/policy_replay.h"

const struct eph_policy_ops eph_policy_lhd = {
	.name = "lhd",
	.summary = "least hit density among sampled pages",
	.origin = "Beckmann, Chen, Cidon, NSDI 2018",
	.params = lhd_params,
	.whole = true,
	POLICY_CALLS,
};

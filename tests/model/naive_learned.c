/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CLOCK-Pro, CACHEUS and LHD once more: see naive_policies.h.  CLOCK-Pro is
 * from its paper, the other two from the steps of the authors' programs.
 */

#include <float.h>

#include "naive_kit.h"

/*
 * CLOCK-Pro.  q[3] is the ring by page: the hot hand is at its first, and
 * the hands go towards its last, which is the page that came last.
 */
enum { NOWHERE, HOT, COLD, GONE };

struct pro {
	struct naive s;
	uint32_t kind[SEQ_MAX], slot[SEQ_MAX];
	bool used[SEQ_MAX], test[SEQ_MAX];
	uint32_t hand_cold, hand_test;
	uint32_t target, least, most; /* of cold pages */
};

static int
pro_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct pro *k = *psp = naive_state(env, sizeof(*k));

	(void)err;
	k->least = at_least(0.01 * env->nslots, 1);
	k->most = at_least(0.99 * env->nslots, k->least);
	k->target = k->least;
	return (0);
}

static uint32_t
pro_count(const struct pro *k, uint32_t kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->s.q[3].n; i++)
		n += k->kind[k->s.q[3].v[i]] == kind;
	return (n);
}

static uint32_t
pro_after(const struct pro *k, uint32_t page)
{
	const int at = seq_find(&k->s.q[3], page);

	return (k->s.q[3].v[((uint32_t)at + 1) % k->s.q[3].n]);
}

static void
pro_link(struct pro *k, uint32_t page)
{
	if (k->s.q[3].n == 0)
		k->hand_cold = k->hand_test = page;
	seq_insert(&k->s.q[3], k->s.q[3].n, page);
}

static void
pro_unlink(struct pro *k, uint32_t page)
{
	if (k->hand_cold == page)
		k->hand_cold = pro_after(k, page);
	if (k->hand_test == page)
		k->hand_test = pro_after(k, page);
	(void)seq_remove(&k->s.q[3], page);
}

static void
pro_test_ends(struct pro *k, uint32_t page)
{
	if (k->target > k->least)
		k->target--;
	k->test[page] = false;
	if (k->kind[page] == GONE) {
		pro_unlink(k, page);
		k->kind[page] = NOWHERE;
	}
}

static void
pro_test_passes(struct pro *k)
{
	if (k->target < k->most)
		k->target++;
}

static void
pro_run_hot(struct pro *k)
{
	for (;;) {
		const uint32_t page = k->s.q[3].v[0];

		/* The hand goes on: what it leaves is the last it comes to. */
		memmove(&k->s.q[3].v[0], &k->s.q[3].v[1],
		    (k->s.q[3].n - 1) * sizeof(page));
		k->s.q[3].v[k->s.q[3].n - 1] = page;
		if (k->kind[page] == HOT && !k->used[page]) {
			k->kind[page] = COLD;
			k->test[page] = false;
			return;
		}
		if (k->kind[page] == HOT)
			k->used[page] = false;
		else if (k->test[page])
			pro_test_ends(k, page);
	}
}

static void
pro_limit_hot(struct pro *k)
{
	while (pro_count(k, HOT) > 0 && pro_count(k, HOT) > k->s.n - k->target)
		pro_run_hot(k);
}

static void
pro_run_test(struct pro *k)
{
	while (pro_count(k, GONE) > k->s.n) {
		const uint32_t page = k->hand_test;

		k->hand_test = pro_after(k, page);
		if (k->kind[page] != HOT && k->test[page])
			pro_test_ends(k, page);
	}
}

static bool
pro_cold_may_leave(const struct pro *k)
{
	for (uint32_t i = 0; i < k->s.q[3].n; i++) {
		const uint32_t page = k->s.q[3].v[i];

		if (k->kind[page] == COLD && !k->s.pinned[k->slot[page]])
			return (true);
	}
	return (false);
}

static uint32_t
pro_run_cold(struct pro *k)
{
	for (;;) {
		uint32_t page;

		while (!pro_cold_may_leave(k))
			pro_run_hot(k);
		page = k->hand_cold;
		k->hand_cold = pro_after(k, page);
		if (k->kind[page] != COLD || k->s.pinned[k->slot[page]])
			continue;
		if (!k->used[page])
			return (page);
		k->used[page] = false;
		if (k->test[page]) {
			pro_test_passes(k);
			k->kind[page] = HOT;
		}
		k->test[page] = !k->test[page];
		pro_unlink(k, page);
		pro_link(k, page);
		pro_limit_hot(k);
	}
}

static void
pro_tell(struct pro *k, uint32_t page)
{
	if (k->s.told)
		return;
	k->s.told = true;
	k->s.again = k->kind[page] == GONE;
	if (k->s.again) {
		pro_test_passes(k);
		pro_unlink(k, page);
		k->kind[page] = NOWHERE;
	}
}

static void
pro_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct pro *k = ps;
	const bool room = !k->s.told;
	bool hot;

	pro_tell(k, page);
	hot = k->s.again || (room && pro_count(k, HOT) < k->s.n - k->target);
	naive_arrive(&k->s, slot, page);
	k->kind[page] = hot ? HOT : COLD;
	k->test[page] = !hot;
	k->used[page] = false;
	k->slot[page] = slot;
	pro_link(k, page);
	pro_limit_hot(k);
}

static void
pro_hit(void *ps, uint32_t slot)
{
	struct pro *k = ps;

	k->used[k->s.page[slot]] = true;
}

static void
pro_forget(void *ps, uint32_t slot)
{
	struct pro *k = ps;
	const uint32_t page = k->s.page[slot];

	pro_unlink(k, page);
	k->kind[page] = NOWHERE;
	k->test[page] = false;
	naive_leave(&k->s, slot);
}

static uint32_t
pro_victim(void *ps, uint32_t page)
{
	struct pro *k = ps;
	uint32_t leaves, slot;

	if (all_pinned(&k->s))
		return (EPH_NONE);
	pro_tell(k, page);
	leaves = pro_run_cold(k);
	slot = k->slot[leaves];
	if (k->test[leaves]) {
		k->kind[leaves] = GONE;
		naive_leave(&k->s, slot);
		pro_run_test(k);
	} else {
		pro_forget(k, slot);
	}
	return (slot);
}

/*
 * CACHEUS: q[0] S, q[1] Q, q[3] and q[4] the histories of SR-LRU and of
 * CR-LFU, by page.
 */
struct cach {
	struct naive s;
	bool fresh[NAIVE_SLOTS_MAX], demoted[NAIVE_SLOTS_MAX];
	bool ghost_fresh[SEQ_MAX];
	uint32_t s_limit, q_limit, dem_count, nor_count;
	double w[2];
	double rate, rate_now, rate_before, rate_reset, hitrate_before;
	uint32_t hits;
	unsigned zero, negative;
};

static int
cach_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct cach *c = *psp = naive_state(env, sizeof(*c));

	(void)err;
	c->q_limit = at_least(0.01 * env->nslots + 0.5, 1);
	c->s_limit = env->nslots - c->q_limit;
	c->w[0] = c->w[1] = 0.5;
	c->rate = c->rate_now = sqrt(2 * log(2) / env->nslots);
	c->rate_reset = fmin(fmax(c->rate, 0.001), 1);
	return (0);
}

static double
cach_round(double x)
{
	return (rint(x * 1000) / 1000);
}

static void
cach_any_direction(struct cach *c)
{
	if (c->rate >= 1)
		c->rate = 0.9;
	else if (c->rate <= 0.001)
		c->rate = 0.005;
	else if (prng_below(&c->s.rng, 2) == 0)
		c->rate = fmin(c->rate * 1.25, 1);
	else
		c->rate = fmax(c->rate * 0.75, 0.001);
}

static void
cach_no_direction(struct cach *c, double hitrate, double diff)
{
	if (hitrate <= 0 && diff == 0)
		c->zero++;
	if (diff < 0) {
		c->negative++;
		c->zero++;
	}
	if (c->zero >= 10) {
		c->rate = c->rate_reset;
		c->zero = 0;
	} else if (diff < 0 && c->negative >= 10) {
		c->rate = c->rate_reset;
		c->negative = 0;
	} else if (diff < 0) {
		cach_any_direction(c);
	}
}

static void
cach_period(struct cach *c)
{
	const double hitrate = cach_round((double)c->hits / c->s.n);
	const double diff = cach_round(hitrate - c->hitrate_before);
	const double step =
	    cach_round(c->rate_now) - cach_round(c->rate_before);
	const double change = fabs(c->rate * step);

	if (step * diff > 0)
		c->rate = fmin(c->rate + change, 1);
	else if (step * diff < 0)
		c->rate = fmax(c->rate - change, 0.001);
	if (step * diff != 0)
		c->negative = c->zero = 0;
	else if (diff <= 0)
		cach_no_direction(c, hitrate, diff);
	c->rate_before = c->rate_now;
	c->rate_now = c->rate;
	c->hitrate_before = hitrate;
	c->hits = 0;
}

static void
cach_time(struct cach *c)
{
	c->s.now++;
	if (c->s.now % c->s.n == 0)
		cach_period(c);
}

/* One of the limits grows by a / b, at least 1. */
static void
cach_grow(
    struct cach *c, uint32_t *limit, uint32_t *other, uint32_t a, uint32_t b)
{
	const uint32_t by = at_least((double)a / (b < 1 ? 1 : b) + 0.5, 1);

	*limit = *limit + by < c->s.n - 1 ? *limit + by : c->s.n - 1;
	*other = c->s.n - *limit;
}

static void
cach_demote(struct cach *c)
{
	const uint32_t i = c->s.q[0].v[--c->s.q[0].n];

	c->demoted[i] = true;
	c->dem_count++;
	seq_push(&c->s.q[1], i);
}

static void
cach_limit(struct cach *c)
{
	while (c->s.q[0].n > 0 && c->s.q[0].n >= c->s_limit)
		cach_demote(c);
}

static void
cach_tell(struct cach *c, uint32_t page)
{
	if (c->s.told)
		return;
	c->s.told = true;
	cach_time(c);
	c->s.age = 1;
	c->s.again = false;
	for (unsigned e = 0; e < 2; e++) {
		if (!seq_remove(&c->s.q[3 + e], page))
			continue;
		c->s.again = true;
		c->s.age = c->s.ghost_uses[page];
		if (e == 0 && c->ghost_fresh[page]) {
			c->nor_count--;
			cach_grow(c, &c->q_limit, &c->s_limit, c->dem_count,
			    c->nor_count);
		}
		c->w[e] *= exp(-c->rate);
		c->w[0] = c->w[0] / (c->w[0] + c->w[1]);
		c->w[0] = fmin(fmax(c->w[0], 0.01), 0.99);
		c->w[1] = 1 - c->w[0];
	}
}

static void
cach_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct cach *c = ps;
	const bool room = !c->s.told;

	cach_tell(c, page);
	c->s.now--; /* naive_arrive() counts it too */
	naive_arrive(&c->s, slot, page);
	c->s.uses[slot] = c->s.age;
	c->fresh[slot] = c->demoted[slot] = false;
	if (c->s.again) {
		seq_push(&c->s.q[0], slot);
		cach_limit(c);
	} else if (room && c->s.q[0].n < c->s_limit && c->s.q[1].n == 0) {
		seq_push(&c->s.q[0], slot);
	} else if (room && c->s.q[1].n < c->q_limit) {
		seq_push(&c->s.q[1], slot);
	} else {
		c->fresh[slot] = true;
		seq_push(&c->s.q[1], slot);
		cach_limit(c);
	}
}

static void
cach_hit(void *ps, uint32_t slot)
{
	struct cach *c = ps;

	cach_time(c);
	c->hits++;
	c->s.uses[slot]++;
	c->s.when[slot] = c->s.now;
	if (seq_remove(&c->s.q[1], slot)) {
		if (c->demoted[slot]) {
			cach_grow(c, &c->s_limit, &c->q_limit, c->nor_count,
			    c->dem_count);
			c->demoted[slot] = false;
			c->dem_count--;
		}
		if (c->s.q[0].n > 0 && c->s.q[0].n >= c->s_limit)
			cach_demote(c);
	}
	(void)seq_remove(&c->s.q[0], slot);
	seq_push(&c->s.q[0], slot);
}

static void
cach_forget(void *ps, uint32_t slot)
{
	struct cach *c = ps;

	if (c->demoted[slot])
		c->dem_count--;
	c->demoted[slot] = false;
	naive_leave(&c->s, slot);
}

/* Used least, among equals last. */
static uint32_t
cach_lfu(const struct cach *c)
{
	const struct naive *s = &c->s;
	uint32_t best = EPH_NONE;

	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->cached[i] || s->pinned[i])
			continue;
		if (best == EPH_NONE || s->uses[i] < s->uses[best] ||
		    (s->uses[i] == s->uses[best] && s->when[i] > s->when[best]))
			best = i;
	}
	return (best);
}

static void
cach_remember(struct cach *c, uint32_t slot, unsigned e)
{
	struct seq *q = &c->s.q[3 + e];
	const uint32_t page = c->s.page[slot];

	if (e == 0 && c->fresh[slot])
		c->nor_count++;
	if (q->n == at_least(0.5 * c->s.n, 1)) {
		if (e == 0 && c->ghost_fresh[q->v[q->n - 1]])
			c->nor_count--;
		seq_drop_oldest(q);
	}
	seq_push(q, page);
	c->s.ghost_uses[page] = c->s.uses[slot];
	c->ghost_fresh[page] = c->fresh[slot];
}

static uint32_t
cach_victim(void *ps, uint32_t page)
{
	struct cach *c = ps;
	uint32_t lru, lfu, slot;
	unsigned e;

	if (all_pinned(&c->s))
		return (EPH_NONE);
	cach_tell(c, page);
	if ((lru = oldest(&c->s, &c->s.q[1])) == EPH_NONE)
		lru = oldest(&c->s, &c->s.q[0]);
	lfu = cach_lfu(c);
	e = prng_unit(&c->s.rng) < c->w[0] ? 0 : 1;
	slot = e == 0 ? lru : lfu;
	if (lru != lfu)
		cach_remember(c, slot, e);
	cach_forget(c, slot);
	return (slot);
}

/* LHD. */
#define LHD_CLASSES 16u
#define LHD_AGES    4096u
#define LHD_RECENT  8u

struct lhd_events {
	float hits[LHD_AGES], drops[LHD_AGES], density[LHD_AGES];
};

struct lhd {
	struct naive s;
	struct lhd_events class[LHD_CLASSES];
	uint32_t ages, period, periods, shift;
	uint32_t last[NAIVE_SLOTS_MAX], before[NAIVE_SLOTS_MAX];
	bool explores[NAIVE_SLOTS_MAX];
	uint32_t explorers;
	float dropped;
	uint32_t recent_slot[LHD_RECENT], recent_page[LHD_RECENT], recent;
};

static int
lhd_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	struct lhd *d = *psp = naive_state(env, sizeof(*d));

	(void)err;
	d->ages = (uint32_t)naive_param(&d->s, "ages", LHD_AGES);
	d->period = (uint32_t)naive_param(&d->s, "period", 65536);
	d->shift = (uint32_t)naive_param(&d->s, "coarse", 10);
	d->explorers = (uint32_t)(0.01 * env->nslots);
	for (uint32_t i = 0; i < LHD_RECENT; i++)
		d->recent_slot[i] = EPH_NONE;
	for (uint32_t c = 0; c < LHD_CLASSES; c++) {
		for (uint32_t a = 0; a < d->ages; a++)
			d->class[c].density[a] =
			    (float)(c + 1) / (float)(a + 1);
	}
	return (0);
}

static uint32_t
lhd_age(const struct lhd *d, uint32_t slot)
{
	const uint64_t age = (d->s.now - d->s.when[slot]) >> d->shift;

	return (age >= d->ages ? d->ages - 1 : (uint32_t)age);
}

static struct lhd_events *
lhd_class(struct lhd *d, uint32_t slot)
{
	uint32_t sum = d->last[slot] + d->before[slot], log = 0;

	if (sum == 0)
		return (&d->class[LHD_CLASSES - 1]);
	while (sum < d->ages && log < LHD_CLASSES - 1) {
		sum <<= 1;
		log++;
	}
	return (&d->class[log]);
}

static float
lhd_density(struct lhd *d, uint32_t slot)
{
	const uint32_t age = lhd_age(d, slot);

	if (age == d->ages - 1)
		return (-FLT_MAX);
	return (lhd_class(d, slot)->density[age] + (d->explores[slot] ? 1 : 0));
}

/* The events of one kind with ages in steps of another length. */
static void
lhd_rescale(float *of, uint32_t ages, int longer)
{
	float was[LHD_AGES];
	const uint32_t times = 1u << (longer < 0 ? -longer : longer);

	memcpy(was, of, ages * sizeof(*of));
	if (longer > 0) {
		for (uint32_t a = 0; a < ages - 1; a++)
			of[a] = 0;
		for (uint32_t a = 0; a < ages - 1; a++)
			of[a / times] += was[a];
	} else if (longer < 0) {
		for (uint32_t a = (ages - 2) / times + 1; a < ages - 1; a++)
			of[ages - 1] += was[a];
		for (uint32_t a = 0; a < ages - 1; a++)
			of[a] = was[a / times] / (float)times;
	}
}

static void
lhd_reconfigure(struct lhd *d)
{
	uint32_t want = 1;

	while (((uint64_t)d->ages << want) < 100 * (uint64_t)d->s.n)
		want++;
	d->periods++;
	for (uint32_t c = 0; c < LHD_CLASSES; c++) {
		struct lhd_events *v = &d->class[c];
		float hits = 0, events = 0, lifetime = 0;

		if (d->periods == 6 || d->periods == 26) {
			const int longer = (int)want - (int)d->shift;

			lhd_rescale(v->hits, d->ages, longer);
			lhd_rescale(v->drops, d->ages, longer);
		}
		for (uint32_t a = d->ages; a-- > 0;) {
			v->hits[a] *= 0.9f;
			v->drops[a] *= 0.9f;
			hits += v->hits[a];
			events += v->hits[a] + v->drops[a];
			lifetime += events;
			v->density[a] = events > 1e-5f ? hits / lifetime : 0;
		}
	}
	if (d->periods == 6 || d->periods == 26)
		d->shift = want;
}

static void
lhd_update(struct lhd *d, uint32_t slot, bool arrives)
{
	const bool explore = prng_below(&d->s.rng, 32) == 0;

	d->s.when[slot] = d->s.now;
	d->explores[slot] = explore && d->explorers > 0 && d->periods < 50;
	d->explorers -= d->explores[slot];
	if (arrives && !explore && lhd_density(d, slot) < d->dropped) {
		d->recent_slot[d->recent % LHD_RECENT] = slot;
		d->recent_page[d->recent++ % LHD_RECENT] = d->s.page[slot];
	}
	d->s.now++;
	if (d->s.now % d->period == 0)
		lhd_reconfigure(d);
}

static void
lhd_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct lhd *d = ps;

	d->s.page[slot] = page;
	d->s.cached[slot] = d->s.pinned[slot] = true;
	d->last[slot] = 0;
	d->before[slot] = d->ages;
	lhd_update(d, slot, true);
}

static void
lhd_hit(void *ps, uint32_t slot)
{
	struct lhd *d = ps;
	const uint32_t age = lhd_age(d, slot);

	lhd_class(d, slot)->hits[age] += 1;
	d->explorers += d->explores[slot];
	d->before[slot] = d->last[slot];
	d->last[slot] = age;
	lhd_update(d, slot, false);
}

static void
lhd_forget(void *ps, uint32_t slot)
{
	struct lhd *d = ps;

	d->explorers += d->explores[slot];
	d->explores[slot] = false;
	naive_leave(&d->s, slot);
}

static uint32_t
lhd_victim(void *ps, uint32_t page)
{
	struct lhd *d = ps;
	uint32_t slots[32 + LHD_RECENT], n = 0, best = EPH_NONE, i = 0;
	float least = 0;

	(void)page;
	if (all_pinned(&d->s))
		return (EPH_NONE);
	for (; n < 32; n++)
		slots[n] = i = prng_below(&d->s.rng, d->s.n);
	for (uint32_t k = 0; k < LHD_RECENT; k++) {
		if (d->recent_slot[k] != EPH_NONE &&
		    d->s.page[d->recent_slot[k]] == d->recent_page[k])
			slots[n++] = d->recent_slot[k];
	}
	for (uint32_t k = 0; k < n || best == EPH_NONE; k++) {
		const uint32_t slot = k < n ? slots[k] : (i = (i + 1) % d->s.n);

		if (!d->s.cached[slot] || d->s.pinned[slot])
			continue;
		if (best == EPH_NONE || lhd_density(d, slot) < least) {
			best = slot;
			least = lhd_density(d, slot);
		}
	}
	d->dropped = 0.9f * d->dropped + (1 - 0.9f) * least;
	lhd_class(d, best)->drops[lhd_age(d, best)] += 1;
	lhd_forget(d, best);
	return (best);
}

/* clang-format off */
static const struct eph_policy_ops naive_learned[] = {
	NAIVE("clockpro", pro_create, pro_insert, pro_hit, naive_pin,
	    naive_release, pro_forget, pro_victim),
	NAIVE("cacheus", cach_create, cach_insert, cach_hit, naive_pin,
	    naive_release, cach_forget, cach_victim),
	NAIVE("lhd", lhd_create, lhd_insert, lhd_hit, naive_pin,
	    naive_release, lhd_forget, lhd_victim),
};
/* clang-format on */

const struct eph_policy_ops *
naive_find_learned(const char *name)
{
	const size_t n = sizeof(naive_learned) / sizeof(naive_learned[0]);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(naive_learned[i].name, name) == 0)
			return (&naive_learned[i]);
	}
	return (naive_find_tinylfu(name));
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "naive_kit.h"

static void
no_hit(void *ps, uint32_t slot)
{
	(void)ps;
	(void)slot;
}

static void
push_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	naive_arrive(s, slot, page);
	seq_push(&s->q[0], slot);
}

static void
to_front_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	(void)seq_remove(&s->q[0], slot);
	seq_push(&s->q[0], slot);
}

static uint32_t
oldest_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const uint32_t i = oldest(s, &s->q[0]);

	(void)page;
	if (i != EPH_NONE)
		naive_leave(s, i);
	return (i);
}

/* The kernels' lists: on q[0] while not referenced. */
static void
lru_insert(void *ps, uint32_t slot, uint32_t page)
{
	naive_arrive(ps, slot, page);
}

static void
lru_pin(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->pinned[slot] = true;
	(void)seq_remove(&s->q[0], slot);
}

static void
lru_release(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->pinned[slot] = false;
	if (seq_find(&s->q[0], slot) < 0)
		seq_push(&s->q[0], slot);
}

/* lazy: what is pinned at the old end loses its place when it is met. */
static uint32_t
lazy_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;

	(void)page;
	while (s->q[0].n > 0) {
		const uint32_t i = s->q[0].v[--s->q[0].n];

		if (!s->pinned[i]) {
			naive_leave(s, i);
			return (i);
		}
	}
	return (EPH_NONE);
}

static uint32_t
mru_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;

	(void)page;
	for (uint32_t i = 0; i < s->q[0].n; i++) {
		const uint32_t slot = s->q[0].v[i];

		if (!s->pinned[slot]) {
			naive_leave(s, slot);
			return (slot);
		}
	}
	return (EPH_NONE);
}

static void
bit_hit(void *ps, uint32_t slot)
{
	((struct naive *)ps)->bits[slot] = 1;
}

static void
count_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if (s->bits[slot] < 3)
		s->bits[slot]++;
}

static uint32_t
clock_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i;

	(void)page;
	while ((i = oldest(s, &s->q[0])) != EPH_NONE && s->bits[i] > 0) {
		s->bits[i]--;
		(void)seq_remove(&s->q[0], i);
		seq_push(&s->q[0], i);
	}
	if (i != EPH_NONE)
		naive_leave(s, i);
	return (i);
}

/* SIEVE; the hand is the slot it looks at next, in `p`, -1 for the tail. */
static int
sieve_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	(void)naive_create(env, psp, err);
	((struct naive *)*psp)->p = -1;
	return (0);
}

static int
sieve_newer(const struct naive *s, uint32_t slot)
{
	const int at = seq_find(&s->q[0], slot);

	return (at > 0 ? (int)s->q[0].v[at - 1] : -1);
}

static void
sieve_forget(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if ((int)s->p == (int)slot)
		s->p = sieve_newer(s, slot);
	naive_leave(s, slot);
}

static bool
sieve_spares(struct naive *s, uint32_t slot)
{
	uint32_t price, mean;

	if (s->env.price == NULL || s->bits[slot] == 2)
		return (false);
	price = s->env.price(s->env.price_arg, slot);
	mean = s->mean / 16;
	s->mean = s->mean + price - mean;
	if (price > mean)
		s->bits[slot] = 2;
	return (price > mean);
}

static uint32_t
sieve_any(struct naive *s, bool priced)
{
	if (all_pinned(s))
		return (EPH_NONE);
	for (;;) {
		const uint32_t i =
		    s->p < 0 ? s->q[0].v[s->q[0].n - 1] : (uint32_t)s->p;

		s->p = i;
		if (!s->pinned[i]) {
			if (s->bits[i] == 1)
				s->bits[i] = 0;
			else if (!priced || !sieve_spares(s, i)) {
				sieve_forget(s, i);
				return (i);
			}
		}
		s->p = sieve_newer(s, i);
	}
}

static uint32_t
sieve_victim(void *ps, uint32_t page)
{
	(void)page;
	return (sieve_any(ps, false));
}

static uint32_t
price_sieve_victim(void *ps, uint32_t page)
{
	(void)page;
	return (sieve_any(ps, true));
}

/* SLRU: q[3] probation, the others above it. */
static void
slru_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	naive_arrive(s, slot, page);
	seq_push(&s->q[3], slot);
}

static void
slru_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;
	const uint32_t above = (uint32_t)naive_param(s, "segments", 2) - 1;
	const double max =
	    floor(s->n * (naive_param(s, "protected", 0.8) / above));
	unsigned at = 3;

	while (!seq_remove(&s->q[at], slot))
		at++;
	if (at < 3 + above)
		at++;
	seq_push(&s->q[at], slot);
	for (; at > 3 && s->q[at].n > max; at--)
		seq_push(&s->q[at - 1], s->q[at].v[--s->q[at].n]);
}

static void
slru_forget(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	for (unsigned at = 3; at < SEQS; at++)
		(void)seq_remove(&s->q[at], slot);
	naive_leave(s, slot);
}

static uint32_t
slru_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i = EPH_NONE;

	(void)page;
	for (unsigned at = 3; at < SEQS && i == EPH_NONE; at++)
		i = oldest(s, &s->q[at]);
	if (i != EPH_NONE)
		slru_forget(s, i);
	return (i);
}

/* 2Q: q[0] A1in, q[1] Am, q[3] A1out. */
static void
twoq_tell(struct naive *s, uint32_t page)
{
	if (!s->told)
		s->again = seq_remove(&s->q[3], page);
	s->told = true;
}

static void
twoq_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	twoq_tell(s, page);
	naive_arrive(s, slot, page);
	seq_push(&s->q[s->again ? 1 : 0], slot);
}

static void
twoq_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	if (seq_remove(&s->q[1], slot))
		seq_push(&s->q[1], slot);
}

static uint32_t
twoq_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const bool from_in =
	    s->q[0].n > at_least(naive_param(s, "kin", 0.25) * s->n, 1);
	uint32_t i;

	if (all_pinned(s))
		return (EPH_NONE);
	twoq_tell(s, page);
	i = oldest(s, &s->q[from_in ? 0 : 1]);
	if (i == EPH_NONE)
		i = oldest(s, &s->q[from_in ? 1 : 0]);
	if (seq_find(&s->q[0], i) >= 0) {
		seq_push(&s->q[3], s->page[i]);
		if (s->q[3].n > at_least(naive_param(s, "kout", 0.5) * s->n, 1))
			seq_drop_oldest(&s->q[3]);
	}
	naive_leave(s, i);
	return (i);
}

/* ARC and CAR: q[0] T1, q[1] T2, q[3] B1, q[4] B2. */
static void
arc_adapt(struct naive *s, bool in_b1)
{
	const double b1 = s->q[3].n, b2 = s->q[4].n;

	if (in_b1)
		s->p = fmin(s->n, s->p + fmax(b2 / b1, 1));
	else
		s->p = fmax(0, s->p - fmax(b1 / b2, 1));
}

enum { ARC_NEW, ARC_B1, ARC_B2, ARC_FULL };

static int
arc_tell(struct naive *s, uint32_t page)
{
	const uint32_t l1 = s->q[0].n + s->q[3].n;
	const bool b1 = seq_find(&s->q[3], page) >= 0;
	const bool b2 = seq_find(&s->q[4], page) >= 0;
	int kind = b1 ? ARC_B1 : b2 ? ARC_B2 : ARC_NEW;

	s->told = true;
	s->again = b1 || b2;
	if (s->again) {
		arc_adapt(s, b1);
		(void)seq_remove(&s->q[3], page);
		(void)seq_remove(&s->q[4], page);
	} else if (l1 >= s->n) {
		if (s->q[0].n < s->n)
			seq_drop_oldest(&s->q[3]);
		else
			kind = ARC_FULL;
	} else if (l1 + s->q[1].n + s->q[4].n >= 2 * s->n) {
		seq_drop_oldest(&s->q[4]);
	}
	return (kind);
}

static void
arc_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	if (!s->told)
		(void)arc_tell(s, page);
	naive_arrive(s, slot, page);
	seq_push(&s->q[s->again ? 1 : 0], slot);
}

static void
arc_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	(void)seq_remove(&s->q[0], slot);
	(void)seq_remove(&s->q[1], slot);
	seq_push(&s->q[1], slot);
}

static uint32_t
arc_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	unsigned from;
	uint32_t i;
	int kind;

	if (all_pinned(s))
		return (EPH_NONE);
	kind = arc_tell(s, page);
	from = kind == ARC_FULL ||
		(s->q[0].n >= 1 &&
		    ((kind == ARC_B2 && s->q[0].n == s->p) || s->q[0].n > s->p))
	    ? 0
	    : 1;
	if ((i = oldest(s, &s->q[from])) == EPH_NONE)
		i = oldest(s, &s->q[from = 1 - from]);
	if (kind != ARC_FULL || from != 0)
		seq_push(&s->q[3 + from], s->page[i]);
	naive_leave(s, i);
	return (i);
}

static void
car_make_room(struct naive *s)
{
	if (s->q[0].n + s->q[3].n >= s->n)
		seq_drop_oldest(&s->q[3]);
	else if (s->q[0].n + s->q[1].n + s->q[3].n + s->q[4].n >= 2 * s->n)
		seq_drop_oldest(&s->q[4]);
}

static void
car_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;
	const bool b1 = seq_find(&s->q[3], page) >= 0;
	const bool b2 = seq_find(&s->q[4], page) >= 0;
	const bool told = s->told;

	naive_arrive(s, slot, page);
	if (b1 || b2) {
		arc_adapt(s, b1);
		(void)seq_remove(&s->q[3], page);
		(void)seq_remove(&s->q[4], page);
		seq_push(&s->q[1], slot);
		return;
	}
	if (!told)
		car_make_room(s);
	seq_push(&s->q[0], slot);
}

static uint32_t
car_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;

	if (all_pinned(s))
		return (EPH_NONE);
	for (;;) {
		unsigned from = s->q[0].n >= fmax(1, s->p) ? 0 : 1;
		uint32_t i = oldest(s, &s->q[from]);

		if (i == EPH_NONE)
			i = oldest(s, &s->q[from = 1 - from]);
		if (s->bits[i]) {
			s->bits[i] = 0;
			(void)seq_remove(&s->q[from], i);
			seq_push(&s->q[1], i);
			continue;
		}
		seq_push(&s->q[3 + from], s->page[i]);
		naive_leave(s, i);
		if (seq_find(&s->q[3], page) < 0 &&
		    seq_find(&s->q[4], page) < 0)
			car_make_room(s);
		s->told = true;
		return (i);
	}
}

/* S3-FIFO: q[0] small, q[1] main, q[3] ghost. */
static uint32_t
s3fifo_from(struct naive *s, unsigned from)
{
	uint32_t i;

	while ((i = oldest(s, &s->q[from])) != EPH_NONE) {
		if (s->bits[i] <
		    (from == 0 ? naive_param(s, "threshold", 2) : 1))
			return (i);
		s->bits[i] = from == 0 ? 0 : s->bits[i] - 1;
		(void)seq_remove(&s->q[from], i);
		seq_push(&s->q[1], i);
	}
	return (EPH_NONE);
}

static uint32_t
s3fifo_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const uint32_t main_max =
	    s->n - at_least(naive_param(s, "small", 0.1) * s->n, 0);
	uint32_t i = EPH_NONE;

	if (all_pinned(s))
		return (EPH_NONE);
	twoq_tell(s, page);
	while (i == EPH_NONE) {
		unsigned from = s->q[1].n > main_max || s->q[0].n == 0;

		if (oldest(s, &s->q[from]) == EPH_NONE)
			from = !from;
		i = s3fifo_from(s, from);
	}
	if (seq_find(&s->q[0], i) >= 0) {
		seq_push(&s->q[3], s->page[i]);
		if (s->q[3].n >
		    at_least(naive_param(s, "ghost", 0.9) * s->n, 0))
			seq_drop_oldest(&s->q[3]);
	}
	naive_leave(s, i);
	return (i);
}

/* LFU and LFU-DA: search for the least. */
static uint32_t
least_used(const struct naive *s)
{
	uint32_t best = EPH_NONE;

	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->cached[i] || s->pinned[i])
			continue;
		if (best == EPH_NONE || s->value[i] < s->value[best] ||
		    (s->value[i] == s->value[best] &&
			s->when[i] < s->when[best]))
			best = i;
	}
	return (best);
}

static void
lfu_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	naive_arrive(s, slot, page);
	s->value[slot] = s->age + 1;
}

static void
lfu_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->when[slot] = ++s->now;
	s->value[slot] = s->age + ++s->uses[slot];
}

static uint32_t
lfu_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const uint32_t i = least_used(s);

	(void)page;
	if (i != EPH_NONE)
		naive_leave(s, i);
	return (i);
}

static uint32_t
lfuda_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const uint32_t i = least_used(s);

	(void)page;
	if (i != EPH_NONE) {
		s->age = s->value[i];
		naive_leave(s, i);
	}
	return (i);
}

/* OPT: `value` is the next use; the lowest slot among the unused. */
static void
opt_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	naive_arrive(s, slot, page);
	s->value[slot] = s->env.next_use(s->env.next_use_arg);
}

static void
opt_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->value[slot] = s->env.next_use(s->env.next_use_arg);
}

static uint32_t
opt_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t best = EPH_NONE;

	(void)page;
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->cached[i] && !s->pinned[i] &&
		    (best == EPH_NONE || s->value[i] > s->value[best]))
			best = i;
	}
	if (best != EPH_NONE)
		naive_leave(s, best);
	return (best);
}

static uint32_t
price_aware_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const uint32_t depth = (uint32_t)naive_param(s, "depth", 32);
	uint32_t best = EPH_NONE, least = UINT32_MAX, seen = 0;

	(void)page;
	for (uint32_t i = s->q[0].n; i-- > 0 && seen < depth;) {
		const uint32_t slot = s->q[0].v[i];
		uint32_t price = 0;

		if (s->pinned[slot])
			continue;
		seen++;
		if (s->env.price != NULL)
			price = s->env.price(s->env.price_arg, slot);
		if (price < least) {
			best = slot;
			least = price;
		}
	}
	if (best != EPH_NONE)
		naive_leave(s, best);
	return (best);
}

/* MQ: q[3 + k] queue k (slots), q[11] Qout; `value` is the expiry. */
static uint64_t
mq_expiry(const struct naive *s)
{
	return (s->now + (uint64_t)naive_param(s, "lifetime", 75));
}

static void
mq_enqueue(struct naive *s, uint32_t slot)
{
	unsigned k = 0;

	while (k < 7 && s->uses[slot] >= (uint64_t)2 << k)
		k++;
	seq_push(&s->q[3 + k], slot);
	s->value[slot] = mq_expiry(s);
}

static void
mq_dequeue(struct naive *s, uint32_t slot)
{
	for (unsigned k = 0; k < 8; k++)
		(void)seq_remove(&s->q[3 + k], slot);
}

static void
mq_adjust(struct naive *s)
{
	s->now++;
	for (unsigned k = 1; k < 8; k++) {
		struct seq *q = &s->q[3 + k];

		if (q->n > 0 && s->value[q->v[q->n - 1]] < s->now) {
			const uint32_t i = q->v[--q->n];

			seq_push(q - 1, i);
			s->value[i] = mq_expiry(s);
		}
	}
}

static void
mq_tell(struct naive *s, uint32_t page)
{
	if (!s->told) {
		s->age = 0;
		if (seq_remove(&s->q[11], page))
			s->age = s->ghost_uses[page];
	}
	s->told = true;
}

static void
mq_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	mq_tell(s, page);
	s->told = false;
	s->page[slot] = page;
	s->cached[slot] = s->pinned[slot] = true;
	s->uses[slot] = s->age + 1;
	mq_enqueue(s, slot);
	mq_adjust(s);
}

static void
mq_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->uses[slot]++;
	mq_dequeue(s, slot);
	mq_enqueue(s, slot);
	mq_adjust(s);
}

static void
mq_forget(void *ps, uint32_t slot)
{
	mq_dequeue(ps, slot);
	naive_leave(ps, slot);
}

static uint32_t
mq_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t i = EPH_NONE;

	if (all_pinned(s))
		return (EPH_NONE);
	mq_tell(s, page);
	for (unsigned k = 0; k < 8 && i == EPH_NONE; k++)
		i = oldest(s, &s->q[3 + k]);
	s->ghost_uses[s->page[i]] = s->uses[i];
	seq_push(&s->q[11], s->page[i]);
	if (s->q[11].n > at_least(naive_param(s, "out", 0.5) * s->n, 1))
		seq_drop_oldest(&s->q[11]);
	mq_forget(s, i);
	return (i);
}

/*
 * LIRS: q[3] is stack S by page, q[0] queue Q by slot, q[4] the pages that
 * left and are on S, by time of leaving.  bits: 1 LIR, 0 HIR.
 */
static uint32_t
lirs_slot(const struct naive *s, uint32_t page)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->cached[i] && s->page[i] == page)
			return (i);
	}
	return (EPH_NONE);
}

static uint32_t
lirs_count(const struct naive *s)
{
	uint32_t lir = 0;

	for (uint32_t i = 0; i < s->n; i++)
		lir += s->cached[i] && s->bits[i];
	return (lir);
}

static void
lirs_prune(struct naive *s)
{
	while (s->q[3].n > 0) {
		const uint32_t page = s->q[3].v[s->q[3].n - 1];
		const uint32_t slot = lirs_slot(s, page);

		if (slot != EPH_NONE && s->bits[slot])
			break;
		s->q[3].n--;
		(void)seq_remove(&s->q[4], page);
	}
}

static void
lirs_balance(struct naive *s)
{
	lirs_prune(s);
	if (lirs_count(s) >
	    s->n - at_least(naive_param(s, "hir", 0.01) * s->n, 1)) {
		const uint32_t page = s->q[3].v[--s->q[3].n];
		const uint32_t slot = lirs_slot(s, page);

		s->bits[slot] = 0;
		seq_push(&s->q[0], slot);
	}
	lirs_prune(s);
}

static void
lirs_tell(struct naive *s, uint32_t page)
{
	if (!s->told) {
		s->again = seq_remove(&s->q[4], page);
		if (s->again)
			(void)seq_remove(&s->q[3], page);
	}
	s->told = true;
}

static void
lirs_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;
	const bool filling = lirs_count(s) <
	    s->n - at_least(naive_param(s, "hir", 0.01) * s->n, 1);

	lirs_tell(s, page);
	naive_arrive(s, slot, page);
	seq_push(&s->q[3], page);
	s->bits[slot] = s->again || filling;
	if (!s->bits[slot])
		seq_push(&s->q[0], slot);
	lirs_balance(s);
}

static void
lirs_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;
	const bool on_s = seq_remove(&s->q[3], s->page[slot]);

	seq_push(&s->q[3], s->page[slot]);
	if (!s->bits[slot]) {
		(void)seq_remove(&s->q[0], slot);
		if (on_s)
			s->bits[slot] = 1;
		else
			seq_push(&s->q[0], slot);
	}
	lirs_balance(s);
}

static void
lirs_forget(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	(void)seq_remove(&s->q[3], s->page[slot]);
	naive_leave(s, slot);
	lirs_prune(s);
}

static uint32_t
lirs_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	const double ghosts = naive_param(s, "ghosts", 2);
	uint32_t i;

	if (all_pinned(s))
		return (EPH_NONE);
	lirs_tell(s, page);
	if ((i = oldest(s, &s->q[0])) != EPH_NONE) {
		if (seq_find(&s->q[3], s->page[i]) >= 0) {
			seq_push(&s->q[4], s->page[i]);
			if (s->q[4].n > at_least(ghosts * s->n, 0))
				(void)seq_remove(
				    &s->q[3], s->q[4].v[--s->q[4].n]);
		}
		naive_leave(s, i);
		lirs_prune(s);
		return (i);
	}
	for (uint32_t at = s->q[3].n; at-- > 0;) {
		i = lirs_slot(s, s->q[3].v[at]);
		if (i != EPH_NONE && s->bits[i] && !s->pinned[i])
			break;
	}
	lirs_forget(s, i);
	return (i);
}

/* LeCaR: q[0] LRU, q[3] and q[4] what LRU and LFU dropped. */
static int
lecar_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	(void)naive_create(env, psp, err);
	((struct naive *)*psp)->p = naive_param(*psp, "weight", 0.5);
	return (0);
}

static void
lecar_tell(struct naive *s, uint32_t page)
{
	double w[2] = { s->p, 1 - s->p };

	if (s->told)
		return;
	s->told = true;
	s->now++;
	s->age = 0;
	for (unsigned e = 0; e < 2; e++) {
		if (!seq_remove(&s->q[3 + e], page))
			continue;
		s->age = s->ghost_uses[page];
		w[e] *= exp(-naive_param(s, "rate", 0.45) *
		    pow(pow(naive_param(s, "discount", 0.005), 1.0 / s->n),
			(double)(s->now - s->ghost_when[page])));
		s->p = w[0] / (w[0] + w[1]);
		s->p = fmin(fmax(s->p, 0.01), 0.99);
	}
}

static void
lecar_insert(void *ps, uint32_t slot, uint32_t page)
{
	struct naive *s = ps;

	lecar_tell(s, page);
	s->now--; /* naive_arrive() counts it too */
	naive_arrive(s, slot, page);
	s->value[slot] = s->uses[slot] = s->age + 1;
	seq_push(&s->q[0], slot);
}

static void
lecar_hit(void *ps, uint32_t slot)
{
	struct naive *s = ps;

	s->when[slot] = ++s->now;
	s->value[slot] = ++s->uses[slot];
	to_front_hit(s, slot);
}

static uint32_t
lecar_victim(void *ps, uint32_t page)
{
	struct naive *s = ps;
	uint32_t lru, lfu, i;
	unsigned e;

	if (all_pinned(s))
		return (EPH_NONE);
	lecar_tell(s, page);
	lru = oldest(s, &s->q[0]);
	lfu = least_used(s);
	e = prng_unit(&s->rng) < s->p ? 0 : 1;
	i = e == 0 ? lru : lfu;
	if (lru != lfu) {
		if (s->q[3 + e].n ==
		    at_least(naive_param(s, "history", 0.5) * s->n, 1))
			seq_drop_oldest(&s->q[3 + e]);
		seq_push(&s->q[3 + e], s->page[i]);
		s->ghost_uses[s->page[i]] = s->uses[i];
		s->ghost_when[s->page[i]] = s->now;
	}
	naive_leave(s, i);
	return (i);
}

/* clang-format off */
static const struct eph_policy_ops naive_policies[] = {
	NAIVE("lru", naive_create, lru_insert, no_hit, lru_pin, lru_release,
	    naive_forget, oldest_victim),
	NAIVE("lazy", naive_create, lru_insert, no_hit, naive_pin, lru_release,
	    naive_forget, lazy_victim),
	PLAIN("mru", push_insert, to_front_hit, mru_victim),
	PLAIN("fifo", push_insert, no_hit, oldest_victim),
	PLAIN("clock", push_insert, bit_hit, clock_victim),
	PLAIN("clock2", push_insert, count_hit, clock_victim),
	NAIVE("slru", naive_create, slru_insert, slru_hit, naive_pin,
	    naive_release, slru_forget, slru_victim),
	PLAIN("2q", twoq_insert, twoq_hit, twoq_victim),
	NAIVE("mq", naive_create, mq_insert, mq_hit, naive_pin, naive_release,
	    mq_forget, mq_victim),
	PLAIN("arc", arc_insert, arc_hit, arc_victim),
	PLAIN("car", car_insert, bit_hit, car_victim),
	NAIVE("lirs", naive_create, lirs_insert, lirs_hit, naive_pin,
	    naive_release, lirs_forget, lirs_victim),
	PLAIN("lfu", lfu_insert, lfu_hit, lfu_victim),
	PLAIN("lfu-aging", lfu_insert, lfu_hit, lfuda_victim),
	NAIVE("lecar", lecar_create, lecar_insert, lecar_hit, naive_pin,
	    naive_release, naive_forget, lecar_victim),
	PLAIN("s3fifo", twoq_insert, count_hit, s3fifo_victim),
	NAIVE("sieve", sieve_create, push_insert, bit_hit, naive_pin,
	    naive_release, sieve_forget, sieve_victim),
	PLAIN("opt", opt_insert, opt_hit, opt_victim),
	PLAIN("price-aware", push_insert, to_front_hit, price_aware_victim),
	NAIVE("price-sieve", sieve_create, push_insert, bit_hit, naive_pin,
	    naive_release, sieve_forget, price_sieve_victim),
};
/* clang-format on */

const struct eph_policy_ops *
naive_find(const char *name)
{
	const size_t n = sizeof(naive_policies) / sizeof(naive_policies[0]);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(naive_policies[i].name, name) == 0)
			return (&naive_policies[i]);
	}
	return (naive_find_recent(name));
}

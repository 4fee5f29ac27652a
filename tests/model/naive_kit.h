/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NAIVE_KIT_H
#define NAIVE_KIT_H

/* What the naive policies are made of: sequences that are searched. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/prng.h"
#include "ephmap/version.h"
#include "naive_policies.h"

#define SEQ_MAX	 3000u
#define SEQS	 12u
#define KNOBS	 8u
#define COUNTERS 16384u

/* Newest first. */
struct seq {
	uint32_t v[SEQ_MAX];
	uint32_t n;
};

struct naive {
	struct eph_policy_env env;
	uint32_t n; /* slots */
	uint32_t page[NAIVE_SLOTS_MAX];
	bool cached[NAIVE_SLOTS_MAX];
	bool pinned[NAIVE_SLOTS_MAX];
	uint32_t bits[NAIVE_SLOTS_MAX];
	uint64_t uses[NAIVE_SLOTS_MAX];
	uint64_t when[NAIVE_SLOTS_MAX];
	uint64_t value[NAIVE_SLOTS_MAX];
	struct seq q[SEQS];
	uint64_t ghost_uses[SEQ_MAX]; /* by page */
	uint64_t ghost_when[SEQ_MAX];
	uint64_t now;
	uint64_t age;
	double p;
	uint32_t mean;
	double knob[KNOBS]; /* parameters, in the order of the row */
	uint64_t ghost_last[SEQ_MAX];
	uint32_t counter[COUNTERS]; /* of a sketch */
	uint32_t guard, evictions, epochs;
	bool told; /* victim() has dealt with the page that comes */
	bool again;
	struct prng rng;
};

static inline int
seq_find(const struct seq *q, uint32_t x)
{
	for (uint32_t i = 0; i < q->n; i++) {
		if (q->v[i] == x)
			return ((int)i);
	}
	return (-1);
}

static inline void
seq_insert(struct seq *q, uint32_t at, uint32_t x)
{
	if (q->n == SEQ_MAX)
		PANIC("naive: too many");
	memmove(&q->v[at + 1], &q->v[at], (q->n++ - at) * sizeof(q->v[0]));
	q->v[at] = x;
}

static inline void
seq_push(struct seq *q, uint32_t x)
{
	seq_insert(q, 0, x);
}

static inline bool
seq_remove(struct seq *q, uint32_t x)
{
	const int at = seq_find(q, x);

	if (at < 0)
		return (false);
	memmove(&q->v[at], &q->v[at + 1],
	    (--q->n - (uint32_t)at) * sizeof(q->v[0]));
	return (true);
}

static inline void
seq_drop_oldest(struct seq *q)
{
	if (q->n > 0)
		q->n--;
}

/* The oldest that is not pinned, or EPH_NONE. */
static inline uint32_t
oldest(const struct naive *s, const struct seq *q)
{
	for (uint32_t i = q->n; i-- > 0;) {
		if (!s->pinned[q->v[i]])
			return (q->v[i]);
	}
	return (EPH_NONE);
}

/* A state of `bytes` that begins with struct naive. */
static inline void *
naive_state(const struct eph_policy_env *env, size_t bytes)
{
	struct naive *s = calloc(1, bytes);

	if (s == NULL || env->nslots > NAIVE_SLOTS_MAX)
		PANIC("naive: too large");
	s->env = *env;
	s->n = env->nslots;
	eph__prng_init(&s->rng, env->seed, 0);
	return (s);
}

/* What all of them do alike. */
static inline int
naive_create(const struct eph_policy_env *env, void **psp, struct eph_err *err)
{
	(void)err;
	*psp = naive_state(env, sizeof(struct naive));
	return (0);
}

static inline void
naive_destroy(void *ps)
{
	free(ps);
}

static inline void
naive_pin(void *ps, uint32_t slot)
{
	((struct naive *)ps)->pinned[slot] = true;
}

static inline void
naive_release(void *ps, uint32_t slot)
{
	((struct naive *)ps)->pinned[slot] = false;
}

static inline void
naive_arrive(struct naive *s, uint32_t slot, uint32_t page)
{
	s->page[slot] = page;
	s->cached[slot] = s->pinned[slot] = true;
	s->bits[slot] = 0;
	s->uses[slot] = 1;
	s->when[slot] = ++s->now;
	s->told = false;
}

static inline void
naive_leave(struct naive *s, uint32_t slot)
{
	for (unsigned i = 0; i < 3; i++)
		(void)seq_remove(&s->q[i], slot);
	s->cached[slot] = s->pinned[slot] = false;
}

static inline void
naive_forget(void *ps, uint32_t slot)
{
	naive_leave(ps, slot);
}

static inline uint64_t
naive_promotions(const void *ps)
{
	(void)ps;
	return (0);
}

static inline void
naive_check(void *ps)
{
	(void)ps;
}

static inline bool
all_pinned(const struct naive *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->cached[i] && !s->pinned[i])
			return (false);
	}
	return (true);
}

/* The value of "NAME=V" among the parameters, or `def`. */
static inline double
naive_param(const struct naive *s, const char *name, double def)
{
	const size_t n = strlen(name);

	for (const char *at = s->env.params; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return (strtod(at + n + 1, NULL));
	}
	return (def);
}

static inline uint32_t
at_least(double x, uint32_t least)
{
	return (x < least ? least : (uint32_t)x);
}

/* clang-format off */
#define NAIVE(who, make, in, h, pn, rl, fg, out)                               \
	{                                                                      \
		.name = who, .summary = "", .origin = "",                     \
		.abi = EPHMAP_ABI, .create = make, .destroy = naive_destroy,   \
		.insert = in, .hit = h, .pin = pn, .release = rl,              \
		.forget = fg, .victim = out, .promotions = naive_promotions,   \
		.check = naive_check,                                          \
		.replay = eph_policy_replay_by_calls,                              \
	}
#define PLAIN(who, in, h, out)                                                 \
	NAIVE(who, naive_create, in, h, naive_pin, naive_release,              \
	    naive_forget, out)

/* clang-format on */

/* The files of them after the first; NULL: it is in none from there. */
const struct eph_policy_ops *naive_find_recent(const char *name);
const struct eph_policy_ops *naive_find_learned(const char *name);
const struct eph_policy_ops *naive_find_tinylfu(const char *name);

#endif /* !NAIVE_KIT_H */

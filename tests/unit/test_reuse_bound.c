/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The bound of reuses with a price, against a search over all choices of
 * victims on small streams, and against OPT where every page is touched.
 */

#include "test_main.h"

#include <string.h>

#include "base/prng.h"
#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/trace.h"

#define PAGES  5u
#define STATES 243u /* a page is out, in, or in and touched: 3^5 */
#define REFS   14u
#define NEVER  1000u

static const unsigned power[PAGES] = { 1, 3, 9, 27, 81 };

struct stream {
	unsigned n;
	unsigned page[REFS];
	bool touched[REFS];
	struct eph_op ops[3 * REFS];
	size_t nops;
};

static unsigned
digit(unsigned state, unsigned page)
{
	return (state / power[page] % 3);
}

static unsigned
resident(unsigned state)
{
	unsigned n = 0;

	for (unsigned p = 0; p < PAGES; p++)
		n += digit(state, p) != 0;
	return (n);
}

static void
lower(unsigned *to, unsigned cost)
{
	if (cost < *to)
		*to = cost;
}

/* All that a reference to `page` can lead to from `state`. */
static void
search_step(unsigned state, unsigned cost, unsigned page, bool touched,
    unsigned nbufs, unsigned *after)
{
	const unsigned in = touched ? 2 : 1;

	if (digit(state, page) != 0) {
		if (touched && digit(state, page) == 1)
			state += power[page];
		lower(&after[state], cost);
		return;
	}
	if (resident(state) < nbufs) {
		lower(&after[state + in * power[page]], cost);
		return;
	}
	for (unsigned v = 0; v < PAGES; v++) {
		const unsigned was = digit(state, v);

		if (was != 0)
			lower(&after[state - was * power[v] + in * power[page]],
			    cost + (was == 2));
	}
}

/* The fewest reuses of touched pages, over all choices. */
static unsigned
search(const struct stream *s, unsigned nbufs)
{
	unsigned cost[STATES], after[STATES], best = NEVER;

	for (unsigned i = 0; i < STATES; i++)
		cost[i] = NEVER;
	cost[0] = 0;
	for (unsigned t = 0; t < s->n; t++) {
		for (unsigned i = 0; i < STATES; i++)
			after[i] = NEVER;
		for (unsigned i = 0; i < STATES; i++) {
			if (cost[i] < NEVER)
				search_step(i, cost[i], s->page[t],
				    s->touched[t], nbufs, after);
		}
		memcpy(cost, after, sizeof(cost));
	}
	for (unsigned i = 0; i < STATES; i++)
		lower(&best, cost[i]);
	return (best);
}

/* As operations: m, r where touched, u; or p where all touch. */
static void
make_stream(struct stream *s, uint64_t seed, unsigned percent)
{
	struct prng rng;

	eph__prng_init(&rng, seed, 0);
	s->n = 1 + (unsigned)prng_below(&rng, REFS);
	s->nops = 0;
	for (unsigned i = 0; i < s->n; i++) {
		s->page[i] = (unsigned)prng_below(&rng, PAGES);
		s->touched[i] = prng_below(&rng, 100) < percent;
		if (percent == 100) {
			s->ops[s->nops++] = (struct eph_op){ .kind = EPH_OP_REF,
				.page = s->page[i] };
			continue;
		}
		s->ops[s->nops++] =
		    (struct eph_op){ .kind = EPH_OP_MAP, .page = s->page[i] };
		if (s->touched[i])
			s->ops[s->nops++] =
			    (struct eph_op){ .kind = EPH_OP_WRITE };
		s->ops[s->nops++] = (struct eph_op){ .kind = EPH_OP_UNMAP };
	}
}

static unsigned
bound(const struct stream *s, unsigned nbufs)
{
	const struct eph_mrc_ops ops = { .ops = s->ops, .n = s->nops };
	uint64_t reuses = NEVER;

	CU_ASSERT_EQUAL_FATAL(
	    eph_mrc_reuse_bound(&ops, nbufs, true, &reuses, NULL), 0);
	return ((unsigned)reuses);
}

static void
test_no_choice_is_below_the_bound(void)
{
	unsigned same = 0, all = 0, costs = 0;
	struct stream s;

	for (uint64_t seed = 0; seed < 1000; seed++) {
		make_stream(&s, seed, 30 + (unsigned)(seed % 4) * 20);
		for (unsigned nbufs = 1; nbufs < PAGES; nbufs++) {
			const unsigned exact = search(&s, nbufs);
			const unsigned least = bound(&s, nbufs);

			CU_ASSERT(least <= exact);
			costs += exact > 0;
			same += least == exact;
			all++;
		}
	}
	/* It is a bound that says something. */
	CU_ASSERT(costs > all / 3);
	CU_ASSERT(same > all * 3 / 4);
}

static void
test_it_is_exact_where_all_is_touched(void)
{
	struct stream s;

	for (uint64_t seed = 0; seed < 500; seed++) {
		make_stream(&s, seed, 100);
		for (unsigned nbufs = 1; nbufs < PAGES; nbufs++)
			CU_ASSERT_EQUAL(bound(&s, nbufs), search(&s, nbufs));
	}
}

/* Then it is OPT's misses beyond those that fill the buffers. */
static void
test_it_is_opt_on_a_long_stream(void)
{
	static struct eph_op ops[20000];
	const struct eph_mrc_ops list = { .ops = ops, .n = 20000 };
	const uint32_t nbufs = 50;
	struct eph_policy_counts counts = { 0, 0 };
	struct eph_refs r;
	struct prng rng;
	uint64_t reuses = 0;

	eph_refs_init(&r);
	eph__prng_init(&rng, 1, 0);
	for (unsigned i = 0; i < 20000; i++) {
		const double u = prng_unit(&rng);
		const uint32_t page = (uint32_t)(u * u * u * 400);

		ops[i] = (struct eph_op){ .kind = EPH_OP_REF, .page = page };
		CU_ASSERT_EQUAL_FATAL(eph_refs_append(&r, &page, 1, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	CU_ASSERT_EQUAL(eph_mrc_replay(&r, eph_policy_find("opt"), NULL, nbufs,
			    1, &counts, NULL),
	    0);
	CU_ASSERT_EQUAL(
	    eph_mrc_reuse_bound(&list, nbufs, true, &reuses, NULL), 0);
	CU_ASSERT_EQUAL(reuses, r.n - counts.hits - nbufs);
	CU_ASSERT_EQUAL(
	    eph_mrc_reuse_bound(&list, nbufs, false, &reuses, NULL), 0);
	CU_ASSERT_EQUAL(reuses, 0);
	eph_refs_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_no_choice_is_below_the_bound),
	TEST(test_it_is_exact_where_all_is_touched),
	TEST(test_it_is_opt_on_a_long_stream),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "reuse bound", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

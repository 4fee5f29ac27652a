/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Hits of every policy on public traces, to the last one.
 *
 * The traces may not be copied here: EPHMAP_TRACES names the folder that
 * has them (public/arc, public/lirs), and without it nothing is tested and
 * that is said.  policy_hits.tsv says where its numbers were checked.
 */

#include "test_main.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "real_traces.h"

#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

struct golden {
	char trace[16], policy[24];
	uint32_t nbufs;
	uint64_t hits;
};

/* The next line of the file that is not a comment. */
static bool
next_golden(FILE *f, struct golden *g)
{
	char line[256];

	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned long long hits;
		unsigned nbufs;

		if (line[0] == '#')
			continue;
		CU_ASSERT_EQUAL_FATAL(sscanf(line, "%15s %u %23s %llu",
					  g->trace, &nbufs, g->policy, &hits),
		    4);
		g->nbufs = nbufs;
		g->hits = hits;
		return (true);
	}
	return (false);
}

static uint64_t
replay(const struct eph_refs *r, const char *policy, uint32_t nbufs)
{
	const struct eph_policy_ops *ops = eph_policy_find(policy);
	struct eph_err err = { "" };
	struct eph_policy_counts counts = { 0, 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(ops);
	CU_ASSERT_EQUAL(
	    eph_mrc_replay(r, ops, NULL, nbufs, 1, &counts, &err), 0);
	return (counts.hits);
}

static void
check_recorded(const struct eph_refs *r, const char *trace)
{
	FILE *f = fopen(GOLDEN_FILE, "r");
	struct golden g;
	unsigned seen = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (next_golden(f, &g)) {
		uint64_t hits;

		if (strcmp(g.trace, trace) != 0)
			continue;
		seen++;
		hits = replay(r, g.policy, g.nbufs);
		if (hits != g.hits)
			(void)fprintf(stderr,
			    "%s %u %s: %llu hits, recorded %llu\n", g.trace,
			    (unsigned)g.nbufs, g.policy,
			    (unsigned long long)hits,
			    (unsigned long long)g.hits);
		CU_ASSERT_EQUAL(hits, g.hits);
	}
	/* Every policy at three sizes. */
	for (size_t p = 0; eph_policies[p] != NULL; p++)
		seen -= 3;
	CU_ASSERT_EQUAL(seen, 0);
	(void)fclose(f);
}

/*
 * OPT by another way: for each page the position of its next use, in a
 * heap from which nothing is ever taken but its top; what is stale is
 * skipped there.
 */
struct future {
	uint32_t *next; /* in the heap, largest first; EPH_NONE: never */
	uint32_t *page;
	size_t n;
};

static void
future_swap(struct future *h, size_t i, size_t j)
{
	const uint32_t next = h->next[i], page = h->page[i];

	h->next[i] = h->next[j];
	h->page[i] = h->page[j];
	h->next[j] = next;
	h->page[j] = page;
}

static void
future_push(struct future *h, uint32_t next, uint32_t page)
{
	size_t i = h->n++;

	h->next[i] = next;
	h->page[i] = page;
	for (; i > 0 && h->next[(i - 1) / 2] < h->next[i]; i = (i - 1) / 2)
		future_swap(h, i, (i - 1) / 2);
}

static void
future_pop(struct future *h)
{
	size_t i = 0, c;

	future_swap(h, 0, --h->n);
	while ((c = 2 * i + 1) < h->n) {
		if (c + 1 < h->n && h->next[c + 1] > h->next[c])
			c++;
		if (h->next[i] >= h->next[c])
			break;
		future_swap(h, i, c);
		i = c;
	}
}

static uint64_t
opt_another_way(const struct eph_refs *r, uint32_t nbufs)
{
	struct future h = { calloc(r->n, sizeof(uint32_t)),
		calloc(r->n, sizeof(uint32_t)), 0 };
	uint32_t *now = calloc(r->npages, sizeof(*now)); /* next use */
	bool *cached = calloc(r->npages, sizeof(*cached));
	uint64_t hits = 0;
	uint32_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const uint32_t page = r->page[i];

		if (cached[page]) {
			hits++;
		} else if (n < nbufs) {
			n++;
		} else {
			while (
			    !cached[h.page[0]] || now[h.page[0]] != h.next[0])
				future_pop(&h);
			cached[h.page[0]] = false;
			future_pop(&h);
		}
		cached[page] = true;
		now[page] = r->next[i];
		future_push(&h, r->next[i], page);
	}
	free(h.next);
	free(h.page);
	free(now);
	free(cached);
	return (hits);
}

static void
check_lru_and_opt(const struct eph_refs *r)
{
	static const uint32_t sizes[] = { 1, 10, 100, 1000, 10000 };
	uint64_t *hits = calloc((size_t)r->npages + 1, sizeof(*hits));

	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(r, hits, NULL), 0);
	for (size_t i = 0; i < 5 && sizes[i] <= r->npages; i++) {
		CU_ASSERT_EQUAL(hits[sizes[i]], replay(r, "lru", sizes[i]));
		CU_ASSERT_EQUAL(
		    opt_another_way(r, sizes[i]), replay(r, "opt", sizes[i]));
	}
	free(hits);
}

/* SHARDS at 1 % is within the error it states. */
static void
check_shards(const struct eph_refs *r, const char *trace)
{
	uint64_t *hits = calloc((size_t)r->npages + 1, sizeof(*hits));
	struct eph_mrc_point p[8];

	for (size_t i = 0; i < 8; i++)
		p[i] = (struct eph_mrc_point){ .nbufs = (uint32_t)((i + 1) *
						   r->npages / 8) };
	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(r, hits, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_mrc_shards(r, 0.01, 1, p, 8, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		const double exact =
		    1 - (double)hits[p[i].nbufs] / (double)r->n;

		if (fabs(exact - p[i].miss_ratio) > p[i].error)
			(void)fprintf(stderr, "%s %u: %f, not %f +- %f\n",
			    trace, (unsigned)p[i].nbufs, exact, p[i].miss_ratio,
			    p[i].error);
		CU_ASSERT(fabs(exact - p[i].miss_ratio) <= p[i].error);
	}
	free(hits);
}

static void
test_hits_are_those_recorded(void)
{
	if (getenv("EPHMAP_TRACES") == NULL)
		(void)printf("skipped: EPHMAP_TRACES is not set; ");
	for (size_t t = 0; t < REAL_TRACES; t++) {
		struct eph_refs r;

		if (real_trace_load(t, &r)) {
			check_recorded(&r, real_traces[t].name);
			check_lru_and_opt(&r);
		}
		eph_refs_free(&r);
	}
}

static void
test_shards_on_oltp_and_sprite(void)
{
	if (getenv("EPHMAP_TRACES") == NULL)
		(void)printf("skipped: EPHMAP_TRACES is not set; ");
	for (size_t t = 0; t < REAL_TRACES; t++) {
		struct eph_refs r;

		if ((strcmp(real_traces[t].name, "oltp") == 0 ||
			strcmp(real_traces[t].name, "sprite") == 0) &&
		    real_trace_load(t, &r)) {
			check_shards(&r, real_traces[t].name);
			eph_refs_free(&r);
		}
	}
}

/* What the ARC paper (FAST 2003, table V) has for OLTP, in per cent. */
static void
test_published_hit_ratios(void)
{
	static const struct {
		const char *policy;
		uint32_t nbufs;
		double ratio;
	} published[] = { { "lru", 1000, 32.83 }, { "lru", 5000, 53.65 },
		{ "arc", 1000, 38.93 }, { "2q", 1000, 40.48 } };
	struct eph_refs r;

	if (!real_trace_load(0, &r)) {
		(void)printf("skipped: needs EPHMAP_TRACES and --long; ");
		return;
	}
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_DOUBLE_EQUAL(100.0 *
			(double)replay(
			    &r, published[i].policy, published[i].nbufs) /
			(double)r.n,
		    published[i].ratio, 0.1);
	eph_refs_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_hits_are_those_recorded),
	TEST(test_shards_on_oltp_and_sprite),
	TEST(test_published_hit_ratios),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "policy hits", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include "test_main.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/prng.h"
#include "ephmap/mrc.h"
#include "ephmap/run.h"
#include "ephmap/sdk/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Popular pages, loops and scans, `n` references to `pages` pages. */
static void
make_refs(struct eph_refs *r, uint32_t pages, size_t n, uint64_t seed)
{
	struct prng rng;

	eph_refs_init(r);
	eph__prng_init(&rng, seed, 0);
	for (size_t i = 0; i < n; i++) {
		const double u = prng_unit(&rng);
		uint32_t page = (uint32_t)(u * u * u * pages);

		if (i / 1000 % 5 == 4)
			page = (uint32_t)(i % pages);
		CU_ASSERT_EQUAL_FATAL(eph_refs_append(r, &page, 1, NULL), 0);
	}
}

static uint64_t
replay(const struct eph_refs *r, const char *policy, uint32_t nbufs)
{
	struct eph_policy_counts counts = { 0, 0 };
	struct eph_err err;

	CU_ASSERT_EQUAL_FATAL(eph_mrc_replay(r, eph_policy_find(policy), NULL,
				  nbufs, 1, &counts, &err),
	    0);
	return (counts.hits);
}

static void
test_lru_curve_equals_replay_at_every_size(void)
{
	struct eph_refs r;
	uint64_t *hits;

	make_refs(&r, 300, 40000, 1);
	hits = calloc(r.npages + 1, sizeof(*hits));
	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(&r, hits, NULL), 0);
	CU_ASSERT_EQUAL(hits[0], 0);
	for (uint32_t c = 1; c <= r.npages; c++)
		CU_ASSERT_EQUAL(hits[c], replay(&r, "lru", c));
	free(hits);
	eph_refs_free(&r);
}

/* More positions than there are words for, so that pages are moved. */
static void
test_lru_curve_of_many_pages(void)
{
	static const uint32_t sizes[] = { 1, 17, 1000, 9999, 20000 };
	struct eph_refs r;
	uint64_t *hits;

	make_refs(&r, 20000, 300000, 2);
	hits = calloc(r.npages + 1, sizeof(*hits));
	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(&r, hits, NULL), 0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		CU_ASSERT_EQUAL(hits[sizes[i]], replay(&r, "lru", sizes[i]));
	free(hits);
	eph_refs_free(&r);
}

static void
test_empty_stream(void)
{
	const struct eph_policy_ops *lru = &eph_policy_lru;
	const uint32_t size = 4;
	struct eph_mrc_config cfg = { .policies = &lru,
		.npolicies = 1,
		.sizes = &size,
		.nsizes = 1,
		.rate = 1 };
	struct eph_mrc_point p;
	struct eph_refs r;
	uint64_t hits[1] = { 1 };

	eph_refs_init(&r);
	CU_ASSERT_EQUAL(eph_mrc_lru(&r, hits, NULL), 0);
	CU_ASSERT_EQUAL(hits[0], 0);
	CU_ASSERT_EQUAL(replay(&r, "arc", 4), 0);
	CU_ASSERT_EQUAL(eph_mrc_run(&r, &cfg, &p, NULL), 0);
	CU_ASSERT(isnan(p.miss_ratio));
	cfg.rate = 0.1;
	CU_ASSERT_EQUAL(eph_mrc_run(&r, &cfg, &p, NULL), 0);
	CU_ASSERT(isnan(p.miss_ratio));
	eph_refs_free(&r);
}

static void
test_future_is_the_next_use(void)
{
	const uint32_t pages[] = { 0, 1, 0, 2, 1, 1 };
	const uint32_t next[] = { 2, 4, EPH_NONE, EPH_NONE, 5, EPH_NONE };
	struct eph_refs r;

	eph_refs_init(&r);
	CU_ASSERT_EQUAL(eph_refs_append(&r, pages, COUNT(pages), NULL), 0);
	CU_ASSERT_EQUAL(eph_refs_future(&r, NULL), 0);
	CU_ASSERT_EQUAL(memcmp(r.next, next, sizeof(next)), 0);
	CU_ASSERT_EQUAL(r.npages, 3);
	eph_refs_free(&r);
}

/*
 * OPT once more, by its definition: look ahead for each cached page.  The
 * hits do not depend on which of several pages that are never used again
 * leaves.
 */
static uint64_t
opt_by_definition(const struct eph_refs *r, uint32_t nbufs)
{
	uint32_t *cached = calloc(nbufs, sizeof(*cached)), n = 0;
	uint64_t hits = 0;

	for (size_t i = 0; i < r->n; i++) {
		uint32_t far = 0, at = 0;
		size_t farthest = 0;

		while (at < n && cached[at] != r->page[i])
			at++;
		if (at < n) {
			hits++;
			continue;
		}
		if (n < nbufs) {
			cached[n++] = r->page[i];
			continue;
		}
		for (uint32_t c = 0; c < n; c++) {
			size_t j = i + 1;

			while (j < r->n && r->page[j] != cached[c])
				j++;
			if (j >= farthest) {
				farthest = j;
				far = c;
			}
		}
		cached[far] = r->page[i];
	}
	free(cached);
	return (hits);
}

static void
test_opt_equals_its_definition(void)
{
	static const uint32_t sizes[] = { 1, 2, 7, 30, 90 };
	struct eph_refs r;

	make_refs(&r, 100, 3000, 3);
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		CU_ASSERT_EQUAL(replay(&r, "opt", sizes[i]),
		    opt_by_definition(&r, sizes[i]));
	eph_refs_free(&r);
}

/* 30 streams of all shapes, with and without pages that never come again. */
static void
test_curves_equal_replay_at_every_size(void)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		uint64_t lru[301], opt[301];
		struct eph_refs r;

		make_refs(&r, 5 + (uint32_t)seed * 9, 300 + 40 * seed, seed);
		CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
		CU_ASSERT_EQUAL(eph_mrc_lru(&r, lru, NULL), 0);
		CU_ASSERT_EQUAL(eph_mrc_opt(&r, opt, NULL), 0);
		CU_ASSERT_EQUAL(opt[0], 0);
		for (uint32_t c = 1; c <= r.npages; c += 1 + c / 16) {
			CU_ASSERT_EQUAL(lru[c], replay(&r, "lru", c));
			CU_ASSERT_EQUAL(opt[c], replay(&r, "opt", c));
		}
		CU_ASSERT_EQUAL(opt[r.npages], replay(&r, "opt", r.npages));
		eph_refs_free(&r);
	}
}

/* Cut into pieces, of which each sees pages that others saw, or none. */
static void
test_lru_curve_does_not_depend_on_threads(void)
{
	for (uint32_t pages = 1; pages < 3000; pages = pages * 3 + 1) {
		uint64_t one[3000], many[3000];
		struct eph_refs r;

		make_refs(&r, pages, 20000, pages);
		CU_ASSERT_EQUAL(eph_mrc_lru(&r, one, NULL), 0);
		for (unsigned n = 2; n < 6; n++) {
			CU_ASSERT_EQUAL(eph_mrc_lru_on(&r, n, many, NULL), 0);
			CU_ASSERT_EQUAL(
			    memcmp(one, many, (r.npages + 1) * sizeof(*one)),
			    0);
		}
		eph_refs_free(&r);
	}
}

/* More than one level of groups; the curve and the runs tell the same. */
static void
test_opt_curve_of_many_pages(void)
{
	static const uint32_t sizes[] = { 1, 2, 15, 16, 17, 257, 999, 4097,
		9999 };
	uint64_t *hits;
	struct eph_refs r;

	make_refs(&r, 10000, 60000, 3);
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	hits = calloc(r.npages + 1, sizeof(*hits));
	CU_ASSERT_EQUAL_FATAL(eph_mrc_opt(&r, hits, NULL), 0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		CU_ASSERT_EQUAL(hits[sizes[i]], replay(&r, "opt", sizes[i]));
	free(hits);
	eph_refs_free(&r);
}

/* As a design would call the policy, with slots of its own. */
static struct eph_policy_counts
play_by_calls(
    const struct eph_refs *r, const struct eph_policy_ops *ops, uint32_t nbufs)
{
	struct eph_policy_env env = { .mem = eph__mem_create(true),
		.nslots = nbufs,
		.npages_hint = r->npages,
		.seed = 1 };
	struct eph_policy_replay t = { .nslots = nbufs,
		.slot_of = calloc(r->npages, sizeof(uint32_t)),
		.page_of = calloc(nbufs, sizeof(uint32_t)) };
	struct eph_policy_counts counts;
	struct eph_err err;
	void *ps;

	memset(t.slot_of, 0xff, r->npages * sizeof(uint32_t));
	CU_ASSERT_EQUAL_FATAL(ops->create(&env, &ps, &err), 0);
	counts.hits = eph_policy_replay_by_calls(ops, ps, &t, r->page, r->n);
	counts.promotions = ops->promotions(ps);
	ops->check(ps);
	ops->destroy(ps);
	CU_ASSERT_EQUAL(eph__mem_destroy(env.mem), 0);
	free(t.slot_of);
	free(t.page_of);
	return (counts);
}

/* Whatever a replay does to be quick, slots by page too. */
static void
test_replay_is_what_calls_do(void)
{
	static const uint32_t sizes[] = { 1, 2, 9, 40, 150 };

	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct eph_refs r;

		make_refs(&r, 60 * (uint32_t)seed, 4000, seed);
		for (size_t p = 0; eph_policies[p] != NULL; p++) {
			const struct eph_policy_ops *ops = eph_policies[p];

			for (size_t i = 0; i < COUNT(sizes) && !ops->offline;
			     i++) {
				struct eph_policy_counts a, b;

				a = play_by_calls(&r, ops, sizes[i]);
				CU_ASSERT_EQUAL_FATAL(
				    eph_mrc_replay(
					&r, ops, NULL, sizes[i], 1, &b, NULL),
				    0);
				CU_ASSERT_EQUAL(a.hits, b.hits);
				CU_ASSERT_EQUAL(a.promotions, b.promotions);
			}
		}
		eph_refs_free(&r);
	}
}

static void
test_opt_is_the_bound_of_all(void)
{
	struct eph_refs r;
	uint64_t bound;

	make_refs(&r, 400, 20000, 4);
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	bound = replay(&r, "opt", 60);
	for (size_t p = 0; eph_policies[p] != NULL; p++)
		CU_ASSERT(replay(&r, eph_policies[p]->name, 60) <= bound);
	eph_refs_free(&r);
}

/* Cyclic over more pages than fit: what the literature says. */
static void
test_loop_behaviour(void)
{
	const uint32_t pages = 100, cached = 80;
	struct eph_refs r;

	eph_refs_init(&r);
	for (uint32_t i = 0; i < 100 * pages; i++) {
		const uint32_t page = i % pages;

		CU_ASSERT_EQUAL_FATAL(eph_refs_append(&r, &page, 1, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	CU_ASSERT_EQUAL(replay(&r, "lru", cached), 0);
	CU_ASSERT_EQUAL(replay(&r, "fifo", cached), 0);
	CU_ASSERT_EQUAL(replay(&r, "clock", cached), 0);
	/* (C - 1) / (L - 1) and nearly C / L. */
	CU_ASSERT_DOUBLE_EQUAL(
	    (double)replay(&r, "opt", cached) / (99.0 * pages), 79.0 / 99,
	    0.01);
	CU_ASSERT(replay(&r, "lirs", cached) > 70 * pages);
	CU_ASSERT(replay(&r, "mru", cached) > 70 * pages);
	eph_refs_free(&r);
}

static void
test_curves_do_not_depend_on_threads(void)
{
	static const uint32_t sizes[] = { 100, 3, 40 };
	const struct eph_policy_ops *policies[] = { &eph_policy_lru,
		eph_policy_find("arc"), eph_policy_find("random"),
		eph_policy_find("opt") };
	struct eph_mrc_config cfg = { .policies = policies,
		.npolicies = COUNT(policies),
		.sizes = sizes,
		.nsizes = COUNT(sizes),
		.seed = 5,
		.rate = 1 };
	struct eph_mrc_point one[12], many[12];
	struct eph_refs r;

	make_refs(&r, 300, 20000, 5);
	cfg.threads = 1;
	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, one, NULL), 0);
	cfg.threads = 4;
	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, many, NULL), 0);
	for (size_t i = 0; i < COUNT(one); i++) {
		CU_ASSERT_EQUAL(one[i].nbufs, sizes[i % 3]);
		CU_ASSERT_EQUAL(one[i].miss_ratio, many[i].miss_ratio);
		CU_ASSERT_EQUAL(one[i].error, 0);
	}
	CU_ASSERT_DOUBLE_EQUAL(
	    one[4].miss_ratio, 1 - (double)replay(&r, "arc", 3) / 20000, 1e-12);
	eph_refs_free(&r);
}

/*
 * Whatever way a curve takes, its points are those of the replays: every
 * policy of the table at enough sizes for those with a way of their own,
 * promotions too.
 */
static void
test_curves_are_the_replays(void)
{
	static const uint32_t sizes[] = { 9, 1, 2, 250, 31, 64, 120, 301, 17,
		100, 3, 4, 5, 6, 7, 8, 10, 200, 299 };
	const struct eph_policy_ops *policies[64];
	struct eph_mrc_config cfg = { .policies = policies,
		.sizes = sizes,
		.nsizes = COUNT(sizes),
		.seed = 7,
		.rate = 1 };
	struct eph_mrc_point *points;
	struct eph_refs r;

	make_refs(&r, 300, 8000, 11);
	while (eph_policies[cfg.npolicies] != NULL) {
		policies[cfg.npolicies] = eph_policies[cfg.npolicies];
		cfg.npolicies++;
	}
	points = calloc(cfg.npolicies * COUNT(sizes), sizeof(*points));
	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, points, NULL), 0);
	for (size_t i = 0; i < cfg.npolicies * COUNT(sizes); i++) {
		struct eph_policy_counts counts;
		struct eph_err err;

		CU_ASSERT_EQUAL_FATAL(
		    eph_mrc_replay(&r, policies[i / COUNT(sizes)], NULL,
			sizes[i % COUNT(sizes)], 7, &counts, &err),
		    0);
		CU_ASSERT_DOUBLE_EQUAL(points[i].miss_ratio,
		    1 - (double)counts.hits / (double)r.n, 1e-12);
		CU_ASSERT_DOUBLE_EQUAL(points[i].promotions,
		    1000 * (double)counts.promotions / (double)r.n, 1e-9);
	}
	free(points);
	eph_refs_free(&r);
}

/* What goes together at many sizes is the replay at each, more than a word. */
static void
test_sizes_together_are_the_replays(void)
{
	static const char *const names[] = { "fifo", "clock", "clock2", "sieve",
		"mru", "lfu" };
	const struct eph_policy_ops *policies[COUNT(names)];
	uint32_t sizes[70];
	struct eph_mrc_config cfg = { .policies = policies,
		.npolicies = COUNT(names),
		.sizes = sizes,
		.nsizes = COUNT(sizes),
		.rate = 1 };
	struct eph_mrc_point *points =
	    calloc(COUNT(names) * COUNT(sizes), sizeof(*points));
	struct eph_refs r;
	struct eph_err err;

	for (uint32_t i = 0; i < COUNT(sizes); i++)
		sizes[i] = i == 69 ? EPH_FRAMES_MAX : 1 + i * 7 % 70;
	for (size_t p = 0; p < COUNT(names); p++)
		policies[p] = eph_policy_find(names[p]);
	for (uint64_t seed = 0; seed < 4; seed++) {
		cfg.warmup = seed % 2 * 321;
		make_refs(&r, 30 + 20 * (uint32_t)seed, 2500, seed);
		CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, points, &err), 0);
		for (size_t i = 0; i < COUNT(names) * COUNT(sizes); i++) {
			const size_t ends[] = { (size_t)cfg.warmup, r.n };
			const uint32_t size = sizes[i % COUNT(sizes)];
			const double n = (double)(r.n - cfg.warmup);
			struct eph_policy_counts part[2];

			CU_ASSERT_EQUAL_FATAL(
			    eph_mrc_replay_parts(&r, policies[i / COUNT(sizes)],
				NULL, size < 200 ? size : 200, 1, ends, 2, part,
				&err),
			    0);
			CU_ASSERT_DOUBLE_EQUAL(points[i].miss_ratio,
			    1 - (double)part[1].hits / n, 1e-12);
			CU_ASSERT_DOUBLE_EQUAL(points[i].promotions,
			    1000 * (double)part[1].promotions / n, 1e-9);
		}
		eph_refs_free(&r);
	}
	free(points);
}

/*
 * A warm-up is played and not counted: what is left is the whole less what a
 * stream that ends there gives, for every policy that knows no future; for
 * OPT the curve and the replay agree.  Parts are those of one run.
 */
static void
test_warmup_and_parts(void)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 20, 40, 90, 100, 101 };
	const struct eph_policy_ops *policies[64];
	struct eph_mrc_config cfg = { .policies = policies,
		.sizes = sizes,
		.nsizes = COUNT(sizes),
		.seed = 3,
		.warmup = 700,
		.rate = 1 };
	const size_t ends[] = { 0, 700, 701, 1500, 2000 };
	struct eph_policy_counts all, first, part[COUNT(ends)];
	struct eph_mrc_point *points;
	struct eph_refs r, head;
	struct eph_err err;

	make_refs(&r, 100, 2000, 5);
	head = r;
	head.n = 700;
	for (; eph_policies[cfg.npolicies] != NULL; cfg.npolicies++)
		policies[cfg.npolicies] = eph_policies[cfg.npolicies];
	points = calloc(cfg.npolicies * COUNT(sizes), sizeof(*points));
	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, points, &err), 0);
	for (size_t i = 0; i < cfg.npolicies * COUNT(sizes); i++) {
		const struct eph_policy_ops *p = policies[i / COUNT(sizes)];
		const uint32_t size = sizes[i % COUNT(sizes)];
		uint64_t after, sum = 0;

		CU_ASSERT_EQUAL_FATAL(
		    eph_mrc_replay(&r, p, NULL, size, 3, &all, &err), 0);
		CU_ASSERT_EQUAL_FATAL(eph_mrc_replay_parts(&r, p, NULL, size, 3,
					  ends, COUNT(ends), part, &err),
		    0);
		for (size_t k = 0; k < COUNT(ends); k++)
			sum += part[k].hits;
		CU_ASSERT_EQUAL(sum, all.hits);
		CU_ASSERT_EQUAL(part[0].hits, 0);
		after = all.hits - part[1].hits;
		CU_ASSERT_DOUBLE_EQUAL(
		    points[i].miss_ratio, 1 - (double)after / 1300, 1e-12);
		if (p->offline)
			continue;
		head.next = NULL;
		CU_ASSERT_EQUAL_FATAL(
		    eph_mrc_replay(&head, p, NULL, size, 3, &first, &err), 0);
		CU_ASSERT_EQUAL(part[1].hits, first.hits);
		CU_ASSERT_EQUAL(part[1].promotions, first.promotions);
	}
	free(points);
	cfg.warmup = 2000;
	CU_ASSERT_EQUAL(eph_mrc_run(&r, &cfg, NULL, &err), EINVAL);
	cfg.warmup = 1;
	cfg.rate = 0.5;
	CU_ASSERT_EQUAL(eph_mrc_run(&r, &cfg, NULL, &err), EINVAL);
	eph_refs_free(&r);
}

static void
check_within_error(const struct eph_refs *r, const struct eph_mrc_point *p,
    size_t n, const char *what)
{
	uint64_t *hits = calloc((size_t)r->npages + 1, sizeof(*hits));

	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(r, hits, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		const double exact =
		    1 - (double)hits[p[i].nbufs] / (double)r->n;

		if (fabs(exact - p[i].miss_ratio) > p[i].error)
			(void)fprintf(stderr, "%s, %u: %f, not %f +- %f\n",
			    what, (unsigned)p[i].nbufs, exact, p[i].miss_ratio,
			    p[i].error);
		CU_ASSERT(fabs(exact - p[i].miss_ratio) <= p[i].error);
		CU_ASSERT(p[i].error < 0.2);
	}
	free(hits);
}

static void
set_sizes(struct eph_mrc_point *p, size_t n, uint32_t step)
{
	for (size_t i = 0; i < n; i++)
		p[i] =
		    (struct eph_mrc_point){ .nbufs = (uint32_t)(i + 1) * step };
}

static void
test_shards_is_within_its_error(void)
{
	struct eph_mrc_point p[9];
	struct eph_refs r;
	double rate;

	make_refs(&r, 50000, 400000, 6);
	set_sizes(p, COUNT(p), 5000);
	CU_ASSERT_EQUAL(eph_mrc_shards(&r, 0.05, 1, p, COUNT(p), NULL), 0);
	check_within_error(&r, p, COUNT(p), "5 %");
	set_sizes(p, COUNT(p), 5000);
	CU_ASSERT_EQUAL(
	    eph_mrc_shards_fixed(&r, 2000, 1, p, COUNT(p), &rate, NULL), 0);
	check_within_error(&r, p, COUNT(p), "2,000 pages");
	CU_ASSERT_DOUBLE_EQUAL(rate, 2000.0 / r.npages, 0.005);
	eph_refs_free(&r);
}

/* With every page in the sample there is nothing to estimate. */
static void
test_shards_of_all_pages_is_exact(void)
{
	struct eph_mrc_point p[4];
	struct eph_refs r;
	uint64_t *hits;

	make_refs(&r, 500, 30000, 7);
	hits = calloc(r.npages + 1, sizeof(*hits));
	set_sizes(p, COUNT(p), 100);
	CU_ASSERT_EQUAL_FATAL(eph_mrc_lru(&r, hits, NULL), 0);
	CU_ASSERT_EQUAL(eph_mrc_shards(&r, 1, 1, p, COUNT(p), NULL), 0);
	for (size_t i = 0; i < COUNT(p); i++) {
		CU_ASSERT_DOUBLE_EQUAL(p[i].miss_ratio,
		    1 - (double)hits[p[i].nbufs] / 30000, 1e-9);
		CU_ASSERT_DOUBLE_EQUAL(p[i].error, 0, 1e-9);
	}
	free(hits);
	eph_refs_free(&r);
}

static void
test_miniature_is_near(void)
{
	const uint32_t size = 10000;
	const struct eph_policy_ops *policies[] = { eph_policy_find("sieve"),
		eph_policy_find("opt") };
	struct eph_mrc_config cfg = { .policies = policies,
		.npolicies = 2,
		.sizes = &size,
		.nsizes = 1,
		.rate = 0.1 };
	struct eph_mrc_point p[2];
	struct eph_refs r;

	make_refs(&r, 50000, 300000, 8);
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(&r, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, p, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		const double exact =
		    1 - (double)replay(&r, policies[i]->name, size) / 300000;

		CU_ASSERT_DOUBLE_EQUAL(p[i].miss_ratio, exact, p[i].error);
		CU_ASSERT(p[i].error > 0 && p[i].error < 0.05);
	}
	eph_refs_free(&r);
}

static void
test_failures_are_told(void)
{
	const uint32_t size = 10;
	const struct eph_policy_ops *policies[] = { eph_policy_find("2q") };
	const char *const params[] = { "kin=7" };
	struct eph_mrc_config cfg = { .policies = policies,
		.params = params,
		.npolicies = 1,
		.sizes = &size,
		.nsizes = 1,
		.rate = 1 };
	struct eph_mrc_point p;
	struct eph_err err = { "" };
	struct eph_refs r;

	make_refs(&r, 20, 100, 9);
	CU_ASSERT_EQUAL(eph_mrc_run(&r, &cfg, &p, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "kin"));
	eph_refs_free(&r);
}

/* A design of its own: FIFO of whole pages, an IPI for each miss. */
static int
fake_design(void *arg, struct eph_op_source *src, uint32_t nbufs,
    struct eph_counters *out, struct eph_err *err)
{
	struct eph_refs r;
	int error;

	(void)arg;
	eph_refs_init(&r);
	memset(out, 0, sizeof(*out));
	if ((error = eph_refs_read(&r, src, err)) == 0) {
		out->map_calls = r.n;
		out->miss = r.n - replay(&r, "fifo", nbufs);
		out->invlpg_local = out->miss;
		out->invlpg_remote = 2 * out->miss;
		out->ipi_sent = out->miss;
	}
	eph_refs_free(&r);
	return (error);
}

static struct eph_op *
ops_of(const struct eph_refs *r)
{
	struct eph_op *ops = calloc(2 * r->n, sizeof(*ops));

	for (size_t i = 0; i < r->n; i++) {
		ops[2 * i] = (struct eph_op){ .kind = EPH_OP_MAP,
			.page = r->page[i],
			.slot = (uint32_t)(i % 3) };
		ops[2 * i + 1] = (struct eph_op){ .kind = EPH_OP_UNMAP,
			.slot = (uint32_t)(i % 3) };
	}
	return (ops);
}

static void
test_event_curve_is_exact_or_says_its_error(void)
{
	static const uint32_t sizes[] = { 1000, 3000, 6000 };
	const struct eph_mrc_design design = { .run = fake_design };
	struct eph_event_point p[3], mini[3];
	struct eph_mrc_ops list;
	struct eph_refs r;
	struct eph_op *ops;

	make_refs(&r, 10000, 60000, 10);
	ops = ops_of(&r);
	list = (struct eph_mrc_ops){ .ops = ops, .n = 2 * r.n };
	CU_ASSERT_EQUAL(
	    eph_mrc_events(&list, &design, sizes, 3, 1, 1, 2, p, NULL), 0);
	CU_ASSERT_EQUAL(
	    eph_mrc_events(&list, &design, sizes, 3, 0.2, 1, 2, mini, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		const double exact =
		    1 - (double)replay(&r, "fifo", sizes[i]) / 60000;

		CU_ASSERT_EQUAL(p[i].nbufs, sizes[i]);
		CU_ASSERT_DOUBLE_EQUAL(p[i].miss_rate, exact, 1e-12);
		CU_ASSERT_DOUBLE_EQUAL(p[i].invlpg_rate, 3 * exact, 1e-12);
		CU_ASSERT_DOUBLE_EQUAL(p[i].ipi_rate, exact, 1e-12);
		CU_ASSERT_EQUAL(p[i].error_ipi, 0);
		CU_ASSERT(fabs(mini[i].ipi_rate - p[i].ipi_rate) <=
		    mini[i].error_ipi + 1e-12);
		CU_ASSERT(mini[i].error_ipi < 0.1);
	}
	free(ops);
	eph_refs_free(&r);
}

/* Operations of `r`, 999 at a time, that end with a failure if told so. */
struct slow_source {
	struct eph_op *ops;
	size_t at, n;
	bool fails;
};

static int
slow_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct slow_source *s = arg;

	*opsp = &s->ops[s->at];
	*np = s->n - s->at < 999 ? s->n - s->at : 999;
	s->at += *np;
	return (*np == 0 && s->fails ? eph_err_set(err, EINVAL, "torn") : 0);
}

static void
test_a_source_is_played_while_it_is_read(void)
{
	const struct eph_policy_ops *arc = eph_policy_find("arc");
	const uint32_t size = 300;
	const struct eph_mrc_config cfg = { .policies = &arc,
		.npolicies = 1,
		.sizes = &size,
		.nsizes = 1,
		.rate = 1 };
	struct eph_err err = { "" };
	struct eph_mrc_point p;
	struct eph_refs r, got;

	make_refs(&r, 2000, 400000, 11);
	for (unsigned fails = 0; fails < 2; fails++) {
		struct slow_source s = { ops_of(&r), 0, 2 * r.n, fails != 0 };
		struct eph_op_source src = {
			.next = slow_next, .arg = &s, .npages_hint = r.npages
		};

		eph_refs_init(&got);
		CU_ASSERT_EQUAL(eph_mrc_run_source(&src, &got, &cfg, &p, &err),
		    fails ? EINVAL : 0);
		if (fails) {
			CU_ASSERT_STRING_EQUAL(err.text, "torn");
		} else {
			CU_ASSERT_EQUAL(got.n, r.n);
			CU_ASSERT_DOUBLE_EQUAL(p.miss_ratio,
			    1 - (double)replay(&r, "arc", size) / 400000, 1e-9);
		}
		/* A page that was not promised. */
		s.at = 0;
		src.npages_hint = 1;
		CU_ASSERT_EQUAL(
		    eph_mrc_run_source(&src, &got, &cfg, &p, &err), EINVAL);
		eph_refs_free(&got);
		free(s.ops);
	}
	eph_refs_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_a_source_is_played_while_it_is_read),
	TEST(test_lru_curve_equals_replay_at_every_size),
	TEST(test_lru_curve_of_many_pages),
	TEST(test_empty_stream),
	TEST(test_future_is_the_next_use),
	TEST(test_opt_equals_its_definition),
	TEST(test_curves_equal_replay_at_every_size),
	TEST(test_lru_curve_does_not_depend_on_threads),
	TEST(test_opt_curve_of_many_pages),
	TEST(test_replay_is_what_calls_do),
	TEST(test_opt_is_the_bound_of_all),
	TEST(test_loop_behaviour),
	TEST(test_curves_do_not_depend_on_threads),
	TEST(test_curves_are_the_replays),
	TEST(test_warmup_and_parts),
	TEST(test_sizes_together_are_the_replays),
	TEST(test_shards_is_within_its_error),
	TEST(test_shards_of_all_pages_is_exact),
	TEST(test_miniature_is_near),
	TEST(test_failures_are_told),
	TEST(test_event_curve_is_exact_or_says_its_error),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "mrc", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

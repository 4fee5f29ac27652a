/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Curves from samples: the exact value is within the error stated in 95 of
 * 100 draws, for every policy at every size that has a number, and the
 * bound is below all.
 *
 * With --long on OLTP and sprite (EPHMAP_TRACES) and a Zipf stream, each at
 * several rates, and a line for each policy and size of what was found; by
 * default on a small stream and few policies.
 */

#include "test_main.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "real_traces.h"

#include "base/prng.h"
#include "ephmap/mrc.h"
#include "ephmap/sdk/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SIZES	 5u

struct trial {
	const struct eph_refs *refs;
	const char *name;
	const struct eph_policy_ops *const *policies; /* the bound is last */
	size_t npolicies;
	uint32_t sizes[SIZES];
	double rate;
	unsigned draws;
};

/* What came out at one point. */
struct outcome {
	unsigned told, within;
	double width; /* sum */
};

static size_t
table_size(const struct trial *t)
{
	return (t->npolicies * SIZES);
}

static struct eph_mrc_point *
curves(const struct trial *t, double rate, uint64_t seed)
{
	const struct eph_mrc_config cfg = { .policies = t->policies,
		.npolicies = t->npolicies,
		.sizes = t->sizes,
		.nsizes = SIZES,
		.seed = seed,
		.rate = rate };
	struct eph_mrc_point *p = calloc(table_size(t), sizeof(*p));
	struct eph_err err = { "" };
	struct eph_refs r = *t->refs; /* with its next uses */

	CU_ASSERT_EQUAL_FATAL(eph_mrc_run(&r, &cfg, p, &err), 0);
	return (p);
}

/* No point of the bound is above another policy's. */
static void
check_bound(const struct trial *t, const struct eph_mrc_point *p)
{
	const struct eph_mrc_point *bound = &p[(t->npolicies - 1) * SIZES];
	unsigned above = 0;

	for (size_t i = 0; i < table_size(t); i++) {
		if (p[i].miss_ratio < bound[i % SIZES].miss_ratio - 1e-12)
			above++;
	}
	CU_ASSERT_EQUAL(above, 0);
}

static void
print_outcome(
    const struct trial *t, size_t i, const struct outcome *o, double exact)
{
	(void)printf("%-7s %.2f %7u  %-12s %.4f  ", t->name, t->rate,
	    (unsigned)t->sizes[i % SIZES], t->policies[i / SIZES]->name, exact);
	if (o->told == 0)
		(void)printf("no number\n");
	else
		(void)printf("%3u of %3u within +- %.4f\n", o->within, o->told,
		    o->width / o->told);
}

static void
run_trial(const struct trial *t)
{
	struct outcome *found = calloc(table_size(t), sizeof(*found));
	struct eph_mrc_point *exact = curves(t, 1, 1);

	for (unsigned seed = 1; seed <= t->draws; seed++) {
		struct eph_mrc_point *p = curves(t, t->rate, seed);

		for (size_t i = 0; i < table_size(t); i++) {
			if (isnan(p[i].miss_ratio))
				continue;
			found[i].told++;
			found[i].width += p[i].error;
			found[i].within +=
			    fabs(p[i].miss_ratio - exact[i].miss_ratio) <=
			    p[i].error;
		}
		check_bound(t, p);
		free(p);
	}
	for (size_t i = 0; i < table_size(t); i++) {
		const struct outcome *o = &found[i];

		if (test_long || o->within < 0.95 * o->told)
			print_outcome(t, i, o, exact[i].miss_ratio);
		CU_ASSERT(o->within >= 0.95 * o->told);
		CU_ASSERT(o->told == 0 || o->told == t->draws);
		CU_ASSERT(o->told == 0 || o->width > 0);
	}
	free(exact);
	free(found);
}

/* Zipf with exponent 1: by the inverse of its integral, near enough. */
static void
make_zipf(struct eph_refs *r, uint32_t pages, size_t n)
{
	struct prng rng;

	eph_refs_init(r);
	eph__prng_init(&rng, 1, 0);
	for (size_t i = 0; i < n; i++) {
		const uint32_t page = (uint32_t)pow(pages, prng_unit(&rng)) - 1;

		CU_ASSERT_EQUAL_FATAL(eph_refs_append(r, &page, 1, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(eph_refs_future(r, NULL), 0);
}

static void
test_a_small_stream(void)
{
	const struct eph_policy_ops *policies[] = { &eph_policy_lru,
		eph_policy_find("lfu"), eph_policy_find("s3fifo"),
		eph_policy_find("arc"), eph_policy_find("opt") };
	struct trial t = { .name = "zipf",
		.policies = policies,
		.npolicies = COUNT(policies),
		.sizes = { 10, 100, 300, 600, 900 },
		.rate = 0.2,
		.draws = 10 };
	struct eph_mrc_point *p;
	struct eph_refs r;

	make_zipf(&r, 2000, 6000);
	t.refs = &r;
	run_trial(&t);
	/* Two buffers are too few, and lfu is not for samples. */
	p = curves(&t, t.rate, 1);
	for (size_t i = 0; i < COUNT(policies); i++) {
		CU_ASSERT(isnan(p[i * SIZES].miss_ratio));
		CU_ASSERT(isnan(p[i * SIZES].promotions));
		CU_ASSERT_EQUAL(isnan(p[i * SIZES + 1].miss_ratio) != 0,
		    policies[i]->whole);
	}
	free(p);
	eph_refs_free(&r);
}

/* All policies, the bound at the end. */
static size_t
all_policies(const struct eph_policy_ops **policies)
{
	size_t n = 0;

	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		if (!eph_policies[i]->offline)
			policies[n++] = eph_policies[i];
	}
	policies[n++] = eph_policy_find("opt");
	return (n);
}

static void
run_rates(struct trial *t, const double *rates, size_t n)
{
	const struct eph_policy_ops *policies[64];

	t->npolicies = all_policies(policies);
	t->policies = policies;
	t->draws = 100;
	for (size_t i = 0; i < n; i++) {
		t->rate = rates[i];
		run_trial(t);
	}
}

static void
test_real_traces(void)
{
	static const double oltp[] = { 0.01, 0.03 }, sprite[] = { 0.1, 0.2 };
	struct trial t;

	if (!test_long || getenv("EPHMAP_TRACES") == NULL)
		(void)printf("skipped: needs EPHMAP_TRACES and --long; ");
	for (size_t i = 0; test_long && i < REAL_TRACES; i++) {
		const bool is_oltp = strcmp(real_traces[i].name, "oltp") == 0;
		struct eph_refs r;

		if ((!is_oltp && strcmp(real_traces[i].name, "sprite") != 0) ||
		    !real_trace_load(i, &r))
			continue;
		t = (struct trial){ .refs = &r, .name = real_traces[i].name };
		memcpy(t.sizes,
		    is_oltp ? (uint32_t[]){ 100, 1000, 5000, 20000, 100000 }
			    : (uint32_t[]){ 100, 200, 1000, 2000, 5000 },
		    sizeof(t.sizes));
		run_rates(&t, is_oltp ? oltp : sprite, 2);
		eph_refs_free(&r);
	}
}

static void
test_a_large_zipf_stream(void)
{
	static const double rates[] = { 0.01, 0.03 };
	struct trial t = { .name = "zipf",
		.sizes = { 100, 1000, 5000, 20000, 100000 } };
	struct eph_refs r;

	if (!test_long) {
		(void)printf("skipped: needs --long; ");
		return;
	}
	make_zipf(&r, 200000, 1000000);
	t.refs = &r;
	run_rates(&t, rates, 2);
	eph_refs_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_a_small_stream),
	TEST(test_real_traces),
	TEST(test_a_large_zipf_stream),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "shards", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <math.h>

#include "ephmap/generate.h"
#include "temp_file.h"
#include "test_main.h"

enum { PAGES_MAX = 1000 };

#define GENERATE(k, p, r, a, c, s)                                             \
	{                                                                      \
		.kind = (k), .pages = (p), .refs = (r), .alpha = (a),          \
		.cpus = (c), .seed = (s)                                       \
	}

static struct temp_dir tmp;

static int
suite_start(void)
{
	return (temp_dir_make(&tmp));
}

static int
suite_end(void)
{
	(void)temp_dir_remove(&tmp);
	return (0);
}

/* Generate and open. */
static struct eph_trace *
generate(struct eph_generate g)
{
	const char *path = temp_path(&tmp, "g");
	struct eph_trace_writer *w;
	struct eph_trace *t = NULL;
	struct eph_err err;

	CU_ASSERT_EQUAL_FATAL(
	    eph_trace_writer_open(path, EPH_TRACE_BINARY, &w, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_generate(&g, w, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_writer_commit(w, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_open(path, &t, &err), 0);
	return (t);
}

/* How often each page and each CPU comes; returns an order-aware hash. */
static uint64_t
tally(struct eph_trace *t, uint64_t *pages, uint64_t *cpus)
{
	const struct eph_op *ops;
	struct eph_err err;
	uint64_t hash = 0;
	size_t n;

	memset(pages, 0, PAGES_MAX * sizeof(pages[0]));
	memset(cpus, 0, EPH_CPUS_MAX * sizeof(cpus[0]));
	while (eph_trace_next(t, &ops, &n, &err) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++) {
			const uint64_t page =
			    eph_trace_page_name(t, ops[i].page);

			CU_ASSERT_FATAL(page < PAGES_MAX);
			pages[page]++;
			cpus[ops[i].cpu]++;
			hash = (hash ^ page ^ (uint64_t)ops[i].cpu << 32) *
			    0x9e3779b97f4a7c15u;
		}
	}
	eph_trace_close(t);
	return (hash);
}

static uint64_t pages[PAGES_MAX], cpus[EPH_CPUS_MAX];

/* Chi-square over the first `n` pages against the distribution's. */
static double
chi_square(unsigned n, double alpha, double refs)
{
	double total = 0, chi = 0;

	for (unsigned k = 0; k < n; k++)
		total += pow(k + 1.0, -alpha);
	for (unsigned k = 0; k < n; k++) {
		const double want = refs * pow(k + 1.0, -alpha) / total;
		const double off = (double)pages[k] - want;

		chi += off * off / want;
	}
	return (chi);
}

static void
zipf_has_the_distribution_it_says(void)
{
	static const double alphas[] = { 0, 0.5, 0.8, 1, 1.5 };

	for (size_t i = 0; i < sizeof(alphas) / sizeof(alphas[0]); i++) {
		(void)tally(generate((struct eph_generate)GENERATE(
				EPH_GEN_ZIPF, 100, 200000, alphas[i], 1, i)),
		    pages, cpus);
		/* 99 degrees of freedom: 99.99 % lie below 161. */
		CU_ASSERT_TRUE(chi_square(100, alphas[i], 200000) < 161);
	}
}

static void
cpus_are_drawn_evenly(void)
{
	(void)tally(generate((struct eph_generate)GENERATE(
			EPH_GEN_UNIFORM, 10, 80000, 0, 8, 3)),
	    pages, cpus);
	for (int i = 0; i < 8; i++)
		CU_ASSERT_TRUE(cpus[i] > 9500 && cpus[i] < 10500);
	CU_ASSERT_EQUAL(cpus[8], 0);
	CU_ASSERT_TRUE(chi_square(10, 0, 80000) < 34);
}

/* The numbers of today are the numbers of all times. */
static void
the_same_seed_gives_the_same_trace_for_ever(void)
{
	const struct eph_generate g = { .kind = EPH_GEN_ZIPF,
		.pages = 1000,
		.refs = 20000,
		.alpha = 0.8,
		.cpus = 4,
		.seed = 42 };
	struct eph_generate other = g;
	const uint64_t hash = tally(generate(g), pages, cpus);

	CU_ASSERT_EQUAL(hash, 0x58fb5d64c6c7005u);
	other.seed = 43;
	CU_ASSERT_NOT_EQUAL(tally(generate(other), pages, cpus), hash);
}

static void
loop_and_scan_go_in_order(void)
{
	const struct eph_op *ops;
	struct eph_trace *t;
	struct eph_err err;
	size_t n;

	t = generate(
	    (struct eph_generate)GENERATE(EPH_GEN_LOOP, 3, 7, 0, 1, 1));
	CU_ASSERT_EQUAL_FATAL(eph_trace_next(t, &ops, &n, &err), 0);
	CU_ASSERT_EQUAL_FATAL(n, 7);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(eph_trace_page_name(t, ops[i].page), i % 3);
	eph_trace_close(t);
	t = generate(
	    (struct eph_generate)GENERATE(EPH_GEN_SCAN, 3, 7, 0, 1, 1));
	CU_ASSERT_EQUAL_FATAL(eph_trace_next(t, &ops, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(eph_trace_page_name(t, ops[i].page), i * 3 / 7);
	eph_trace_close(t);
	/* Fewer references than pages: the first ones, once. */
	t = generate(
	    (struct eph_generate)GENERATE(EPH_GEN_SCAN, 9, 4, 0, 1, 1));
	CU_ASSERT_EQUAL_FATAL(eph_trace_next(t, &ops, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(eph_trace_page_name(t, ops[i].page), i);
	eph_trace_close(t);
}

static void
parameters_out_of_range_are_refused(void)
{
	static const struct eph_generate bad[] = {
		GENERATE(EPH_GEN_ZIPF, 0, 1, 0, 1, 1),
		GENERATE(
		    EPH_GEN_ZIPF, (uint64_t)EPH_FRAMES_MAX + 1, 1, 0, 1, 1),
		GENERATE(EPH_GEN_ZIPF, 1, 1, -1, 1, 1),
		GENERATE(EPH_GEN_ZIPF, 1, 1, NAN, 1, 1),
		GENERATE(EPH_GEN_ZIPF, 1, 1, 11, 1, 1),
		GENERATE(EPH_GEN_ZIPF, 1, 1, 0, 0, 1),
		GENERATE(EPH_GEN_ZIPF, 1, 1, 0, 1025, 1),
		GENERATE(EPH_GEN_ZIPF, 1, UINT64_MAX, 0, 1, 1),
	};
	struct eph_trace_writer *w;
	struct eph_err err;

	CU_ASSERT_EQUAL_FATAL(eph_trace_writer_open(temp_path(&tmp, "g"),
				  EPH_TRACE_TEXT, &w, &err),
	    0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(eph_trace_generate(&bad[i], w, &err), EINVAL);
	eph_trace_writer_abort(w);
}

static CU_TestInfo tests[] = {
	TEST(zipf_has_the_distribution_it_says),
	TEST(cpus_are_drawn_evenly),
	TEST(the_same_seed_gives_the_same_trace_for_ever),
	TEST(loop_and_scan_go_in_order),
	TEST(parameters_out_of_range_are_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "generate", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

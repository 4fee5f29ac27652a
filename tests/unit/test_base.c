/* SPDX-License-Identifier: BSD-2-Clause */

/* The small things at the bottom: memory, numbers, sets, counters, fibers. */

#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "base/mem.h"
#include "base/prng.h"
#include "ephmap/counters.h"
#include "ephmap/cpuset.h"
#include "test_main.h"

static void
memory_is_zeroed_aligned_and_counted(void)
{
	for (int heap = 0; heap < 2; heap++) {
		struct eph_mem *mem = mem_create(heap != 0);
		unsigned char *a, *b;
		unsigned sum = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(mem);
		CU_ASSERT_EQUAL(mem_bytes(mem), 0);
		a = mem_alloc(mem, 1000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(a);
		CU_ASSERT_EQUAL((uintptr_t)a % 64, 0);
		for (int i = 0; i < 1000; i++)
			sum += a[i];
		CU_ASSERT_EQUAL(sum, 0);
		CU_ASSERT_TRUE(mem_bytes(mem) >= 1000);
		memset(a, 0xff, 1000);
		a = mem_grow(mem, a, 1000, 5000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(a);
		CU_ASSERT_EQUAL(a[999], 0xff);
		for (int i = 1000; i < 5000; i++)
			sum += a[i];
		CU_ASSERT_EQUAL(sum, 0);
		b = mem_alloc(mem, 8);
		mem_free(mem, NULL, 8);
		mem_free(mem, a, 5000);
		CU_ASSERT_TRUE(mem_bytes(mem) >= 8);
		mem_free(mem, b, 8);
		CU_ASSERT_EQUAL(mem_bytes(mem), 0);
		CU_ASSERT_PTR_NOT_NULL(mem_alloc(mem, 64));
		CU_ASSERT_TRUE(mem_destroy(mem) >= 64);
	}
}

static void
an_allocation_fails_when_told_to(void)
{
	struct eph_mem *mem = mem_create(false);
	void *p;

	mem_fail_after(mem, 2);
	p = mem_alloc(mem, 10);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_PTR_NULL(mem_alloc(mem, 10));
	mem_free(mem, p, 10);
	p = mem_alloc(mem, 10);
	CU_ASSERT_PTR_NOT_NULL(p);
	mem_free(mem, p, 10);
	CU_ASSERT_EQUAL(mem_destroy(mem), 0);
}

static void
memory_within_another_is_counted_by_both_and_rewound_with_it(void)
{
	struct eph_mem *outer = mem_create_region(1 << 20);
	struct eph_mem *inner = mem_create_within(outer);
	const size_t own = mem_bytes(outer);
	unsigned char *p = mem_alloc(inner, 100);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(mem_bytes(inner), 100);
	CU_ASSERT_EQUAL(mem_bytes(outer), own + 100);
	p[0] = 1;
	CU_ASSERT_EQUAL_FATAL(mem_mark(outer), 0);
	p[0] = 2;
	CU_ASSERT_EQUAL(mem_destroy(inner), 100);
	CU_ASSERT_EQUAL(mem_bytes(outer), 100);
	mem_rewind(outer);
	CU_ASSERT_EQUAL(p[0], 1);
	CU_ASSERT_EQUAL(mem_bytes(inner), 100);
	mem_free(inner, p, 100);
	CU_ASSERT_EQUAL(mem_destroy(inner), 0);
	CU_ASSERT_EQUAL(mem_destroy(outer), 0);
}

static void
random_numbers_are_the_same_everywhere(void)
{
	struct prng a, b, c;
	uint64_t x, sum = 0;
	double mean = 0;

	/* xoshiro256** itself, from its authors' code: state 1 2 3 4. */
	a = (struct prng){ { 1, 2, 3, 4 } };
	CU_ASSERT_EQUAL(prng_next(&a), 11520);
	CU_ASSERT_EQUAL(prng_next(&a), 0);
	CU_ASSERT_EQUAL(prng_next(&a), 1509978240);
	CU_ASSERT_EQUAL(prng_next(&a), 1215971899390074240u);
	prng_init(&a, 7, 1);
	prng_init(&b, 7, 1);
	prng_init(&c, 7, 2);
	for (int i = 0; i < 1000; i++) {
		x = prng_next(&a);
		CU_ASSERT_EQUAL(x, prng_next(&b));
		sum += x == prng_next(&c);
	}
	CU_ASSERT_EQUAL(sum, 0);
	for (int i = 0; i < 10000; i++) {
		const uint32_t n = prng_below(&a, 10);
		const double u = prng_unit(&a);

		CU_ASSERT_TRUE(n < 10);
		CU_ASSERT_TRUE(u >= 0 && u < 1);
		mean += n / 10000.0;
	}
	CU_ASSERT_DOUBLE_EQUAL(mean, 4.5, 0.15);
}

static void
sets_of_cpus_equal_arrays_of_flags(void)
{
	static const unsigned sizes[] = { 1, 32, 64, 65, 1024 };
	struct prng r;

	prng_init(&r, 9, 9);
	for (unsigned s = 0; s < 5; s++) {
		const unsigned ncpus = sizes[s];
		const unsigned words = eph_cpuset_words(ncpus);
		eph_cpuword_t a[EPH_CPUSET_WORDS_MAX] = { 0 };
		eph_cpuword_t b[EPH_CPUSET_WORDS_MAX] = { 0 };
		eph_cpuword_t d[EPH_CPUSET_WORDS_MAX];
		bool fa[1024] = { false }, fb[1024] = { false };
		unsigned count = 0, any = 0, next = 0, wrong = 0;

		CU_ASSERT_EQUAL(words, (ncpus + 63) / 64);
		CU_ASSERT_TRUE(eph_cpuset_isempty(a, words));
		for (unsigned i = 0; i < ncpus; i++) {
			const unsigned c = prng_below(&r, ncpus);

			fa[c] = true;
			eph_cpuset_set(a, c);
			fb[i] = prng_below(&r, 2) != 0;
			if (fb[i])
				eph_cpuset_set(b, i);
		}
		eph_cpuset_set(b, 0);
		eph_cpuset_clear(b, 0);
		fb[0] = false;
		for (unsigned i = 0; i < ncpus; i++) {
			wrong += eph_cpuset_isset(a, i) != fa[i];
			count += fa[i];
			any |= fa[i] && !fb[i];
		}
		CU_ASSERT_EQUAL(eph_cpuset_count(a, words), count);
		CU_ASSERT_EQUAL(eph_cpuset_andnot(d, a, b, words), any != 0);
		EPH_CPUSET_FOREACH(c, d, words)
		{
			for (; next < c; next++)
				wrong += fa[next] && !fb[next];
			wrong += !fa[c] || fb[c];
			next = c + 1;
		}
		for (; next < ncpus; next++)
			wrong += fa[next] && !fb[next];
		CU_ASSERT_EQUAL(wrong, 0);
		eph_cpuset_copy(d, a, words);
		CU_ASSERT_TRUE(eph_cpuset_isequal(a, d, words));
		eph_cpuset_or(d, b, words);
		for (unsigned i = 0; i < ncpus; i++)
			wrong += eph_cpuset_isset(d, i) != (fa[i] || fb[i]);
		CU_ASSERT_EQUAL(wrong, 0);
		eph_cpuset_zero(d, words);
		CU_ASSERT_TRUE(eph_cpuset_isempty(d, words));
	}
}

static void
counters_have_the_names_of_the_output(void)
{
	static const char *const names[] = { "map_calls", "hit_active",
		"hit_inactive", "miss", "evict", "map_fail", "sleep", "wakeup",
		"wakeup_spurious", "unmap_calls", "kva_calls", "pte_store",
		"invlpg_local", "invlpg_remote", "flush_local", "flush_remote",
		"ipi_sent", "needless_invlpg", "needless_ipi", "ipiq_msg",
		"ipiq_passive", "ipiq_avoided", "tlb_hit", "tlb_miss",
		"walk_step", "lock_acquire", "lock_contended", "stale_use",
		"stale_possible", "cycles" };
	const unsigned n = sizeof(names) / sizeof(names[0]);
	struct eph_counters a = { 0 }, b = { 0 }, d;

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(eph_counter_name(i));
		CU_ASSERT_STRING_EQUAL(eph_counter_name(i), names[i]);
		CU_ASSERT_TRUE(strlen(eph_counter_desc(i)) > 5);
	}
	CU_ASSERT_PTR_NULL(eph_counter_name(n));
	CU_ASSERT_PTR_NULL(eph_counter_desc(n));
	CU_ASSERT_EQUAL(sizeof(a), n * sizeof(uint64_t));
	a.map_calls = 5;
	a.cycles = 7;
	b.map_calls = 2;
	b.evict = 1;
	eph_counters_add(&a, &b);
	CU_ASSERT_EQUAL(a.map_calls, 7);
	CU_ASSERT_EQUAL(a.evict, 1);
	CU_ASSERT_EQUAL(eph_counter_value(&a, n - 1), 7);
	eph_counters_sub(&d, &a, &b);
	CU_ASSERT_EQUAL(d.map_calls, 5);
	CU_ASSERT_EQUAL(d.evict, 0);
}

struct pingpong {
	struct fiber *host;
	struct fiber *f[2];
	char said[32];
	double sum;
};

static void
ping(void *arg)
{
	struct pingpong *pp = arg;
	volatile double x = 0.5; /* floating-point state survives */

	for (int i = 0; i < 3; i++) {
		(void)strcat(pp->said, "a");
		x *= 2;
		fiber_switch(pp->f[0], pp->f[1]);
	}
	pp->sum += x;
	for (;;)
		fiber_switch(pp->f[0], pp->host);
}

static void
pong(void *arg)
{
	struct pingpong *pp = arg;

	for (;;) {
		(void)strcat(pp->said, "b");
		pp->sum += 1;
		fiber_switch(pp->f[1], pp->f[0]);
	}
}

static void
fibers_keep_their_stacks(void)
{
	struct pingpong pp = { .said = "" };

	pp.host = fiber_create_host();
	pp.f[0] = fiber_create(1 << 16, ping, &pp);
	pp.f[1] = fiber_create(1 << 16, pong, &pp);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pp.f[1]);
	fiber_switch(pp.host, pp.f[0]);
	CU_ASSERT_STRING_EQUAL(pp.said, "ababab");
	CU_ASSERT_EQUAL(pp.sum, 7);
	/* From the start again, the other way round. */
	pp.said[0] = '\0';
	fiber_reset(pp.f[0], ping, &pp);
	fiber_reset(pp.f[1], pong, &pp);
	fiber_switch(pp.host, pp.f[1]);
	CU_ASSERT_STRING_EQUAL(pp.said, "bababab");
	fiber_destroy(pp.f[0]);
	fiber_destroy(pp.f[1]);
	fiber_destroy(pp.host);
	fiber_destroy(NULL);
	CU_ASSERT_TRUE(strlen(fiber_kind()) > 0);
}

static CU_TestInfo tests[] = {
	TEST(memory_is_zeroed_aligned_and_counted),
	TEST(an_allocation_fails_when_told_to),
	TEST(memory_within_another_is_counted_by_both_and_rewound_with_it),
	TEST(random_numbers_are_the_same_everywhere),
	TEST(sets_of_cpus_equal_arrays_of_flags),
	TEST(counters_have_the_names_of_the_output),
	TEST(fibers_keep_their_stacks),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "base", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

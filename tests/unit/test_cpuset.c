/* SPDX-License-Identifier: BSD-2-Clause */

/* Sets of CPUs. */

#include "base/prng.h"
#include "ephmap/sdk/cpuset.h"
#include "test_main.h"

static void
sets_of_cpus_equal_arrays_of_flags(void)
{
	static const unsigned sizes[] = { 1, 32, 64, 65, 1024 };
	struct prng r;

	eph__prng_init(&r, 9, 9);
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

static CU_TestInfo tests[] = {
	TEST(sets_of_cpus_equal_arrays_of_flags),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "cpuset", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/* Random numbers. */

#include "base/prng.h"
#include "test_main.h"

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
	eph__prng_init(&a, 7, 1);
	eph__prng_init(&b, 7, 1);
	eph__prng_init(&c, 7, 2);
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

static CU_TestInfo tests[] = {
	TEST(random_numbers_are_the_same_everywhere),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "prng", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/* Memory of a machine. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test_main.h"

static void
memory_is_zeroed_aligned_and_counted(void)
{
	for (int kind = 0; kind < 3; kind++) {
		struct eph_mem *mem = kind == 2 ? eph__mem_create_huge()
						: eph__mem_create(kind != 0);
		unsigned char *a, *b;
		unsigned sum = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(mem);
		CU_ASSERT_EQUAL(eph__mem_bytes(mem), 0);
		a = eph_mem_alloc(mem, 1000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(a);
		CU_ASSERT_EQUAL((uintptr_t)a % 64, 0);
		for (int i = 0; i < 1000; i++)
			sum += a[i];
		CU_ASSERT_EQUAL(sum, 0);
		CU_ASSERT_TRUE(eph__mem_bytes(mem) >= 1000);
		memset(a, 0xff, 1000);
		a = eph_mem_grow(mem, a, 1000, 5000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(a);
		CU_ASSERT_EQUAL(a[999], 0xff);
		for (int i = 1000; i < 5000; i++)
			sum += a[i];
		CU_ASSERT_EQUAL(sum, 0);
		b = eph_mem_alloc(mem, 8);
		eph_mem_free(mem, NULL, 8);
		eph_mem_free(mem, a, 5000);
		CU_ASSERT_TRUE(eph__mem_bytes(mem) >= 8);
		eph_mem_free(mem, b, 8);
		CU_ASSERT_EQUAL(eph__mem_bytes(mem), 0);
		CU_ASSERT_PTR_NOT_NULL(eph_mem_alloc(mem, 64));
		CU_ASSERT_TRUE(eph__mem_destroy(mem) >= 64);
	}
}

static void
an_allocation_fails_when_told_to(void)
{
	struct eph_mem *mem = eph__mem_create(false);
	void *p;

	eph__mem_fail_after(mem, 2);
	p = eph_mem_alloc(mem, 10);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_PTR_NULL(eph_mem_alloc(mem, 10));
	eph_mem_free(mem, p, 10);
	p = eph_mem_alloc(mem, 10);
	CU_ASSERT_PTR_NOT_NULL(p);
	eph_mem_free(mem, p, 10);
	CU_ASSERT_EQUAL(eph__mem_destroy(mem), 0);
}

static void
memory_within_another_is_counted_by_both_and_rewound_with_it(void)
{
	struct eph_mem *outer = eph__mem_create_region(1 << 20);
	struct eph_mem *inner = eph__mem_create_within(outer);
	const size_t own = eph__mem_bytes(outer);
	unsigned char *p = eph_mem_alloc(inner, 100);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(eph__mem_bytes(inner), 100);
	CU_ASSERT_EQUAL(eph__mem_bytes(outer), own + 100);
	p[0] = 1;
	CU_ASSERT_EQUAL_FATAL(eph__mem_mark(outer), 0);
	p[0] = 2;
	CU_ASSERT_EQUAL(eph__mem_destroy(inner), 100);
	CU_ASSERT_EQUAL(eph__mem_bytes(outer), 100);
	eph__mem_rewind(outer);
	CU_ASSERT_EQUAL(p[0], 1);
	CU_ASSERT_EQUAL(eph__mem_bytes(inner), 100);
	eph_mem_free(inner, p, 100);
	CU_ASSERT_EQUAL(eph__mem_destroy(inner), 0);
	CU_ASSERT_EQUAL(eph__mem_destroy(outer), 0);
}

/* Pages of this process's address space; 0: the host does not say. */
static unsigned long
address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	char line[128];
	unsigned long pages = 0;

	if (f == NULL)
		return (0);
	if (fgets(line, sizeof(line), f) != NULL)
		pages = strtoul(line, NULL, 10);
	(void)fclose(f);
	return (pages);
}

/* Larger than a span, of many sizes, and given back in between. */
static void
memory_in_huge_pages_is_zeroed_and_does_not_overlap(void)
{
	enum { BLOCKS = 40, LARGE = 40 << 20 };
	struct eph_mem *mem = eph__mem_create_huge();
	unsigned char *block[BLOCKS] = { NULL }, *large;
	size_t bytes[BLOCKS];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mem);
	for (unsigned i = 0; i < 8 * BLOCKS; i++) {
		const unsigned k = i * 7 % BLOCKS;
		unsigned wrong = 0;

		for (size_t b = 0; block[k] != NULL && b < bytes[k]; b++)
			wrong += block[k][b] != k + 1;
		eph_mem_free(mem, block[k], bytes[k]);
		bytes[k] = (size_t)1000 << i % 10;
		block[k] = eph_mem_alloc(mem, bytes[k]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(block[k]);
		for (size_t b = 0; b < bytes[k]; b++)
			wrong += block[k][b] != 0;
		CU_ASSERT_EQUAL(wrong, 0);
		memset(block[k], (int)k + 1, bytes[k]);
	}
	large = eph_mem_alloc(mem, LARGE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	CU_ASSERT_EQUAL(large[0] + large[LARGE - 1], 0);
	large[0] = large[LARGE - 1] = 1;
	for (unsigned k = 0; k < BLOCKS; k++) {
		CU_ASSERT_EQUAL(block[k][0], k + 1);
		CU_ASSERT_EQUAL(block[k][bytes[k] - 1], k + 1);
		eph_mem_free(mem, block[k], bytes[k]);
	}
	eph_mem_free(mem, large, LARGE);
	CU_ASSERT_EQUAL(eph__mem_destroy(mem), 0);
}

/* Addresses and mappings are bounded too, and curves are many runs. */
static void
what_is_gone_leaves_no_addresses_behind(void)
{
	unsigned long before = 0;

	for (unsigned i = 0; i < 72; i++) {
		struct eph_mem *mem = i % 2 != 0 ? eph__mem_create_huge()
						 : eph__mem_create(false);
		void *p;

		/* The first ones are what the allocator keeps for itself. */
		if (i == 8)
			before = address_space();
		CU_ASSERT_PTR_NOT_NULL_FATAL(mem);
		eph__mem_probed(mem);
		p = eph_mem_alloc(mem, 4096);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		eph_mem_free(mem, p, 4096);
		CU_ASSERT_EQUAL(eph__mem_destroy(mem), 0);
	}
	/* Less than 256 KB each. */
	CU_ASSERT(address_space() < before + 64 * 64 || before == 0);
}

static CU_TestInfo tests[] = {
	TEST(memory_is_zeroed_aligned_and_counted),
	TEST(an_allocation_fails_when_told_to),
	TEST(memory_in_huge_pages_is_zeroed_and_does_not_overlap),
	TEST(what_is_gone_leaves_no_addresses_behind),
	TEST(memory_within_another_is_counted_by_both_and_rewound_with_it),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "mem", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

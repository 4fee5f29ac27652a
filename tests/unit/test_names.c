/* SPDX-License-Identifier: BSD-2-Clause */

/* What people may have meant, in every table of names. */

#include "test_main.h"

#include <errno.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/import.h"
#include "ephmap/names.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/workload.h"

static void
expect_near(const char *name, const char *near)
{
	static const char *const names[] = { "msf_buf", "sf_buf.lru", "lru",
		"sf_buf.accessed", "amd64-zen", "mru", NULL };
	const char *found = eph_nearest_name(name, names);

	if (near == NULL)
		CU_ASSERT_PTR_NULL(found);
	if (near != NULL)
		CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	if (near != NULL)
		CU_ASSERT_STRING_EQUAL(found, near);
}

static void
test_nearest(void)
{
	expect_near("lru", "lru");
	expect_near("LRU", "lru");
	expect_near("Msf_Buf", "msf_buf");
	expect_near("sf_buf", "sf_buf.lru"); /* not msf_buf, one letter off */
	expect_near("amd64", "amd64-zen");
	expect_near("mro", "mru");
	expect_near("accessed", "sf_buf.accessed");
	expect_near("sf_buf.lur", "sf_buf.lru");
	expect_near("x", NULL);
	expect_near("", NULL);
	expect_near("something else", NULL);
	expect_near("a name that is much longer than any name that a row of a "
		    "table could have, so that it is near none",
	    NULL);
}

#define ROW(function, rows)                                                    \
	static const char *function(unsigned i)                                \
	{                                                                      \
		return ((rows)[i] != NULL ? (rows)[i]->name : NULL);           \
	}

ROW(design, eph_designs)
ROW(policy, eph_policies)
ROW(machine, eph_machine_models)
ROW(tlb, eph_tlb_models)
ROW(workload, eph_workloads)

/* Each row of each table is nearest to itself, and to itself in capitals. */
static void
test_every_row_is_nearest_to_itself(void)
{
	static const char *(*const tables[])(unsigned) = { design, policy,
		machine, tlb, workload, eph_trace_import_format };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		const char *name;

		for (unsigned i = 0; (name = tables[t](i)) != NULL; i++) {
			char big[64] = "";

			for (size_t c = 0; name[c] != '\0'; c++)
				big[c] = (char)(name[c] >= 'a' && name[c] <= 'z'
					? name[c] - 'a' + 'A'
					: name[c]);
			CU_ASSERT_PTR_EQUAL(
			    eph_nearest_row(name, tables[t]), name);
			CU_ASSERT_PTR_EQUAL(
			    eph_nearest_row(big, tables[t]), name);
		}
	}
}

static void
test_message(void)
{
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL(
	    eph_err_unknown(&err, "policy", "LRU", "lru", "see there"), EINVAL);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "unknown policy \"LRU\"; did you mean lru? (see there)");
	CU_ASSERT_EQUAL(
	    eph_err_unknown(&err, "policy", "LRU", NULL, "see there"), EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "unknown policy \"LRU\"; see there");
}

static CU_TestInfo tests[] = {
	TEST(test_nearest),
	TEST(test_every_row_is_nearest_to_itself),
	TEST(test_message),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "names", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

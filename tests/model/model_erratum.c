/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The erratum of INVLPG, which spares global translations with PCIDs on:
 * which designs break, on random valid references of two CPUs?  The list stands
 * in doc/museum.md too.
 */

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/design.h"
#include "rig.h"
#include "test_main.h"

enum { REFS = 3000, PAGES = 90 };

/*
 * Global entries, and an invlpg where a flush would have helped; kmap because
 * up to 33 slots are invalidated one by one.
 */
static const char *const broken[] = { "sf_buf.hash", "sf_buf.accessed",
	"sf_buf.sharded", "kmap", "kmap_atomic.24", "kmap_atomic", "kmap_local",
	"segmap", "mapwindow", "sun4.ppmapin", "netbsd.ubc",
	"netbsd.pagermapin", "openbsd.pseg", "haiku.get", "haiku.cpu",
	"haiku.tmap", "arm.kmap_local" };

static bool
is_broken(const char *name)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		if (strcmp(broken[i], name) == 0)
			return (true);
	}
	return (false);
}

/* The violations of a design on that TLB. */
static uint64_t
violations(const struct eph_design_ops *d, const char *tlb)
{
	static struct eph_op op[REFS];
	const struct eph_run_config cfg = {
		.design = d,
		.tlb = tlb,
		.cpus = 2,
		.nbufs = 32,
		.touch = EPH_TOUCH_READ,
	};
	struct eph_run_result res;
	struct eph_err err = { "" };
	struct prng r;

	eph__prng_init(&r, 1, 2);
	for (size_t i = 0; i < REFS; i++)
		op[i] = (struct eph_op){ .kind = EPH_OP_REF,
			.cpu = (uint16_t)prng_below(&r, 2),
			.page = prng_below(&r, PAGES) };
	CU_ASSERT_EQUAL(rig_replay(&cfg, op, REFS, &res, &err), 0);
	return (res.violations_total);
}

static void
designs_with_global_entries_and_invlpg_break(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_design_ops *d = eph_designs[i];
		const bool breaks = violations(d, "invlpg-keeps-global") != 0;

		if ((d->flags & EPH_DESIGN_UNSAFE) != 0)
			continue;
		CU_ASSERT_EQUAL(violations(d, "infinite"), 0);
		CU_ASSERT_EQUAL(breaks, is_broken(d->name));
		CU_ASSERT(!breaks || (d->flags & EPH_DESIGN_GLOBAL) != 0);
		if (breaks != is_broken(d->name))
			(void)printf("%s %s\n", d->name,
			    breaks ? "breaks" : "does not break");
	}
}

static CU_TestInfo tests[] = {
	TEST(designs_with_global_entries_and_invlpg_break),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_erratum", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

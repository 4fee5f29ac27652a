/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A scenario of one's own: two CPUs map the same two pages through one
 * buffer, under a scheduler that may switch anywhere.  With the un-acked flush
 * that sf_buf.lru shipped with, a CPU can find the second page mapped while it
 * still holds a translation to the first; a protocol that waits mends it.
 */

#include <ephmap/ephmap.h>
#include <ephmap/kernel/names.h>
#include <ephmap/sdk/scenario.h>
#include <stdio.h>

static void
uses_a_page(struct eph_xp *x, unsigned n)
{
	struct eph_mapping mp;

	(void)n;
	for (unsigned i = 0; i < 2; i++) {
		struct vm_page *m = eph_xp_page(x, i);

		if (eph_xp_map(x, m, SFB_DEFAULT, &mp) != 0)
			return;
		eph_xp_touch(x, &mp, m);
		eph_xp_unmap(x, &mp);
	}
}

static int
setup(struct eph_xp *x)
{
	const int error = eph_xp_thread(x, 0, uses_a_page, 0);

	return (error != 0 ? error : eph_xp_thread(x, 1, uses_a_page, 1));
}

static const struct eph_scenario passing = { .name = "passing",
	.summary = "two CPUs map the same two pages through one buffer",
	.origin = "example",
	.cpus = 2,
	.nbufs = 1,
	.setup = setup };

static int
explore(const char *shootdown)
{
	const struct eph_explore_config cfg = { .design = eph_design_find(
						    "sf_buf.lru"),
		.scenario = &passing,
		.shootdown = eph_shootdown_find(shootdown),
		.budget = 2000,
		.seed = 1 };
	struct eph_explore_result r;
	struct eph_err err;

	if (eph_explore(&cfg, &r, &err) != 0) {
		(void)fprintf(stderr, "scenario: %s\n", err.text);
		return (2);
	}
	(void)printf("%s: %s\n", shootdown,
	    r.failure == EPH_FAIL_NONE ? "holds" : r.what);
	eph_explore_free(&r);
	return (0);
}

int
main(void)
{
	return (explore("unacked-flush") + explore("acked-invlpg"));
}

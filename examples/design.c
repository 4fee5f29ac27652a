/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A design of one's own, as a variant of one that is there: sf_buf.cpumask
 * whose callers never say that a mapping is private.  What is not changed in
 * the row stays as it was.  (doc/GUIDE.md has a whole design.)
 */

#include <ephmap/ephmap.h>
#include <ephmap/sdk/design.h>
#include <inttypes.h>
#include <stdio.h>

static const struct eph_design_ops *parent;

static int
shared_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	return (parent->map(state, m, flags & ~SFB_CPUPRIVATE, mp));
}

/* Interrupts of 1000 private maps by four CPUs; -1: something went wrong. */
static int64_t
interrupts(const struct eph_design_ops *design)
{
	struct eph_world_config cfg = { .cpus = 4, .nbufs = 64 };
	struct eph_world *w;
	struct eph_mapping mp;
	struct eph_counters c;
	struct eph_err err;

	cfg.design = design;
	if (eph_world_create(&cfg, &w, &err) != 0) {
		(void)fprintf(stderr, "design: %s\n", err.text);
		return (-1);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		eph_world_cpu(w, i % 4);
		if (eph_world_map(w, i % 100, SFB_CPUPRIVATE, &mp) != 0 ||
		    eph_world_touch(w, &mp, EPH_TOUCH_READ) != 0 ||
		    eph_world_unmap(w, &mp) != 0)
			return (-1);
	}
	eph_world_counters(w, &c);
	if (eph_world_violations(w, NULL) != 0 || eph_world_destroy(w) != 0)
		return (-1);
	return ((int64_t)c.ipi_sent);
}

int
main(void)
{
	struct eph_design_ops shared;
	int64_t before, after;

	parent = eph_design_find("sf_buf.cpumask");
	shared = *parent;
	shared.name = "example.shared";
	shared.summary = "sf_buf.cpumask, every mapping shared";
	shared.map = shared_map;
	before = interrupts(parent);
	after = interrupts(&shared);
	(void)printf("%s: %" PRId64 " interrupts\n", parent->name, before);
	(void)printf("%s: %" PRId64 " interrupts\n", shared.name, after);
	return (before >= 0 && after > before ? 0 : 1);
}

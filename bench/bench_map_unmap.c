/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Question: what does a map and unmap of one page cost the host, for every
 * design: found again (hit), not found (miss), and used on another CPU than
 * the one that mapped it (cross); and how many bytes does a mapping take?
 *
 * Baseline, in the same run: the direct map, whose map is arithmetic; the
 * last column is the ratio of the hit to its.  Host nanoseconds compare
 * designs with one another in lockstep; event counts, not these, compare
 * with a kernel.
 *
 * A design without a cache never hits: its three columns are the same
 * work.  Cross-CPU use asks for the address there, as its class demands;
 * designs whose mappings belong to one CPU have no such column.
 *
 * usage: bench_map_unmap [--smoke]
 */

#include <stdio.h>
#include <stdlib.h>

#include "bench_support.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/world.h"

#define BUFS 1024u

/* One design on a machine of two CPUs. */
struct bed {
	struct eph_world *world;
	struct eph_machine *mc; /* its */
	const struct eph_design_ops *ops;
	void *state;
};

static bool
bed_make(struct bed *b, const struct eph_design_ops *ops)
{
	const struct eph_world_config cfg = {
		.cpus = 2, .design = ops, .nbufs = BUFS
	};
	struct eph_err err;

	if (eph_world_create(&cfg, &b->world, &err) != 0) {
		(void)fprintf(stderr, "%s: %s\n", ops->name, err.text);
		return (false);
	}
	b->mc = eph_world_machine(b->world);
	b->ops = ops;
	b->state = eph_world_state(b->world);
	return (true);
}

/* Map, load, perhaps load on the other CPU too, unmap. */
static void
pair(struct bed *b, uint32_t frame, bool cross)
{
	struct vm_page *m = vm_page_get(b->mc, frame);
	struct eph_mapping mp;
	uint32_t reached;

	if (eph_design_map(b->ops, b->mc, b->state, m, SFB_DEFAULT, &mp) != 0)
		abort();
	if (b->ops->validity == EPH_VALID_GENERATION)
		mp.va = b->ops->kva(b->state, mp.obj);
	(void)eph_machine_access(b->mc, mp.va, EPH_TOUCH_READ, m, &reached);
	if (cross) {
		eph_cpu_enter(b->mc, 1);
		if (b->ops->validity == EPH_VALID_ASKED ||
		    b->ops->validity == EPH_VALID_GENERATION)
			mp.va = b->ops->kva(b->state, mp.obj);
		(void)eph_machine_access(
		    b->mc, mp.va, EPH_TOUCH_READ, m, &reached);
		eph_cpu_enter(b->mc, 0);
	}
	if (b->ops->unmap(b->state, mp.obj) != 0)
		abort();
}

/* ns a pair, over `spread` pages in turn. */
static double
measure(const struct eph_design_ops *ops, uint32_t spread, bool cross,
    size_t pairs, unsigned reps)
{
	struct bench_times t = { .n = 0 };
	struct bed b;

	if (!bed_make(&b, ops))
		exit(2);
	for (size_t i = 0; i < spread; i++)
		pair(&b, (uint32_t)i, cross);
	for (unsigned r = 0; r < reps; r++) {
		const double start = bench_now();

		for (size_t i = 0; i < pairs; i++)
			pair(&b, (uint32_t)(i % spread), cross);
		bench_add(&t, bench_now() - start);
	}
	(void)eph_world_destroy(b.world);
	return (bench_median(&t) / (double)pairs * 1e9);
}

/*
 * Bytes that the design takes for each of BUFS mappings held at once, page
 * table and address space included; 0 where mappings belong to one CPU, or
 * are fewer by design.
 */
static double
bytes_each(const struct eph_design_ops *ops)
{
	const struct eph_machine_config mcfg = { .ncpus = 2 };
	struct eph_machine *bare;
	struct eph_mapping mp;
	struct bed b;
	double bytes;
	uint32_t n = 0;

	if (ops->validity == EPH_VALID_THIS_CPU ||
	    (ops->flags & (EPH_DESIGN_SLEEPS | EPH_DESIGN_NBUFS)) ==
		EPH_DESIGN_SLEEPS)
		return (0);
	if (eph_machine_create(&mcfg, &bare, NULL) != 0 || !bed_make(&b, ops))
		exit(2);
	/* The page array is nobody's: both machines have it. */
	for (uint32_t i = 0; i < BUFS; i++)
		(void)vm_page_get(bare, i);
	while (n < BUFS) {
		struct vm_page *m = vm_page_get(b.mc, n);

		if (eph_design_map(ops, b.mc, b.state, m, SFB_NOWAIT, &mp) != 0)
			break;
		n++;
		/* kmap never hands out its first slot before it wraps. */
		if (n == BUFS - 1)
			break;
	}
	bytes = (double)eph_machine_memory_bytes(b.mc) -
	    (double)eph_machine_memory_bytes(bare);
	(void)eph_world_destroy(b.world);
	(void)eph_machine_destroy(bare);
	return (bytes / n);
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const size_t pairs = smoke ? 100 : 300000;
	const unsigned reps = smoke ? 1 : 5;
	const double base =
	    measure(eph_design_find("dmap"), 64, false, pairs, reps);

	printf("%u buffers; ns of this host for map + load + unmap\n", BUFS);
	printf("%-16s %8s %8s %8s %8s %8s\n", "design", "hit", "miss", "cross",
	    "bytes", "hit/dmap");
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_design_ops *ops = eph_designs[i];
		const double hit = measure(ops, 64, false, pairs, reps);
		const double miss = measure(ops, 4 * BUFS, false, pairs, reps);

		printf("%-16s %8.1f %8.1f ", ops->name, hit, miss);
		if (ops->validity == EPH_VALID_THIS_CPU)
			printf("%8s ", "-");
		else
			printf("%8.1f ", measure(ops, 64, true, pairs, reps));
		printf("%8.0f %8.2f\n", bytes_each(ops), hit / base);
	}
	return (0);
}

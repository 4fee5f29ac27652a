/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Random traces under clocks, and what the clocks say, as text.  Built twice,
 * with the clocks of the library and with naive_clock.c; clock.sh compares.
 * usage: clock_dump ROUNDS
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "ephmap/model.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/shootdown.h"
#include "rig.h"

enum { LINES = 120, CPUS_MOST = 8 };

static void
print_latency(const char *what, const struct eph_latency *l)
{
	(void)printf("~%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		     " %" PRIu64 " %" PRIu64 "\n",
	    what, l->n, l->p50, l->p90, l->p99, l->p999, l->max);
}

static void
print_result(const struct eph_run_result *res, const struct eph_time_cpu *cpu)
{
	const struct eph_time *t = &res->time;

	(void)printf("elapsed %" PRIu64 " operations %" PRIu64 " busy %" PRIu64
		     " to %" PRIu64 ", asleep %" PRIu64 "\ncounters",
	    t->elapsed, t->operations, t->busy_least, t->busy_most,
	    res->asleep);
	for (unsigned i = 0; eph_counter_name(i) != NULL; i++)
		(void)printf(" %" PRIu64, eph_counter_value(&res->counters, i));
	for (unsigned c = 0; c < t->cpus; c++) {
		(void)printf("\nCPU %u: %" PRIu64 ":", c, cpu[c].operations);
		for (unsigned i = 0; i < EPH_CYCLES_N; i++)
			(void)printf(" %" PRIu64, cpu[c].cycles[i]);
	}
	(void)printf("\n");
	print_latency("map", &t->map);
	print_latency("unmap", &t->unmap);
}

/* p lines, with time between them. */
static size_t
references(struct prng *r, unsigned cpus, struct eph_op *op)
{
	for (size_t i = 0; i < LINES; i++) {
		if (prng_below(r, 8) == 0)
			op[i] = (struct eph_op){ .kind = EPH_OP_DELAY,
				.page = (uint32_t)prng_below(r, 3000) };
		else
			op[i] = (struct eph_op){ .kind = EPH_OP_REF,
				.cpu = (uint16_t)prng_below(r, cpus),
				.page = (uint32_t)prng_below(r, 20) };
	}
	return (LINES);
}

static void
play(const struct eph_design_ops *d, uint64_t seed, unsigned models,
    unsigned shootdowns)
{
	struct eph_time_cpu cpu[CPUS_MOST];
	struct eph_time_config time = { 0 };
	struct eph_run_config cfg = { .design = d,
		.nbufs = 8,
		.touch = EPH_TOUCH_READ,
		.time = &time,
		.time_cpus = cpu,
		.seed = seed };
	struct eph_run_result res;
	struct eph_err err = { "" };
	struct eph_op *op;
	struct prng r;
	size_t n;

	eph__prng_init(&r, seed, 5);
	cfg.cpus = 2 + (unsigned)prng_below(&r, CPUS_MOST - 1);
	cfg.model = eph_machine_models[prng_below(&r, models)];
	cfg.tlb = prng_below(&r, 2) == 0 ? "infinite" : NULL;
	if (prng_below(&r, 2) == 0)
		cfg.shootdown = eph_shootdowns[prng_below(&r, shootdowns)];
	time.load = (enum eph_load)prng_below(&r, 2);
	time.think_ns = prng_below(&r, 2) * prng_below(&r, 500);
	if (prng_below(&r, 2) == 0) {
		op = rig_random_ops(d->name, cfg.cpus, seed, LINES, &n);
	} else {
		op = calloc(LINES, sizeof(*op));
		n = references(&r, cfg.cpus, op);
		if (prng_below(&r, 2) == 0)
			cfg.spread = EPH_SPREAD_ROBIN;
		cfg.hold_ns = prng_below(&r, 3) == 0 ? 700 : 0;
	}
	(void)printf("= %s %" PRIu64 " on %u of %s, %s, %s, think %" PRIu64
		     "%s, hold %" PRIu64 "\n",
	    d->name, seed, cfg.cpus, cfg.model->name,
	    cfg.shootdown != NULL ? cfg.shootdown->name : "-",
	    time.load == EPH_LOAD_OPEN ? "open" : "closed", time.think_ns,
	    cfg.spread != EPH_SPREAD_NONE ? ", spread" : "", cfg.hold_ns);
	if (rig_replay(&cfg, op, n, &res, &err) != 0)
		(void)printf("%s\n", err.text);
	else
		print_result(&res, cpu);
	free(op);
}

int
main(int argc, char **argv)
{
	const uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	unsigned models = 0, shootdowns = 0;

	while (eph_machine_models[models] != NULL)
		models++;
	while (eph_shootdowns[shootdowns] != NULL)
		shootdowns++;
	for (uint64_t i = 0; i < rounds; i++) {
		for (size_t d = 0; eph_designs[d] != NULL; d++)
			play(eph_designs[d], i * 1000 + d, models, shootdowns);
	}
	return (0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How fast does explore go?  Scheduling points a second, and schedules a
 * second of a small and of a larger program, on one core; against them the
 * switch between two fibers, which no explorer can do without.
 *
 * Not a prediction of how long a search takes: that depends on how rare the
 * bug is.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "bench_support.h"
#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"

#define REPS 5

static struct fiber *host, *guest;

static void
guest_main(void *arg)
{
	(void)arg;
	for (;;)
		eph__fiber_switch(guest, host);
}

static void
bench_switch(uint64_t n)
{
	struct bench_times t = { .n = 0 };

	host = eph__fiber_create_host();
	guest = eph__fiber_create(64 << 10, guest_main, NULL);
	for (unsigned r = 0; r < REPS; r++) {
		const double start = bench_now();

		for (uint64_t i = 0; i < n / 2; i++)
			eph__fiber_switch(host, guest);
		bench_add(&t, bench_now() - start);
	}
	bench_row("fiber switches", &t, (double)n);
	eph__fiber_destroy(guest);
	eph__fiber_destroy(host);
}

static void
bench_search(const char *what, const char *design, const char *scenario,
    const char *strategy, uint64_t budget)
{
	struct eph_explore_config cfg = {
		.design = design != NULL ? eph_design_find(design) : NULL,
		.scenario = eph_scenario_find(scenario),
		.strategy = strategy,
		.budget = budget,
		.seed = 1,
	};
	struct bench_times t = { .n = 0 };
	struct eph_explore_result r = { 0 };
	struct eph_err err = { "" };
	char name[96];

	for (unsigned i = 0; i < REPS; i++) {
		if (eph_explore(&cfg, &r, &err) != 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			exit(2);
		}
		bench_add(&t, r.seconds);
		eph_explore_free(&r);
	}
	(void)snprintf(name, sizeof(name), "%s, %s: points", what, strategy);
	bench_row(name, &t, (double)r.steps);
	(void)snprintf(name, sizeof(name), "%s, %s: schedules", what, strategy);
	bench_row(name, &t, (double)r.schedules);
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const uint64_t budget = smoke ? 10 : 100000;

	bench_switch(smoke ? 100 : 20000000);
	bench_search("small", "sf_buf.accessed", "same-page", "pct", budget);
	bench_search("small", "sf_buf.accessed", "same-page", "random", budget);
	bench_search("ipiq", NULL, "ipiq-full", "pct", budget / 10);
	bench_search("ipiq", NULL, "ipiq-full", "random", budget / 10);
	return (0);
}

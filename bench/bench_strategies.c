/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How soon does each strategy find each exhibit of the museum?  Schedules to
 * the first failure, quartiles over many seeds, as a table with tabs: the
 * same on every host.  doc/strategies.sh draws it.
 *
 *	--seeds N	1000
 *	--cap N		schedules a seed, 10000
 *	--states N	bfs: states, 2000000; 0: no bfs
 *	--jobs N	threads, 2
 *
 * A strategy that finds an exhibit from fewer than one in SCOUTS_IN of the
 * first SCOUTS seeds is not tried from the others: its quartiles are beyond
 * the cap.  Strategies without chance run once.  `depth' is
 * the number of steps in a shortest failing schedule, from bfs.
 *
 * Not how long a search takes: a schedule of one strategy may take longer
 * than one of another.
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_support.h"
#include "ephmap/explore.h"
#include "exec/explore.h"

#define SCOUTS	   40u
#define SCOUTS_IN  8u /* one in so many, or the others are not tried */
#define CELLS_MAX  2048u
#define JOBS_MAX   64u
#define PREEMPTION 2u
#define MEMORY	   ((size_t)1 << 30)

struct plan {
	uint64_t seeds, cap;
	uint64_t states; /* 0: no bfs */
	size_t exhibits; /* the first so many */
	unsigned jobs;
	bool talks; /* of each that is done, on stderr */
};

static const struct contender {
	const char *strategy;
	bool chance;
} contenders[] = {
	{ "bfs", false },
	{ "random", true },
	{ "pct", true },
	{ "pos", true },
	{ "urw", true },
	{ "surw", true },
	{ "greybox", true },
	{ "systematic", false },
	{ "delay", false },
	{ "dpor", false },
};

#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

struct cell {
	const struct eph_bug *bug;
	const struct contender *by;
	uint64_t seeds, found;
	uint64_t quartile[3]; /* 0: beyond the cap.  bfs: the depth */
};

struct work {
	const struct plan *plan;
	struct cell *cell;
	size_t n;
	atomic_size_t next;
};

static void
fail(const struct cell *c, const char *why)
{
	(void)fprintf(stderr, "bench_strategies: %s, %s: %s\n", c->bug->name,
	    c->by->strategy, why);
	exit(2);
}

/* Steps of a schedule. */
static uint64_t
steps_of(const struct cell *c, const char *text)
{
	struct ex_schedule s = { 0 };
	struct eph_err err = { "" };
	uint64_t n = 0;

	if (eph__ex_schedule_parse(text, &s, &err) != 0)
		fail(c, err.text);
	for (size_t i = 0; i < s.n; i++)
		n += s.token[i].count;
	eph__ex_schedule_free(&s);
	return (n);
}

static void
run_bfs(const struct plan *plan, struct cell *c)
{
	struct eph_explore_config cfg = { .strategy = "bfs",
		.budget = plan->states,
		.memory_bytes = MEMORY };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	eph_bug_config(c->bug, false, &cfg);
	c->seeds = 1;
	if (plan->states == 0)
		return;
	/* A build whose stacks cannot be taken apart has no bfs. */
	if (eph_explore(&cfg, &r, &err) != 0)
		return;
	if (r.failure != EPH_FAIL_NONE) {
		c->found = 1;
		c->quartile[1] = steps_of(c, r.schedule);
	}
	eph_explore_free(&r);
}

/* 0 is beyond all others. */
static int
compare_first(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a - 1;
	const uint64_t y = *(const uint64_t *)b - 1;

	return ((x > y) - (x < y));
}

static void
run_seeds(const struct plan *plan, struct cell *c)
{
	struct eph_explore_config cfg = { .strategy = c->by->strategy,
		.budget = plan->cap,
		.preemptions = PREEMPTION,
		.fills = 1,
		.seed = 1 };
	const uint64_t all = c->by->chance ? plan->seeds : 1;
	uint64_t *first = calloc(all, sizeof(*first));
	struct eph_err err = { "" };

	if (first == NULL)
		fail(c, "out of memory");
	eph_bug_config(c->bug, false, &cfg);
	c->seeds = all < SCOUTS ? all : SCOUTS;
	for (uint64_t done = 0; done < c->seeds;) {
		cfg.seed = 1 + done;
		if (eph_explore_seeds(
			&cfg, c->seeds - done, first + done, &err) != 0)
			fail(c, err.text);
		for (; done < c->seeds; done++)
			c->found += first[done] != 0;
		if (c->found * SCOUTS_IN >= done)
			c->seeds = all;
	}
	qsort(first, c->seeds, sizeof(*first), compare_first);
	for (unsigned q = 0; q < 3; q++)
		c->quartile[q] = first[(c->seeds - 1) * (q + 1) / 4];
	free(first);
}

static void *
worker(void *arg)
{
	struct work *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->n) {
		struct cell *c = &w->cell[i];

		if (strcmp(c->by->strategy, "bfs") == 0)
			run_bfs(w->plan, c);
		else
			run_seeds(w->plan, c);
		if (w->plan->talks)
			(void)fprintf(stderr, "%zu of %zu: %s, %s\n", i + 1,
			    w->n, c->bug->name, c->by->strategy);
	}
	return (NULL);
}

/* All exhibits by all strategies; returns how many cells. */
static size_t
run_all(const struct plan *plan, struct cell *cell, unsigned jobs)
{
	struct work w = { .plan = plan, .cell = cell };
	pthread_t thread[JOBS_MAX];

	for (size_t b = 0; eph_bugs[b] != NULL && b < plan->exhibits; b++) {
		for (size_t i = 0; i < CONTENDERS && w.n < CELLS_MAX; i++)
			cell[w.n++] = (struct cell){ .bug = eph_bugs[b],
				.by = &contenders[i] };
	}
	for (unsigned i = 0; i < jobs; i++) {
		if (pthread_create(&thread[i], NULL, worker, &w) != 0)
			fail(cell, "no thread");
	}
	for (unsigned i = 0; i < jobs; i++)
		(void)pthread_join(thread[i], NULL);
	return (w.n);
}

static void
print_number(uint64_t n)
{
	if (n == 0)
		(void)printf("\t-");
	else
		(void)printf("\t%" PRIu64, n);
}

static void
print_cells(const struct plan *plan, const struct cell *cell, size_t n)
{
	(void)printf("exhibit\tdepth\tstrategy\tcap\tseeds\tfound\tq1\tmedian"
		     "\tq3\n");
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &cell[i];
		const struct cell *bfs = &cell[i / CONTENDERS * CONTENDERS];

		if (c == bfs)
			continue;
		(void)printf("%s", c->bug->name);
		print_number(bfs->quartile[1]);
		(void)printf("\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64,
		    c->by->strategy, plan->cap, c->seeds, c->found);
		for (unsigned q = 0; q < 3; q++)
			print_number(c->quartile[q]);
		(void)printf("\n");
	}
}

static uint64_t
option(int argc, char **argv, const char *name, uint64_t def)
{
	const char *text = bench_option(argc, argv, name);

	return (text != NULL ? strtoull(text, NULL, 10) : def);
}

/* Two threads or one: the same cells. */
static int
check_equal(const struct plan *plan, const struct cell *cell, size_t n)
{
	static struct cell again[CELLS_MAX];

	if (run_all(plan, again, 1) == n &&
	    memcmp(again, cell, n * sizeof(*cell)) == 0)
		return (0);
	(void)fprintf(stderr, "bench_strategies: a second run differs\n");
	return (1);
}

int
main(int argc, char **argv)
{
	static struct cell cell[CELLS_MAX];
	const bool smoke = bench_smoke(argc, argv);
	const struct plan plan = {
		.seeds = option(argc, argv, "--seeds", smoke ? 2 : 1000),
		.cap = option(argc, argv, "--cap", smoke ? 10 : 10000),
		.states = option(argc, argv, "--states", smoke ? 0 : 2000000),
		.exhibits = smoke ? 4 : CELLS_MAX,
		.talks = !smoke,
		.jobs = (unsigned)option(argc, argv, "--jobs", 2),
	};
	size_t n;

	if (plan.seeds == 0 || plan.cap == 0 || plan.jobs == 0 ||
	    plan.jobs > JOBS_MAX) {
		(void)fprintf(stderr,
		    "bench_strategies: --seeds, --cap and "
		    "--jobs (at most 64) start at 1\n");
		return (2);
	}
	n = run_all(&plan, cell, plan.jobs);
	print_cells(&plan, cell, n);
	return (smoke ? check_equal(&plan, cell, n) : 0);
}

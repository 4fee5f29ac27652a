/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Question: how fast does explore go, how much does it leave out, and how is
 * that beside another build?
 *
 * Searches: scheduling points and schedules a second by pct and random;
 * schedules that systematic search and dpor need for the same proof (fewer is
 * better: the last column is how many times as few); distinct states a second
 * of bfs, and the memory that each takes.  Baseline: the other build, where it
 * has the strategy; and the switch between two fibers, which no explorer can
 * do without.
 *
 * Every search is a process of its own, `ephmap explore', and its time is what
 * it used of a CPU, with making the machine.  Builds take turns; the time is
 * the least of all turns.  A search whose program ends early, as at a budget,
 * is compared by rates only.
 *
 * Not a prediction of how long a search takes: that depends on how rare the
 * bug is.
 *
 * usage: bench_explore [--smoke] [--base PROGRAM] [--reps N] [--museum]
 * PROGRAM is another build's ephmap.  --museum times `explore --museum', too.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fiber.h"
#include "bench_support.h"

#define ARGS_MAX 24

static struct fiber *host, *guest;

static void
guest_main(void *arg)
{
	(void)arg;
	for (;;)
		eph__fiber_switch(guest, host);
}

static void
bench_switch(uint64_t n, unsigned reps)
{
	struct bench_times t = { .n = 0 };

	host = eph__fiber_create_host();
	guest = eph__fiber_create(64 << 10, guest_main, NULL);
	for (unsigned r = 0; r < reps; r++) {
		const double start = bench_now();

		for (uint64_t i = 0; i < n / 2; i++)
			eph__fiber_switch(host, guest);
		bench_add(&t, bench_now() - start);
	}
	bench_row("fiber switches", &t, (double)n);
	eph__fiber_destroy(guest);
	eph__fiber_destroy(host);
}

struct search {
	const char *what;
	const char *unit;  /* what is counted, a key of the output */
	const char *extra; /* another key, printed by the unit; or NULL */
	unsigned facts;	   /* SEARCH_... */
	const char *args;  /* of `ephmap explore' */
};

#define SEARCH_PROOF  1u /* how many it takes is compared */
#define SEARCH_BESIDE 2u /* the same proof as the row before it */
#define SEARCH_STACKS 4u /* saves stacks, which not every build can */
#define SEARCH_PART   8u /* of what there is, which is not to be estimated */

/* clang-format off */
static const struct search searches[] = {
	{ "pct", "points", NULL, SEARCH_PART, "--strategy pct --budget 100000 "
	    "--design sf_buf.accessed --scenario same-page" },
	{ "random", "points", NULL, SEARCH_PART, "--strategy random --budget 100000 "
	    "--design sf_buf.accessed --scenario same-page" },
	{ "ipiq-full, pct", "points", NULL, SEARCH_PART,
	    "--strategy pct --budget 10000 --scenario ipiq-full" },
	{ "sf_buf.accessed, systematic", "schedules", NULL, SEARCH_PROOF,
	    "--strategy systematic --preemptions 200 --budget 1000000 "
	    "--design sf_buf.accessed --scenario same-page" },
	{ "sf_buf.accessed, dpor", "schedules", NULL,
	    SEARCH_PROOF | SEARCH_BESIDE,
	    "--strategy dpor --budget 1000000 "
	    "--design sf_buf.accessed --scenario same-page" },
	{ "sf_buf.hash, systematic", "schedules", NULL, SEARCH_PROOF,
	    "--strategy systematic --preemptions 200 --budget 1000000 "
	    "--design sf_buf.hash --scenario same-page" },
	{ "sf_buf.hash, dpor", "schedules", NULL,
	    SEARCH_PROOF | SEARCH_BESIDE,
	    "--strategy dpor --budget 1000000 "
	    "--design sf_buf.hash --scenario same-page" },
	{ "lwbuf.homecpu, no fills, systematic", "schedules", NULL, SEARCH_PROOF,
	    "--strategy systematic --preemptions 200 --budget 1000000 "
	    "--fills 0 --design lwbuf.homecpu --scenario same-page" },
	{ "lwbuf.homecpu, no fills, dpor", "schedules", NULL,
	    SEARCH_PROOF | SEARCH_BESIDE,
	    "--strategy dpor --budget 1000000 "
	    "--fills 0 --design lwbuf.homecpu --scenario same-page" },
	{ "sf_buf.accessed, all of free-map", "states", "memory_bytes",
	    SEARCH_PROOF | SEARCH_STACKS,
	    "--strategy bfs --every-state --budget 10000000 "
	    "--design sf_buf.accessed --scenario free-map" },
	{ "the same, TLBs as late as can be", "states", "memory_bytes",
	    SEARCH_PROOF | SEARCH_STACKS | SEARCH_BESIDE,
	    "--strategy bfs --budget 10000000 "
	    "--design sf_buf.accessed --scenario free-map" },
	{ "sf_buf.accessed, some of copy", "states", "memory_bytes",
	    SEARCH_STACKS,
	    "--strategy bfs --every-state --budget 1000000 "
	    "--design sf_buf.accessed --scenario copy" },
};
/* clang-format on */

struct side {
	const char *program;
	bool plain; /* it has no estimate, and no option for that */
	struct bench_times t;
	double n;     /* of the unit */
	double extra; /* a unit's share */
};

/* A number of an object that was printed; -1: it is not there. */
static double
number_of(const char *text, const char *key)
{
	char name[64];
	const char *p;

	(void)snprintf(name, sizeof(name), "\"%s\": ", key);
	p = strstr(text, name);
	return (p != NULL ? strtod(p + strlen(name), NULL) : -1);
}

/* One more run of it; false if the program has no such search. */
static bool
side_run(struct side *s, const struct search *what, bool smoke)
{
	char args[512], out[1 << 16], *save = NULL;
	const char *argv[ARGS_MAX] = { s->program, "explore", "--format",
		"json" };
	size_t n = 4;
	struct bench_run run = { .out = out, .room = sizeof(out) };

	if (s->program == NULL)
		return (false);
	if ((what->facts & SEARCH_PART) != 0 && !s->plain)
		argv[n++] = "--no-estimate";
	(void)snprintf(args, sizeof(args), "%s", what->args);
	for (char *p = strtok_r(args, " ", &save);
	     p != NULL && n < ARGS_MAX - 1; p = strtok_r(NULL, " ", &save)) {
		const bool budget = strcmp(argv[n - 1], "--budget") == 0;

		argv[n++] = smoke && budget ? "10" : p;
	}
	argv[n] = NULL;
	if (!bench_run(argv, &run))
		return (false);
	if (run.status == 2 && (what->facts & SEARCH_PART) != 0 && !s->plain) {
		s->plain = true;
		return (side_run(s, what, smoke));
	}
	if (run.status > 1)
		return (false);
	bench_add(&s->t, run.seconds);
	s->n = number_of(out, what->unit);
	if (what->extra != NULL)
		s->extra = number_of(out, what->extra) / s->n;
	return (true);
}

static void
side_print(struct side *s)
{
	if (s->t.n == 0)
		(void)printf(" %10s %8s", "-", "-");
	else
		(void)printf(" %10.0f %8.3f", s->n, bench_min(&s->t));
}

/* This build beside the other: in rates, and of a proof in numbers. */
static void
search_print(const struct search *what, struct side *s)
{
	double rate[2] = { 0, 0 };

	(void)printf("%-33s %-9s", what->what, what->unit);
	for (unsigned i = 0; i < 2; i++) {
		side_print(&s[i]);
		if (s[i].t.n != 0)
			rate[i] = s[i].n / bench_min(&s[i].t);
	}
	(void)printf("\n    %.3f M/s", rate[0] * 1e-6);
	if (what->extra != NULL)
		(void)printf(", %.1f bytes each", s[0].extra);
	if (rate[1] != 0)
		(void)printf(
		    ", %.2f times the other's rate", rate[0] / rate[1]);
	if (rate[1] != 0 && (what->facts & SEARCH_PROOF) != 0)
		(void)printf(", %.2f times as few, %.2f times as fast",
		    s[1].n / s[0].n, bench_min(&s[1].t) / bench_min(&s[0].t));
	(void)printf("\n");
}

static void
bench_searches(const char *program, const char *base, unsigned reps, bool smoke)
{
	const size_t n = sizeof(searches) / sizeof(searches[0]);
	double before = 0;

	(void)printf("\n%-33s %-9s %10s %8s %10s %8s\n", "", "", "this build",
	    "CPU s", "other", "CPU s");
	for (size_t k = 0; k < n; k++) {
		struct side s[2] = { { .program = program },
			{ .program = base } };
		bool able[2] = { true, true };

		/* A sanitizer's stacks are not to be saved. */
		if ((searches[k].facts & SEARCH_STACKS) != 0 &&
		    !eph__fiber_opens()) {
			(void)printf(
			    "%-33s not in this build\n", searches[k].what);
			continue;
		}
		for (unsigned r = 0; r < reps; r++) {
			for (unsigned i = 0; i < 2; i++)
				able[i] = able[i] &&
				    side_run(&s[i], &searches[k], smoke);
		}
		if (!able[0]) {
			(void)fprintf(stderr, "bench_explore: %s fails\n",
			    searches[k].args);
			exit(2);
		}
		search_print(&searches[k], s);
		if ((searches[k].facts & SEARCH_BESIDE) != 0)
			(void)printf("    %.0f times as few as %s\n",
			    before / s[0].n, searches[k - 1].what);
		before = s[0].n;
	}
}

static void
bench_museum(const char *program, const char *base, unsigned reps)
{
	const char *const programs[2] = { program, base };

	for (unsigned i = 0; i < 2; i++) {
		const char *argv[] = { programs[i], "explore", "--museum",
			NULL };
		struct bench_times t = { .n = 0 };

		if (programs[i] == NULL)
			continue;
		for (unsigned r = 0; r < reps; r++) {
			struct bench_run run = { .out = NULL };

			if (bench_run(argv, &run))
				bench_add(&t, run.seconds);
		}
		(void)printf("museum, %s: %.2f s of a CPU (min %.2f)\n",
		    i == 0 ? "this build" : "the other", bench_median(&t),
		    bench_min(&t));
	}
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const unsigned reps = bench_reps(argc, argv, 3);
	const char *base = bench_option(argc, argv, "--base");
	char program[4096];

	bench_program(argv[0], program, sizeof(program));
	bench_switch(smoke ? 100 : 20000000, reps);
	bench_searches(program, base, reps, smoke);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--museum") == 0)
			bench_museum(program, base, reps);
	}
	return (0);
}

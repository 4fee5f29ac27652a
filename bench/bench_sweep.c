/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Question: how many times as fast as another build does this one answer
 * the question of a study: what would each policy miss at each size?
 *
 * 20 million references, Zipf 1.0, to 758,978 pages, in a compressed binary
 * file (or --trace).  Rows: each policy at eight sizes from 0.1 % to half of
 * the pages; all of them in one command; and one size of LRU, from the file
 * to its miss ratio.  The baseline is the other build, same command, in
 * turns.  What a build does not have is "-".
 *
 * A time is what the process used of all CPUs, reading the file included: it
 * depends less on what else the host does than the clock on the wall, which
 * stands beside it for the last two.  A ratio is of minima; then the smallest,
 * the middle and the largest of those of each turn.
 *
 * Limits, measured here: reading the references from memory once for each
 * replay, and looking each up in a table by page, which every replay does.
 *
 * usage: bench_sweep [--smoke] [--base PROGRAM] [--trace FILE] [--reps N]
 *	      [--refs N] [--each]
 * PROGRAM is another build's ephmap.  --each: the rows of single policies.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_refs.h"
#include "ephmap/run.h"

#define SIZES 8u

/* Those that the first build that was measured had. */
static const char *const policies[] = { "lru", "lazy", "mru", "fifo", "random",
	"clock", "clock2", "slru", "2q", "mq", "arc", "car", "lirs", "clockpro",
	"lfu", "lfu-aging", "lecar", "cacheus", "wtinylfu", "s3fifo", "sieve",
	"lhd", "opt", "price-aware", "price-sieve" };

#define POLICIES (sizeof(policies) / sizeof(policies[0]))

struct side {
	const char *program; /* NULL: there is none */
	struct bench_times cpu, wall;
};

/* One more run; false if the program cannot do it. */
static bool
side_run(struct side *s, const char *list, const char *sizes, const char *trace)
{
	const char *argv[] = { s->program, "mrc", "--policy", list, "--sizes",
		sizes, "--seed", "1", trace, NULL };
	struct bench_run run = { .out = NULL };

	if (s->program == NULL)
		return (false);
	if (!bench_run(argv, &run))
		bench_fail("cannot run a program");
	if (run.status != 0)
		return (false);
	bench_add(&s->wall, run.wall);
	bench_add(&s->cpu, run.seconds);
	return (true);
}

static void
row_print(const char *what, const struct bench_times *mine,
    const struct bench_times *other)
{
	printf("%-26s", what);
	bench_print_min(mine, 1, 2);
	bench_print_min(other, 1, 2);
	bench_print_ratio(other, mine);
	printf("\n");
}

static void
row(struct side *s, const char *what, const char *list, const char *sizes,
    const char *trace, unsigned reps, bool wall)
{
	bool able[2] = { true, true };

	s[0].cpu.n = s[0].wall.n = s[1].cpu.n = s[1].wall.n = 0;
	for (unsigned r = 0; r < reps; r++) {
		for (int i = 0; i < 2; i++)
			able[i] =
			    able[i] && side_run(&s[i], list, sizes, trace);
	}
	row_print(what, &s[0].cpu, &s[1].cpu);
	if (wall)
		row_print("  on the wall", &s[0].wall, &s[1].wall);
}

/* What no replay can do without. */
static void
limits(const struct eph_refs *r, unsigned replays)
{
	uint8_t *table = calloc(r->npages + 1, 1);
	double start = bench_now();
	uint64_t sum = 0;

	if (table == NULL)
		bench_fail("out of memory");
	for (size_t i = 0; i < r->n; i++)
		sum += r->page[i];
	printf("%-26s %8.2f\n", "limit: references read",
	    (bench_now() - start) * replays);
	start = bench_now();
	for (size_t i = 0; i < r->n; i++)
		sum += table[r->page[i]]++;
	printf("%-26s %8.2f\n", "limit: one look-up each",
	    (bench_now() - start) * replays);
	free(table);
	if (sum == 0)
		bench_fail("nothing was read");
}

static void
read_refs(const char *path, struct eph_refs *r)
{
	struct eph_op_source src;
	struct eph_trace *t;
	struct eph_err err;

	eph_refs_init(r);
	if (eph_trace_open(path, &t, &err) != 0)
		bench_fail(err.text);
	src = eph_trace_source(t);
	if (eph_refs_read(r, &src, &err) != 0)
		bench_fail(err.text);
	eph_trace_close(t);
}

static void
sweep(const char *program, const char *base, const char *trace, unsigned reps,
    bool each)
{
	static const double share[SIZES] = { 0.001, 0.003, 0.01, 0.02, 0.05,
		0.1, 0.2, 0.5 };
	struct side s[2] = { { .program = program }, { .program = base } };
	char sizes[SIZES * 12] = "", one[12], all[512] = "";
	struct eph_refs r;

	read_refs(trace, &r);
	for (unsigned i = 0; i < SIZES; i++)
		(void)snprintf(sizes + strlen(sizes), 12, "%s%u",
		    i == 0 ? "" : ",", 1 + (unsigned)(share[i] * r.npages) + i);
	(void)snprintf(one, sizeof(one), "%u", 1 + r.npages / 10);
	printf("%zu references, %u pages, sizes %s\n", r.n, (unsigned)r.npages,
	    sizes);
	printf("%-26s %8s %8s  %6s %6s %6s %6s\n", "seconds of CPU", "this",
	    "other", "times", "min", "median", "max");
	for (size_t i = 0; i < POLICIES; i++) {
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all),
		    "%s%s", i == 0 ? "" : ",", policies[i]);
		if (each)
			row(s, policies[i], policies[i], sizes, trace, reps,
			    false);
	}
	row(s, "25 policies at 8 sizes", all, sizes, trace, reps, true);
	limits(&r, POLICIES * SIZES);
	row(s, "from the file to one LRU", "lru", one, trace, reps, true);
	limits(&r, 1);
	eph_refs_free(&r);
}

int
main(int argc, char **argv)
{
	const bool smoke = bench_smoke(argc, argv);
	const char *trace = bench_option(argc, argv, "--trace");
	const char *refs = bench_option(argc, argv, "--refs");
	const char *dir = getenv("TMPDIR");
	char program[512], path[300];
	bool each = smoke;

	for (int i = 1; i < argc; i++)
		each |= strcmp(argv[i], "--each") == 0;
	bench_program(argv[0], program, sizeof(program));
	(void)snprintf(path, sizeof(path), "%.200s/sweep%ld.ept",
	    dir != NULL ? dir : P_tmpdir, (long)getpid());
	if (trace == NULL)
		bench_zipf_file(path, EPH_TRACE_BINARY, smoke ? 100 : 800000,
		    refs != NULL ? strtoull(refs, NULL, 10)
			: smoke	 ? 1000
				 : 20000000,
		    1.0, 1);
	sweep(program, bench_option(argc, argv, "--base"),
	    trace != NULL ? trace : path, bench_reps(argc, argv, 5), each);
	if (trace == NULL)
		(void)unlink(path);
	return (0);
}

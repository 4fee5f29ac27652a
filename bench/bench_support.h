/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

/*
 * What the benchmarks share: time, repetition, the printed row.
 *
 * Every benchmark takes --smoke, which makes it tiny: ctest runs it so that
 * it cannot rot.  Results are minimum, median and maximum over repetitions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

double bench_now(void); /* seconds, monotonic */

/* Is --smoke among the arguments? */
bool bench_smoke(int argc, char **argv);

/* The operand after option `name`, or NULL. */
const char *bench_option(int argc, char **argv, const char *name);

#define BENCH_REPS_MAX 64

struct bench_times {
	double seconds[BENCH_REPS_MAX];
	unsigned n;
};

void bench_add(struct bench_times *t, double seconds);

/* Of at least one time; their order, by turns, stays. */
double bench_min(const struct bench_times *t);
double bench_median(const struct bench_times *t);
double bench_max(const struct bench_times *t);

/* The minimum in a column of 8, times `unit`; "-" if there is none. */
void bench_print_min(const struct bench_times *t, double unit, int digits);

/*
 * How many times the times of `mine` are those of `other`: of minima, and the
 * smallest, the middle and the largest of the turns.
 */
void bench_print_ratio(
    const struct bench_times *other, const struct bench_times *mine);

/* Turns: 1 with --smoke, else --reps N, at most BENCH_REPS_MAX, or `def`. */
unsigned bench_reps(int argc, char **argv, unsigned def);

/* The program ephmap of this build, which stands beside the benchmark. */
void bench_program(const char *argv0, char *path, size_t room);

/* A program that was run, and what it used. */
struct bench_run {
	char *out; /* its output, or what fits, is put here; NULL: nowhere */
	size_t room;
	double seconds; /* of all CPUs, its own and the system's */
	double wall;	/* seconds by the clock */
	double kib;	/* of memory at its highest */
	int status;	/* of its exit */
};

/* argv ends with NULL.  False if it could not be run, or did not exit. */
bool bench_run(const char *const *argv, struct bench_run *run);

/* A row: what, million per second and ns each (median, min, max). */
void bench_row(const char *what, const struct bench_times *t, double events);

/*
 * Dense page ids with a Zipf distribution of exponent `alpha`, the same for
 * the same seed.  The caller frees.
 */
uint32_t *bench_zipf(
    uint32_t npages, size_t nrefs, double alpha, uint64_t seed);

#endif /* !BENCH_SUPPORT_H */

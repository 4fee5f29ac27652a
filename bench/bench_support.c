/* SPDX-License-Identifier: BSD-2-Clause */

#include "bench_support.h"

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/prng.h"

double
bench_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}

bool
bench_smoke(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--smoke") == 0)
			return (true);
	}
	return (false);
}

const char *
bench_option(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return (argv[i + 1]);
	}
	return (NULL);
}

void
bench_add(struct bench_times *t, double seconds)
{
	if (t->n < BENCH_REPS_MAX)
		t->seconds[t->n++] = seconds;
}

static int
cmp_double(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

static double
bench_nth(const struct bench_times *t, unsigned i)
{
	struct bench_times sorted = *t;

	qsort(sorted.seconds, t->n, sizeof(sorted.seconds[0]), cmp_double);
	return (sorted.seconds[i]);
}

double
bench_min(const struct bench_times *t)
{
	return (bench_nth(t, 0));
}

double
bench_median(const struct bench_times *t)
{
	return (bench_nth(t, t->n / 2));
}

double
bench_max(const struct bench_times *t)
{
	return (bench_nth(t, t->n - 1));
}

void
bench_print_min(const struct bench_times *t, double unit, int digits)
{
	if (t->n == 0)
		printf(" %8s", "-");
	else
		printf(" %8.*f", digits, bench_min(t) * unit);
}

void
bench_print_ratio(
    const struct bench_times *other, const struct bench_times *mine)
{
	struct bench_times each = { .n = 0 };

	if (other->n == 0 || mine->n == 0) {
		printf("  %6s %6s %6s %6s", "-", "", "", "");
		return;
	}
	for (unsigned i = 0; i < other->n && i < mine->n; i++)
		bench_add(&each, other->seconds[i] / mine->seconds[i]);
	printf("  %6.2f %6.2f %6.2f %6.2f", bench_min(other) / bench_min(mine),
	    bench_min(&each), bench_median(&each), bench_max(&each));
}

unsigned
bench_reps(int argc, char **argv, unsigned def)
{
	const char *text = bench_option(argc, argv, "--reps");
	const unsigned long n = text != NULL ? strtoul(text, NULL, 10) : def;

	if (n == 0 || bench_smoke(argc, argv))
		return (1);
	return (n < BENCH_REPS_MAX ? (unsigned)n : BENCH_REPS_MAX);
}

void
bench_program(const char *argv0, char *path, size_t room)
{
	const char *slash = strrchr(argv0, '/');

	(void)snprintf(path, room, "%.*s/ephmap",
	    slash != NULL ? (int)(slash - argv0) : 1,
	    slash != NULL ? argv0 : ".");
}

static double
run_seconds(const struct timeval *tv)
{
	return ((double)tv->tv_sec + (double)tv->tv_usec * 1e-6);
}

/* To the end, and close it; what does not fit is dropped. */
static void
run_read(int fd, struct bench_run *run)
{
	char drop[4096];
	size_t used = 0;
	ssize_t n;

	do {
		const bool fits = run->out != NULL && used + 1 < run->room;

		n = read(fd, fits ? run->out + used : drop,
		    fits ? run->room - used - 1 : sizeof(drop));
		if (n > 0 && fits)
			used += (size_t)n;
	} while (n > 0);
	if (run->out != NULL)
		run->out[used] = '\0';
	(void)close(fd);
}

static void
run_child(const char *const *argv, int out)
{
	const int null = open("/dev/null", O_WRONLY);

	(void)dup2(out, STDOUT_FILENO);
	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

bool
bench_run(const char *const *argv, struct bench_run *run)
{
	const double start = bench_now();
	struct rusage ru;
	int fd[2], status;
	pid_t pid;

	(void)fflush(stdout);
	if (pipe(fd) != 0)
		return (false);
	if ((pid = fork()) == 0)
		run_child(argv, fd[1]);
	(void)close(fd[1]);
	if (pid > 0)
		run_read(fd[0], run);
	else
		(void)close(fd[0]);
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid || !WIFEXITED(status))
		return (false);
	run->seconds = run_seconds(&ru.ru_utime) + run_seconds(&ru.ru_stime);
	run->wall = bench_now() - start;
	run->kib = (double)ru.ru_maxrss;
	run->status = WEXITSTATUS(status);
	return (true);
}

void
bench_row(const char *what, const struct bench_times *t, double events)
{
	printf("%-44s %8.1f M/s  %7.2f ns (min %.2f, max %.2f)\n", what,
	    events / bench_median(t) * 1e-6, bench_median(t) / events * 1e9,
	    bench_min(t) / events * 1e9, bench_max(t) / events * 1e9);
}

uint32_t *
bench_zipf(uint32_t npages, size_t nrefs, double alpha, uint64_t seed)
{
	double *cdf = malloc(npages * sizeof(*cdf));
	uint32_t *refs = malloc(nrefs * sizeof(*refs));
	struct prng r;
	double sum = 0;

	if (cdf == NULL || refs == NULL)
		abort();
	for (uint32_t i = 0; i < npages; i++)
		cdf[i] = sum += pow(i + 1, -alpha);
	eph__prng_init(&r, seed, 0);
	for (size_t k = 0; k < nrefs; k++) {
		const double u = prng_unit(&r) * sum;
		uint32_t lo = 0, hi = npages - 1;

		while (lo < hi) {
			const uint32_t mid = lo + (hi - lo) / 2;

			if (cdf[mid] <= u)
				lo = mid + 1;
			else
				hi = mid;
		}
		refs[k] = lo;
	}
	free(cdf);
	return (refs);
}

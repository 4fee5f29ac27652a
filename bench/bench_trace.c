/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How fast traces are read: text lines and binary operations a second, for
 * p lines over few and over many pages.  The plain baseline for text is
 * reading the bytes and counting the newlines.  And from a binary file to
 * one result, which is read on one CPU while another plays it.  And lines of
 * logs that become traces.
 *
 *	bench_trace [--smoke]
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_refs.h"
#include "ephmap/import.h"
#include "ephmap/run.h"
#include "ephmap/sdk/policy.h"

#define REPEATS 7

/* One pass over the operations; text was read through at open as well. */
static uint64_t
read_pass(struct eph_trace *t)
{
	const struct eph_op *ops;
	struct eph_err err;
	uint64_t sum = 0;
	size_t n;

	while (eph_trace_next(t, &ops, &n, &err) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++)
			sum += ops[i].page;
	}
	if (eph_trace_rewind(t, &err) != 0)
		bench_fail(err.text);
	return (sum);
}

static uint64_t
count_newlines(const char *path)
{
	static char buf[1 << 18];
	FILE *f = fopen(path, "rb");
	uint64_t lines = 0;
	size_t n;

	if (f == NULL)
		bench_fail("cannot open");
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
		for (size_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	}
	(void)fclose(f);
	return (lines);
}

static int
by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

static void
report(const char *what, uint64_t pages, uint64_t refs, double *took)
{
	qsort(took, REPEATS, sizeof(took[0]), by_value);
	(void)printf("%-22s %10" PRIu64 " pages  %7.1f %7.1f %7.1f M/s  "
		     "%6.1f ns each\n",
	    what, pages, (double)refs / took[REPEATS - 1] / 1e6,
	    (double)refs / took[REPEATS / 2] / 1e6,
	    (double)refs / took[0] / 1e6,
	    took[REPEATS / 2] * 1e9 / (double)refs);
}

/* From the file to what LRU misses; beside it the two halves of the work. */
static void
bench_result(struct eph_trace *t, uint64_t pages, uint64_t refs)
{
	struct eph_op_source src = eph_trace_source(t);
	const uint32_t nslots = (uint32_t)pages / 10;
	double took[REPEATS], start;
	struct eph_policy_counts counts, same;
	struct eph_refs r;
	struct eph_err err;
	uint64_t n;

	for (int i = 0; i < REPEATS; i++) {
		start = bench_now();
		if (eph_mrc_replay_source(&src, &eph_policy_lru, NULL, nslots,
			1, &n, &counts, &err) != 0 ||
		    eph_trace_rewind(t, &err) != 0)
			bench_fail(err.text);
		took[i] = bench_now() - start;
	}
	report("binary to LRU's misses", pages, refs, took);
	eph_refs_init(&r);
	if (eph_refs_read(&r, &src, &err) != 0)
		bench_fail(err.text);
	for (int i = 0; i < REPEATS; i++) {
		start = bench_now();
		if (eph_mrc_replay(
			&r, &eph_policy_lru, NULL, nslots, 1, &same, &err) != 0)
			bench_fail(err.text);
		took[i] = bench_now() - start;
	}
	report("limit: LRU from memory", pages, refs, took);
	eph_refs_free(&r);
	if (n != refs || same.hits != counts.hits)
		bench_fail("other misses");
}

static void
bench_form(const char *path, enum eph_trace_form form, const char *what,
    uint64_t pages, uint64_t refs)
{
	double took[REPEATS], start;
	struct eph_trace *t;
	struct eph_err err;
	uint64_t sum = 0;

	bench_zipf_file(path, form, pages, refs, 0.8, 2);
	if (eph_trace_open(path, &t, &err) != 0)
		bench_fail(err.text);
	for (int i = 0; i < REPEATS; i++) {
		start = bench_now();
		sum += read_pass(t);
		took[i] = bench_now() - start;
	}
	report(what, pages, refs, took);
	if (form == EPH_TRACE_BINARY) {
		if (eph_trace_rewind(t, &err) != 0)
			bench_fail(err.text);
		bench_result(t, pages, refs);
	}
	eph_trace_close(t);
	if (form == EPH_TRACE_TEXT) {
		for (int i = 0; i < REPEATS; i++) {
			start = bench_now();
			sum += count_newlines(path);
			took[i] = bench_now() - start;
		}
		report("baseline: newlines", pages, refs, took);
	}
	if (sum == 0)
		bench_fail("nothing was read");
}

/* One request a line, of so many files of a page each. */
static void
write_log(const char *path, const char *form, uint64_t pages, uint64_t lines)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		bench_fail("cannot open");
	if (strcmp(form, "csv") == 0)
		(void)fputs("time,id,size\n", f);
	for (uint64_t i = 0; i < lines; i++) {
		const uint64_t page = i * 7919 % pages;

		if (strcmp(form, "csv") == 0)
			(void)fprintf(
			    f, "%" PRIu64 ",%" PRIu64 ",4096\n", i / 100, page);
		else if (strcmp(form, "clf") == 0)
			(void)fprintf(f,
			    "192.0.2.1 - - [12/Mar/2024:08:00:%02u +0000] \"GET "
			    "/page%" PRIu64 ".html HTTP/1.1\" 200 4096 "
			    "\"http://example.org/\" \"Mozilla/5.0 (X11; Linux "
			    "x86_64) Firefox/125.0\"\n",
			    (unsigned)(i * 60 / lines), page);
		else
			(void)fprintf(f,
			    "7 1710230401.%06u sendfile(8<TCP:[127.0.0.1:80->"
			    "127.0.0.1:47102]>, 11</www/page%" PRIu64
			    ">, [0] => [4096], 4096) = 4096 <0.000021>\n",
			    (unsigned)(i * 999999 / lines), page);
	}
	if (fclose(f) != 0)
		bench_fail("cannot write");
}

static void
bench_import(const char *path, const char *out, const char *form,
    uint64_t pages, uint64_t lines)
{
	const struct eph_import_options o = { .from = form };
	struct eph_import_result res;
	struct eph_trace_writer *w;
	double took[REPEATS], start;
	char what[32];
	struct eph_err err;

	write_log(path, form, pages, lines);
	for (int i = 0; i < REPEATS; i++) {
		start = bench_now();
		if (eph_trace_writer_open(out, EPH_TRACE_BINARY, &w, &err) != 0)
			bench_fail(err.text);
		if (eph_trace_import(path, &o, w, &res, &err) != 0)
			bench_fail(err.text);
		eph_trace_writer_abort(w);
		took[i] = bench_now() - start;
	}
	if (res.references != lines)
		bench_fail("other references");
	(void)snprintf(what, sizeof(what), "import of %s", form);
	report(what, pages, lines, took);
}

int
main(int argc, char **argv)
{
	const bool smoke = argc > 1 && strcmp(argv[1], "--smoke") == 0;
	const uint64_t refs = smoke ? 1000 : 4000000;
	const uint64_t pages[] = { 10000, smoke ? 20000 : 1000000 };
	const char *dir = getenv("TMPDIR");
	char path[256], out[272];
	int fd;

	(void)snprintf(path, sizeof(path), "%.200s/bench_trace.XXXXXX",
	    dir != NULL ? dir : P_tmpdir);
	if ((fd = mkstemp(path)) < 0)
		bench_fail("cannot make a temporary file");
	(void)close(fd);
	(void)printf("%-40s %7s %7s %7s\n", "", "min", "median", "max");
	for (size_t i = 0; i < 2; i++) {
		bench_form(path, EPH_TRACE_TEXT, "text", pages[i], refs);
		bench_form(path, EPH_TRACE_BINARY, "binary", pages[i], refs);
	}
	(void)snprintf(out, sizeof(out), "%s.out", path);
	bench_import(path, out, "csv", pages[0], refs / 4);
	bench_import(path, out, "clf", pages[0], refs / 20);
	bench_import(path, out, "strace", pages[0], refs / 20);
	(void)unlink(path);
	return (0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Real logs, in the folder that the environment variable EPHMAP_TRACES
 * names, become traces with known counts.  The counts were derived from the
 * logs by independent scripts.  Without the folder there is nothing to do.
 */

#include <math.h>

#include "ephmap/import.h"
#include "temp_file.h"
#include "test_main.h"

static struct temp_dir tmp;

static int
suite_start(void)
{
	return (temp_dir_make(&tmp));
}

static int
suite_end(void)
{
	(void)temp_dir_remove(&tmp);
	return (0);
}

static const struct golden {
	const char *path;
	struct eph_import_options o;
	uint64_t calls, partial, failed;
	uint64_t references, unique_pages;
	unsigned cpus;
	uint64_t held_mean, held_max; /* the mean, rounded */
} goldens[] = {
	{ "captures/nginx-nasa-order.strace.zst", { 0 }, 27916, 1, 1, 241969,
	    9783, 2, 0, 0 },
	{ "captures/nginx-nasa.sendfile.tsv.zst", { 0 }, 131822, 0, 0, 1147878,
	    9783, 2, 0, 0 },
	{ "captures/nginx-surge.sendfile.tsv.zst", { 0 }, 125332, 1299, 0,
	    2926730, 35472, 2, 0, 0 },
	{ "captures/nginx-surge-1gbit.hold.tsv.zst", { 0 }, 0, 0, 0, 154929,
	    20545, 2, 3084, 6211 },
	{ "captures/nginx-surge-1gbit.hold.tsv.zst", { .no_holds = true }, 0, 0,
	    0, 154929, 20545, 2, 0, 0 },
	{ "captures/pipe-dd-cat.raw.strace.zst", { .calls = EPH_CALLS_PIPE },
	    1024, 0, 0, 16384, 16, 1, 0, 0 },
	{ "captures/pipe-tar-gzip.raw.strace.zst", { .calls = EPH_CALLS_PIPE },
	    17743, 0, 0, 53229, 3, 1, 0, 0 },
	{ "public/nasa-jul95-10k/nasa_19950701.tsv.zst", { .from = "nasa-tsv" },
	    8976, 0, 0, 64695, 9783, 1, 0, 0 },
	{ "public/apache-semicomplete-10k/apache_logs.zst", { 0 }, 8956, 0, 0,
	    675328, 137793, 1, 0, 0 },
	{ "public/arc/OLTP.lis.zst", { 0 }, 914145, 0, 0, 914145, 186880, 1, 0,
	    0 },
	{ "public/arc/P3.lis.zst", { 0 }, 238578, 0, 0, 3912296, 762543, 1, 0,
	    0 },
	{ "public/arc/P3.lis.zst", { .block_bytes = 512 }, 238578, 0, 0, 611918,
	    102348, 1, 0, 0 },
	{ "public/lirs/sprite.trace.gz", { .from = "lirs" }, 133996, 0, 0,
	    133996, 7075, 1, 0, 0 },
	{ "public/lirs/loop.trace.gz", { 0 }, 505500, 0, 0, 505500, 1011, 1, 0,
	    0 },
	{ "public/cloudphysics-libcachesim/cloudPhysicsIO.csv.zst", { 0 },
	    113872, 0, 0, 113872, 48974, 1, 0, 0 },
	{ "public/cloudphysics-libcachesim/cloudPhysicsIO.vscsi.zst", { 0 },
	    113872, 0, 0, 113872, 48974, 1, 0, 0 },
	{ "public/cloudphysics-libcachesim/"
	  "cloudPhysicsIO.oracleGeneral.bin.zst",
	    { 0 }, 113872, 0, 0, 113872, 48974, 1, 0, 0 },
	{ "public/cloudphysics-libcachesim/cloudPhysicsIO.csv.zst",
	    { .split = true, .block_bytes = 512 }, 113872, 0, 0, 1141869,
	    269210, 1, 0, 0 },
	{ "public/cloudphysics-libcachesim/cloudPhysicsIO.vscsi.zst",
	    { .split = true, .block_bytes = 512 }, 113872, 0, 0, 1141869,
	    269210, 1, 0, 0 },
};

static void
check(const char *name, const char *what, uint64_t got, uint64_t want)
{
	if (got != want) {
		(void)fprintf(stderr, "%s: %s %llu, expected %llu\n", name,
		    what, (unsigned long long)got, (unsigned long long)want);
		CU_FAIL("a count");
	}
}

static void
check_golden(const struct golden *g, const char *dir)
{
	const char *out = temp_path(&tmp, "out");
	const struct eph_trace_meta *m;
	struct eph_import_result res;
	struct eph_trace_writer *w;
	struct eph_trace *t;
	struct eph_err err;
	char in[600];

	(void)snprintf(in, sizeof(in), "%.200s/%.300s", dir, g->path);
	CU_ASSERT_EQUAL_FATAL(
	    eph_trace_writer_open(out, EPH_TRACE_BINARY, &w, &err), 0);
	if (eph_trace_import(in, &g->o, w, &res, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		CU_FAIL("an import");
		eph_trace_writer_abort(w);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(eph_trace_writer_commit(w, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_open(out, &t, &err), 0);
	m = eph_trace_meta(t);
	check(g->path, "skipped lines", res.skipped, 0);
	check(g->path, "calls", m->calls, g->calls);
	check(g->path, "partial", m->partial, g->partial);
	check(g->path, "failed", m->failed, g->failed);
	check(g->path, "references", m->references, g->references);
	check(g->path, "unique pages", m->unique_pages, g->unique_pages);
	check(g->path, "CPUs", m->cpus, g->cpus);
	check(g->path, "held, mean", (uint64_t)lround(m->held_mean),
	    g->held_mean);
	check(g->path, "held, most", m->held_max, g->held_max);
	eph_trace_close(t);
}

static void
imported_counts_are_the_known_ones(void)
{
	const char *dir = getenv("EPHMAP_TRACES");

	if (dir == NULL) {
		(void)printf("skipped: EPHMAP_TRACES is not set ");
		return;
	}
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
		check_golden(&goldens[i], dir);
}

static CU_TestInfo tests[] = {
	TEST(imported_counts_are_the_known_ones),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "real_traces", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "import_support.h"
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

static struct imported
import_as(const char *log, struct eph_import_options o)
{
	return (import_bytes(&tmp, log, strlen(log), &o));
}

/* -- captures ----------------------------------------------------------- */

#define SENDFILE "sendfile"

static const char sendfile_log[] =
    "0\t1\t70\t" SENDFILE "\t0\t0\t4097\t4097\t5\t1\n"
    "10\t0\t71\t" SENDFILE "\t3\t4000\t200\t500\t5\t1\n"
    "10\t0\t71\t" SENDFILE "\t3\t4200\t-11\t300\t5\t1\n"
    "10\t0\t71\t" SENDFILE "\t3\t4200\t-32\t300\t5\t1\n"
    "12\t0\t71\t" SENDFILE "\t3\t4200\t0\t300\t5\t1\n";

static void
sendfile_captures_take_the_cpu_of_the_column(void)
{
	struct imported got = import_text(&tmp, sendfile_log, NULL);

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.res.format, "sendfile-tsv");
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 1 0\np 1 1\nd 10\np 0 3000000000\np 0 3000000001\n");
	CU_ASSERT_EQUAL(got.res.calls, 4);
	CU_ASSERT_EQUAL(got.res.partial, 1);
	CU_ASSERT_EQUAL(got.res.failed, 1);
	CU_ASSERT_EQUAL(got.res.again, 1);
	free(got.text);
	got = import_as(
	    sendfile_log, (struct eph_import_options){ .cpu_of = EPH_CPU_PID });
	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 0\np 0 1\nd 10\np 1 3000000000\np 1 3000000001\n");
	free(got.text);
}

static void
bad_sendfile_lines_are_refused(void)
{
	ASSERT_REFUSES("0\t1\t70\tsendfile\t0\t0\t1\t1\t5\n", "sendfile-tsv",
	    ":1: expected 10 columns");
	ASSERT_REFUSES("0\t1\t70\tsendfile\t0\t0\t1\t1\t5\t1\t1\n",
	    "sendfile-tsv", "expected 10 columns");
	ASSERT_REFUSES("0\t1\t70\twritev\t0\t0\t1\t1\t5\t1\n", "sendfile-tsv",
	    "expected sendfile");
	ASSERT_REFUSES("0\t1\t70\tsendfile\t0\t0\t1\t1\t5\t1\n"
		       "0\t1024\t70\tsendfile\t0\t0\t1\t1\t5\t1\n",
	    "sendfile-tsv", ":2: expected a CPU");
	ASSERT_REFUSES("0\t1\t70\tsendfile\t0\t1x\t1\t1\t5\t1\n",
	    "sendfile-tsv", "got \"1x\"");
	ASSERT_REFUSES("0\t1\t70\tsendfile\t0\t9000000000000000\t1\t1\t5\t1\n",
	    "sendfile-tsv", "beyond 4 TB");
}

static void
recorded_holds_become_maps_and_unmaps(void)
{
	static const char log[] = "0\t0\t2\t5\t100\n"
				  "40\t1\t2\t5\t10\n"
				  "100\t1\t0\t0\t50\n";
	struct imported got;

	/* What ends when something starts ends first. */
	ASSERT_IMPORTS(log, NULL,
	    "m 0 2000000005 1\nd 40\nm 1 2000000005 2\nd 10\nu 1 2\n"
	    "d 50\nu 0 1\nm 1 0 3\nd 50\nu 1 3\n");
	got = import_as(log, (struct eph_import_options){ .no_holds = true });
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 2000000005\nd 40\np 1 2000000005\nd 60\np 1 0\n");
	free(got.text);
	ASSERT_REFUSES("0\t0\t2\t5\n", "hold-tsv", "expected 5 columns");
	ASSERT_REFUSES("0\t0\t2\t5\t-1\n", "hold-tsv", "got \"-1\"");
}

/* -- web logs ----------------------------------------------------------- */

static void
nasa_requests_that_were_served_count(void)
{
	static const char header[] =
	    "host\tlogname\ttime\tmethod\turl\tresponse\tbytes\n";
	char log[600];

	(void)snprintf(log, sizeof(log),
	    "%sh\t-\t100\tGET\t/a\t200\t4097\t\t\nh\t-\t101\tHEAD\t/a\t200\t9"
	    "\nh\t-\t102\tGET\t/a\t304\t0\nh\t-\t102\tGET\t/b\t206\t1\n"
	    "h\t-\t101\tGET\t/a\t200\t1\nh\t-\t103\tGET\t/a\t200\t0\n",
	    header);
	ASSERT_IMPORTS(
	    log, NULL, "p 0 0\np 0 1\nd 2000000000\np 0 1000000000\np 0 0\n");
	ASSERT_REFUSES("h\t-\t1\tGET\t/a\t200\t1\n", "nasa-tsv",
	    ":1: expected the header");
	(void)snprintf(log, sizeof(log), "%sh\t-\t100\tGET\n", header);
	ASSERT_REFUSES(log, "nasa-tsv", ":2: expected 7 columns");
}

#define DATE	      "[17/May/2015:10:05:03 +0000]"
#define DATE_SAME     "[17/May/2015:12:05:05 +0200]" /* 2 s later */
#define REFERER_AGENT " \"http://x/\" \"Mozilla (a, b) \\\"c\\\"\""

static void
common_and_combined_log_formats_are_read(void)
{
	static const char log[] =
	    "1.2.3.4 - - " DATE " \"GET /a HTTP/1.1\" 200 4097" REFERER_AGENT
	    "\n"
	    "1.2.3.4 - bob " DATE_SAME " \"GET /b HTTP/1.0\" 206 1\n"
	    "1.2.3.4 - - " DATE_SAME " \"GET /a\" 200 1\n"
	    "1.2.3.4 - - " DATE_SAME " \"GET /q\"x\" y HTTP/1.0\" 200 1\n"
	    "1.2.3.4 - - " DATE_SAME " \"HEAD /a HTTP/1.0\" 200 4097\n"
	    "1.2.3.4 - - " DATE_SAME " \"GET /a HTTP/1.0\" 304 -\n"
	    "1.2.3.4 - - " DATE_SAME " \"GET /a HTTP/1.0\" 200 0\n"
	    "1.2.3.4 - - " DATE_SAME " \"-\" 408 -\n"
	    "not a log line\n"
	    "1.2.3.4 - - [17/Foo/2015:10:05:03 +0000] \"GET /a\" 200 1\n";
	struct imported got = import_text(&tmp, log, NULL);

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.res.format, "clf");
	CU_ASSERT_STRING_EQUAL(got.text,
	    "p 0 0\np 0 1\nd 2000000000\np 0 1000000000\np 0 0\n"
	    "p 0 2000000000\n");
	CU_ASSERT_EQUAL(got.res.calls, 4);
	CU_ASSERT_EQUAL(got.res.skipped, 2);
	CU_ASSERT_EQUAL(got.res.first_skipped, 9);
	free(got.text);
}

/* -- ids, blocks, objects ----------------------------------------------- */

static void
id_lists_are_read(void)
{
	ASSERT_IMPORTS("5\n7\r\n5\n", NULL, "p 0 5\np 0 7\np 0 5\n");
	ASSERT_IMPORTS(
	    "# x\n\n18446744073709551615", "ids", "p 0 18446744073709551615\n");
	ASSERT_REFUSES("5\n5x\n", "ids", ":2: expected a page id");
	ASSERT_REFUSES("5\n18446744073709551616\n", "ids", ":2: expected");
	ASSERT_IMPORTS("5\n*\n7\n*\n", "lirs", "p 0 5\np 0 7\n");
	ASSERT_REFUSES("5\n*\n7\n", "ids", "got \"*\"");
}

static void
arc_blocks_are_pages_or_parts_of_pages(void)
{
	static const char log[] = "6 4 0 0\n16 1 0 1\n";
	struct imported got = import_text(&tmp, log, NULL);

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.res.format, "arc");
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 6\np 0 7\np 0 8\np 0 9\np 0 16\n");
	free(got.text);
	/* Blocks 6 to 9 of 512 bytes lie in pages 0 and 1. */
	got = import_as(log, (struct eph_import_options){ .block_bytes = 512 });
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 0\np 0 1\np 0 2\n");
	free(got.text);
	ASSERT_REFUSES("6 4 0\n", "arc", ":1: expected \"start count");
	ASSERT_REFUSES("6 4 0 0\n1 99999999999 0 0\n", "arc",
	    ":2: expected a number of blocks");
}

static void
csv_columns_are_found_by_name(void)
{
	static const char log[] = "version,time,op,size,lbn\n"
				  "1,10,2a,512,7\n1,12.5,28,8192,8\n";
	struct imported got;

	ASSERT_IMPORTS(log, NULL, "p 0 7\nd 2500000000\np 0 8\n");
	got = import_as(log, (struct eph_import_options){ .split = true });
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 0\nd 2500000000\np 0 1000000000\np 0 1000000001\n");
	free(got.text);
	got = import_as(log,
	    (struct eph_import_options){ .split = true, .block_bytes = 512 });
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 0\nd 2500000000\np 0 1\np 0 2\n");
	free(got.text);
	ASSERT_REFUSES("a,b\n1,2\n", "csv", ":1: expected a header");
	ASSERT_REFUSES("time,id\n1\n", "csv", ":2: expected 2 columns");
	ASSERT_REFUSES("time,id\nx,1\n", "csv", ":2: expected a time");
}

static void
put_le(char *p, uint64_t v, int width)
{
	for (int i = 0; i < width; i++)
		p[i] = (char)(v >> 8 * i);
}

static void
binary_records_are_read(void)
{
	struct eph_import_options o = { 0 };
	struct imported got;
	char oracle[72] = { 0 }, vscsi[80] = { 0 };

	for (int i = 0; i < 3; i++) {
		put_le(oracle + i * 24, 100 + (uint64_t)i, 4);
		put_le(oracle + i * 24 + 4, 1000 + (uint64_t)(i & 1), 8);
		put_le(oracle + i * 24 + 12, 4096, 4);
		put_le(oracle + i * 24 + 16, i == 0 ? 3 : UINT64_MAX, 8);
	}
	got = import_bytes(&tmp, oracle, sizeof(oracle), &o);
	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.res.format, "oracleGeneral");
	CU_ASSERT_STRING_EQUAL(got.text,
	    "p 0 1000\nd 1000000000\np 0 1001\nd 1000000000\np 0 1000\n");
	free(got.text);
	o.from = "oracleGeneral";
	got = import_bytes(&tmp, oracle, 50, &o);
	CU_ASSERT_EQUAL(got.error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(got.err.text, "byte 48: a record of 24 bytes is cut"));
	o.from = NULL;
	for (int i = 0; i < 2; i++) { /* version 2 */
		put_le(vscsi + i * 40, 42, 2);
		put_le(vscsi + i * 40 + 2, 0x200, 2);
		put_le(vscsi + i * 40 + 8, 512, 4);
		put_le(vscsi + i * 40 + 16, 77, 8);
		put_le(vscsi + i * 40 + 24, 5 + 10 * (uint64_t)i, 8);
	}
	got = import_bytes(&tmp, vscsi, sizeof(vscsi), &o);
	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.res.format, "vscsi");
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 77\nd 10000\np 0 77\n");
	free(got.text);
}

/* -- compression and options -------------------------------------------- */

static void
zstd_and_gzip_are_read_and_cuts_are_seen(void)
{
	struct eph_import_options o = { .from = "ids" };
	static char plain[400000];
	char *packed = malloc(ZSTD_compressBound(sizeof(plain)));
	struct imported got;
	size_t n = 0, half;
	gzFile gz;
	char *whole;

	CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
	for (int i = 0; n < sizeof(plain) - 16; i++)
		n += (size_t)sprintf(plain + n, "%d\n", i * 7919 % 100003);
	half = (size_t)(strchr(plain + n / 2, '\n') + 1 - plain);
	/* Two frames, as `cat a.zst b.zst` makes. */
	size_t a = ZSTD_compress(
	    packed, ZSTD_compressBound(sizeof(plain)), plain, half, 1);
	a += ZSTD_compress(packed + a, ZSTD_compressBound(sizeof(plain)) - a,
	    plain + half, n - half, 1);
	got = import_bytes(&tmp, packed, a, &o);
	CU_ASSERT_EQUAL(got.error, 0);
	CU_ASSERT_TRUE(got.res.calls > 60000);
	const uint64_t calls = got.res.calls;
	free(got.text);
	got = import_bytes(&tmp, packed, a - 5, &o);
	CU_ASSERT_EQUAL(got.error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, "zstd data is damaged"));
	gz = gzopen(temp_path(&tmp, "gz"), "wb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(gz);
	CU_ASSERT_EQUAL(gzwrite(gz, plain, (unsigned)n), (int)n);
	CU_ASSERT_EQUAL(gzclose(gz), Z_OK);
	whole = temp_read(temp_path(&tmp, "gz"), &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	got = import_bytes(&tmp, whole, n, &o);
	CU_ASSERT_EQUAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, calls);
	free(got.text);
	got = import_bytes(&tmp, whole, n / 2, &o);
	CU_ASSERT_EQUAL(got.error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, "gzip data is damaged"));
	free(whole);
	free(packed);
}

static void
references_are_spread_over_cpus(void)
{
	static const char log[] = "1\n2\n3\n1\n2\n3\n4\n";
	struct eph_import_options o = {
		.from = "ids", .cpu_of = EPH_CPU_ROBIN, .cpu = 2
	};
	struct imported got = import_as(log, o), again;

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 1\np 1 2\np 0 3\np 1 1\np 0 2\np 1 3\np 0 4\n");
	free(got.text);
	o.cpu_of = EPH_CPU_HASH;
	got = import_as(log, o);
	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.cpus, 2);
	CU_ASSERT_EQUAL(strncmp(got.text, got.text + 18, 18), 0);
	free(got.text);
	o.cpu_of = EPH_CPU_RANDOM;
	o.cpu = 1000;
	got = import_as(log, o);
	again = import_as(log, o);
	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_STRING_EQUAL(got.text, again.text);
	free(again.text);
	o.seed = 9;
	again = import_as(log, o);
	CU_ASSERT_STRING_NOT_EQUAL(got.text, again.text);
	free(again.text);
	free(got.text);
}

static void
options_a_format_cannot_obey_are_refused(void)
{
	static const struct {
		const char *from;
		struct eph_import_options o;
		const char *expect;
	} cases[] = {
		{ "ids", { .calls = EPH_CALLS_PIPE }, "--calls" },
		{ "ids", { .cpu_of = EPH_CPU_PID }, "--cpu-of pid" },
		{ "hold-tsv", { .cpu_of = EPH_CPU_PID }, "--cpu-of pid" },
		{ "clf", { .cpu_of = EPH_CPU_COLUMN }, "--cpu-of column" },
		{ "clf", { .no_holds = true }, "--no-holds" },
		{ "ids", { .block_bytes = 512 }, "--block" },
		{ "csv", { .block_bytes = 512 }, "--split" },
		{ "arc", { .split = true }, "--split" },
		{ "arc", { .cpu_of = EPH_CPU_FIXED, .cpu = 1024 },
		    "expected 0 to 1023" },
		{ "ids", { .cpu_of = EPH_CPU_HASH }, "expected 1 to 1024" },
		{ "hold-tsv", { .cpu_of = EPH_CPU_ROBIN, .cpu = 2 },
		    "stay whole" },
		{ "strace", { .cpu_of = EPH_CPU_RANDOM, .cpu = 2 },
		    "stay whole" },
		{ "nonsense", { 0 }, "unknown format \"nonsense\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eph_import_options o = cases[i].o;
		struct imported got;

		o.from = cases[i].from;
		got = import_as("1\n", o);
		CU_ASSERT_EQUAL(got.error, EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, cases[i].expect));
		free(got.text);
	}
}

static void
what_looks_like_no_log_is_refused(void)
{
	ASSERT_REFUSES("", NULL, "empty");
	ASSERT_REFUSES("hello world\n", NULL, "--from");
	ASSERT_REFUSES("\x01\x02\x03", NULL, "--from");
}

static CU_TestInfo tests[] = {
	TEST(sendfile_captures_take_the_cpu_of_the_column),
	TEST(bad_sendfile_lines_are_refused),
	TEST(recorded_holds_become_maps_and_unmaps),
	TEST(nasa_requests_that_were_served_count),
	TEST(common_and_combined_log_formats_are_read),
	TEST(id_lists_are_read),
	TEST(references_are_spread_over_cpus),
	TEST(arc_blocks_are_pages_or_parts_of_pages),
	TEST(csv_columns_are_found_by_name),
	TEST(binary_records_are_read),
	TEST(zstd_and_gzip_are_read_and_cuts_are_seen),
	TEST(options_a_format_cannot_obey_are_refused),
	TEST(what_looks_like_no_log_is_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "import_logs", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

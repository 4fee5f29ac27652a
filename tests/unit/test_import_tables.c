/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tables and records of requests: forms of CSV, the shapes that researchers
 * hold, and libCacheSim's binary ones.  Every form is given with the trace
 * that it is, and with what is said of it.
 */

#include <errno.h>

#include "base/le.h"
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
	return (temp_dir_remove(&tmp), 0);
}

/*
 * Import a log by options; `expect' is the text trace, or what the refusal
 * says; `told' is said, or NULL.
 */
static void
check(const char *log, size_t n, const struct eph_import_options *o,
    const char *expect, const char *told)
{
	struct imported got = import_bytes(&tmp, log, n, o);

	if (got.error != 0) {
		if (strstr(got.err.text, expect) == NULL)
			(void)fprintf(stderr, "expected %s\ngot %s\n", expect,
			    got.err.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, expect));
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(got.text);
	if (strcmp(got.text, expect) != 0)
		(void)fprintf(stderr, "expected\n%sgot\n%s", expect, got.text);
	CU_ASSERT_STRING_EQUAL(got.text, expect);
	if (told != NULL && strstr(got.res.told, told) == NULL)
		(void)fprintf(
		    stderr, "expected %s\ntold %s", told, got.res.told);
	CU_ASSERT(told == NULL || strstr(got.res.told, told) != NULL);
	free(got.text);
}

static void
csv(const char *log, const char *expect, const char *told)
{
	check(
	    log, strlen(log), &(struct eph_import_options){ 0 }, expect, told);
}

#define P5 "p 0 5\n"
#define D1 "d 1000000000\n"

static void
one_id_in_all_its_forms_is_one_page(void)
{
	csv("time,id\n0, 5\n0,5\n0,5 \n0,\"5\"\n0, \"5\" \n0,05\n",
	    P5 P5 P5 P5 P5 P5, "6 references to 1 page");
	csv("id,x\n\"a,b\",1\na,1\n\"a,b\",1\n",
	    "p 0 16579598614844679654\np 0 12638187200555641996\n"
	    "p 0 16579598614844679654\n",
	    NULL);
	csv("id,x\n\"say \"\"a\"\"\",1\nsay \"a\",1\n",
	    "p 0 89423963700015301\np 0 89423963700015301\n", NULL);
	csv("id,x\n\"5,1\n", ":2: a quoted field without its end", NULL);
	csv("id,x\n\"5\"6,1\n", ":2: a quoted field", NULL);
	csv(" 5\n5 \n\"5\"\n5\n", P5 P5 P5 P5, "ids (guessed)");
}

static void
headers_are_found_in_all_their_forms(void)
{
	csv("\xef\xbb\xbftime,id,size\n0,5,1\n1,5,1\n", P5 D1 P5, NULL);
	csv("Time;ID;Size\n0;5;1\n\n1;5;1\n", P5 D1 P5,
	    "a header, columns time=1 (Time) id=2 (ID) size=3 (Size)");
	csv("\"time\"\t\"id\"\n0\t5\n1\t5\n", P5 D1 P5, NULL);
	csv("# time, obj_id\n0, 5\n1, 5\n", P5 D1 P5, NULL);
	csv("time|id\n0|5\n1|5\n", P5 D1 P5, NULL);
	csv("Time (s),Object ID,Size (B)\n0,5,1\n1,5,1\n", P5 D1 P5, NULL);
	csv("ts,objId,obj-size\n0,5,1\n1,5,1\n", P5 D1 P5,
	    "columns time=1 (ts) id=2 (objId) size=3 (obj-size)");
	csv("\r\n \n\ntime,id\n0,5\n1,5\n", P5 D1 P5, NULL);
	csv("id\n5\n5\n", P5 P5, "a header, columns id=1 (id)");
	csv("time,id\n0,5\n1\n", ":3: expected 2 columns as in the first line",
	    NULL);
}

static void
times_are_read_in_every_unit(void)
{
	csv("time,id\n1.5e3,5\n1501,5\n", P5 D1 P5, NULL);
	csv("timestamp,id\n1634567890123,5\n1634567891123,5\n", P5 D1 P5,
	    "times taken for milliseconds");
	csv("timestamp,id\n1634567890123456,5\n1634567891123456,5\n", P5 D1 P5,
	    "times taken for microseconds");
	csv("time (ms),id\n5,5\n1005,5\n", P5 D1 P5, NULL);
	csv("time_us,id\n5,5\n1000005,5\n", P5 D1 P5, NULL);
	csv("time,id\n2024-03-12T08:00:00.5Z,5\n2024-03-12 09:00:01.5+01:00,5\n",
	    P5 D1 P5, "times are dates");
	csv("time;id\n0,5;5\n1,5;5\n", P5 D1 P5, NULL);
	csv("time,id\n-1,5\n", ":2: expected a time, got \"-1\"", NULL);
	csv("time,id\n3,5\n1,5\n2,5\n4,5\n", P5 P5 P5 D1 P5,
	    "runs backwards 2 times (first: line 3), by 2 s");
}

static void
sizes_that_do_not_matter_do_not_disturb(void)
{
	csv("id,size\n5,5000000000\n5,1e3\n5,\n5,-\n", P5 P5 P5 P5, NULL);
	csv("id,size\n5,many\n", ":2: expected a size", NULL);
}

static void
deletions_reach_no_data(void)
{
	csv("op,id\nget,5\nDELETE,5\nput,5\n", P5 P5,
	    "left out: 1 with operation delete (first: line 3)");
}

static void
columns_can_be_numbered_and_named(void)
{
	struct eph_import_options o = { .from = "csv",
		.columns = "time=1,id=3",
		.delimiter = ';',
		.time_unit = EPH_UNIT_MS };

#define WITH_OPTIONS(log, expect, told)                                        \
	check(log, strlen(log), &o, expect, told)
	WITH_OPTIONS(
	    "0;x;5\n1000;y;5\n", P5 D1 P5, "no header, columns time=1 id=3");
	WITH_OPTIONS("when;who;what\n0;x;5\n1000;y;5\n", P5 D1 P5,
	    "a header, columns time=1 (when) id=3 (what)");
	o.columns = "time=when,id=what";
	WITH_OPTIONS("when;who;what\n0;x;5\n1000;y;5\n", P5 D1 P5, NULL);
	WITH_OPTIONS("when;who\n0;x;5\n", "names no such column", NULL);
	o.columns = "time=1,id=9";
	WITH_OPTIONS("0;x;5\n", "has no such column", NULL);
	o.columns = "time=1";
	WITH_OPTIONS("0;x;5\n", "neither an id nor an offset", NULL);
	o.columns = "tyme=1,id=2";
	WITH_OPTIONS("0;x;5\n", "not understood", NULL);
	o.columns = "id=1";
	o.no_header = true;
	WITH_OPTIONS("a;x\n", "p 0 12638187200555641996\n", NULL);
	o.columns = "offset=1,size=2";
	WITH_OPTIONS("4096;4097\n", "p 0 1\np 0 2\n", NULL);
	/* Such options mean a table, whatever else it could be. */
	o = (struct eph_import_options){ .columns = "time=1,id=3,size=4",
		.delimiter = ';',
		.no_header = true,
		.time_unit = EPH_UNIT_MS };
	WITH_OPTIONS("0;x;5;7\n1000;y;5;7\n", P5 D1 P5, "time=1 id=3 size=4");
	o = (struct eph_import_options){ .columns = "id=2" };
	WITH_OPTIONS("1 5 0 0\n1 5 0 0\n", P5 P5, "csv");
	o = (struct eph_import_options){ .from = "ids", .columns = "id=1" };
	WITH_OPTIONS("5\n", "has columns of its own (--columns)", NULL);
#undef WITH_OPTIONS
}

static void
tables_of_the_field_are_known(void)
{
	csv("128166372003061629,web,0,Read,8192,4096,1331\n"
	    "128166372013061629,web,0,Write,12288,8192,926\n"
	    "128166372013061629,web,1,Read,0,512,926\n",
	    "p 0 2\n" D1 "p 0 3\np 0 4\np 0 1000000000\n", "msr (guessed)");
	csv("128166372003061629,web,0,read,0,1,1\n"
	    "128166372013061629,web,0,WRITE,0,1,9\n",
	    "p 0 0\n" D1 "p 0 0\n", "msr (guessed)");
	csv("0,k,12,213,7,get,0\n1,k,12,213,7,delete,0\n1,j,1,2,7,set,9\n",
	    "p 0 12638198195671924106\n" D1 "p 0 12638199295183552317\n",
	    "twitter (guessed)");
	csv("419,W,8792731648,16384,1577808000000000\n"
	    "725,R,0,4096,1577808001000000\n",
	    "p 0 2146663\np 0 2146664\np 0 2146665\np 0 2146666\n" D1
	    "p 0 1000000000\n",
	    "alibaba-block (guessed)");
	csv("1538323200,12910952,8,0,1063\n1538323201,8,16,1,1063\n",
	    "p 0 1613869\n" D1 "p 0 1\np 0 2\n", "tencent-block (guessed)");
	csv("0,20941264,8192,W,0.551706\n0,8,512,r,1.551706\n",
	    "p 0 2617658\np 0 2617659\n" D1 "p 0 1\n", "umass-spc (guessed)");
	csv("op_time,key,key_size,op,op_count,size,cache_hits,ttl\n"
	    "9,5,8,GET,2,100,1,0\n10,5,8,SET,1,100,0,300\n",
	    P5 P5 D1 P5, "meta-kv (guessed)");
	csv("timestamp,cacheKey,OpType,objectSize,responseSize\n"
	    "9,5,1,100,90\n10,5,1,100,90\n",
	    P5 D1 P5, "meta-cdn (guessed)");
	csv("relative_unix\thashed_path_query\timage_type\tresponse_size\t"
	    "time_firstbyte\n0\t5\tjpeg\t7\t0.001\n1\t5\tpng\t7\t0.002\n",
	    P5 D1 P5, "wiki-cdn (guessed)");
	csv("0\t5\t7\t0.001\n1\t5\t7\t0.002\n", P5 D1 P5,
	    "wiki-cdn (guessed): 2 requests, 2 references to 1 page by 1 CPU; "
	    "no header, columns time=1 id=2 size=3");
	csv("0 5 1024 5\n1 5 1024 6\n", P5 D1 P5, "webcachesim (guessed)");
	csv("5 1 0 1\n1 1 0 2\n", P5 "p 0 1\n", "arc (guessed)");
}

static void
fio_logs_are_read(void)
{
	csv("fio version 2 iolog\n/f add\n/f open\n/f read 0 8192\n"
	    "/f wait 1000000\n/g write 4096 1\n/f trim 0 4096\n"
	    "/f sync 0 0\n/f close\n",
	    "p 0 0\np 0 1\n" D1 "p 0 1000000001\n",
	    "fio-iolog (guessed): 2 reads and writes, 3 references");
	csv("fio version 3 iolog\n17 /f add\n20 /f open\n20 /f read 0 8192\n"
	    "1000020 /f datasync 0 0\n1000020 /f write 4096 4096\n",
	    "d 3000\np 0 0\np 0 1\n" D1 "p 0 1\n", "version 3");
	csv("fio version 3 iolog\n/f read 0 8192\n",
	    ":2: expected a time in microseconds", NULL);
	csv("fio version 2 iolog\n/f read 0\n/f read 0 4096\n", "p 0 0\n",
	    "1 malformed line");
}

static void
blkparse_counts_each_request_once(void)
{
	csv("  8,0    3        1     0.000000000   697  G   W 8 + 8 [k]\n"
	    "  8,0    3        2     0.000001000   697  Q   W 8 + 8 [k]\n"
	    "  8,0    3        3     0.000002000   697  P   N [k]\n"
	    "  8,0    3        4     0.000003000   697  D   W 8 + 8 [k]\n"
	    "  8,0    1        5     1.000001000   698  Q  RA 0 + 9 [k]\n"
	    "  8,0    1        6     1.000001000   698  Q FWS 0 + 0 [k]\n"
	    "  8,0    1        7     1.000001000   698  Q  DS 0 + 8 [k]\n"
	    "  8,0    0        8     1.000003000     0  C   W 8 + 8 [0]\n"
	    "CPU0 (8,0):\n Reads Queued:           1,        4KiB\n",
	    "p 3 1\n" D1 "p 1 0\np 1 1\n",
	    "blkparse (guessed): 2 requests, 3 references to 2 pages by 4 "
	    "CPUs; requests as they were asked for count (action Q); left out:"
	    " 1 of no bytes (first: line 6), 1 with operation delete");
	csv("8,0 3 1 0.000000000 697 C W 8 + 8 [0]\n"
	    "8,16 3 1 0.000000000 697 C W 8 + 8 [0]\n",
	    "p 3 1\np 3 1000000001\n", "2 devices");
}

/* -- records ------------------------------------------------------------ */

#define LCS_MAGIC 0x123456789abcdef0u

static char bytes[16384];

/* Three requests, to 7, 8 and 7, of so many bytes each; op before `next'. */
static size_t
put_requests(char *to, size_t size, size_t id, size_t op)
{
	memset(to, 0, 3 * size);
	for (size_t i = 0; i < 3; i++, to += size) {
		put_le(to, i, 4);
		put_le(to + id, 7 + i % 2, 8);
		put_le(to + id + 8, 4096, 4);
		if (op != 0)
			put_le(to + op, i == 1 ? 9 : 1, 1);
	}
	return (3 * size);
}

static void
lcs_of_every_version_is_read(void)
{
	static const size_t sizes[] = { 0, 24, 28, 36, 40, 44, 52, 68, 100 };
	struct eph_import_options o = { 0 };

	for (size_t v = 0; v <= 9; v++) {
		const size_t op = v == 2 ? 16 : v > 2 ? 20 : 0;
		size_t n = 8192;

		memset(bytes, 0, sizeof(bytes));
		put_le(bytes, LCS_MAGIC, 8);
		put_le(bytes + 8, v, 8);
		put_le(bytes + 24, 3, 8);
		put_le(bytes + 8184, LCS_MAGIC, 8);
		n += put_requests(
		    bytes + n, v < 1 || v > 8 ? 24 : sizes[v], 4, op);
		check(bytes, n, &o,
		    v < 1 || v > 8 ? "expected 1 to 8"
			: op > 0   ? "p 0 7\nd 2000000000\np 0 7\n"
				   : "p 0 7\n" D1 "p 0 8\n" D1 "p 0 7\n",
		    "lcs (guessed)");
	}
	put_le(bytes + 8, 1, 8);
	put_le(bytes + 24, 4, 8);
	check(bytes, 8192 + 24, &o, "p 0 7\n",
	    "the header promises 4 requests, the file has 1");
	check(bytes, 8000, &o, "the header of lcs is cut", NULL);
}

static void
lcs_with_a_format_string_is_read(void)
{
	struct eph_import_options o = { 0 };

	memset(bytes, 0, sizeof(bytes));
	put_le(bytes, LCS_MAGIC, 8);
	memcpy(bytes + 8, "<IQIq", 5);
	put_le(bytes + 248, 2, 1); /* id, size, time */
	put_le(bytes + 249, 3, 1);
	put_le(bytes + 250, 1, 1);
	put_le(bytes + 1004, 24, 4);
	put_le(bytes + 1016, LCS_MAGIC, 8);
	put_requests(bytes + 1024, 24, 4, 0);
	check(bytes, 1024 + 72, &o, "p 0 7\n" D1 "p 0 8\n" D1 "p 0 7\n",
	    "records <IQIq");
	put_le(bytes + 1004, 28, 4);
	check(bytes, 1024 + 72, &o, "at odds with itself", NULL);
}

static void
oracle_forms_are_not_taken_for_each_other(void)
{
	struct eph_import_options o = { 0 };
	size_t n = put_requests(bytes, 27, 4, 16);

	for (size_t i = 0; i < 3; i++)
		put_le(bytes + 27 * i + 19, UINT64_MAX, 8);
	check(bytes, n, &o, "p 0 7\nd 2000000000\np 0 7\n",
	    "oracleGeneralOpNS (guessed)");
	o.from = "oracleGeneral";
	check(bytes, n, &o, "--from oracleGeneralOpNS", NULL);
	n = put_requests(bytes, 24, 4, 0);
	for (size_t i = 0; i < 3; i++)
		put_le(bytes + 24 * i + 16, UINT64_MAX, 8);
	check(bytes, n, &o, "p 0 7\n" D1 "p 0 8\n" D1 "p 0 7\n", NULL);
	o.from = "oracleGeneralOpNS";
	check(bytes, n, &o, "--from oracleGeneral", NULL);
	put_le(bytes, LCS_MAGIC, 8);
	o.from = "oracleGeneral";
	check(bytes, n, &o, "--from lcs", NULL);
	for (size_t i = 0; i < 72; i++)
		bytes[i] = (char)(37 * i * i);
	check(bytes, 72, &o, "are not so", NULL);
}

static void
records_are_read_by_a_format_string(void)
{
	struct eph_import_options o = { .from = "binary",
		.record = "<H2xIdB",
		.columns = "time=1,id=3,size=2,op=4",
		.time_unit = EPH_UNIT_MS };
	/* 1.0 and 2.0 as doubles. */
	static const char log[] = "\0\0..\1\0\0\0\0\0\0\0\0\0\360\077\1"
				  "\1\0..\1\0\0\0\0\0\0\0\0\0\000\100\1"
				  "\1\0..\1\0\0\0\0\0\0\0\0\0\000\100\011";

	check(log, sizeof(log) - 1, &o, "p 0 1\nd 1000000\np 0 2\n",
	    "records of 17 bytes; left out: 1 with operation delete");
	o.record = ">HH";
	o.columns = "id=2";
	check("\0\1\1\2", 4, &o, "p 0 258\n", NULL);
	o.columns = "id=3";
	check("\0\1\1\2", 4, &o, "of 2 fields", NULL);
	o.columns = "time=1";
	check("\0\1\1\2", 4, &o, "no id", NULL);
	o.record = "HH";
	check("\0\1\1\2", 4, &o, "expected < (or >)", NULL);
	o.record = NULL;
	check("\0\1\1\2", 4, &o, "needs --record", NULL);
}

static CU_TestInfo tests[] = {
	TEST(one_id_in_all_its_forms_is_one_page),
	TEST(headers_are_found_in_all_their_forms),
	TEST(times_are_read_in_every_unit),
	TEST(sizes_that_do_not_matter_do_not_disturb),
	TEST(deletions_reach_no_data),
	TEST(columns_can_be_numbered_and_named),
	TEST(tables_of_the_field_are_known),
	TEST(fio_logs_are_read),
	TEST(blkparse_counts_each_request_once),
	TEST(lcs_of_every_version_is_read),
	TEST(lcs_with_a_format_string_is_read),
	TEST(oracle_forms_are_not_taken_for_each_other),
	TEST(records_are_read_by_a_format_string),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "import_tables", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

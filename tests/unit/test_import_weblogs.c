/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Web logs: every form with the trace that it is, and what is said of it.
 */

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

/* `expect' is the text trace, or what the refusal says; `told' is said. */
static void
check(const char *log, struct eph_import_options o, const char *expect,
    const char *told)
{
	struct imported got = import_bytes(&tmp, log, strlen(log), &o);

	if (got.error != 0) {
		if (strstr(got.err.text, expect) == NULL)
			(void)fprintf(stderr, "expected %s\ngot %s\n", expect,
			    got.err.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, expect));
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(got.text);
	if (strcmp(got.text, expect) != 0 ||
	    (told != NULL && strstr(got.res.told, told) == NULL))
		(void)fprintf(stderr, "of\n%sexpected\n%sand %s\ngot\n%sand %s",
		    log, expect, told != NULL ? told : "", got.text,
		    got.res.told);
	CU_ASSERT_STRING_EQUAL(got.text, expect);
	CU_ASSERT(told == NULL || strstr(got.res.told, told) != NULL);
	free(got.text);
}

static void
guess(const char *log, const char *expect, const char *told)
{
	check(log, (struct eph_import_options){ 0 }, expect, told);
}

#define DATE  "[12/Mar/2024:08:00:01 +0000] "
#define GET_A "\"GET /a HTTP/1.1\" 200 5000"
#define A     "p 0 0\np 0 1\n"

static void
common_log_lines_of_every_kind_are_read(void)
{
	static const char *const lines[] = {
		"192.0.2.1 - - " DATE GET_A "\n",
		"192.0.2.1 - - " DATE GET_A
		" \"-\" \"say \\\"hi\\\" 404 12\"\n",
		"2001:db8::1 - - " DATE GET_A "\n",
		"[2001:db8::1]:5000 - - " DATE GET_A "\n",
		"example.org:443 192.0.2.1 - - " DATE GET_A "\n",
		"192.0.2.1, 198.51.100.7 - - " DATE GET_A "\n",
		"192.0.2.1 - ann[1] " DATE GET_A "\n",
		"192.0.2.1 - \"CN=Ann B,O=C [1]\" " DATE GET_A "\n",
		"Mar 12 08:00:01 w nginx: 192.0.2.1 - - " DATE GET_A "\n",
		"<190>1 2024-03-12T08:00:01Z w nginx 1 - - h - - " DATE GET_A
		"\n",
		"h|-|-|" DATE "|\"GET /a HTTP/1.1\"|200|5000|\"-\"\n",
		"h|2024-03-12T08:00:01+00:00|GET /a HTTP/1.1|200|5000|x\n",
		"h\t2024-03-12 08:00:01\tGET /a HTTP/1.1\t200\t5000\n",
		"h;-;-;" DATE ";\"GET /a HTTP/1.1\";200;5000\n",
		"2024-03-12T08:00:01+00:00 h " GET_A " 0.003\n",
		"1710230401.123 h " GET_A "\n",
		"h - - [1710230401.123] " GET_A "\n",
		"h - - [1710230401123] " GET_A "\n",
		"h - - " DATE "\"GET /a HTTP/1.1\" 200 +5000\n",
		"h - - [2024-03-12T08:00:01.5+01:00] " GET_A "\n",
		"h - - " DATE "0.003 " GET_A "\n",
		"h - - " DATE "\"GET /a HTTP/1.1\" \"200\" \"5000\"\n",
		"h - - " DATE "\"GET /a\" 200 5000\n",
		"h - - " DATE "\"GET /a\\\" 404 12 HTTP/1.1\" 200 5000\n",
		"h - - " DATE "\"GET /a\"b HTTP/1.1\" 200 5000 \"GET /z\"\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		guess(lines[i], A, "clf (guessed): 1 request, 2 references");
}

static void
times_have_fractions_and_zones_and_run_backwards(void)
{
	guess("h - - [12/Mar/2024:08:00:01.250 +0000] " GET_A "\n"
	      "h - - [12/Mar/2024:09:00:01.750 +0100] " GET_A "\n"
	      "h - - [12/Mar/2024:08:00:00 +0000] " GET_A "\n",
	    A "d 500000000\n" A A,
	    "backwards 1 time (first: line 3), by 1.75 s");
}

static void
what_does_not_count_is_said(void)
{
	guess("h - - " DATE "\"HEAD /a HTTP/1.1\" 200 0\n"
	      "h - - " DATE "\"GET /a HTTP/1.1\" 404 9\n"
	      "h - - " DATE "\"GET /a HTTP/1.1\" 200 -\n"
	      "h - - " DATE "\"-\" 408 0\n"
	      "cut - - " DATE "\"GET /a\n"
	      "h - - " DATE "\"GET /a HTTP/1.1\" 206 1\n",
	    "p 0 0\n",
	    "1 with status 206 taken from the file's start; left out: 1 "
	    "malformed line (first: line 5), 1 with another method than GET "
	    "(first: line 1), 1 with another status than 200 or 206 (first: "
	    "line 2), 1 of no bytes (first: line 3), 1 that ask for nothing");
	/* A tracer's line that quotes a log's is none. */
	check("9 write(3, \"h - - " DATE "\\\"GET /a HTTP/1.1\\\" 200 5\"\n",
	    (struct eph_import_options){ .from = "clf" },
	    "left out: 1 malformed line", NULL);
	guess("h - - " DATE "\"HEAD /a HTTP/1.1\" 200 0\n",
	    "no page reference in this log: clf", NULL);
}

/* An empty file, one of a byte, one of a page; a HEAD; a header of 250. */
static const char with_headers[] =
    "h - - " DATE "\"GET /0 HTTP/1.1\" 200 240\n"
    "h - - " DATE "\"GET /1 HTTP/1.1\" 200 241\n"
    "h - - " DATE "\"GET /4k HTTP/1.1\" 200 4346\n"
    "h - - " DATE "\"HEAD /4k HTTP/1.1\" 200 250\n";

static void
headers_are_seen_and_taken_off(void)
{
	struct eph_import_options o = { 0 };

	check(with_headers, o,
	    "p 0 0\np 0 1000000000\np 0 2000000000\np 0 2000000001\n",
	    "have bytes: 1 (first: line 4), so bytes have headers in them");
	o.header_auto = true;
	check(with_headers, o, "p 0 0\np 0 1000000000\n",
	    "bytes less a header of 250 (from HEAD requests)");
	check("h - - " DATE GET_A "\nh - - " DATE
	      "\"HEAD /a HTTP/1.1\" 200 -\n",
	    o, A, "a header of 0 (responses without a body have no bytes)");
	check("h - - " DATE "\"GET /a HTTP/1.1\" 200 4296\nh - - " DATE
	      "\"GET /a HTTP/1.1\" 304 200\n",
	    o, "p 0 0\n", "a header of 200 (from responses with status 304)");
	/* A line more in some of them. */
	check("h - - " DATE "\"HEAD /a HTTP/1.1\" 200 296\nh - - " DATE
	      "\"HEAD /a HTTP/1.1\" 200 296\nh - - " DATE
	      "\"HEAD /a HTTP/1.1\" 200 302\nh - - " DATE
	      "\"GET /a HTTP/1.1\" 200 4398\n",
	    o, "p 0 0\n", "a header of 302 (from HEAD requests)");
	check("h - - " DATE GET_A "\n", o, "expected --header BYTES", NULL);
	o = (struct eph_import_options){ .header_bytes = 904 };
	check("h - - " DATE GET_A "\n", o, "p 0 0\n", "a header of 904");
	o.from = "csv";
	check("id,x\n5,1\n", o, "has no bytes of headers (--header)", NULL);
}

static void
logs_whose_bytes_always_have_headers_take_them_off(void)
{
	guess("<134>Nov 29 05:18:11 haproxy[9]: h - - " DATE
	      "\"GET /0 HTTP/1.1\" 200 198 \"\" \"\" 1\n"
	      "<134>Nov 29 05:18:11 haproxy[9]: h - - " DATE
	      "\"GET /200 HTTP/1.1\" 200 401 \"\" \"\" 1\n",
	    "p 0 0\n", "clf (guessed): 1 request, 1 reference");
	guess("h - - " DATE "\"GET http://x/a HTTP/1.1\" 200 5000 "
	      "TCP_MISS:HIER_DIRECT\n",
	    A, "whose size the log does not tell");
	guess("1710230401.123    212 h TCP_HIT/200 5000 GET http://x/a - "
	      "HIER_NONE/- text/css\n"
	      "1710230402.123    212 h NONE_NONE/400 3 NONE error:x - "
	      "HIER_NONE/- -\n"
	      "1710230402.123    212 h TCP_REFRESH/304 1000 GET http://x/a - "
	      "HIER_NONE/- -\n",
	    "p 0 0\n", "squid (guessed): 1 request");
	guess("Feb  6 12:14:14 x haproxy[9]: 198.51.100.7:3 [06/Feb/2009:12:14:"
	      "14.655] in st/s1 10/0/30/69/109 200 5000 - - ---- 1/1/1/1/0 "
	      "0/0 {x} {} \"GET /a HTTP/1.1\"\n"
	      "198.51.100.7:3 [06/Feb/2009:12:14:15.655] in~ st/<NOSRV> "
	      "-1/-1/-1/-1/0 400 187 - - PR-- 1/1/1/1/0 0/0 \"<BADREQ>\"\n"
	      "198.51.100.7:3 [06/Feb/2009:12:14:15.655] in st/s1 "
	      "10/0/30/69/109 200 +5000 - - ---- 1/1/1/1/0 0/0 \"GET /a "
	      "HTTP/1.1\"\n",
	    A "d 1000000000\n" A, "haproxy (guessed): 2 requests");
}

static void
w3c_logs_name_their_columns(void)
{
	guess("#Software: x\n#Date: 2024-03-12 08:00:00\n"
	      "#Fields: time cs-method cs-uri-stem cs-uri-query sc-status "
	      "sc-bytes\n08:00:01 GET /a - 200 5000\n"
	      "#Fields: date time sc-bytes cs-uri-stem cs-method sc-status\n"
	      "2024-03-12 08:00:02 5000 /a GET 200\n",
	    A "d 1000000000\n" A, "w3c (guessed)");
	guess("#Version: 1.0\n#Fields: date\ttime\tsc-bytes\tcs-method\t"
	      "cs-uri-stem\tsc-status\tcs-uri-query\n"
	      "2024-03-12\t08:00:02\t5000\tGET\t/a\t200\tq=1\n"
	      "2024-03-12\t08:00:02\t5000\tGET\t/a\t200\t-\n",
	    A "p 0 1000000000\np 0 1000000001\n", "2 requests");
	guess("#Fields: date time cs-method cs-uri-stem sc-status\n"
	      "2024-03-12 08:00:01 GET /a 200\n",
	    "expected a column sc-bytes in #Fields", NULL);
}

static void
json_lines_are_read_by_the_names_in_use(void)
{
	static const char *const lines[] = {
		/* caddy; its console's form; nginx by hand; traefik. */
		"{\"ts\":1710230401.12,\"request\":{\"method\":\"GET\","
		"\"uri\":\"/a\"},\"size\":5000,\"status\":200}\n",
		"2024/03/12 08:00:01.120\tinfo\t{\"request\":{\"method\":"
		"\"GET\",\"uri\":\"/a\"},\"size\":5000,\"status\":200}\n",
		"{\"time_local\":\"12/Mar/2024:08:00:01 +0000\",\"request\":"
		"\"GET /a HTTP/1.1\",\"status\":\"200\",\"body_bytes_sent\":"
		"\"5000\",\"agent\":\"\\x22x\"}\n",
		"{\"time\":\"2024-03-12T08:00:01Z\",\"RequestMethod\":\"GET\","
		"\"RequestPath\":\"/a\",\"DownstreamStatus\":200,"
		"\"DownstreamContentSize\":5000}\n",
		"{\"http.request.method\":\"GET\",\"url\":{\"original\":\"/a\"}"
		",\"http\":{\"response\":{\"status_code\":200,\"body\":"
		"{\"bytes\":5000}}}}\n",
	};
	struct eph_import_options o = { .from = "weblog-json",
		.columns = "time=t,method=r.m,url=r.u,status=s,size=n" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		guess(lines[i], A, "weblog-json (guessed): 1 request");
	check("{\"t\":1,\"r\":{\"m\":\"GET\",\"u\":\"/a\"},\"s\":200,\"n\":"
	      "5000}\n{\"t\":2}\n{\"t\"\n",
	    o, A, "2 malformed lines (first: line 2)");
	guess("{\"msg\":\"started\"}\n{\"msec\":\"1.5\",\"request\":\"GET /a\","
	      "\"status\":200,\"bytes_sent\":5000}\n",
	    A, "left out: 1 that ask for nothing");
	o.columns = "urn=u";
	check("{}\n", o, "expected time=, method=", NULL);
}

static CU_TestInfo tests[] = {
	TEST(common_log_lines_of_every_kind_are_read),
	TEST(times_have_fractions_and_zones_and_run_backwards),
	TEST(what_does_not_count_is_said),
	TEST(headers_are_seen_and_taken_off),
	TEST(logs_whose_bytes_always_have_headers_take_them_off),
	TEST(w3c_logs_name_their_columns),
	TEST(json_lines_are_read_by_the_names_in_use),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "import_weblogs", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

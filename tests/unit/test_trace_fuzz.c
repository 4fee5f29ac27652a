/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Random changes of valid files: every reader must say yes or no, and the
 * sanitizers must have nothing to say.  The seeds are fixed.
 */

#include <errno.h>

#include "base/prng.h"
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

/* Change, remove, repeat or insert a few bytes; returns the new length. */
static size_t
mutate(struct prng *r, char *p, size_t n, size_t cap)
{
	static const char liked[] = "\n\t ,<>[]()=-?\"0189x#*\0\xff";

	for (uint32_t k = prng_below(r, 4) + 1; k > 0 && n > 1; k--) {
		const size_t at = prng_below(r, (uint32_t)n);
		size_t len = prng_below(r, 12) + 1;

		switch (prng_below(r, 5)) {
		case 0:
			p[at] = (char)prng_next(r);
			break;
		case 1:
			p[at] = liked[prng_below(r, sizeof(liked) - 1)];
			break;
		case 2: /* remove */
			len = len < n - at ? len : n - at;
			memmove(p + at, p + at + len, n - at - len);
			n -= len;
			break;
		case 3: /* repeat */
			len = len < n - at ? len : n - at;
			if (n + len > cap)
				break;
			memmove(p + at + len, p + at, n - at);
			n += len;
			break;
		default:
			n = prng_below(r, 8) == 0 ? at : n;
			break;
		}
	}
	return (n);
}

static void
read_it(const char *path)
{
	const struct eph_op *ops;
	struct eph_trace *t;
	struct eph_err err;
	size_t n = 1;
	int error;

	err.text[0] = '\0';
	if ((error = eph_trace_open(path, &t, &err)) == 0) {
		while (
		    n > 0 && (error = eph_trace_next(t, &ops, &n, &err)) == 0)
			continue;
		eph_trace_close(t);
	}
	/* One line, and only with an error. */
	CU_ASSERT_EQUAL(error != 0, err.text[0] != '\0');
	CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
}

static void
mutated_text_traces_are_read_or_refused(void)
{
	static const char text[] =
	    "ephmap-trace 1\n# x\nm 0 1 2 private nowait\nk 1 2\nr 0 2\n"
	    "w 1023 2\nd 18\nu 0 2\np 1 99999999999\nm 0 7 3\n";
	char copy[400];
	struct prng r;

	eph__prng_init(&r, 21, 0);
	for (int i = 0; i < 800; i++) {
		size_t n = sizeof(text) - 1;

		memcpy(copy, text, n);
		n = mutate(&r, copy, n, sizeof(copy));
		CU_ASSERT_EQUAL_FATAL(
		    temp_write(temp_path(&tmp, "t"), copy, n), 0);
		read_it(tmp.path);
	}
}

static const struct {
	const char *from;
	unsigned calls;
	const char *log;
} logs[] = {
	{ "strace", EPH_CALLS_SENDFILE,
	    "7 1.0 openat(AT_FDCWD</>, \"/a\", O_RDONLY) = 13</a>\n"
	    "7 1.0 sendfile(1<TCP:[a->b]>, 13</a>, [0] <unfinished ...>\n"
	    "8 1.0 sendfile(1<x>, 13</a, b>, NULL, 10) = -1 EAGAIN (x) <0.1>\n"
	    "7 1.1 <... sendfile resumed> => [97], 99) = 97 <0.2>\n"
	    "7 1.0 clone(flags=CLONE_FILES) = 9\n7 1.0 dup2(13, 4) = 4\n"
	    "7 1.0 lseek(4</a>, 5, SEEK_SET) = 5\n7 1.0 close(4) = 0\n"
	    "7 1.0 +++ exited with 0 +++\n" },
	{ "strace", EPH_CALLS_PIPE,
	    "7 1.0 pipe2([3, 4], 0) = 0\n7 1.0 dup2(4, 1) = 1\n"
	    "7 1.0 write(0x1, 0x1000, 0x10 <unfinished ...>\n"
	    "7 1.1 <... write resumed>) = 0x10 <0.000012>\n"
	    "7 1.0 execve(\"/x\", [\"x\"], 0x1) = 0\n"
	    "7 1.0 write(0x1, 0x1ff0, 0x20) = 0x20\n" },
	{ "strace", EPH_CALLS_READ | EPH_CALLS_COPY | EPH_CALLS_MMAP,
	    "clone(flags=CLONE_THREADstrace: Process 8 attached\n"
	    ", x) = 8\n[pid 7<a>] 12:00:00 (+ 0.1) [ 4] rename(\"/a\", "
	    "\"/b\") = 0\n[pid 8] read(3</b\\76>(deleted), \"\\n\\1\", "
	    "5) = 5\n[pid 8] renameat(AT_FDCWD</>, \"a\", 4</c>, \"b\") = "
	    "0\n[pid 7] splice(3, NULL, 4<pipe:[1]>, NULL, 9, 0) = 9\n"
	    "[pid 7] mmap(NULL, 9, PROT_READ, MAP_SHARED, 3, 0x1000) = 0x7\n"
	    "[pid 8] copy_file_range(3, [4096], 5, NULL, 9, 0) = 9\n" },
	{ "truss", EPH_CALLS_SENDFILE | EPH_CALLS_PREAD,
	    "45 100: 0.5 openat(AT_FDCWD,\"/a\",O_RDONLY,00)\t = 5 (0x5)\n"
	    "45 101: 0.6 sendfile(5,3,0x0,0x2000,0x0,{ 81 },0x0) ERR#35 'x'\n"
	    "45 101: 0.7 pread(5,\"\\\"a\",9,0x10) = 9 (0x9)\n" },
	{ "kdump", EPH_CALLS_SENDFILE,
	    " 4 n CALL  openat(AT_FDCWD,0x8,0x1<O_CLOEXEC>)\n"
	    " 4 n NAMI  \"/w/a\"\n 4 n RET   openat 5\n"
	    " 4 100005 n 1.5 CALL  sendfile(0x5,0x3,0x10,0x20,0,0x7f,0)\n"
	    " 4 100005 n 1.6 RET   sendfile -1 errno 35 x\n" },
	{ "perf-trace", EPH_CALLS_SENDFILE | EPH_CALLS_SPLICE,
	    " 0.9 ( 0.8 ms): s f/30 sendfile(out_fd: 4, in_fd: 5, offset: "
	    "0x7f, count: 20) = 20\n 1.0 (  ): sf/31 sendfile(out_fd: 4</a>, "
	    "in_fd: 5, count: 5) ...\n 1.1 ( 0.1 ms): sf/31 ... [continued]: "
	    "sendfile()) = 5\n 1.2 ( 0.1 ms): sf/31 openat(dfd: CWD, filename: "
	    "\"/a\") = 5\n" },
	{ "filemap", EPH_CALLS_SENDFILE | EPH_CALLS_MMAP,
	    "# file dev=254:0 ino=af size=3000\n n-43 ( 42) [001] .... 66.5: "
	    "mm_filemap_get_pages: dev=254:0 ino=af ofs=0-8191\n"
	    "a b  43 [000] 66.6: filemap:mm_filemap_fault: dev 2:0 ino b "
	    "ofs=4096\n" },
	{ "sendfile-tsv", EPH_CALLS_SENDFILE,
	    "0\t1\t70\tsendfile\t0\t0\t4097\t4097\t5\t1\n"
	    "9\t0\t71\tsendfile\t3\t4000\t-11\t500\t5\t1\n" },
	{ "hold-tsv", EPH_CALLS_SENDFILE, "0\t0\t2\t5\t9\n4\t1\t2\t5\t1\n" },
	{ "nasa-tsv", EPH_CALLS_SENDFILE,
	    "host\tlogname\ttime\tmethod\turl\tresponse\tbytes\n"
	    "h\t-\t100\tGET\t/a\t200\t4097\t\t\n" },
	{ "clf", EPH_CALLS_SENDFILE,
	    "1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 "
	    "4097 \"-\" \"M \\\"c\\\"\"\n" },
	{ "csv", EPH_CALLS_SENDFILE, "time,size,lbn\n10.5,512,7\n11,1,x\n" },
	{ "csv", EPH_CALLS_SENDFILE,
	    "\xef\xbb\xbf\"Time (ms)\";op; id\n1e3;get;\"a \"\"b\"\"\"\n"
	    "2024-03-12T08:00:01Z;delete;5\n" },
	{ "weblog-json", EPH_CALLS_SENDFILE,
	    "x {\"ts\":1.5,\"request\":{\"method\":\"GET\",\"uri\":\"\\x22\"}"
	    ",\"size\":5000,\"status\":200}\n{\"request\":\"GET /a\"}\n" },
	{ "w3c", EPH_CALLS_SENDFILE,
	    "#Date: 2024-03-12 08:00:00\n#Fields: time cs-method cs-uri-stem "
	    "cs-uri-query sc-status sc-bytes\n08:00:01 GET \"/a\" q 200 5\n" },
	{ "squid", EPH_CALLS_SENDFILE,
	    "1.5   2 h TCP_HIT/200 5000 GET http://x/a - HIER_NONE/- x\n" },
	{ "haproxy", EPH_CALLS_SENDFILE,
	    "h:3 [06/Feb/2009:12:14:14.655] in st/s1 10/0/30/69/109 200 +5000 "
	    "- - ---- 1/1/1/1/0 0/0 {x} \"GET /a HTTP/1.1\"\n" },
	{ "fio-iolog", EPH_CALLS_SENDFILE,
	    "fio version 3 iolog\n17 /f add\n20 /f read 0 8192\n" },
	{ "blkparse", EPH_CALLS_SENDFILE,
	    "8,0 3 2 0.000001000 697 Q W 8 + 8 [k]\nCPU0 (8,0):\n" },
	{ "msr", EPH_CALLS_SENDFILE,
	    "128166372003061629,web,0,Read,8192,4096,1331\n" },
	{ "umass-spc", EPH_CALLS_SENDFILE, "0,20941264,8192,W,0.551706\n" },
	{ "wiki-cdn", EPH_CALLS_SENDFILE, "0\t5\t7\t0.001\n" },
	{ "webcachesim", EPH_CALLS_SENDFILE, "0 5 1024 5\n" },
	{ "oracleGeneralOpNS", EPH_CALLS_SENDFILE,
	    "abcdefghijklmnopqrstuvwxyz0abcdefghijklmnopqrstuvwxyz0" },
	{ "lcs", EPH_CALLS_SENDFILE, "\xf0\xde\xbc\x9a\x78\x56\x34\x12<IQIq" },
	{ "arc", EPH_CALLS_SENDFILE, "6 4 0 0\n16 1 0 1\n" },
	{ "lirs", EPH_CALLS_SENDFILE, "5\n*\n7\n" },
	{ "oracleGeneral", EPH_CALLS_SENDFILE,
	    "abcdefghijklmnopqrstuvwxabcdefghijklmnopqrstuvwx" },
	{ "vscsi", EPH_CALLS_SENDFILE,
	    "abcdefghijklmn\x01\x01"
	    "abcdefghabcdefghabcdefghijklmn\x01\x01"
	    "abcdefghabcdefgh" },
};

static void
mutated_logs_are_read_or_refused(void)
{
	static char copy[2000];
	struct prng r;

	eph__prng_init(&r, 22, 0);
	for (int i = 0; i < 80; i++) {
		for (size_t k = 0; k < sizeof(logs) / sizeof(logs[0]); k++) {
			struct eph_import_options o = { 0 };
			size_t n = strlen(logs[k].log);
			struct imported got;

			o.from = i % 5 == 0 ? NULL : logs[k].from;
			o.calls =
			    i % 5 == 0 ? EPH_CALLS_SENDFILE : logs[k].calls;
			memcpy(copy, logs[k].log, n);
			n = mutate(&r, copy, n, sizeof(copy));
			got = import_bytes(&tmp, copy, n, &o);
			CU_ASSERT_EQUAL(
			    got.error != 0, got.err.text[0] != '\0');
			CU_ASSERT_PTR_NULL(strchr(got.err.text, '\n'));
			if (got.error == 0)
				read_it(temp_path(&tmp, "out"));
			free(got.text);
		}
	}
}

static CU_TestInfo tests[] = {
	TEST(mutated_text_traces_are_read_or_refused),
	TEST(mutated_logs_are_read_or_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "trace_fuzz", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>

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

#define SOCK "11<TCP:[127.0.0.1:8088->127.0.0.1:33502]>"

static struct imported
import_as(const char *log, struct eph_import_options o)
{
	o.from = "strace";
	return (import_bytes(&tmp, log, strlen(log), &o));
}

static void
a_call_is_one_reference_for_each_page(void)
{
	/* 4,097 bytes are two pages; times become d lines. */
	ASSERT_IMPORTS("7 100.000001 sendfile(" SOCK
		       ", 13</www/a>, [0] => [4097], 4097) = 4097 <0.000025>\n"
		       "7 100.000003 sendfile(" SOCK
		       ", 14</www/b>, [0] => [1], 1) = 1 <0.000010>\n"
		       "7 100.000003 sendfile(" SOCK
		       ", 13</www/a>, [0] => [4096], 4096) = 4096 <0.000010>\n",
	    "strace", "p 0 0\np 0 1\nd 2000\np 0 1000000000\np 0 0\n");
}

static void
unaligned_starts_touch_the_page_at_the_boundary_again(void)
{
	ASSERT_IMPORTS(
	    "7 1.0 sendfile(" SOCK ", 13</a>, [0] => [5000], 9000) = 5000\n"
	    "7 1.0 sendfile(" SOCK ", 13</a>, [5000] => [9000], 4000) = 4000\n",
	    "strace", "p 0 0\np 0 1\np 0 1\np 0 2\n");
}

static void
halves_are_joined_and_ordered_by_their_start(void)
{
	struct imported got;

	/* 8 starts first and ends last; both kinds of split. */
	ASSERT_IMPORTS(
	    "8 1.000001 sendfile(" SOCK ", 13</a>, [0] <unfinished ...>\n"
	    "7 1.000002 sendfile(" SOCK
	    ", 14</b>, [0] => [10], 10) = 10 <0.000013>\n"
	    "7 1.000003 sendfile(" SOCK ", 14</b>,  <unfinished ...>\n"
	    "8 1.000004 <... sendfile resumed> => [797], 797) = 797 "
	    "<0.000021>\n"
	    "7 1.000005 <... sendfile resumed>[4096] => [8192], 4096) = 4096\n",
	    "strace",
	    "p 0 0\nd 1000\np 1 1000000000\nd 1000\np 1 1000000001\n");
	/* Two numbers with "[a] => [b]" cut inside. */
	got = import_text(&tmp,
	    "8 1.0 sendfile(" SOCK ", 13</a>, [0] => [797],  <unfinished ...>\n"
	    "8 1.1 <... sendfile resumed>797) = 797\n",
	    "strace");
	CU_ASSERT_EQUAL(got.res.calls, 1);
	CU_ASSERT_EQUAL(got.res.skipped, 0);
	free(got.text);
}

static void
names_may_hold_angle_brackets_commas_and_quotes(void)
{
	ASSERT_IMPORTS(
	    "7 1.0 sendfile(" SOCK
	    ", 13</www/a>, [1], 2) = 3 \"x\">, [0] => [10], 10) = 10\n"
	    "7 1.0 sendfile(" SOCK
	    ", 13</www/a, b>, [0] => [10], 10) = 10 <0.000001>\n"
	    "7 1.0 sendfile(3<UNIX-STREAM:[61378->61379]>, "
	    "13</www/a>(deleted), [0] => [10], 10) = 10\n"
	    "7 1.0 sendfile(" SOCK
	    ", 13</www/a>, [1], 2) = 3 \"x\">, [0] => [10], 10) = 10\n",
	    "strace", "p 0 0\np 0 1000000000\np 0 2000000000\np 0 0\n");
}

static void
errors_map_nothing_and_again_is_no_call(void)
{
	struct imported got = import_text(&tmp,
	    "7 1.0 sendfile(" SOCK
	    ", 13</a>, [3934972], 9) = -1 EAGAIN (Resource temporarily "
	    "unavailable) <0.1>\n"
	    "7 1.0 sendfile(" SOCK
	    ", 13</a>, [3934972], 9) = -1 EPIPE (Broken pipe) <0.1>\n"
	    "7 1.0 --- SIGPIPE {si_signo=SIGPIPE} ---\n"
	    "7 1.0 sendfile(" SOCK ", 13</a>, [0] => [5], 9) = 5\n"
	    "7 1.0 sendfile(" SOCK ", 13</a>, [5] => [9], 4) = 4\n"
	    "7 1.0 sendfile(" SOCK ", 13</a>, [9] => [9], 4) = 0\n",
	    "strace");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, 4);
	CU_ASSERT_EQUAL(got.res.partial, 1);
	CU_ASSERT_EQUAL(got.res.failed, 1);
	CU_ASSERT_EQUAL(got.res.again, 1);
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 0\np 0 0\n");
	free(got.text);
}

static void
calls_without_a_result_are_left_out(void)
{
	struct imported got = import_text(&tmp,
	    "7 1.0 sendfile(" SOCK ", 13</a>, [0], 10) = ?\n"
	    "7 1.0 sendfile(" SOCK ", 13</a>, [0] <unfinished ...>\n"
	    "7 1.0 +++ killed by SIGKILL +++\n"
	    "8 2.0 sendfile(" SOCK ", 14</b>, [0] => [1], 1) = 1\n"
	    "8 3.0 sendfile(" SOCK ", 14</b>, [0] <unfinished ...>\n"
	    "9 3.0 sendfile(" SOCK ", 14</b>, [0] => [1], 1) = 1\n"
	    "9 3.0 +++ exited with 0 +++\n",
	    "strace");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, 2);
	CU_ASSERT_EQUAL(got.res.unfinished, 3);
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 0\nd 1000000000\np 1 0\n");
	free(got.text);
}

static void
a_null_offset_uses_and_moves_the_file_position(void)
{
	ASSERT_IMPORTS("7 1.0 openat(AT_FDCWD</>, \"/a\", O_RDONLY) = 13</a>\n"
		       "7 1.0 read(13</a>, \"xyz\"..., 4096) = 4096\n"
		       "7 1.0 sendfile(" SOCK ", 13</a>, NULL, 4096) = 4096\n"
		       "7 1.0 sendfile(" SOCK ", 13</a>, NULL, 1) = 1\n"
		       "7 1.0 lseek(13</a>, 40960, SEEK_SET) = 40960\n"
		       "7 1.0 dup(13</a>) = 14</a>\n"
		       "7 1.0 sendfile(" SOCK ", 14</a>, NULL, 1) = 1\n"
		       "7 1.0 sendfile(" SOCK ", 14</a>, NULL, 4096) = 4096\n"
		       "7 1.0 close(13</a>) = 0\n"
		       "7 1.0 openat(AT_FDCWD</>, \"/a\", O_RDONLY) = 13</a>\n"
		       "7 1.0 sendfile(" SOCK ", 13</a>, NULL, 1) = 1\n",
	    "strace", "p 0 1\np 0 2\np 0 10\np 0 10\np 0 11\np 0 0\n");
}

static void
files_are_known_by_descriptor_without_names(void)
{
	ASSERT_IMPORTS("7 1.0 openat(AT_FDCWD, \"/a\", O_RDONLY) = 3\n"
		       "7 1.0 open(\"/b\", O_RDONLY) = 4\n"
		       "7 1.0 sendfile(9, 3, [0] => [1], 1) = 1\n"
		       "7 1.0 sendfile64(9, 4, [0] => [1], 1) = 1\n"
		       "7 1.0 close(3) = 0\n"
		       "7 1.0 open(\"/b\", O_RDONLY) = 3\n"
		       "7 1.0 sendfile(9, 3, [0] => [1], 1) = 1\n"
		       "7 1.0 fork() = 8\n"
		       "8 1.0 sendfile(9, 4, [0] => [1], 1) = 1\n",
	    "strace",
	    "p 0 0\np 0 1000000000\np 0 1000000000\n"
	    "p 1 1000000000\n");
}

static void
cpus_count_processes_that_send(void)
{
	static const char log[] =
	    "5 1.0 close(3</x>) = 0\n"
	    "6 1.0 sendfile(1, 3</a>, [0], 5) = -1 EAGAIN (x)\n"
	    "8 1.0 sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
	    "7 1.0 sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
	    "8 1.0 sendfile(1, 3</a>, [0] => [1], 1) = 1\n";
	struct eph_import_options fixed = { .cpu_of = EPH_CPU_FIXED, .cpu = 9 };
	struct eph_import_options column = { .cpu_of = EPH_CPU_COLUMN };
	struct imported got;

	ASSERT_IMPORTS(log, "strace", "p 0 0\np 1 0\np 0 0\n");
	got = import_as(log, fixed);
	CU_ASSERT_STRING_EQUAL(got.text, "p 9 0\np 9 0\np 9 0\n");
	free(got.text);
	got = import_as(log, column);
	CU_ASSERT_EQUAL(got.error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, "no CPU column"));
}

static void
all_ways_to_print_process_and_time_are_read(void)
{
	ASSERT_IMPORTS(
	    "sendfile(1, 3</a>, [0] => [1], 1) = 1\n", "strace", "p 0 0\n");
	ASSERT_IMPORTS("[pid   42] sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
		       "[pid 43] sendfile(1, 3</a>, [0] => [1], 1)  = 1\n",
	    "strace", "p 0 0\np 1 0\n");
	ASSERT_IMPORTS("42 12:00:01.5 sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
		       "42 12:00:02 sendfile(1, 3</a>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\nd 500000000\np 0 0\n");
	/* -r: times since the line before */
	ASSERT_IMPORTS("     0.000000 sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
		       "     0.000002 close(3</a>) = 0\n"
		       "     0.000003 sendfile(1, 3</a>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\nd 5000\np 0 0\n");
	ASSERT_IMPORTS("1795220704.434476 sendfile(1, 3</a>, [0] => [1], 1) "
		       "= 1\n"
		       "1795220704.434477 sendfile(1, 3</a>, [0] => [1], 1) "
		       "= 1\n",
	    "strace", "p 0 0\nd 1000\np 0 0\n");
}

static void
malformed_calls_are_skipped_and_counted(void)
{
	struct imported got = import_text(&tmp,
	    "strace: Process 7 attached\n"
	    "7 1.0 sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
	    "7 1.0 sendfile(1, 3</a>\n"
	    "7 1.0 sendfile(1, 3</a>, 0x7ffe, 1) = 1\n"
	    "7 1.0 sendfile(1, 3</a>, [x], 1) = 1\n"
	    "7 1.0 <... sendfile resumed>1) = 1\n"
	    "garbage ) = (\n"
	    "\n",
	    "strace");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, 1);
	CU_ASSERT_EQUAL(got.res.skipped, 3);
	CU_ASSERT_EQUAL(got.res.first_skipped, 3);
	free(got.text);
}

static struct imported
import_pipes(const char *log)
{
	struct eph_import_options o = { .calls = EPH_CALLS_PIPE };

	return (import_as(log, o));
}

/* Page 1 of process 7, as pipes name it. */
#define PAGE_7_1 "481036337153"
#define PAGE_7_2 "481036337154"

static void
writes_to_pipes_map_the_writers_buffer(void)
{
	struct imported got = import_pipes(
	    "7 1.0 pipe2([3, 4], 0) = 0\n"
	    "7 1.0 write(4, 0x1ff0, 0x20) = 0x20\n"	 /* two pages */
	    "7 1.0 write(0x4, 0x1000, 0x1000) = 0x800\n" /* partial */
	    "7 1.0 write(0x4, 0x1000, 0x1000) = -1 EAGAIN (x)\n"
	    "7 1.0 write(0x4, 0x1000, 0x1000) = -1 EPIPE (x)\n"
	    "7 1.0 write(1, 0x1000, 0x1000) = 0x1000\n" /* no pipe */
	    "7 1.0 read(3, 0x9000, 0x1000) = 0x1000\n");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, 3);
	CU_ASSERT_EQUAL(got.res.partial, 1);
	CU_ASSERT_EQUAL(got.res.failed, 1);
	CU_ASSERT_STRING_EQUAL(
	    got.text, "p 0 " PAGE_7_1 "\np 0 " PAGE_7_2 "\np 0 " PAGE_7_1 "\n");
	free(got.text);
}

static void
a_half_ended_by_a_blank_is_a_whole_argument(void)
{
	struct imported got =
	    import_pipes("7 1.0 pipe2([3, 4], 0) = 0\n"
			 "7 1.0 write(0x4, 0x1000, 0x10 <unfinished ...>\n"
			 "7 1.1 <... write resumed>) = 0x10 <0.000012>\n");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.skipped, 0);
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 " PAGE_7_1 "\n");
	free(got.text);
}

/*
 * "dd if=file | cat > file", seen through a log without closes: the
 * descriptor that dup2 moves is free again, and what the shell left open is
 * gone after exec.
 */
static void
a_shells_pipeline_is_followed_without_closes(void)
{
	struct imported got = import_pipes(
	    "5 1.0 pipe2([3, 4], 0) = 0\n"
	    "7 1.0 dup2(4, 1) = 1\n"
	    "7 1.0 execve(\"/bin/dd\", [\"dd\"], 0x1 /* 1 vars */) = 0\n"
	    "7 1.0 dup2(3, 0) = 0\n"
	    "7 1.0 read(0, 0x1000, 0x1000) = 0x1000\n"
	    "7 1.0 write(0x1, 0x1000, 0x1000) = 0x1000\n"
	    "8 1.0 dup2(3, 0) = 0\n"
	    "8 1.0 dup2(3, 1) = 1\n"
	    "8 1.0 execve(\"/bin/cat\", [\"cat\"], 0x1 /* 1 vars */) = 0\n"
	    "8 1.0 read(0, 0x5000, 0x1000) = 0x1000\n"
	    "8 1.0 write(0x1, 0x5000, 0x1000) = 0x1000\n");

	CU_ASSERT_EQUAL_FATAL(got.error, 0);
	CU_ASSERT_EQUAL(got.res.calls, 1);
	CU_ASSERT_STRING_EQUAL(got.text, "p 0 " PAGE_7_1 "\n");
	free(got.text);
}

static void
data_in_place_of_addresses_is_refused(void)
{
	struct imported got = import_pipes(
	    "7 1.0 write(4<pipe:[77]>, \"abc\"..., 4096) = 4096\n");

	CU_ASSERT_EQUAL(got.error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.err.text, "raw=read,write"));
	free(got.text);
}

static CU_TestInfo tests[] = {
	TEST(a_call_is_one_reference_for_each_page),
	TEST(unaligned_starts_touch_the_page_at_the_boundary_again),
	TEST(halves_are_joined_and_ordered_by_their_start),
	TEST(names_may_hold_angle_brackets_commas_and_quotes),
	TEST(errors_map_nothing_and_again_is_no_call),
	TEST(calls_without_a_result_are_left_out),
	TEST(a_null_offset_uses_and_moves_the_file_position),
	TEST(files_are_known_by_descriptor_without_names),
	TEST(cpus_count_processes_that_send),
	TEST(all_ways_to_print_process_and_time_are_read),
	TEST(malformed_calls_are_skipped_and_counted),
	TEST(writes_to_pipes_map_the_writers_buffer),
	TEST(a_half_ended_by_a_blank_is_a_whole_argument),
	TEST(a_shells_pipeline_is_followed_without_closes),
	TEST(data_in_place_of_addresses_is_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "import_strace", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

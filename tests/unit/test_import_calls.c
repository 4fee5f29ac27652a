/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Logs of calls whose right answer is not what the lines seem to say:
 * threads, files that change their names, positions that are not logged,
 * and strace's options.
 */

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

#define THREAD "flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD"
#define SEND(off, end)                                                         \
	"sendfile(9<TCP:[1]>, 5</a>, [" #off "] => [" #end "], 4096) = 4096\n"

/* Import a log of strace, guessed, with other options; print the refusal. */
static struct imported
import_guessed(const char *log, struct eph_import_options o)
{
	struct imported got = import_bytes(&tmp, log, strlen(log), &o);

	if (got.error != 0)
		(void)fprintf(stderr, "%s\n", got.err.text);
	return (got);
}

#define ASSERT_OPTIONS(log, expect, ...)                                       \
	do {                                                                   \
		struct eph_import_options o_ = { __VA_ARGS__ };                \
		struct imported got_ = import_guessed((log), o_);              \
                                                                               \
		CU_ASSERT_EQUAL_FATAL(got_.error, 0);                          \
		CU_ASSERT_STRING_EQUAL(got_.text, (expect));                   \
		free(got_.text);                                               \
	} while (0)

/* Assert that an import says something. */
#define ASSERT_SAYS(log, expect)                                               \
	do {                                                                   \
		struct eph_import_options o_ = { 0 };                          \
		struct imported got_ = import_guessed((log), o_);              \
                                                                               \
		CU_ASSERT_EQUAL_FATAL(got_.error, 0);                          \
		if (strstr(got_.res.told, (expect)) == NULL)                   \
			(void)fprintf(stderr, "told: %s\n", got_.res.told);    \
		CU_ASSERT_PTR_NOT_NULL(strstr(got_.res.told, (expect)));       \
		free(got_.text);                                               \
	} while (0)

/* A process with two threads, and a child of it. */
static const char threads[] =
    "7 clone(" THREAD ") = 8\n"
    "7 clone3({" THREAD "}, 88) = 9\n"
    "7 " SEND(0, 4096) "8 " SEND(4096, 8192) "9 " SEND(
	0, 4096) "9 fork() = 10\n"
		 "10 " SEND(4096, 8192);

static void
threads_are_no_cpus(void)
{
	ASSERT_IMPORTS(threads, "strace", "p 0 0\np 0 1\np 0 0\np 1 1\n");
	ASSERT_SAYS(threads, "4 threads of 2 processes");
	/* -X raw */
	ASSERT_IMPORTS("7 clone(0, flags=0x3d0f00) = 8\n"
		       "7 " SEND(0, 4096) "8 " SEND(0, 4096),
	    "strace", "p 0 0\np 0 0\n");
}

static void
a_thread_may_come_before_its_clone_returns(void)
{
	ASSERT_IMPORTS("7 clone3({" THREAD "} <unfinished ...>\n"
		       "8 " SEND(0, 4096) "7 <... clone3 resumed>, 88) = 8\n"
					  "7 " SEND(0, 4096),
	    "strace", "p 0 0\np 0 0\n");
	ASSERT_IMPORTS("7 " SEND(0, 4096) "8 " SEND(
			   0, 4096) "7 tgkill(7, 8, SIGURG) = 0\n",
	    "strace", "p 0 0\np 0 0\n");
}

static void
threads_and_processes_fold_onto_cpus(void)
{
	ASSERT_OPTIONS(
	    threads, "p 0 0\np 1 1\np 2 0\np 3 1\n", .cpu_of = EPH_CPU_THREAD);
	ASSERT_OPTIONS(threads, "p 0 0\np 1 1\np 0 0\np 1 1\n",
	    .cpu_of = EPH_CPU_THREAD, .fold = 2);
	ASSERT_OPTIONS(threads, "p 0 0\np 1 1\np 0 0\np 1 1\n", .fold = 2,
	    .fold_by = EPH_FOLD_ROBIN);
	/* 9 sent twice as much as it would alone: 7 and 8 beside 10. */
	ASSERT_OPTIONS("1 " SEND(0, 4096) "2 " SEND(0, 4096) "2 " SEND(
			   0, 4096) "3 " SEND(0, 4096),
	    "p 1 0\np 0 0\np 0 0\np 1 0\n", .cpu_of = EPH_CPU_THREAD, .fold = 2,
	    .fold_by = EPH_FOLD_LOAD);
	ASSERT_SAYS(threads, "2 CPUs");
}

static void
more_cpus_than_the_machine_has_are_warned_of(void)
{
	ASSERT_SAYS("7 sched_getaffinity(0, 128, [0]) = 8\n"
		    "7 fork() = 8\n"
		    "7 " SEND(0, 4096) "8 " SEND(0, 4096),
	    "2 processes became 2 CPUs, and the log shows a machine of 1");
}

static void
attached_threads_share_descriptors(void)
{
	/* 8 opens, 7 sends and closes: no clone line says what they are. */
	ASSERT_IMPORTS("7 futex(0x1, FUTEX_WAIT) = 0\n"
		       "8 openat(AT_FDCWD</>, \"/a\", O_RDONLY) = 5</a>\n"
		       "8 sendfile(9, 5</a>, NULL, 8192) = 4096\n"
		       "7 sendfile(9, 5</a>, NULL, 4096) = 4096\n"
		       "7 close(5</a>) = 0\n",
	    "strace", "p 0 0\np 0 1\n");
	/* Both have 5 open, under two names: two processes. */
	ASSERT_IMPORTS("7 close(3) = 0\n"
		       "7 openat(AT_FDCWD</>, \"/a\", O_RDONLY) = 5</a>\n"
		       "8 openat(AT_FDCWD</>, \"/b\", O_RDONLY) = 5</b>\n"
		       "7 sendfile(9, 5</a>, NULL, 4096) = 4096\n"
		       "8 sendfile(9, 5</b>, NULL, 4096) = 4096\n"
		       "7 sendfile(9, 5</a>, NULL, 4096) = 4096\n",
	    "strace", "p 0 0\np 1 1000000000\np 0 1\n");
}

static void
an_unseen_opening_is_the_start_again(void)
{
	static const char again[] =
	    "7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 3584) = 3584\n"
	    "8 sendfile(8<TCP:[1->3]>, 11</a>, NULL, 3584) = 3584\n"
	    "9 sendfile(8<TCP:[1->4]>, 11</a>, NULL, 3584) = 3584\n";

	ASSERT_IMPORTS(again, "strace", "p 0 0\np 1 0\np 2 0\n");
	ASSERT_SAYS(again, "3 of 3 calls at the file's position");
	/* Pieces of one transfer go on; so does one that a full socket cut. */
	ASSERT_IMPORTS("7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 8192) = 8192\n"
		       "7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 8192) = 4096\n"
		       "7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 4096) = 4096\n",
	    "strace", "p 0 0\np 0 1\np 0 2\np 0 3\n");
	/* A complete file to a named receiver, and to one without a name. */
	ASSERT_IMPORTS("7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 5000) = 5000\n"
		       "7 sendfile(8<TCP:[1->2]>, 11</a>, NULL, 5000) = 5000\n",
	    "strace", "p 0 0\np 0 1\np 0 0\np 0 1\n");
	ASSERT_IMPORTS("7 sendfile(8, 11, NULL, 5000) = 5000\n"
		       "7 sendfile(8, 11, NULL, 5000) = 5000\n",
	    "strace", "p 0 0\np 0 1\np 0 1\np 0 2\n");
	/* 0 is the end of the file. */
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY) = 3\n"
		       "7 sendfile(8, 3, NULL, 8192) = 8192\n"
		       "7 sendfile(8, 3, NULL, 8192) = 0\n"
		       "7 sendfile(8, 3, NULL, 8192) = 4096\n",
	    "strace", "p 0 0\np 0 1\np 0 0\n");
}

/* Whatever moves a position, or says that it is not known. */
static void
positions_follow_every_call_that_moves_them(void)
{
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY) = 3\n"
		       "7 _llseek(3, 0, [8192], SEEK_SET) = 0\n"
		       "7 sendfile(8, 3, NULL, 1) = 1\n",
	    "strace", "p 0 2\n");
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY) = 3\n"
		       "7 preadv2(3, [{iov_base=\"a\", iov_len=4096}], 1, -1, "
		       "RWF_NOWAIT) = 4096\n"
		       "7 sendfile(8, 3, NULL, 1) = 1\n",
	    "strace", "p 0 1\n");
	ASSERT_SAYS("7 open(\"/a\", O_RDWR|O_APPEND) = 3\n"
		    "7 write(3, \"x\", 10) = 10\n"
		    "7 sendfile(8, 3, NULL, 1) = 1\n",
	    "1 of 1 calls at the file's position");
}

/* What exec closes is not what is used after it. */
static void
descriptors_may_be_marked_for_exec(void)
{
	static const char *const marks[] = { "fcntl(3, F_SETFD, FD_CLOEXEC)",
		"ioctl(3, FIOCLEX)", "close_range(3, 9, CLOSE_RANGE_CLOEXEC)" };
	char log[512];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		(void)snprintf(log, sizeof(log),
		    "7 open(\"/a\", O_RDONLY) = 3\n"
		    "7 close(9) = 0\n"
		    "7 %s = 0\n"
		    "7 sendfile(8, 3, NULL, 4096) = 4096\n"
		    "7 execve(\"/x\", [\"x\"], 0x1 /* 2 vars */) = 0\n"
		    "7 sendfile(8, 3, NULL, 1) = 1\n",
		    marks[i]);
		ASSERT_IMPORTS(log, "strace", "p 0 0\np 0 1000000000\n");
	}
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY|O_CLOEXEC) = 3\n"
		       "7 close(9) = 0\n"
		       "7 fcntl(3, F_SETFD, 0) = 0\n"
		       "7 execve(\"/x\", [\"x\"], 0x1 /* 2 vars */) = 0\n"
		       "7 read(3, \"x\", 4096) = 4096\n"
		       "7 sendfile(8, 3, NULL, 1) = 1\n",
	    "strace", "p 0 1\n");
}

static void
what_moves_the_position_and_is_not_logged_is_said(void)
{
	ASSERT_SAYS("7 open(\"/a\", O_RDONLY) = 3\n"
		    "7 sendfile(8, 3, NULL, 8192) = 8192\n",
	    "the log has no read and no lseek");
}

static void
a_file_keeps_its_pages_under_another_name(void)
{
	ASSERT_IMPORTS(
	    "7 openat(AT_FDCWD</>, \"/t/1\", O_RDWR|O_CREAT|O_EXCL, 0600) = "
	    "16</t/1>\n"
	    "7 sendfile(14, 16</t/1>, [0] => [4096], 4096) = 4096\n"
	    "7 rename(\"/t/1\", \"/c/x\") = -1 ENOENT (No such file)\n"
	    "7 rename(\"/t/1\", \"/c/x\") = 0\n"
	    "7 sendfile(14, 16</c/x>, [0] => [4096], 4096) = 4096\n"
	    "7 close(16</c/x>) = 0\n"
	    "7 openat(AT_FDCWD</>, \"/c/x\", O_RDONLY) = 15</c/x>\n"
	    "7 sendfile(14, 15</c/x>, [0] => [4096], 4096) = 4096\n"
	    "7 openat(AT_FDCWD</>, \"/t/1\", O_RDWR|O_CREAT|O_EXCL, 0600) = "
	    "16</t/1>\n"
	    "7 sendfile(14, 16</t/1>, [0] => [4096], 4096) = 4096\n",
	    "strace", "p 0 0\np 0 0\np 0 0\np 0 1000000000\n");
}

static void
names_move_relative_and_with_their_directory(void)
{
	ASSERT_IMPORTS(
	    "7 openat(AT_FDCWD</d>, \"a\", O_RDONLY) = 3</d/a>\n"
	    "7 sendfile(9, 3</d/a>, [0] => [1], 1) = 1\n"
	    "7 renameat2(AT_FDCWD</d>, \"a\", AT_FDCWD</d>, \"b\", 0) = 0\n"
	    "7 sendfile(9, 4</d/b>, [0] => [1], 1) = 1\n"
	    "7 rename(\"/d\", \"/e\") = 0\n"
	    "7 sendfile(9, 5</e/b>, [0] => [1], 1) = 1\n"
	    "7 link(\"/e/b\", \"/e/c\") = 0\n"
	    "7 sendfile(9, 6</e/c>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\np 0 0\np 0 0\np 0 0\n");
	/* Two names change places. */
	ASSERT_IMPORTS("7 sendfile(9, 3</a>, [0] => [1], 1) = 1\n"
		       "7 sendfile(9, 4</b>, [0] => [1], 1) = 1\n"
		       "7 renameat2(AT_FDCWD</>, \"/a\", AT_FDCWD</>, \"/b\", "
		       "RENAME_EXCHANGE) = 0\n"
		       "7 sendfile(9, 5</a>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\np 0 1000000000\np 0 1000000000\n");
	/* As strace 6 writes a name with ">". */
	ASSERT_IMPORTS("7 sendfile(9, 3</a\\76b>, [0] => [1], 1) = 1\n"
		       "7 rename(\"/a>b\", \"/c\") = 0\n"
		       "7 sendfile(9, 3</c>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\np 0 0\n");
}

static void
what_is_created_after_unlink_is_another_file(void)
{
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY) = 3</a>\n"
		       "7 sendfile(9, 3</a>, [0] => [1], 1) = 1\n"
		       "7 unlink(\"/a\") = 0\n"
		       "7 sendfile(9, 3</a>(deleted), [0] => [1], 1) = 1\n"
		       "7 open(\"/a\", O_RDWR|O_CREAT, 0600) = 4</a>\n"
		       "7 sendfile(9, 4</a>, [0] => [1], 1) = 1\n"
		       "7 sendfile(9, 3</a>(deleted), [0] => [1], 1) = 1\n"
		       "7 close(3</a>(deleted)) = 0\n"
		       "7 open(\"/a\", O_RDONLY) = 3</a>\n"
		       "7 sendfile(9, 3</a>, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\np 0 0\np 0 1000000000\np 0 0\np 0 1000000000\n");
}

static void
every_option_of_strace_is_read(void)
{
	static const char *const prefixes[] = { "7<nginx> ", "7 [  40] ",
		"7 [00007fc18f54c80a] ", "[pid     7<a b>] ",
		"7 1795946712.5 (+     0.000005) [  40] [00007fe7fc71780a] ",
		"7 10:05:12.01 (+     0.000008) ", "7      0.000003 " };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		char log[512];

		(void)snprintf(log, sizeof(log),
		    "%ssendfile(1, 3</a>, [0] <unfinished ...>\n"
		    " > /lib/libc.so.6(sendfile64+0xa) [0xfc80a]\n"
		    "%s<... sendfile resumed> => [1], 1) = 1\n",
		    prefixes[i], prefixes[i]);
		ASSERT_OPTIONS(log, "p 0 0\n", .calls = 0);
	}
}

static void
a_message_cuts_a_line_in_two(void)
{
	/* One process has no number, two have, and the last has none. */
	ASSERT_IMPORTS(
	    "sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
	    "clone(flags=CLONE_CHILD_SETTID|SIGCHLDstrace: Process 8 "
	    "attached\n"
	    ", child_tidptr=0x7) = 8\n"
	    "[pid     7] sendfile(1, 3</a>, [0strace: Process 9 "
	    "attached\n"
	    "] => [1], 1) = 1\n"
	    "[pid     8] sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
	    "[pid     8] +++ exited with 0 +++\n"
	    "[pid     9] +++ exited with 0 +++\n"
	    "sendfile(1, 3</a>, [0] => [1], 1) = 1\n",
	    NULL, "p 0 0\np 0 0\np 1 0\np 0 0\n");
	ASSERT_IMPORTS("clone(flags=SIGCHLDstrace: Process 8 attached\n"
		       "[pid 7] sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
		       "sendfile(1, 3</a>, [0] => [1], 1) = 1\n",
	    NULL, "p 0 0\np 0 0\n");
}

static void
a_call_may_be_cut_more_than_once(void)
{
	ASSERT_IMPORTS("7 sendfile(8,  <unfinished ...>\n"
		       "7 <... sendfile resumed>5</a>, [0] <unfinished ...>\n"
		       "7 <... sendfile resumed> => [4096], 4096) = 4096\n",
	    "strace", "p 0 0\n");
}

static void
what_a_server_says_itself_is_no_call(void)
{
	ASSERT_IMPORTS("Listening on port 80\n"
		       "sendfile(1, 3</a>, [0] => [1], 1) = 1\n"
		       "--- SIGCHLD {si_signo=SIGCHLD} ---\n"
		       "sendfile(1, 3</a>, [0] => [1], 1) = 1\n",
	    NULL, "p 0 0\np 0 0\n");
	ASSERT_REFUSES("Listening on port 80\nReady\nsendfile(1) = 1\n", NULL,
	    "looks like no log");
}

static void
a_number_that_comes_again_is_another_process(void)
{
	ASSERT_IMPORTS("7 open(\"/a\", O_RDONLY) = 3\n"
		       "7 fork() = 8\n"
		       "8 sendfile(1, 3, [0] => [1], 1) = 1\n"
		       "8 +++ exited with 0 +++\n"
		       "7 fork() = 8\n"
		       "8 sendfile(1, 3, [0] => [1], 1) = 1\n",
	    "strace", "p 0 0\np 1 0\n");
}

static void
a_clock_passes_midnight_and_may_be_set_back(void)
{
	ASSERT_IMPORTS(
	    "7 23:59:59.5 " SEND(0, 4096) "7 00:00:00.5 " SEND(0, 4096),
	    "strace", "p 0 0\nd 1000000000\np 0 0\n");
	ASSERT_IMPORTS(
	    "7 23:59:59 " SEND(0, 4096) "7 00:00:01 " SEND(0,
		4096) "7 23:59:59 " SEND(0, 4096) "7 00:00:00 " SEND(0, 4096),
	    "strace",
	    "p 0 0\nd 2000000000\np 0 0\nd 86398000000000\np 0 0\n"
	    "d 1000000000\np 0 0\n");
	ASSERT_IMPORTS("7 100.0 " SEND(0, 4096) "7 40.0 " SEND(
			   0, 4096) "7 41.0 " SEND(0, 4096),
	    "strace", "p 0 0\np 0 0\nd 1000000000\np 0 0\n");
	ASSERT_SAYS("7 100.0 " SEND(0, 4096) "7 40.0 " SEND(0, 4096),
	    "the clock runs backwards 1 time (first: line 2), by 60 s");
}

#define FILES                                                                  \
	"7 pread64(5</a>, \"x, \\\"y\"..., 4096, 8192) = 4096\n"               \
	"7 read(5</a>, \"x\"..., 4096) = 4096\n"                               \
	"7 read(6<TCP:[1]>, \"x\"..., 4096) = 4096\n"                          \
	"7 preadv2(5</a>, [{iov_base=\"x\", iov_len=1}], 1, 12288, 0) = 1\n"   \
	"7 splice(5</a>, [16384], 9<pipe:[3]>, NULL, 4096, 0) = 4096\n"        \
	"7 splice(8<pipe:[3]>, NULL, 9<TCP:[4]>, NULL, 4096, 0) = 4096\n"      \
	"7 copy_file_range(5</a>, NULL, 6</b>, NULL, 4096, 0) = 4096\n"        \
	"7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5</a>, 0x5000) = 0x7f00\n"

static void
calls_that_read_files_count_when_asked_for(void)
{
	ASSERT_OPTIONS(FILES, "p 0 2\np 0 3\n", .calls = EPH_CALLS_PREAD);
	ASSERT_OPTIONS(FILES, "p 0 2\np 0 0\np 0 3\n",
	    .calls = EPH_CALLS_READ | EPH_CALLS_PREAD);
	ASSERT_OPTIONS(FILES, "p 0 4\n", .calls = EPH_CALLS_SPLICE);
	ASSERT_OPTIONS(FILES, "p 0 1\n", .calls = EPH_CALLS_COPY);
	ASSERT_OPTIONS(FILES, "p 0 5\n", .calls = EPH_CALLS_MMAP);
}

static void
nothing_is_refused_with_what_is_there(void)
{
	ASSERT_REFUSES(FILES, "strace", "no page reference");
	ASSERT_REFUSES(FILES, "strace",
	    "no sendfile; 1 read, 2 pread64, 1 splice, 1 copy_file_range, 1 "
	    "mmap calls on files, which --calls "
	    "read,splice,copy_file_range,mmap would count");
	ASSERT_REFUSES("7 futex(0x1, FUTEX_WAIT) = 0\n", "strace",
	    "1 other calls, none of which reads a file's pages");
	ASSERT_REFUSES("7 io_uring_enter(5, 1, 1, 0, NULL, 8) = 1\n", "strace",
	    "1 calls of io_submit or io_uring_enter, whose reads no log");
	ASSERT_SAYS("7 io_submit(0x7f, 1, [{aio_fildes=3}]) = 1\n"
		    "7 " SEND(0, 4096),
	    "1 calls of io_submit or io_uring_enter");
	ASSERT_REFUSES("     nginx-4321    [001] .....  6659.5: "
		       "mm_filemap_add_to_page_cache: dev 254:0 ino a7206f "
		       "pfn=0x1 ofs=4096 order=0\n",
	    NULL, "1 events of pages that came into the page cache or left");
	/* Said once. */
	ASSERT_SAYS("7 100.0 " SEND(0, 4096) "7 40.0 " SEND(0, 4096),
	    "by 60 s at most; no time passes there\n");
}

/* -- other tools -------------------------------------------------------- */

static void
truss_is_read_and_not_taken_for_strace(void)
{
	static char long_name[9000], long_log[10000];
	/* EAGAIN may have sent something. */
	static const char log[] =
	    "45678: openat(AT_FDCWD,\"/w/a\",O_RDONLY|O_CLOEXEC,00)\t = 5 "
	    "(0x5)\n"
	    "45678: sendfile(5,3,0x1000,0x2000,0x0,{ 8192 },0x0) = 0 (0x0)\n"
	    "45678: sendfile(5,3,0x3000,0x2000,0x0,{ 4096 },0x0) ERR#35 "
	    "'Resource temporarily unavailable'\n"
	    "45678: sendfile(5,3,0x4000,0x1000,0x0,{ 0 },0x0) ERR#35 "
	    "'Resource temporarily unavailable'\n"
	    "45679: sendfile(6,3,0x0,0x0,0x0,{ 100 },0x0) = 0 (0x0)\n";

	ASSERT_IMPORTS(log, NULL, "p 0 1\np 0 2\np 0 3\np 1 1000000000\n");
	ASSERT_SAYS(log, "truss (guessed): 3 calls");
	/* A name that fills any buffer. */
	memset(long_name, 'a', sizeof(long_name) - 1);
	(void)snprintf(long_log, sizeof(long_log),
	    "%s(1) = 0 (0x0)\n1: sendfile(5,3,0x0,0x1,0x0,{ 1 },0x0) = 0 "
	    "(0x0)\n",
	    long_name);
	ASSERT_IMPORTS(long_log, "truss", "p 0 0\n");
	ASSERT_IMPORTS("1: sendfile(5,3,0x0,0x1,0x0,{ 1 },0x0) = 0 (0x0)\n"
		       "1: <thread 100123 exited>\n"
		       "1: SIGNAL 20 (SIGCHLD) code=CLD_EXITED\n"
		       "1: process exit, rval = 0\n",
	    NULL, "p 0 0\n");
	ASSERT_OPTIONS("1: 0.5 pread(3,\"a,\\\"b\",4096,0x2000)\t = 4096 "
		       "(0x1000)\n",
	    "p 0 2\n", .calls = EPH_CALLS_PREAD);
}

static void
kdump_is_put_together(void)
{
	static const char log[] =
	    "  4321 nginx    CALL  openat(AT_FDCWD,0x801234567,0x100000<O_"
	    "RDONLY|O_CLOEXEC>)\n"
	    "  4321 nginx    NAMI  \"/w/a\"\n"
	    "  4321 nginx    RET   openat 5\n"
	    "  4321 nginx    CALL  sendfile(0x5,0x3,0x1000,0x2000,0,0x7f,0)\n"
	    "  4322 nginx    CALL  sendfile(0x6,0x3,0,0x1000,0,0x7f,0)\n"
	    "  4321 nginx    RET   sendfile 0\n"
	    "  4322 nginx    RET   sendfile -1 errno 35 Resource temporarily "
	    "unavailable\n"
	    "  4321 nginx    CALL  pread(0x5,0x80000,0x1000,0)\n"
	    "  4321 nginx    GIO   fd 5 read 4096 bytes\n"
	    "       \"abc\"\n"
	    "  4321 nginx    RET   pread 4096/0x1000\n";

	ASSERT_IMPORTS(log, NULL, "p 0 1\np 0 2\n");
	ASSERT_SAYS(log, "kdump (guessed): 1 call");
	ASSERT_OPTIONS(log, "p 0 0\n", .calls = EPH_CALLS_PREAD);
	ASSERT_IMPORTS(
	    " 1 100123 a        1.500000 CALL  sendfile(3,4,0,1,0,0,0)\n"
	    " 1 100123 a        1.600000 RET   sendfile 0\n"
	    " 1 100124 a        1.700000 CALL  sendfile(3,4,0,1,0,0,0)\n"
	    " 1 100124 a        1.800000 RET   sendfile 0\n",
	    "kdump", "p 0 0\nd 200000000\np 1 0\n");
}

static void
perf_trace_has_no_offset_behind_a_pointer(void)
{
	static const char log[] =
	    "         ? (         ): sf/30526  ... [continued]: epoll_wait()) "
	    "= 1\n"
	    "     0.000 ( 0.880 ms): sf/30526 sendfile(out_fd: 4, in_fd: 5, "
	    "offset: 0x7ffeb7dea8c0, count: 20000)   = 20000\n"
	    "     0.955 ( 0.011 ms): sf/30526 openat(dfd: CWD, filename: "
	    "\"/a\") = 5\n"
	    "     0.975 ( 0.010 ms): sf/30526 sendfile(out_fd: 4, in_fd: 5, "
	    "count: 5000) = 5000\n"
	    "     0.994 (         ): sf/30526 sendfile(out_fd: 4, in_fd: 5, "
	    "count: 5000) ...\n"
	    "     1.000 ( 0.010 ms): a b/30527 pread64(fd: 5</a>, buf: 0x7f, "
	    "count: 4096, pos: 4096) = 4096\n"
	    "     1.094 ( 0.100 ms): sf/30526  ... [continued]: sendfile()) = "
	    "5000\n";

	ASSERT_IMPORTS(log, NULL, "p 0 0\np 0 1\nd 19000\np 0 1\np 0 2\n");
	ASSERT_SAYS(log, "1 calls whose offset the log does not print");
	ASSERT_OPTIONS(log, "p 0 1\n", .calls = EPH_CALLS_PREAD);
}

static void
filemap_tracepoints_give_pages_and_cpus(void)
{
	static const char log[] =
	    "# file dev=254:0 ino=a7206f size=300000\n"
	    "           nginx-4321    [001] .....  6659.5: "
	    "mm_filemap_get_pages: dev=254:0 ino=a7206f ofs=0-8191\n"
	    "           nginx-4321    [001] .....  6659.500001: "
	    "mm_filemap_get_pages: dev=254:0 ino=a7206f ofs=4096-8191\n"
	    "           nginx-4321    [000] .....  6659.500002: "
	    "mm_filemap_get_pages: dev=254:0 ino=a7206f ofs=299008-307199\n"
	    "cat  4322 [001]  6659.500003: filemap:mm_filemap_map_pages: "
	    "dev=254:0 ino=b ofs=4096-8191\n"
	    "cat  4322 [001]  6659.500004: filemap:mm_filemap_get_pages: "
	    "dev=254:0 ino=b ofs=0-4095\n";

	ASSERT_IMPORTS(log, NULL,
	    "p 1 0\np 1 1\nd 2000\np 0 73\nd 2000\np 1 1000000000\n");
	ASSERT_SAYS(log, "1 of 3 ranges are of files whose length");
	ASSERT_OPTIONS(log, "p 1 1000000001\n", .calls = EPH_CALLS_MMAP);
	ASSERT_OPTIONS(log,
	    "p 0 0\np 0 1\nd 2000\np 0 73\nd 2000\np 1 1000000000\n",
	    .cpu_of = EPH_CPU_PID);
}

static CU_TestInfo tests[] = {
	TEST(threads_are_no_cpus),
	TEST(a_thread_may_come_before_its_clone_returns),
	TEST(threads_and_processes_fold_onto_cpus),
	TEST(more_cpus_than_the_machine_has_are_warned_of),
	TEST(attached_threads_share_descriptors),
	TEST(an_unseen_opening_is_the_start_again),
	TEST(positions_follow_every_call_that_moves_them),
	TEST(descriptors_may_be_marked_for_exec),
	TEST(what_moves_the_position_and_is_not_logged_is_said),
	TEST(a_file_keeps_its_pages_under_another_name),
	TEST(names_move_relative_and_with_their_directory),
	TEST(what_is_created_after_unlink_is_another_file),
	TEST(every_option_of_strace_is_read),
	TEST(a_message_cuts_a_line_in_two),
	TEST(a_call_may_be_cut_more_than_once),
	TEST(what_a_server_says_itself_is_no_call),
	TEST(a_number_that_comes_again_is_another_process),
	TEST(a_clock_passes_midnight_and_may_be_set_back),
	TEST(calls_that_read_files_count_when_asked_for),
	TEST(nothing_is_refused_with_what_is_there),
	TEST(truss_is_read_and_not_taken_for_strace),
	TEST(kdump_is_put_together),
	TEST(perf_trace_has_no_offset_behind_a_pointer),
	TEST(filemap_tracepoints_give_pages_and_cpus),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "import_calls", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

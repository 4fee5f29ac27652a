/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Scenarios from text: what is refused and with which line, and that what is
 * played is what was written.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "scenario/script.h"
#include "test_main.h"

#define HEAD "ephmap-scenario 1\n"

static const struct {
	const char *text;
	const char *says;
} wrong[] = {
	{ "", "s:1: expected \"ephmap-scenario 1\", got an empty file" },
	{ "ephmap-trace 1\n",
	    "s:1: expected \"ephmap-scenario 1\", got "
	    "\"ephmap-trace\"" },
	{ "ephmap-scenario 2\n",
	    "s:1: expected \"ephmap-scenario 1\", got \"2\"" },
	{ HEAD "cpus 2\ncpus 3\n", "s:3: cpus stands there twice" },
	{ HEAD "buffers 2\nbuffers 2\n", "s:3: buffers stands there twice" },
	{ HEAD, "s:1: no thread" },
	{ HEAD "map 1 a\n", "s:2: expected cpus, buffers, thread or handler" },
	{ HEAD "thread 16\n", "s:2: expected a CPU, 0 to 15, got \"16\"" },
	{ HEAD "thread -1\n", "s:2: expected a CPU" },
	{ HEAD "thread\n", "s:2: expected a CPU, 0 to 15, got the end" },
	{ HEAD "cpus 2\nthread 2\n", "s:3: a CPU beyond" },
	{ HEAD "thread 0\nmap 1\n", "s:3: expected a name" },
	{ HEAD "thread 0\nmap 0 a\n", "s:3: expected a page, 1 to 511" },
	{ HEAD "thread 0\nmap 99999999999 a\n", "s:3: expected a page" },
	{ HEAD "thread 0\nmap 1 a public\n", "s:3: expected private" },
	{ HEAD "thread 0\nmap 1 a\nmop a\n", "s:4: expected map, touch" },
	{ HEAD "thread 0\ntouch b\n", "s:3: nobody maps b" },
	{ HEAD "thread 0\nwait b\n", "s:3: nobody sets b" },
	{ HEAD "thread 0\nrepeat 2\nmap 1 a\n", "s:3: a repeat without" },
	{ HEAD "thread 0\nend\n", "s:3: an end without a repeat" },
	{ HEAD "thread 0\nrepeat 0\n", "s:3: expected a number of times" },
	{ HEAD "thread 0\ninterrupt 1 h\n", "s:3: expected a handler" },
	{ HEAD "handler h\nthread 0\n", "s:2: nobody interrupts a CPU for h" },
	{ HEAD "handler h\nhandler h\n", "s:3: a second handler h" },
	{ HEAD "thread 0\nmap 1 a\1\n", "s:3: a control character" },
	{ HEAD "thread 0\nmap 1 a b c d e f g h\n", "s:3: more than 8 words" },
	{ HEAD "thread 0\nunmap a now\n", "s:3: expected the end of the line" },
};

static void
test_what_is_no_scenario_is_refused_with_its_line(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct eph_err err = { "" };
		struct script *s = NULL;

		CU_ASSERT_EQUAL(eph__script_parse("s", wrong[i].text,
				    strlen(wrong[i].text), &s, &err),
		    EINVAL);
		CU_ASSERT_PTR_NULL(s);
		if (strncmp(err.text, wrong[i].says, strlen(wrong[i].says)) !=
		    0) {
			printf(
			    "%s\n    but was: %s\n", wrong[i].says, err.text);
			CU_FAIL("other words");
		}
		free(s);
	}
}

static struct eph_explore_result
play(const char *text, const char *design, bool threads)
{
	struct eph_explore_config cfg = { .design = eph_design_find(design),
		.strategy = "random",
		.threads = threads,
		.budget = threads ? 3 : 300,
		.seed = 1 };
	struct eph_explore_result r = { 0 };
	struct eph_err err = { "" };
	struct script *s;

	CU_ASSERT_EQUAL_FATAL(
	    eph__script_parse("s", text, strlen(text), &s, &err), 0);
	cfg.scenario = &s->scenario;
	if (eph_explore(&cfg, &r, &err) != 0) {
		printf("%s\n", err.text);
		CU_FAIL("refused");
	}
	free(s);
	return (r);
}

static void
expect_failure(
    const char *text, const char *design, enum eph_failure f, const char *what)
{
	struct eph_explore_result r = play(text, design, false);

	CU_ASSERT_EQUAL(r.failure, f);
	if (strstr(r.what, what) == NULL) {
		printf("%s\n    is not in: %s\n", what, r.what);
		CU_FAIL("other words");
	}
	eph_explore_free(&r);
}

static void
test_two_that_want_a_second_mapping_wait_for_ever(void)
{
	expect_failure(HEAD
	    "buffers 2\n"
	    "thread 0\n map 1 a\n map 3 b\n touch b\n unmap b\n unmap a\n"
	    "thread 1\n map 2 c\n map 4 d\n touch d\n unmap d\n unmap c\n",
	    "kmap", EPH_FAIL_DEADLOCK, "2 buffers");
}

static void
test_what_the_program_does_wrong_is_its_line(void)
{
	expect_failure(HEAD "thread 0\nmap 1 a\nmap 2 a\n", "dmap",
	    EPH_FAIL_WRONG, "s:4: a is mapped already");
	expect_failure(HEAD "thread 0\nmap 1 a\nunmap a\ntouch a\n", "dmap",
	    EPH_FAIL_WRONG, "s:5: a is not mapped here");
	expect_failure(HEAD "thread 0\nmap 1 a\n", "sf_buf.accessed",
	    EPH_FAIL_LEAK, "leak");
}

/* A flag, a repeat and a handler: three rounds, and an interrupt in each. */
static void
test_flags_repeats_and_handlers_are_played(void)
{
	static const char text[] = HEAD
	    "handler h\n map 5 x\n touch x\n unmap x\n"
	    "thread 0\n repeat 3\n  map 1 a\n  set full\n  wait full 0\n"
	    "  unmap a\n  interrupt 1 h\n end\n"
	    "thread 1\n repeat 3\n  wait full\n  touch a\n  set full 0\n end\n";
	struct eph_explore_result r = play(text, "sf_buf.accessed", false);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT_STRING_EQUAL(
	    r.program, "2 buffers, 2 CPUs, 2 pages, 3 operations a thread");
	eph_explore_free(&r);
}

/*
 * The same on real threads, where an interrupt is sent when the one before it
 * has been handled: a handler that waits for an acknowledgement with the
 * design's lock held takes the next one there, and that wants the lock.
 */
static void
test_real_threads_play_flags_repeats_and_handlers(void)
{
	struct eph_explore_result r = play(HEAD
	    "handler h\n map 5 x\n touch x\n unmap x\n set done\n"
	    "thread 0\n repeat 3\n  map 1 a\n  set full\n  wait full 0\n"
	    "  unmap a\n  interrupt 1 h\n  wait done\n  set done 0\n end\n"
	    "thread 1\n repeat 3\n  wait full\n  touch a\n  set full 0\n end\n",
	    "sf_buf.accessed", true);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT_EQUAL(r.schedules, 3);
	eph_explore_free(&r);
}

/* On real threads: a mapping that is used where an old one may be held. */
static void
test_real_threads_find_what_happens_every_time(void)
{
	struct eph_explore_result r = play(HEAD
	    "buffers 1\n"
	    "thread 0\n map 1 a private\n set full\n wait full 0\n unmap a\n"
	    " map 2 a private\n set full\n wait full 0\n unmap a\n"
	    "thread 1\n repeat 2\n wait full\n touch a\n set full 0\n end\n",
	    "sf_buf.cpumask", true);

	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_STALE);
	CU_ASSERT_EQUAL(r.failed_at, 1);
	eph_explore_free(&r);
}

static CU_TestInfo tests[] = {
	TEST(test_what_is_no_scenario_is_refused_with_its_line),
	TEST(test_two_that_want_a_second_mapping_wait_for_ever),
	TEST(test_what_the_program_does_wrong_is_its_line),
	TEST(test_flags_repeats_and_handlers_are_played),
	TEST(test_real_threads_play_flags_repeats_and_handlers),
	TEST(test_real_threads_find_what_happens_every_time),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: scenarios from text", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

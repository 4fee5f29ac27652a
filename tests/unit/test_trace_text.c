/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>

#include "base/prng.h"
#include "ephmap/trace.h"
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

/* Open a trace of these bytes; NULL with `err` set when refused. */
static struct eph_trace *
open_bytes(const char *bytes, size_t n, struct eph_err *err)
{
	struct eph_trace *t = NULL;
	const char *path = temp_path(&tmp, "t");

	err->text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(temp_write(path, bytes, n), 0);
	return (eph_trace_open(path, &t, err) == 0 ? t : NULL);
}

static struct eph_trace *
open_text(const char *text, struct eph_err *err)
{
	return (open_bytes(text, strlen(text), err));
}

/* All operations, which must fit one block. */
static const struct eph_op *
ops_of(struct eph_trace *t, size_t *np)
{
	const struct eph_op *ops = NULL;
	struct eph_err err;

	*np = 0;
	CU_ASSERT_EQUAL(eph_trace_next(t, &ops, np, &err), 0);
	return (ops);
}

static void
every_operation_is_read_as_written(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text("ephmap-trace 1\n"
					"# a comment\n"
					"m 1 77 500 private nowait\n"
					"  k\t1 500\n"
					"r 2 500 # trailing\n"
					"\n"
					"w 0 500\n"
					"d 5000000000\n"
					"u 1 500   \n"
					"p 3 77\n"
					"p 3 18446744073709551615",
	    &err);
	const struct eph_op *op;
	char where[300];
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	op = ops_of(t, &n);
	CU_ASSERT_EQUAL_FATAL(n, 8);
	CU_ASSERT_EQUAL(op[0].kind, EPH_OP_MAP);
	CU_ASSERT_EQUAL(op[0].flags, EPH_OPF_PRIVATE | EPH_OPF_NOWAIT);
	CU_ASSERT_EQUAL(op[0].cpu, 1);
	CU_ASSERT_EQUAL(op[1].kind, EPH_OP_KVA);
	CU_ASSERT_EQUAL(op[2].kind, EPH_OP_READ);
	CU_ASSERT_EQUAL(op[2].cpu, 2);
	CU_ASSERT_EQUAL(op[3].kind, EPH_OP_WRITE);
	CU_ASSERT_EQUAL(op[4].kind, EPH_OP_DELAY);
	CU_ASSERT_EQUAL(eph_op_delay_ns(&op[4]), 5000000000u);
	CU_ASSERT_EQUAL(op[5].kind, EPH_OP_UNMAP);
	CU_ASSERT_EQUAL(op[6].kind, EPH_OP_REF);
	CU_ASSERT_EQUAL(op[6].page, op[0].page);
	CU_ASSERT_EQUAL(op[7].page, 1);
	CU_ASSERT_EQUAL(eph_trace_page_name(t, 0), 77);
	CU_ASSERT_EQUAL(eph_trace_page_name(t, 1), UINT64_MAX);
	CU_ASSERT_EQUAL(eph_trace_handle_name(t, 3), 500);
	CU_ASSERT_EQUAL(eph_trace_line(t, 0), 3);
	CU_ASSERT_EQUAL(eph_trace_line(t, 7), 11);
	eph_trace_where(t, 3, where, sizeof(where));
	CU_ASSERT_PTR_NOT_NULL(strstr(where, "/t:7"));
	CU_ASSERT_EQUAL(eph_trace_next(t, &op, &n, &err), 0);
	CU_ASSERT_EQUAL(n, 0);
	eph_trace_close(t);
}

static void
meta_data_is_exact_at_open(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text("ephmap-trace 1\n"
					"m 0 1 1\nd 10\nm 4 2 2\nd 30\n"
					"u 0 1\nd 10\np 1 1\n",
	    &err);
	const struct eph_trace_meta *m;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	m = eph_trace_meta(t);
	CU_ASSERT_TRUE(m->complete);
	CU_ASSERT_TRUE(eph_trace_is_text(t));
	CU_ASSERT_EQUAL(m->cpus, 5);
	CU_ASSERT_EQUAL(m->ops, 7);
	CU_ASSERT_EQUAL(m->references, 3);
	CU_ASSERT_EQUAL(m->unique_pages, 2);
	CU_ASSERT_EQUAL(m->slots, 2);
	CU_ASSERT_EQUAL(m->duration_ns, 50);
	/* (1 x 10 + 2 x 30 + 1 x 10) / 50 */
	CU_ASSERT_DOUBLE_EQUAL(m->held_mean, 1.6, 1e-12);
	CU_ASSERT_EQUAL(m->held_max, 2);
	CU_ASSERT_EQUAL(m->held_at_end, 1);
	CU_ASSERT_EQUAL(m->imported, 0);
	CU_ASSERT_EQUAL(m->ops_of[EPH_OP_DELAY], 3);
	eph_trace_close(t);
}

static void
mean_held_is_over_lines_without_time(void)
{
	struct eph_err err;
	struct eph_trace *t =
	    open_text("ephmap-trace 1\nm 0 1 1\nr 0 1\nu 0 1\np 0 1\n", &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_DOUBLE_EQUAL(eph_trace_meta(t)->held_mean, 0.5, 1e-12);
	eph_trace_close(t);
}

static void
slots_are_used_again_after_unmap(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text("ephmap-trace 1\n"
					"m 0 1 10\nm 0 2 20\nu 0 10\n"
					"m 0 3 30\nu 0 20\nu 0 30\nm 0 1 10\n",
	    &err);
	const struct eph_op *op;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->slots, 2);
	op = ops_of(t, &n);
	CU_ASSERT_EQUAL(op[0].slot, 0);
	CU_ASSERT_EQUAL(op[1].slot, 1);
	CU_ASSERT_EQUAL(op[3].slot, 0); /* of handle 10, freed */
	CU_ASSERT_EQUAL(op[5].slot, 0);
	CU_ASSERT_EQUAL(op[6].slot, 0);
	eph_trace_close(t);
}

static void
map_after_a_nowait_map_takes_its_slot(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text("ephmap-trace 1\n"
					"m 0 1 7 nowait\nm 0 2 7\nu 0 7\n",
	    &err);
	const struct eph_op *op;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->slots, 1);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->held_at_end, 0);
	op = ops_of(t, &n);
	CU_ASSERT_EQUAL(op[1].slot, op[0].slot);
	eph_trace_close(t);
	/* The second map had no nowait: a third is an error. */
	t = open_text(
	    "ephmap-trace 1\nm 0 1 7 nowait\nm 0 2 7\nm 0 2 7\n", &err);
	CU_ASSERT_PTR_NULL(t);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ":4: handle 7 is mapped"));
}

static void
carriage_returns_before_newlines_are_ignored(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text(
	    "ephmap-trace 1\r\nm 0 1 2 shared\r\n\r\n# x\r\nu 0 2 \r\n", &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->ops, 2);
	eph_trace_close(t);
}

static void
a_trace_without_operations_is_valid(void)
{
	struct eph_err err;
	struct eph_trace *t = open_text("ephmap-trace 1", &err);
	const struct eph_op *ops;
	size_t n = 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->ops, 0);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->cpus, 1);
	CU_ASSERT_EQUAL(eph_trace_next(t, &ops, &n, &err), 0);
	CU_ASSERT_EQUAL(n, 0);
	eph_trace_close(t);
}

/* A bad line 3, and what the message must say. */
static const struct {
	const char *line;
	const char *expect;
} bad_lines[] = {
	{ "x 0 1", ":3: expected an operation" },
	{ "mm 0 1 2", ":3: expected an operation, one of m k r w u d p" },
	{ "m", "expected a CPU from 0 to 1023, got the end of the line" },
	{ "m 0", "expected a page id" },
	{ "m 0 1", "expected a handle" },
	{ "m 0 1 2 3", "got \"3\"" },
	{ "m 0 1 2 privat", "expected private, shared, nowait, catch" },
	{ "m 0 1 2 private shared", "expected one of private and shared" },
	{ "m 0 1 2 shared shared", "expected one of private and shared" },
	{ "m 0 1 2 nowait private catch", "expected one of nowait and catch" },
	{ "m 1024 1 2", "expected a CPU from 0 to 1023, got \"1024\"" },
	{ "m 10xx 1 2", "got \"10xx\"" },
	{ "m -1 1 2", "got \"-1\"" },
	{ "m 0x1 1 2", "got \"0x1\"" },
	{ "m 0 18446744073709551616 2", "got \"18446744073709551616\"" },
	{ "m 0 99999999999999999999 2", "expected a page id" },
	{ "m 0 1 100000000000000000000000", "expected a handle" },
	{ "m 0 1 1", ":3: handle 1 is mapped already" },
	{ "k 0 9", ":3: handle 9 is not mapped" },
	{ "r 0 9", ":3: handle 9 is not mapped" },
	{ "w 0 9", ":3: handle 9 is not mapped" },
	{ "u 0 9", ":3: handle 9 is not mapped" },
	{ "r 0", "expected a handle" },
	{ "r 0 1 2", "expected the end of the line, got \"2\"" },
	{ "p 0", "expected a page id" },
	{ "p 0 1 2", "expected the end of the line, got \"2\"" },
	{ "p 0 1x", "got \"1x\"" },
	{ "p 0 1.5", "got \"1.5\"" },
	{ "p\v0 1", "expected an operation" },
	{ "d", "expected nanoseconds" },
	{ "d 0 1", "expected the end of the line" },
	{ "d 9223372036854775808", "add up to less than 2^63" },
	{ "d 18446744073709551616", "expected nanoseconds" },
	{ "p 0 1\x01", "got \"1\\x01\"" },
	{ "p 0 1 # \x07", "control byte 0x07" },
	{ "p 0 1\r ", "control byte 0x0d" },
	{ "p 0 \xff", "got \"\\xff\"" },
	{ "# \x7f", "control byte 0x7f" },
};

static void
bad_lines_are_refused_with_line_and_reason(void)
{
	char text[200];
	struct eph_err err;

	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "ephmap-trace 1\nm 0 5 1\n%s\nu 0 1\n", bad_lines[i].line);
		if (open_text(text, &err) != NULL ||
		    strstr(err.text, bad_lines[i].expect) == NULL ||
		    strchr(err.text, '\n') != NULL ||
		    strstr(err.text, "/t:3: ") == NULL) {
			(void)fprintf(stderr, "%s: got \"%s\"\n",
			    bad_lines[i].line, err.text);
			CU_FAIL("a bad line");
		}
	}
}

static void
nul_bytes_are_refused(void)
{
	static const char inside[] = "ephmap-trace 1\np 0 1\0\n";
	static const char alone[] = "ephmap-trace 1\n\0\n";
	static const char comment[] = "ephmap-trace 1\n# a\0b\n";
	struct eph_err err;

	CU_ASSERT_PTR_NULL(open_bytes(inside, sizeof(inside) - 1, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ":2: "));
	CU_ASSERT_PTR_NULL(open_bytes(alone, sizeof(alone) - 1, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ":2: "));
	CU_ASSERT_PTR_NULL(open_bytes(comment, sizeof(comment) - 1, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "control byte 0x00"));
}

static void
what_is_no_trace_is_refused(void)
{
	struct eph_trace *t;
	struct eph_err err;

	CU_ASSERT_PTR_NULL(open_text("", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty"));
	CU_ASSERT_PTR_NULL(open_text("p 0 1\n", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "\"ephmap-trace 1\""));
	CU_ASSERT_PTR_NULL(open_text("ephmap-trace 2\n", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "version 1"));
	CU_ASSERT_PTR_NULL(open_text("ephmap-trace 1 x\n", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ":1: "));
	CU_ASSERT_PTR_NULL(open_text("ephmap-trace", &err));
	CU_ASSERT_EQUAL(eph_trace_open(tmp.dir, &t, &err), EISDIR);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "directory"));
	CU_ASSERT_EQUAL(
	    eph_trace_open(temp_path(&tmp, "absent"), &t, &err), ENOENT);
}

static void
a_raw_log_is_refused_with_the_command_to_type(void)
{
	struct eph_err err;

	CU_ASSERT_PTR_NULL(open_text(
	    "27562 1795220704.434744 close(3</x>) = 0 <0.000005>\n", &err));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "ephmap trace import --from strace "));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, " -o "));
	CU_ASSERT_PTR_NULL(open_text(
	    "0\t0\t28325\tsendfile\t0\t0\t3985\t3985\t11604\t59188\n", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--from sendfile-tsv "));
}

/* More than one window and one block, with long and short numbers. */
static void
blocks_and_windows_join_without_a_seam(void)
{
	const size_t lines = 60000;
	char *text = malloc(40 * lines), *to = text;
	const struct eph_op *ops;
	struct eph_trace *t;
	struct prng r;
	struct eph_err err;
	size_t n, i = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	eph__prng_init(&r, 1, 0);
	to += sprintf(to, "ephmap-trace 1\n");
	for (size_t k = 0; k < lines; k++) {
		const unsigned cpu = prng_below(&r, 1024);

		to += sprintf(to, "p %u %llu\n", cpu,
		    (unsigned long long)(prng_next(&r) >> (k % 64)));
	}
	t = open_bytes(text, (size_t)(to - text), &err);
	free(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	for (int pass = 0; pass < 2; pass++) {
		eph__prng_init(&r, 1, 0);
		i = 0;
		while (eph_trace_next(t, &ops, &n, &err) == 0 && n > 0) {
			for (size_t k = 0; k < n; k++, i++) {
				bool ok = ops[k].cpu == prng_below(&r, 1024);

				ok &= eph_trace_page_name(t, ops[k].page) ==
				    prng_next(&r) >> (i % 64);
				ok &= eph_trace_line(t, k) == i + 2;
				if (!ok)
					CU_FAIL_FATAL("an operation differs");
			}
		}
		CU_ASSERT_EQUAL(i, lines);
		CU_ASSERT_EQUAL(eph_trace_rewind(t, &err), 0);
	}
	eph_trace_close(t);
}

static void
many_handles_are_followed(void)
{
	enum { HANDLES = 3000, LINES = 40000 };
	static bool mapped[HANDLES];
	char *text = malloc(40 * (size_t)LINES), *to = text;
	struct eph_trace *t;
	struct prng r;
	struct eph_err err;
	uint64_t now = 0, most = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	eph__prng_init(&r, 2, 0);
	to += sprintf(to, "ephmap-trace 1\n");
	for (int i = 0; i < LINES; i++) {
		uint32_t h = prng_below(&r, HANDLES);

		to += mapped[h] ? sprintf(to, "u 0 %u\n", h * 4096)
				: sprintf(to, "m 0 1 %u\n", h * 4096);
		mapped[h] = !mapped[h];
		now += mapped[h] ? 1 : UINT64_MAX;
		most = now > most ? now : most;
	}
	t = open_bytes(text, (size_t)(to - text), &err);
	free(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->held_max, most);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->held_at_end, now);
	eph_trace_close(t);
}

static CU_TestInfo tests[] = {
	TEST(every_operation_is_read_as_written),
	TEST(meta_data_is_exact_at_open),
	TEST(mean_held_is_over_lines_without_time),
	TEST(slots_are_used_again_after_unmap),
	TEST(map_after_a_nowait_map_takes_its_slot),
	TEST(carriage_returns_before_newlines_are_ignored),
	TEST(a_trace_without_operations_is_valid),
	TEST(bad_lines_are_refused_with_line_and_reason),
	TEST(nul_bytes_are_refused),
	TEST(what_is_no_trace_is_refused),
	TEST(a_raw_log_is_refused_with_the_command_to_type),
	TEST(blocks_and_windows_join_without_a_seam),
	TEST(many_handles_are_followed),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "trace_text", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

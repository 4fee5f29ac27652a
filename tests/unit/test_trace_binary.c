/* SPDX-License-Identifier: BSD-2-Clause */

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <zlib.h>

#include "base/le.h"
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

/* One operation as the writer takes it. */
struct line {
	enum eph_op_kind kind;
	unsigned flags;
	unsigned cpu;
	uint64_t page;
	uint64_t handle;
	uint64_t ns;
};

/* A valid random trace; `mixed` false: p lines only. */
static void
random_lines(struct line *l, size_t n, uint64_t seed, bool mixed)
{
	enum { HANDLES = 40 };
	unsigned state[HANDLES] = { 0 }; /* 0 free, 1 mapped, 2 nowait */
	struct prng r;

	eph__prng_init(&r, seed, 0);
	for (size_t i = 0; i < n; i++, l++) {
		const uint32_t h = prng_below(&r, HANDLES);

		memset(l, 0, sizeof(*l));
		l->cpu = prng_below(&r, 8);
		l->kind =
		    mixed ? (enum eph_op_kind)prng_below(&r, 7) : EPH_OP_REF;
		if (l->kind <= EPH_OP_UNMAP)
			l->handle = (uint64_t)h * 0x123456789abcu;
		if (l->kind == EPH_OP_MAP && state[h] == 1)
			l->kind = EPH_OP_UNMAP;
		else if (l->kind <= EPH_OP_UNMAP && state[h] == 0)
			l->kind = EPH_OP_MAP;
		if (l->kind == EPH_OP_MAP) {
			l->flags = prng_below(&r, 6);
			state[h] = (l->flags & EPH_OPF_NOWAIT) != 0 ? 2 : 1;
		} else if (l->kind == EPH_OP_UNMAP) {
			state[h] = 0;
		}
		if (l->kind == EPH_OP_MAP || l->kind == EPH_OP_REF)
			l->page = prng_next(&r) >> (30 + prng_below(&r, 33));
		if (l->kind == EPH_OP_DELAY) {
			l->cpu = 0;
			l->ns = prng_next(&r) >> (24 + prng_below(&r, 39));
		}
	}
}

static int
write_lines(const char *path, enum eph_trace_form form, const struct line *l,
    size_t n, struct eph_err *err)
{
	struct eph_trace_writer *w;
	int error;

	if ((error = eph_trace_writer_open(path, form, &w, err)) != 0)
		return (error);
	for (size_t i = 0; i < n; i++) {
		error = eph_trace_write(w, l[i].kind, l[i].flags, l[i].cpu,
		    l[i].page, l[i].handle, l[i].ns, err);
		if (error != 0) {
			eph_trace_writer_abort(w);
			return (error);
		}
	}
	return (eph_trace_writer_commit(w, err));
}

static bool
same_line(const struct eph_trace *t, const struct eph_op *op, size_t i,
    const struct line *l)
{
	if (op->kind != l->kind || op->cpu != l->cpu || op->flags != l->flags)
		return (false);
	if ((op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF) &&
	    eph_trace_page_name(t, op->page) != l->page)
		return (false);
	if (op->kind <= EPH_OP_UNMAP &&
	    eph_trace_handle_name(t, i) != l->handle)
		return (false);
	return (op->kind != EPH_OP_DELAY || eph_op_delay_ns(op) == l->ns);
}

/* The number of lines that came back equal, and the same twice. */
static size_t
read_back(const char *path, const struct line *l, size_t n)
{
	const struct eph_op *ops;
	struct eph_trace *t;
	struct eph_err err;
	size_t same = 0, got;

	if (eph_trace_open(path, &t, &err) != 0)
		return (0);
	for (int pass = 0; pass < 2; pass++) {
		size_t at = 0;

		while (eph_trace_next(t, &ops, &got, &err) == 0 && got > 0) {
			for (size_t i = 0; i < got && at < n; i++, at++)
				same += same_line(t, &ops[i], i, &l[at]);
		}
		if (at != n || eph_trace_rewind(t, &err) != 0)
			same = 0;
	}
	eph_trace_close(t);
	return (same / 2);
}

static void
random_traces_come_back_in_both_forms(void)
{
	enum { LINES = 40000 };
	struct line *l = malloc(LINES * sizeof(*l));
	struct eph_err err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (uint64_t seed = 0; seed < 4; seed++) {
		const char *path = temp_path(&tmp, "r");

		random_lines(l, LINES, seed, seed != 3);
		CU_ASSERT_EQUAL(
		    write_lines(path, EPH_TRACE_BINARY, l, LINES, &err), 0);
		CU_ASSERT_EQUAL(read_back(path, l, LINES), LINES);
		CU_ASSERT_EQUAL(
		    write_lines(path, EPH_TRACE_TEXT, l, LINES, &err), 0);
		CU_ASSERT_EQUAL(read_back(path, l, LINES), LINES);
	}
	free(l);
}

/* A column is as wide as its largest number: names and times of each width. */
static void
columns_of_every_width_come_back(void)
{
	const char *path = temp_path(&tmp, "width");
	struct line l[6];
	struct eph_err err;

	for (unsigned width = 1; width <= 7; width++) {
		const uint64_t most = UINT64_MAX >> (64 - 8 * width);

		memset(l, 0, sizeof(l));
		for (unsigned i = 0; i < 6; i++)
			l[i].kind = i % 2 == 0 ? EPH_OP_REF : EPH_OP_DELAY;
		/* Names are stored as differences with a sign. */
		l[2].page = most / 2;
		l[4].page = 3;
		l[1].ns = most / 4;
		l[3].ns = 1;
		l[5].ns = most / 2;
		CU_ASSERT_EQUAL_FATAL(
		    write_lines(path, EPH_TRACE_BINARY, l, 6, &err), 0);
		CU_ASSERT_EQUAL(read_back(path, l, 6), 6);
	}
}

/* Pages have three bytes from the 65,537th on. */
static void
many_pages_come_back(void)
{
	enum { PAGES = 70000, LINES = 2 * PAGES };
	const char *path = temp_path(&tmp, "many");
	struct line *l = calloc(LINES, sizeof(*l));
	struct eph_err err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	for (uint64_t i = 0; i < LINES; i++) {
		l[i].kind = EPH_OP_REF;
		l[i].page = i < PAGES ? i * 3 : (LINES - 1 - i) * 3;
	}
	CU_ASSERT_EQUAL_FATAL(
	    write_lines(path, EPH_TRACE_BINARY, l, LINES, &err), 0);
	CU_ASSERT_EQUAL(read_back(path, l, LINES), LINES);
	free(l);
}

/* Its blocks name no page, so that the reader has no table of names yet. */
static void
a_trace_without_a_page_comes_back(void)
{
	const char *path = temp_path(&tmp, "d");
	struct line l[3] = { { .kind = EPH_OP_DELAY, .ns = 5 },
		{ .kind = EPH_OP_DELAY, .ns = 6 },
		{ .kind = EPH_OP_DELAY, .ns = 7 } };
	struct eph_err err;

	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_BINARY, l, 3, &err), 0);
	CU_ASSERT_EQUAL(read_back(path, l, 3), 3);
}

static void
meta_data_is_the_same_in_both_forms(void)
{
	enum { LINES = 5000 };
	static struct line l[LINES];
	struct eph_trace_meta text, binary, origin = { 0 };
	const char *path = temp_path(&tmp, "m");
	struct eph_trace_writer *w;
	struct eph_trace *t;
	struct eph_err err;

	random_lines(l, LINES, 9, true);
	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_TEXT, l, LINES, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_open(path, &t, &err), 0);
	text = *eph_trace_meta(t);
	eph_trace_close(t);
	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_BINARY, l, LINES, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_open(path, &t, &err), 0);
	binary = *eph_trace_meta(t);
	CU_ASSERT_FALSE(eph_trace_is_text(t));
	eph_trace_close(t);
	CU_ASSERT_EQUAL(text.ops, LINES);
	CU_ASSERT_TRUE(text.held_mean > 0);
	CU_ASSERT_EQUAL(
	    memcmp(text.ops_of, binary.ops_of, sizeof(text.ops_of)), 0);
	CU_ASSERT_EQUAL(text.held_mean, binary.held_mean);
	CU_ASSERT_EQUAL(text.held_max, binary.held_max);
	CU_ASSERT_EQUAL(text.held_at_end, binary.held_at_end);
	CU_ASSERT_EQUAL(text.references, binary.references);
	CU_ASSERT_EQUAL(text.unique_pages, binary.unique_pages);
	CU_ASSERT_EQUAL(text.duration_ns, binary.duration_ns);
	CU_ASSERT_EQUAL(text.slots, binary.slots);
	CU_ASSERT_EQUAL(text.cpus, binary.cpus);
	/* Where it came from is kept, too. */
	origin.imported = 1;
	origin.calls = 5;
	origin.partial = 2;
	origin.failed = 1;
	(void)strcpy(origin.source, "strace");
	CU_ASSERT_EQUAL_FATAL(
	    eph_trace_writer_open(path, EPH_TRACE_BINARY, &w, &err), 0);
	eph_trace_writer_origin(w, &origin);
	CU_ASSERT_EQUAL(eph_trace_writer_commit(w, &err), 0);
	CU_ASSERT_EQUAL_FATAL(eph_trace_open(path, &t, &err), 0);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->calls, 5);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->partial, 2);
	CU_ASSERT_EQUAL(eph_trace_meta(t)->failed, 1);
	CU_ASSERT_STRING_EQUAL(eph_trace_meta(t)->source, "strace");
	eph_trace_close(t);
}

/* 0 when the file reads to its end without an error. */
static int
read_all(const char *path, struct eph_err *err)
{
	const struct eph_op *ops;
	struct eph_trace *t;
	size_t n = 0;
	int error;

	err->text[0] = '\0';
	if ((error = eph_trace_open(path, &t, err)) != 0)
		return (error);
	while ((error = eph_trace_next(t, &ops, &n, err)) == 0 && n > 0) {
		for (size_t i = 0; i < n; i++) {
			const struct eph_trace_meta *m = eph_trace_meta(t);
			bool bad = ops[i].cpu >= m->cpus;

			if (ops[i].kind <= EPH_OP_UNMAP)
				bad |= ops[i].slot >= m->slots;
			if (ops[i].kind == EPH_OP_MAP ||
			    ops[i].kind == EPH_OP_REF)
				bad |= ops[i].page >= m->unique_pages;
			if (bad)
				CU_FAIL("an operation beyond the meta data");
		}
	}
	eph_trace_close(t);
	return (error);
}

/* A small file with several blocks would be large; one block will do. */
static char *
small_file(size_t *np)
{
	static struct line l[120];
	const char *path = temp_path(&tmp, "small");
	struct eph_err err;

	random_lines(l, 120, 5, true);
	CU_ASSERT_EQUAL_FATAL(
	    write_lines(path, EPH_TRACE_BINARY, l, 120, &err), 0);
	return (temp_read(path, np));
}

static void
every_flipped_byte_is_detected(void)
{
	const char *path;
	struct eph_err err;
	char *bytes;
	size_t n = 0;

	bytes = small_file(&n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	path = temp_path(&tmp, "flip");
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= (char)(1 << i % 8);
		CU_ASSERT_EQUAL(temp_write(path, bytes, n), 0);
		if (read_all(path, &err) != EINVAL ||
		    strstr(err.text, "/flip:") == NULL) {
			(void)fprintf(
			    stderr, "byte %zu: \"%s\"\n", i, err.text);
			CU_FAIL("a flipped byte");
		}
		bytes[i] ^= (char)(1 << i % 8);
	}
	CU_ASSERT_EQUAL(temp_write(path, bytes, n), 0);
	CU_ASSERT_EQUAL(read_all(path, &err), 0);
	free(bytes);
}

static void
every_truncation_is_detected(void)
{
	const char *path;
	struct eph_err err;
	char *bytes;
	size_t n = 0;

	bytes = small_file(&n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	path = temp_path(&tmp, "cut");
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(temp_write(path, bytes, i), 0);
		if (read_all(path, &err) != EINVAL ||
		    strstr(err.text, "/cut:") == NULL) {
			(void)fprintf(
			    stderr, "length %zu: \"%s\"\n", i, err.text);
			CU_FAIL("a truncation");
		}
	}
	bytes = realloc(bytes, n + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	bytes[n] = 0;
	CU_ASSERT_EQUAL(temp_write(path, bytes, n + 1), 0);
	CU_ASSERT_EQUAL(read_all(path, &err), EINVAL);
	free(bytes);
}

static void
a_cut_between_blocks_is_detected(void)
{
	enum { LINES = 40000 };
	struct line *l = malloc(LINES * sizeof(*l));
	const char *path = temp_path(&tmp, "blocks");
	struct eph_err err;
	uint64_t packed;
	char *bytes;
	size_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	random_lines(l, LINES, 6, false);
	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_BINARY, l, LINES, &err), 0);
	free(l);
	bytes = temp_read(path, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	packed = get_le(bytes + 188, 4); /* of the first block's frame */
	CU_ASSERT_TRUE_FATAL(200 + packed < n);
	CU_ASSERT_EQUAL(temp_write(path, bytes, 200 + packed), 0);
	CU_ASSERT_EQUAL(read_all(path, &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ends here"));
	free(bytes);
}

/* Make the checksums right again: an enemy can. */
static void
repair_checksums(char *bytes, size_t n)
{
	uLong crc;

	put_le(bytes + 176, crc32(0, (Bytef *)bytes, 176), 4);
	crc = crc32(0, (Bytef *)bytes + 180, 16);
	crc = crc32(crc, (Bytef *)bytes + 200, (uInt)(n - 200));
	put_le(bytes + 196, crc, 4);
}

/*
 * Changes behind right checksums: the reader may find the trace valid, but
 * must not deliver an operation beyond the meta data, nor crash.
 */
static void
hostile_files_with_right_checksums_do_no_harm(void)
{
	const char *path;
	struct eph_err err;
	struct prng r;
	char *bytes, *copy;
	size_t n = 0;
	int refused = 0;

	bytes = small_file(&n);
	copy = malloc(n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	path = temp_path(&tmp, "enemy");
	eph__prng_init(&r, 11, 0);
	for (int i = 0; i < 700; i++) {
		memcpy(copy, bytes, n);
		for (uint32_t k = 0; k <= prng_below(&r, 3); k++)
			copy[8 + prng_below(&r, (uint32_t)n - 8)] =
			    (char)prng_next(&r);
		repair_checksums(copy, n);
		CU_ASSERT_EQUAL(temp_write(path, copy, n), 0);
		refused += read_all(path, &err) != 0;
	}
	CU_ASSERT_TRUE(refused > 400);
	free(copy);
	free(bytes);
}

static void
the_writer_refuses_what_no_reader_would_take(void)
{
	struct line twice[] = { { EPH_OP_MAP, 0, 0, 1, 7, 0 },
		{ EPH_OP_MAP, 0, 0, 2, 7, 0 } };
	struct line unmapped[] = { { EPH_OP_UNMAP, 0, 0, 0, 7, 0 } };
	struct line cpu[] = { { EPH_OP_REF, 0, 1024, 0, 0, 0 } };
	struct line late[] = { { EPH_OP_DELAY, 0, 0, 0, 0, INT64_MAX },
		{ EPH_OP_DELAY, 0, 0, 0, 0, 1 } };
	struct temp_dir own;
	struct eph_err err;
	const char *path;

	CU_ASSERT_EQUAL_FATAL(temp_dir_make(&own), 0);
	path = temp_path(&own, "w");
	for (int form = EPH_TRACE_BINARY; form <= EPH_TRACE_ORACLE; form++) {
		const enum eph_trace_form f = (enum eph_trace_form)form;

		CU_ASSERT_EQUAL(write_lines(path, f, twice, 2, &err), EINVAL);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(err.text, "operation 2: handle 7 is mapped"));
		CU_ASSERT_EQUAL(
		    write_lines(path, f, unmapped, 1, &err), EINVAL);
		CU_ASSERT_EQUAL(write_lines(path, f, cpu, 1, &err), EINVAL);
		CU_ASSERT_EQUAL(write_lines(path, f, late, 2, &err), EINVAL);
	}
	/* And nothing is left behind. */
	CU_ASSERT_EQUAL(temp_dir_remove(&own), 0);
}

static void
a_file_appears_whole_or_not_at_all(void)
{
	struct line ref[] = { { EPH_OP_REF, 0, 0, 1, 0, 0 } };
	struct temp_dir own;
	struct eph_trace_writer *w;
	struct eph_err err;
	const char *path;
	size_t n = 0;
	char *old;

	CU_ASSERT_EQUAL_FATAL(temp_dir_make(&own), 0);
	path = temp_path(&own, "w");
	CU_ASSERT_EQUAL(temp_write(path, "old", 3), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_trace_writer_open(path, EPH_TRACE_TEXT, &w, &err), 0);
	CU_ASSERT_EQUAL(eph_trace_write(w, EPH_OP_REF, 0, 0, 1, 0, 0, &err), 0);
	eph_trace_writer_abort(w);
	old = temp_read(path, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(old);
	CU_ASSERT_STRING_EQUAL(old, "old");
	free(old);
	CU_ASSERT_EQUAL(temp_count(&own), 1);
	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_TEXT, ref, 1, &err), 0);
	CU_ASSERT_EQUAL(temp_count(&own), 1);
	old = temp_read(path, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(old);
	CU_ASSERT_STRING_EQUAL(old, "ephmap-trace 1\np 0 1\n");
	free(old);
	(void)temp_dir_remove(&own);
}

static void
a_place_that_is_no_file_is_refused(void)
{
	struct eph_trace_writer *w;
	struct eph_err err;

	CU_ASSERT_EQUAL(
	    eph_trace_writer_open(tmp.dir, EPH_TRACE_TEXT, &w, &err), EISDIR);
	CU_ASSERT_EQUAL(
	    eph_trace_writer_open("/dev/null", EPH_TRACE_TEXT, &w, &err),
	    EINVAL);
	CU_ASSERT_EQUAL(eph_trace_writer_open(temp_path(&tmp, "no/such/dir"),
			    EPH_TRACE_BINARY, &w, &err),
	    ENOENT);
	CU_ASSERT_EQUAL(
	    eph_trace_writer_open("-", EPH_TRACE_ORACLE, &w, &err), EINVAL);
}

/* In a child: its file size limit stands for a full disk. */
static int
write_with_little_room(enum eph_trace_form form, const char *path)
{
	struct rlimit room = { 4096, 4096 };
	struct line *l = malloc(40000 * sizeof(*l));
	struct eph_err err = { "" };
	int error;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (l == NULL || setrlimit(RLIMIT_FSIZE, &room) != 0)
		return (3);
	random_lines(l, 40000, 4, false);
	error = write_lines(path, form, l, 40000, &err);
	free(l);
	return (
	    error == EFBIG && strstr(err.text, "cannot write") != NULL ? 0 : 1);
}

static void
a_full_disk_is_reported_and_leaves_nothing(void)
{
	struct temp_dir own;
	int status;

	CU_ASSERT_EQUAL_FATAL(temp_dir_make(&own), 0);
	for (int form = EPH_TRACE_BINARY; form <= EPH_TRACE_ORACLE; form++) {
		pid_t pid;

		(void)fflush(NULL);
		if ((pid = fork()) == 0)
			_exit(write_with_little_room(
			    (enum eph_trace_form)form, temp_path(&own, "w")));
		CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CU_ASSERT_EQUAL(temp_dir_remove(&own), 0);
}

static void
oracle_records_know_the_next_use(void)
{
	struct line l[] = { { EPH_OP_REF, 0, 0, 10, 0, 0 },
		{ EPH_OP_MAP, 0, 0, 20, 1, 0 },
		{ EPH_OP_DELAY, 0, 0, 0, 0, 2500000000 },
		{ EPH_OP_UNMAP, 0, 0, 0, 1, 0 },
		{ EPH_OP_REF, 0, 1, 10, 0, 0 } };
	static const unsigned char expect[3][24] = {
		{ 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 3 },
		{ 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 255, 255,
		    255, 255, 255, 255, 255, 255 },
		{ 2, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 255, 255,
		    255, 255, 255, 255, 255, 255 },
	};
	const char *path = temp_path(&tmp, "oracle");
	struct eph_err err;
	char *bytes;
	size_t n = 0;

	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_ORACLE, l, 5, &err), 0);
	bytes = temp_read(path, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_EQUAL(n, sizeof(expect));
	CU_ASSERT_EQUAL(memcmp(bytes, expect, sizeof(expect)), 0);
	free(bytes);
}

static void
oracle_next_use_is_right_over_many_blocks(void)
{
	enum { LINES = 20000, PAGES = 300 };
	static struct line l[LINES];
	static uint64_t next[PAGES];
	const char *path = temp_path(&tmp, "oracle");
	struct eph_err err;
	struct prng r;
	size_t n = 0, wrong = 0;
	char *bytes;

	eph__prng_init(&r, 3, 0);
	for (size_t i = 0; i < LINES; i++) {
		memset(&l[i], 0, sizeof(l[i]));
		l[i].kind = EPH_OP_REF;
		l[i].page = prng_below(&r, PAGES);
	}
	CU_ASSERT_EQUAL(write_lines(path, EPH_TRACE_ORACLE, l, LINES, &err), 0);
	bytes = temp_read(path, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_EQUAL_FATAL(n, (size_t)24 * LINES);
	memset(next, 0xff, sizeof(next));
	for (size_t i = LINES; i-- > 0;) {
		const uint64_t got = get_le(bytes + 24 * i + 16, 8);

		wrong += got != next[l[i].page];
		next[l[i].page] = i + 1;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	free(bytes);
}

static CU_TestInfo tests[] = {
	TEST(random_traces_come_back_in_both_forms),
	TEST(columns_of_every_width_come_back),
	TEST(many_pages_come_back),
	TEST(a_trace_without_a_page_comes_back),
	TEST(meta_data_is_the_same_in_both_forms),
	TEST(every_flipped_byte_is_detected),
	TEST(every_truncation_is_detected),
	TEST(a_cut_between_blocks_is_detected),
	TEST(hostile_files_with_right_checksums_do_no_harm),
	TEST(the_writer_refuses_what_no_reader_would_take),
	TEST(a_file_appears_whole_or_not_at_all),
	TEST(a_place_that_is_no_file_is_refused),
	TEST(a_full_disk_is_reported_and_leaves_nothing),
	TEST(oracle_records_know_the_next_use),
	TEST(oracle_next_use_is_right_over_many_blocks),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "trace_binary", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

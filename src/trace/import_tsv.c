/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Captures of a preloaded shim, as tab-separated numbers.
 *
 *	sendfile-tsv	t_ns cpu pid op file offset returned asked call_ns client
 *	hold-tsv	t_ns cpu file page hold_ns
 *
 * A sendfile that returned nothing maps nothing.  In hold-tsv each line is
 * one page that was mapped from t_ns to t_ns + hold_ns: it becomes an m line
 * and a u line, with d lines between, and its handle is the number of its
 * line.  What ends at the moment something starts ends first.
 */

#include "trace/importer.h"

#include <errno.h>
#include <string.h>

#define TSV_NS_MAX ((uint64_t)INT64_MAX / 2)

/* The next line cut at tabs; false in *morep at the end. */
static int
tsv_next(struct eph_import *im, char **f, size_t want, const char *shape,
    bool *morep)
{
	char *line;
	size_t len, n;
	int error;

	error = eph_import_line(im, &line, &len);
	*morep = error == 0 && line != NULL;
	if (!*morep)
		return (error);
	if (strlen(line) != len)
		return (eph_import_refuse(im, "NUL byte; expected text"));
	n = eph_import_fields(line, '\t', f, want + 1);
	if (n == want)
		return (0);
	return (eph_import_refuse(im, "expected %zu columns (%s), got %zu%s",
	    want, shape, n, n > want ? " or more" : ""));
}

/* -- sendfile-tsv ------------------------------------------------------- */

#define SENDFILE_COLUMNS 10

enum { SF_TIME, SF_CPU, SF_PID, SF_OP, SF_FILE, SF_OFFSET, SF_GOT, SF_ASKED };

static int
sendfile_line(struct eph_import *im, char **f)
{
	uint64_t t, column, pid, file, offset, got, asked;
	unsigned cpu;
	int error;

	if (f[SF_GOT][0] == '-') { /* an errno value, negative */
		if (strcmp(f[SF_GOT], "-11") == 0)
			im->res->again++;
		else {
			im->res->calls++;
			im->res->failed++;
		}
		return (0);
	}
	if ((error = eph_import_number(
		 im, f[SF_TIME], "t_ns", TSV_NS_MAX, &t)) != 0 ||
	    (error = eph_import_number(
		 im, f[SF_CPU], "a CPU", EPH_CPUS_MAX - 1, &column)) != 0 ||
	    (error = eph_import_number(
		 im, f[SF_PID], "a pid", UINT32_MAX, &pid)) != 0 ||
	    (error = eph_import_number(im, f[SF_FILE], "a file id",
		 EPH_IMPORT_FILES_MAX - 1, &file)) != 0 ||
	    (error = eph_import_number(
		 im, f[SF_OFFSET], "an offset", INT64_MAX, &offset)) != 0 ||
	    (error = eph_import_number(
		 im, f[SF_GOT], "bytes returned", INT64_MAX, &got)) != 0 ||
	    (error = eph_import_number(
		 im, f[SF_ASKED], "bytes asked", UINT64_MAX, &asked)) != 0)
		return (error);
	eph_import_count(im, got, asked);
	if (got == 0)
		return (0);
	if ((error = eph_import_cpu_of(im, pid, column, &cpu)) != 0 ||
	    (error = eph_import_clock(im, t)) != 0)
		return (error);
	return (eph_import_file_range(im, cpu, file, offset, got));
}

static int
sendfile_run(struct eph_import *im)
{
	char *f[SENDFILE_COLUMNS + 1];
	bool more;
	int error;

	while ((error = tsv_next(im, f, SENDFILE_COLUMNS,
		    "t_ns cpu pid op file offset returned asked call_ns "
		    "client",
		    &more)) == 0 &&
	    more) {
		if (strcmp(f[SF_OP], "sendfile") != 0)
			return (eph_import_refuse(im,
			    "expected sendfile in column 4, got \"%.40s\"",
			    f[SF_OP]));
		if ((error = sendfile_line(im, f)) != 0)
			break;
	}
	return (error);
}

static bool
sendfile_guess_line(char *line, size_t i)
{
	char *f[SENDFILE_COLUMNS + 1];

	(void)i;
	return (eph_import_fields(line, '\t', f, SENDFILE_COLUMNS + 1) ==
		SENDFILE_COLUMNS &&
	    strcmp(f[SF_OP], "sendfile") == 0);
}

static bool
sendfile_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, sendfile_guess_line));
}

const struct eph_import_format eph__import_sendfile_tsv = {
	.abi = EPHMAP_ABI,
	.name = "sendfile-tsv",
	.desc =
	    "sendfile calls: t_ns cpu pid op file offset returned asked ...",
	.unit = "sendfile calls",
	.options = EPH_IMPORT_PID | EPH_IMPORT_COLUMN,
	.guess = sendfile_guess,
	.run = sendfile_run,
};

/* -- hold-tsv ----------------------------------------------------------- */

#define HOLD_COLUMNS 5

struct hold {
	uint64_t end_ns;
	uint64_t handle;
	unsigned cpu;
};

/* A binary heap: the hold that ends first, then the one begun first. */
struct holds {
	struct hold *heap;
	size_t n;
	size_t cap;
};

static bool
hold_before(const struct hold *a, const struct hold *b)
{
	return (a->end_ns != b->end_ns ? a->end_ns < b->end_ns
				       : a->handle < b->handle);
}

static int
holds_push(struct holds *h, struct hold hold)
{
	size_t i;

	if (h->n == h->cap) {
		const size_t cap = h->cap == 0 ? 1024 : 2 * h->cap;
		struct hold *heap = realloc(h->heap, cap * sizeof(heap[0]));

		if (heap == NULL)
			return (ENOMEM);
		h->heap = heap;
		h->cap = cap;
	}
	for (i = h->n++; i > 0; i = (i - 1) / 2) {
		if (hold_before(&h->heap[(i - 1) / 2], &hold))
			break;
		h->heap[i] = h->heap[(i - 1) / 2];
	}
	h->heap[i] = hold;
	return (0);
}

static struct hold
holds_pop(struct holds *h)
{
	const struct hold first = h->heap[0], last = h->heap[--h->n];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n &&
		    hold_before(&h->heap[child + 1], &h->heap[child]))
			child++;
		if (hold_before(&last, &h->heap[child]))
			break;
		h->heap[i] = h->heap[child];
	}
	h->heap[i] = last;
	return (first);
}

/* Unmap what ends up to `until`. */
static int
holds_end(struct eph_import *im, struct holds *h, uint64_t until)
{
	int error = 0;

	while (error == 0 && h->n > 0 && h->heap[0].end_ns <= until) {
		const struct hold hold = holds_pop(h);

		if ((error = eph_import_at(im, hold.end_ns)) == 0)
			error = eph_trace_write(im->w, EPH_OP_UNMAP, 0,
			    hold.cpu, 0, hold.handle, 0, im->err);
	}
	return (error);
}

static int
hold_line(struct eph_import *im, struct holds *h, char **f)
{
	uint64_t t, logged, column, file, page, hold_ns;
	struct hold hold;
	int error;

	if ((error = eph_import_number(im, f[0], "t_ns", TSV_NS_MAX, &t)) !=
		0 ||
	    (error = eph_import_number(
		 im, f[1], "a CPU", EPH_CPUS_MAX - 1, &column)) != 0 ||
	    (error = eph_import_number(im, f[2], "a file id",
		 EPH_IMPORT_FILES_MAX - 1, &file)) != 0 ||
	    (error = eph_import_number(
		 im, f[3], "a page", EPH_IMPORT_FILE_PAGES - 1, &page)) != 0 ||
	    (error = eph_import_number(
		 im, f[4], "hold_ns", TSV_NS_MAX, &hold_ns)) != 0 ||
	    (error = eph_import_cpu_of(im, 0, column, &hold.cpu)) != 0)
		return (error);
	logged = t;
	if (im->started && t < im->now_ns)
		t = im->now_ns; /* out of order: as early as still possible */
	if ((error = holds_end(im, h, t)) != 0 ||
	    (error = eph_import_clock(im, logged)) != 0)
		return (error);
	page += file * EPH_IMPORT_FILE_PAGES;
	if (im->o->no_holds)
		return (eph_import_ref(im, hold.cpu, page));
	hold.handle = eph_import_lineno(im);
	hold.end_ns = t + hold_ns;
	if (holds_push(h, hold) != 0)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	return (eph_trace_write(
	    im->w, EPH_OP_MAP, 0, hold.cpu, page, hold.handle, 0, im->err));
}

static int
hold_run(struct eph_import *im)
{
	struct holds h = { NULL, 0, 0 };
	char *f[HOLD_COLUMNS + 1];
	bool more;
	int error;

	while ((error = tsv_next(im, f, HOLD_COLUMNS,
		    "t_ns cpu file page hold_ns", &more)) == 0 &&
	    more) {
		if ((error = hold_line(im, &h, f)) != 0)
			break;
	}
	if (error == 0)
		error = holds_end(im, &h, UINT64_MAX);
	free(h.heap);
	return (error);
}

static bool
hold_guess_line(char *line, size_t i)
{
	char *f[HOLD_COLUMNS + 1];
	uint64_t v;

	(void)i;
	if (eph_import_fields(line, '\t', f, HOLD_COLUMNS + 1) != HOLD_COLUMNS)
		return (false);
	for (int k = 0; k < HOLD_COLUMNS; k++) {
		if (!eph_import_digits(f[k], UINT64_MAX, &v))
			return (false);
	}
	return (true);
}

static bool
hold_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, hold_guess_line));
}

const struct eph_import_format eph__import_hold_tsv = {
	.abi = EPHMAP_ABI,
	.name = "hold-tsv",
	.desc =
	    "pages with the time they were held: t_ns cpu file page hold_ns",
	.options = EPH_IMPORT_COLUMN | EPH_IMPORT_HOLDS,
	.guess = hold_guess,
	.run = hold_run,
};

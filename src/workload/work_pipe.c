/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe: a writer and a reader for each pipe, on chosen CPUs, as `dd | cat'.
 *
 * The writer uses one buffer again and again, as dd does, or `buffers' of
 * them in turn, which defeats caches of mappings.  Byte number n of a
 * pipe's stream is known to both ends.
 */

#include <errno.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/pipe.h"
#include "workload/work.h"

enum {
	P_MODE,
	P_BS,
	P_RBS,
	P_BYTES,
	P_BUFFERS,
	P_PIPES,
	P_WRITER,
	P_READER,
	P_SIZE,
	P_MINDIRECT,
	P_QUIT
};

static const char *const modes[] = { "copy", "kmem", "sfbuf1", "sfbuf2",
	"sfbuf3", NULL };

static const struct eph_work_param pipe_params[] = {
	{ "mode", "sfbuf1",
	    "who maps: none, the writer, the reader page by page, the reader "
	    "at once, forced",
	    0, 0, modes },
	{ "bs", "65536", "bytes a write", 1, 1u << 22, NULL },
	{ "rbs", "65536", "bytes a read", 1, 1u << 22, NULL },
	{ "bytes", "16M", "through each pipe", 0, 1u << 30, NULL },
	{ "buffers", "1", "buffers that the writer uses in turn", 1, 4096,
	    NULL },
	{ "pipes", "1", "pipes, each with a writer and a reader", 1, 512,
	    NULL },
	{ "writer", "0", "CPU of the first writer; others follow, two apart", 0,
	    EPH_CPUS_MAX - 1, NULL },
	{ "reader", "1", "CPU of the first reader; others follow, two apart", 0,
	    EPH_CPUS_MAX - 1, NULL },
	{ "size", "65536", "the ring, and most of one direct write", 4096,
	    1u << 17, NULL },
	{ "mindirect", "8192", "writes from here on are direct", 1, 1u << 22,
	    NULL },
	{ "quit", "0", "the reader goes away after so many bytes; 0: never", 0,
	    1u << 30, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct one_pipe {
	struct eph_pipe *pp;
	struct uspace *writer;
	struct uspace *reader;
};

static uint32_t
pipe_pages(const struct eph_work *w, unsigned *needs)
{
	const uint64_t *v = w->value;

	*needs = 0;
	/* A stamp stands for a page that is moved whole. */
	if (v[P_MODE] == PIPE_COPY || v[P_BS] < v[P_MINDIRECT] ||
	    v[P_BS] % EPH_PAGE_SIZE != 0 || v[P_RBS] % EPH_PAGE_SIZE != 0 ||
	    v[P_SIZE] % EPH_PAGE_SIZE != 0 || v[P_BYTES] % v[P_BS] != 0)
		*needs |= EPH_WORK_FULL;
	return ((uint32_t)(v[P_PIPES] *
	    (work_pages(v[P_BS]) * v[P_BUFFERS] + work_pages(v[P_RBS]))));
}

/* The process makes its next `n` bytes, in its own memory. */
static void
writer_fills(struct eph_work *w, struct uspace *us, eph_uva_t uva, unsigned id,
    uint64_t pos, size_t n)
{
	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE)
		eph_page_stream(w->mc, uspace_page(us, uva + k), 0,
		    w->seed + id, pos + k,
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE);
}

static void
pipe_writer(struct eph_work *w, unsigned id)
{
	struct one_pipe *op = (struct one_pipe *)w->state + id;
	const uint64_t *v = w->value;
	const uint64_t room = eph_ptoa(work_pages(v[P_BS]));
	uint64_t pos = 0, turn = 0;
	int error = 0;

	while (pos < v[P_BYTES] && error != EPIPE) {
		const eph_uva_t uva =
		    EPH_UVA_BASE + turn++ % v[P_BUFFERS] * room;
		const uint64_t left = v[P_BYTES] - pos;
		size_t n = left < v[P_BS] ? left : v[P_BS], done;

		writer_fills(w, op->writer, uva, id, pos, n);
		error = pipe_write(op->pp, op->writer, uva, n, &done);
		pos += done;
		eph_work_operation(w, error);
		/* ENOMEM and EFAULT of a fault on purpose: once. */
	}
	pipe_close_write(op->pp);
}

/* Both ends of what a read brought. */
static void
reader_checks(struct eph_work *w, struct uspace *us, unsigned id, uint64_t pos,
    size_t n, struct eph_digest *sent, struct eph_digest *arrived)
{
	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;

		eph_digest_stream(sent, w->mc, w->seed + id, pos + k, 0, here);
		eph_digest_page(
		    arrived, w->mc, uspace_page(us, EPH_UVA_BASE + k), 0, here);
	}
}

static void
pipe_reader(struct eph_work *w, unsigned id)
{
	struct one_pipe *op = (struct one_pipe *)w->state + id;
	const uint64_t quit = w->value[P_QUIT];
	struct eph_digest sent = { 0 }, arrived = { 0 };
	uint64_t pos = 0;
	size_t done = 1;
	int error = 0;

	while ((error != 0 || done > 0) && (quit == 0 || pos < quit)) {
		error = pipe_read(
		    op->pp, op->reader, EPH_UVA_BASE, w->value[P_RBS], &done);
		if (error != 0)
			eph_work_operation(w, error);
		reader_checks(w, op->reader, id, pos, done, &sent, &arrived);
		pos += done;
	}
	if (quit == 0 && pos != w->value[P_BYTES])
		arrived.bytes = 0;
	pipe_close_read(op->pp);
	eph_work_compare(w, &sent, &arrived);
}

static void
pipe_finish(struct eph_work *w)
{
	struct one_pipe *op = w->state;
	const size_t bytes = w->value[P_PIPES] * sizeof(*op);

	for (uint64_t i = 0; op != NULL && i < w->value[P_PIPES]; i++) {
		pipe_destroy(op[i].pp);
		uspace_destroy(op[i].writer);
		uspace_destroy(op[i].reader);
	}
	eph_machine_free(w->mc, op, bytes);
}

static int
pipe_make(struct eph_work *w, struct one_pipe *op)
{
	const uint64_t *v = w->value;
	const uint32_t wpages = work_pages(v[P_BS]) * (uint32_t)v[P_BUFFERS];
	const uint32_t rpages = work_pages(v[P_RBS]);
	const unsigned rw = UPROT_READ | UPROT_WRITE;
	int error;

	if ((error = pipe_create(&w->map, (enum pipe_mode)v[P_MODE], v[P_SIZE],
		 v[P_MINDIRECT], &op->pp)) != 0 ||
	    (error = uspace_create(w->pool, wpages, &op->writer)) != 0 ||
	    (error = uspace_create(w->pool, rpages, &op->reader)) != 0)
		return (error);
	if ((error = uspace_map(
		 op->writer, EPH_UVA_BASE, eph_ptoa(wpages), rw)) != 0)
		return (error);
	return (uspace_map(op->reader, EPH_UVA_BASE, eph_ptoa(rpages), rw));
}

static int
pipe_start(struct eph_work *w)
{
	const uint64_t *v = w->value;
	struct one_pipe *op = eph_work_alloc(w, v[P_PIPES] * sizeof(*op));
	int error = op == NULL ? ENOMEM : 0;

	w->state = op;
	for (unsigned i = 0; error == 0 && i < v[P_PIPES]; i++)
		error = pipe_make(w, &op[i]);
	for (unsigned i = 0; error == 0 && i < v[P_PIPES]; i++) {
		if ((error = eph_work_thread(w, (unsigned)v[P_READER] + 2 * i,
			 pipe_reader, i)) == 0)
			error = eph_work_thread(
			    w, (unsigned)v[P_WRITER] + 2 * i, pipe_writer, i);
	}
	return (error);
}

const struct eph_workload_ops eph__work_pipe = {
	.abi = EPHMAP_ABI,
	.name = "pipe",
	.summary =
	    "a pipe from one process to another; an operation is a write",
	.origin = "FreeBSD sys_pipe.c 1.171 and DragonFly c617badaa8 to "
		  "08593aa159 (kern.pipe.dwrite_sfbuf)",
	.params = pipe_params,
	.cpus = 2,
	.pages = pipe_pages,
	.start = pipe_start,
	.finish = pipe_finish,
	.tap = &eph_work_private_tap,
};

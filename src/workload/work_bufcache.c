/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bufcache: processes use a file system through a buffer cache.  A block is
 * metadata, which the file system reads through an address, or data, which
 * goes on as pages (to a device, a socket, a process's address space), or
 * is copied by read(2) through a page list.
 */

#include <errno.h>

#include "base/prng.h"
#include "ephmap/bufcache.h"
#include "ephmap/digest.h"
#include "ephmap/xio.h"
#include "workload/work.h"

enum { P_MAP, P_OPS, P_PROCS, P_BUFS, P_BUFPAGES, P_BLOCKS, P_META, P_COPY };

static const char *const maps[] = { "always", "demand", NULL };

static const struct eph_work_param bufcache_params[] = {
	{ "map", "always", "buffers have addresses always, or on demand", 0, 0,
	    maps },
	{ "ops", "500", "blocks that each process uses", 1, 1u << 24, NULL },
	{ "procs", "2", "processes, on CPUs in turn", 1, 512, NULL },
	{ "bufs", "16", "buffers in the cache", 1, 65536, NULL },
	{ "bufpages", "4", "pages a buffer", 1, BUF_PAGES_MAX, NULL },
	{ "blocks", "64", "blocks of the device", 1, 1u << 24, NULL },
	{ "meta", "10", "of a hundred uses, those of metadata", 0, 100, NULL },
	{ "copy", "0", "of a hundred uses of data, those by read(2)", 0, 100,
	    NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct bufcache_work {
	struct bufcache *bc;
	_Atomic(uint64_t) meta;
	_Atomic(uint64_t) copied;
	_Atomic(uint64_t) passed;
};

static uint32_t
bufcache_pages(const struct eph_work *w, unsigned *needs)
{
	/* The cache keeps what it has mapped. */
	*needs = EPH_WORK_FULL;
	if (w->value[P_MAP] == 0 || w->value[P_META] > 0)
		*needs |= EPH_WORK_REMOTE | EPH_WORK_MANY;
	return ((uint32_t)(w->value[P_BUFS] * w->value[P_BUFPAGES]));
}

static int
device_read(
    void *arg, uint64_t blkno, struct vm_page *const *page, unsigned npages)
{
	struct eph_work *w = arg;

	if (machine_fails(w->mc, EPH_FAULT_COPY))
		return (EIO);
	for (unsigned k = 0; k < npages; k++)
		page_stream(w->mc, page[k], 0, w->seed,
		    eph_ptoa(blkno * npages + k), EPH_PAGE_SIZE);
	return (0);
}

/* The file system looks at some of a block's bytes. */
static int
use_meta(struct buf *bp, struct prng *rng, unsigned npages, size_t *offp,
    char *buf, size_t n)
{
	*offp = eph_ptoa(prng_below(rng, npages)) +
	    prng_below(rng, (uint32_t)(EPH_PAGE_SIZE - n + 1));
	return (buf_read(bp, *offp, buf, n));
}

/* read(2): one page at a time through a page list. */
static int
use_copy(struct eph_work *w, struct buf *bp, unsigned npages, size_t off,
    char *buf, size_t n)
{
	struct xio x;
	int error = xio_init_pages(&x, w->mc, bp->b_page, npages, XIOF_READ);

	if (error != 0)
		return (error);
	error = xio_copy_xtok(&x, &w->map, off, buf, n);
	xio_release(&x);
	return (error);
}

static int
use_block(struct eph_work *w, struct buf *bp, struct prng *rng)
{
	struct bufcache_work *bw = w->state;
	const unsigned npages = (unsigned)w->value[P_BUFPAGES];
	struct eph_digest sent = { 0 }, arrived = { 0 };
	char buf[512];
	size_t off = 0, n = sizeof(buf);
	_Atomic(uint64_t) *counter = &bw->passed;
	int error = 0;

	if (prng_below(rng, 100) < w->value[P_META]) {
		error = use_meta(bp, rng, npages, &off, buf, n);
		digest_bytes(&arrived, buf, n);
		counter = &bw->meta;
	} else if (prng_below(rng, 100) < w->value[P_COPY]) {
		error = use_copy(w, bp, npages, off, buf, n);
		digest_bytes(&arrived, buf, n);
		counter = &bw->copied;
	} else {
		/* By reference: whoever gets the page reads the frame. */
		n = EPH_PAGE_SIZE;
		digest_page(&arrived, w->mc, bp->b_page[0], 0, n);
	}
	if (error != 0)
		return (error);
	(void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	arrived.bytes = n;
	digest_stream(
	    &sent, w->mc, w->seed, eph_ptoa(bp->b_blkno * npages) + off, 0, n);
	work_compare(w, &sent, &arrived);
	return (0);
}

static void
bufcache_process(struct eph_work *w, unsigned id)
{
	struct bufcache_work *bw = w->state;
	struct prng rng;

	prng_init(&rng, w->seed, id);
	for (uint64_t i = 0; i < w->value[P_OPS]; i++) {
		const uint64_t blkno =
		    prng_below(&rng, (uint32_t)w->value[P_BLOCKS]);
		struct buf *bp;
		int error = bread(bw->bc, blkno, &bp);

		if (error == 0) {
			error = use_block(w, bp, &rng);
			brelse(bp);
		}
		work_operation(w, error);
	}
}

static void
bufcache_finish(struct eph_work *w)
{
	struct bufcache_work *bw = w->state;
	struct bufcache_stat st;

	if (bw == NULL)
		return;
	if (bw->bc != NULL) {
		st = bufcache_stat(bw->bc);
		work_fact(w, "cache_hits", st.hits);
		work_fact(w, "device_reads", st.reads);
		work_fact(w, "kva_pages_mapped", st.mapped);
		work_fact(w, "kva_pages_peak", st.mapped_peak);
		work_fact(w, "uses_meta", bw->meta);
		work_fact(w, "uses_copied", bw->copied);
		work_fact(w, "uses_passed", bw->passed);
	}
	bufcache_destroy(bw->bc);
	machine_free(w->mc, bw, sizeof(*bw));
}

static int
bufcache_start(struct eph_work *w)
{
	struct bufcache_work *bw = w->state = work_alloc(w, sizeof(*bw));
	int error;

	if (bw == NULL)
		return (ENOMEM);
	error = bufcache_create(&w->map, w->pool, (uint32_t)w->value[P_BUFS],
	    (unsigned)w->value[P_BUFPAGES], w->value[P_MAP] == 0, device_read,
	    w, &bw->bc);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = work_thread(w, i, bufcache_process, i);
	return (error);
}

const struct eph_workload_ops work_bufcache = {
	.name = "bufcache",
	.summary = "a file system's buffers; an operation is a use of a block",
	.origin = "DragonFly d32579c347 and 48db4e2021 (2017): KVABIO",
	.params = bufcache_params,
	.cpus = 2,
	.pages = bufcache_pages,
	.start = bufcache_start,
	.finish = bufcache_finish,
};

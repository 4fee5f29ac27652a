/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bufcache: processes use a file system through a buffer cache.  A block is
 * metadata, which the file system reads through an address, or data, which
 * goes on as pages (to a device, a socket, a process's address space), or
 * is copied by read(2) through a page list.
 *
 * Blocks are any blocks, or those that a load touches on a file system with
 * a layout.  A process uses block after block; no other runs between.
 */

#include <errno.h>

#include "ephmap/kernel/bufcache.h"
#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/xio.h"
#include "workload/work.h"
#include "workload/work_fs.h"

enum {
	P_MAP,
	P_OPS,
	P_PROCS,
	P_BUFS,
	P_BUFPAGES,
	P_BLOCKS,
	P_META,
	P_COPY,
	P_LOAD
};

static const char *const maps[] = { "always", "demand", NULL };
/* From the second on in the order of eph__fs_loads[]. */
static const char *const loads[] = { "any", "large", "database", "build", "web",
	"mail", "find", NULL };

static const struct eph_work_param bufcache_params[] = {
	{ "map", "always", "buffers have addresses always, or on demand", 0, 0,
	    maps },
	{ "ops", "500", "blocks that each process uses", 1, 1u << 24, NULL },
	{ "procs", "2", "processes, on CPUs in turn", 1, 512, NULL },
	{ "bufs", "16", "buffers in the cache", 1, 65536, NULL },
	{ "bufpages", "4", "pages a buffer", 1, BUF_PAGES_MAX, NULL },
	{ "blocks", "64", "load=any: blocks of the device", 1, 1u << 24, NULL },
	{ "meta", "10", "load=any: of a hundred uses, those of metadata", 0,
	    100, NULL },
	{ "copy", "0", "of a hundred uses of data, those by read(2)", 0, 100,
	    NULL },
	{ "load", "any", "any block, or what programs do to a file system", 0,
	    0, loads },
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
	if (w->value[P_MAP] == 0 || w->value[P_LOAD] > 0 ||
	    w->value[P_META] > 0)
		*needs |= EPH_WORK_REMOTE | EPH_WORK_MANY;
	return ((uint32_t)(w->value[P_BUFS] * w->value[P_BUFPAGES]));
}

static int
device_read(
    void *arg, uint64_t blkno, struct vm_page *const *page, unsigned npages)
{
	struct eph_work *w = arg;

	if (eph_machine_fails(w->mc, EPH_FAULT_COPY))
		return (EIO);
	for (unsigned k = 0; k < npages; k++)
		eph_page_stream(w->mc, page[k], 0, w->seed,
		    eph_ptoa(blkno * npages + k), EPH_PAGE_SIZE);
	return (0);
}

static void
compare_bytes(struct eph_work *w, const struct buf *bp, size_t off, size_t n,
    const struct eph_digest *arrived)
{
	struct eph_digest sent = { 0 };

	eph_digest_stream(&sent, w->mc, w->seed,
	    eph_ptoa(bp->b_blkno * w->value[P_BUFPAGES]) + off,
	    off & EPH_PAGE_MASK, n);
	eph_work_compare(w, &sent, arrived);
}

/* The file system looks at some of a block's bytes. */
static int
use_meta(struct eph_work *w, struct buf *bp, struct prng *rng)
{
	const uint32_t page = prng_below(rng, (uint32_t)w->value[P_BUFPAGES]);
	struct eph_digest arrived = { 0 };
	char buf[512];
	uint32_t in =
	    prng_below(rng, (uint32_t)(EPH_PAGE_SIZE - sizeof(buf) + 1));
	int error;

	/* A stamp is where its page starts. */
	if (w->mc->contents_kind != EPH_CONTENTS_FULL)
		in = 0;
	error = buf_read(bp, eph_ptoa(page) + in, buf, sizeof(buf));
	if (error != 0)
		return (error);
	eph_digest_add(&arrived, w->mc, buf, in, sizeof(buf));
	compare_bytes(w, bp, eph_ptoa(page) + in, sizeof(buf), &arrived);
	return (0);
}

/* read(2) of the block: one page at a time through a page list. */
static int
use_copy(struct eph_work *w, struct buf *bp)
{
	const unsigned npages = (unsigned)w->value[P_BUFPAGES];
	struct xio x;
	int error = xio_init_pages(&x, w->mc, bp->b_page, npages, XIOF_READ);

	if (error != 0)
		return (error);
	for (unsigned k = 0; error == 0 && k < npages; k++) {
		struct eph_digest arrived = { 0 };
		char buf[EPH_PAGE_SIZE];

		error =
		    xio_copy_xtok(&x, &w->map, eph_ptoa(k), buf, EPH_PAGE_SIZE);
		if (error != 0)
			break;
		eph_digest_add(&arrived, w->mc, buf, 0, EPH_PAGE_SIZE);
		compare_bytes(w, bp, eph_ptoa(k), EPH_PAGE_SIZE, &arrived);
	}
	xio_release(&x);
	return (error);
}

/* By reference: the receiver of the pages reads the frames. */
static void
use_pages(struct eph_work *w, struct buf *bp)
{
	struct eph_digest arrived = { 0 };

	eph_digest_page(&arrived, w->mc, bp->b_page[0], 0, EPH_PAGE_SIZE);
	compare_bytes(w, bp, 0, EPH_PAGE_SIZE, &arrived);
}

static int
use_block(struct eph_work *w, struct buf *bp, struct prng *rng)
{
	struct bufcache_work *bw = w->state;
	_Atomic(uint64_t) *counter = &bw->passed;
	int error = 0;

	if (bp->b_meta) {
		error = use_meta(w, bp, rng);
		counter = &bw->meta;
	} else if (prng_below(rng, 100) < w->value[P_COPY]) {
		error = use_copy(w, bp);
		counter = &bw->copied;
	} else {
		use_pages(w, bp);
	}
	/* Relaxed: a statistic. */
	if (error == 0)
		(void)atomic_fetch_add_explicit(
		    counter, 1, memory_order_relaxed);
	return (error);
}

/* The next block of a process. */
static struct fs_ref
next_block(struct eph_work *w, struct fs_walk *fw)
{
	struct fs_ref ref;

	if (fw->load != NULL)
		return (eph__fs_walk_next(fw));
	ref.blkno = prng_below(&fw->rng, (uint32_t)w->value[P_BLOCKS]);
	ref.meta = prng_below(&fw->rng, 100) < w->value[P_META];
	return (ref);
}

static void
bufcache_process(struct eph_work *w, unsigned id)
{
	const uint64_t load = w->value[P_LOAD];
	struct bufcache_work *bw = w->state;
	struct fs_walk fw;

	eph__fs_walk_init(&fw, load > 0 ? &eph__fs_loads[load - 1] : NULL,
	    (uint32_t)eph_ptoa(w->value[P_BUFPAGES]), w->seed, id);
	for (uint64_t i = 0; i < w->value[P_OPS]; i++) {
		const struct fs_ref ref = next_block(w, &fw);
		struct buf *bp;
		int error = bread(bw->bc, ref.blkno, ref.meta, &bp);

		if (error == 0) {
			error = use_block(w, bp, &fw.rng);
			brelse(bp);
		}
		eph_work_operation(w, error);
	}
}

static void
bufcache_facts(struct eph_work *w, struct bufcache_work *bw)
{
	const struct bufcache_stat st = bufcache_stat(bw->bc);
	const uint64_t n = st.releases > 0 ? st.releases : 1;

	eph_work_fact(w, "cache_hits", st.hits);
	eph_work_fact(w, "device_reads", st.reads);
	eph_work_fact(w, "kva_data_mapped", st.kva[BUF_DATA].mapped);
	eph_work_fact(w, "kva_data_mean", st.kva[BUF_DATA].sum / n);
	eph_work_fact(w, "kva_meta_mapped", st.kva[BUF_META].mapped);
	eph_work_fact(w, "kva_meta_mean", st.kva[BUF_META].sum / n);
	eph_work_fact(w, "kva_pages_peak", st.mapped_peak);
	eph_work_fact(w, "uses_meta", bw->meta);
	eph_work_fact(w, "uses_copied", bw->copied);
	eph_work_fact(w, "uses_passed", bw->passed);
}

static void
bufcache_finish(struct eph_work *w)
{
	struct bufcache_work *bw = w->state;

	if (bw == NULL)
		return;
	if (bw->bc != NULL)
		bufcache_facts(w, bw);
	bufcache_destroy(bw->bc);
	eph_machine_free(w->mc, bw, sizeof(*bw));
}

static int
bufcache_start(struct eph_work *w)
{
	struct bufcache_work *bw = w->state = eph_work_alloc(w, sizeof(*bw));
	int error;

	if (bw == NULL)
		return (ENOMEM);
	error = bufcache_create(&w->map, w->pool, (uint32_t)w->value[P_BUFS],
	    (unsigned)w->value[P_BUFPAGES], w->value[P_MAP] == 0, device_read,
	    w, &bw->bc);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = eph_work_thread(w, i, bufcache_process, i);
	return (error);
}

const struct eph_workload_ops eph__work_bufcache = {
	.abi = EPHMAP_ABI,
	.name = "bufcache",
	.summary = "a file system's buffers; an operation is a use of a block",
	.origin = "DragonFly d32579c347 and 48db4e2021 (2017): KVABIO",
	.params = bufcache_params,
	.cpus = 2,
	.pages = bufcache_pages,
	.start = bufcache_start,
	.finish = bufcache_finish,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_BUFCACHE_H
#define EPHMAP_KERNEL_BUFCACHE_H

/*
 * A buffer cache: blocks of a device in pages, the least recently used
 * recycled.
 *
 * Mapped always, a buffer gets addresses when it gets its pages and keeps
 * them as long as it keeps the block, as the BSDs do.  Mapped on demand
 * (KVABIO, DragonFly 2017), it gets them when a caller asks for bytes, and
 * each CPU syncs for itself; who passes pages on, to a socket, a device or
 * a process, never asks.
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/kernel/vm_pool.h"

#define BUF_PAGES_MAX 16u

struct bufcache;

struct buf {
	struct bufcache *b_cache;
	uint64_t b_blkno;
	bool b_valid; /* holds block b_blkno */
	bool b_locked;
	bool b_mapped;
	bool b_meta;	    /* what the user that has it says it holds */
	bool b_meta_mapped; /* the same when it was mapped */
	uint32_t b_index;
	uint64_t b_used; /* when it was released last */
	struct vm_page *b_page[BUF_PAGES_MAX];
	struct eph_mapped b_map[BUF_PAGES_MAX];
};

/* Pages of the cache with an address. */
struct bufcache_kva {
	uint64_t mapped; /* that were given one */
	uint64_t now;
	uint64_t sum; /* of `now` at every release */
};

enum { BUF_DATA, BUF_META, BUF_KINDS };

struct bufcache_stat {
	uint64_t hits;
	uint64_t reads; /* blocks read from the device */
	uint64_t releases;
	uint64_t mapped_peak;		    /* of both kinds together */
	struct bufcache_kva kva[BUF_KINDS]; /* of data, of metadata */
};

/* The device reads block `blkno` into `npages` pages, by DMA.  0 or errno. */
typedef int bufcache_read(
    void *arg, uint64_t blkno, struct vm_page *const *page, unsigned npages);

/*
 * A cache of `nbufs` buffers of `npages` pages, 1 to BUF_PAGES_MAX.
 * Returns 0 and sets *bcp, or ENOMEM.
 */
int eph_bufcache_create(struct eph_mapper *mp, struct vm_pool *pool,
    uint32_t nbufs, unsigned npages, bool always, bufcache_read *fn, void *arg,
    struct bufcache **bcp);

/* Every buffer was released.  NULL is accepted. */
void eph_bufcache_destroy(struct bufcache *bc);

/*
 * The block, locked and valid, as data or as metadata, which is only
 * counted.  Sleeps while another has it, or while all
 * buffers are locked.  Returns 0 and sets *bpp, or what the device or
 * eph_mapper_map() returned.
 */
int eph_bread(struct bufcache *bc, uint64_t blkno, bool meta, struct buf **bpp);
void eph_brelse(struct buf *bp);

/*
 * Bytes [off, off + n) of the buffer, inside one page, through its address
 * on the current CPU (bkvasync()).  0, or as eph_mapper_map().
 */
int eph_buf_read(struct buf *bp, size_t off, void *to, size_t n);

struct bufcache_stat eph_bufcache_stat(struct bufcache *bc);

#endif /* !EPHMAP_KERNEL_BUFCACHE_H */

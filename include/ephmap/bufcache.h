/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_BUFCACHE_H
#define EPHMAP_BUFCACHE_H

/*
 * A buffer cache: blocks of a device in pages, the least recently used
 * recycled.
 *
 * Mapped always, a buffer gets addresses when it gets its pages and keeps
 * them as long as it keeps the block, as the BSDs do.  Mapped on demand
 * (KVABIO, DragonFly 2017), it gets them when somebody asks for bytes, and
 * each CPU syncs for itself; who passes pages on, to a socket, a device or
 * a process, never asks.
 */

#include "ephmap/mapper.h"
#include "ephmap/vm_pool.h"

#define BUF_PAGES_MAX 16u

struct bufcache;

struct buf {
	struct bufcache *b_cache;
	uint64_t b_blkno;
	bool b_valid; /* holds block b_blkno */
	bool b_locked;
	bool b_mapped;
	uint32_t b_index;
	uint64_t b_used; /* when it was released last */
	struct vm_page *b_page[BUF_PAGES_MAX];
	struct eph_mapped b_map[BUF_PAGES_MAX];
};

struct bufcache_stat {
	uint64_t hits;
	uint64_t reads;	 /* blocks read from the device */
	uint64_t mapped; /* pages that were given an address */
	uint64_t mapped_now;
	uint64_t mapped_peak;
};

/* The device reads block `blkno` into `npages` pages, by DMA.  0 or errno. */
typedef int bufcache_read(
    void *arg, uint64_t blkno, struct vm_page *const *page, unsigned npages);

/*
 * A cache of `nbufs` buffers of `npages` pages, 1 to BUF_PAGES_MAX.
 * Returns 0 and sets *bcp, or ENOMEM.
 */
int bufcache_create(struct eph_mapper *mp, struct vm_pool *pool, uint32_t nbufs,
    unsigned npages, bool always, bufcache_read *fn, void *arg,
    struct bufcache **bcp);

/* Every buffer was released.  NULL is accepted. */
void bufcache_destroy(struct bufcache *bc);

/*
 * The block, locked and valid.  Sleeps while another has it, or while all
 * buffers are locked.  Returns 0 and sets *bpp, or what the device or
 * mapper_map() returned.
 */
int bread(struct bufcache *bc, uint64_t blkno, struct buf **bpp);
void brelse(struct buf *bp);

/*
 * Bytes [off, off + n) of the buffer, inside one page, through its address
 * on the current CPU (bkvasync()).  0, or as mapper_map().
 */
int buf_read(struct buf *bp, size_t off, void *to, size_t n);

struct bufcache_stat bufcache_stat(struct bufcache *bc);

#endif /* !EPHMAP_BUFCACHE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The buffer cache: few buffers, looked through in order.
 *
 * Key: (l) mtx; a locked buffer's fields are its holder's.
 */

#include "ephmap/kernel/bufcache.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

struct bufcache {
	struct eph_mapper *mp;
	struct eph_machine *mc;
	struct vm_pool *pool;
	struct eph_mutex mtx;
	uint32_t nbufs;
	unsigned npages;
	bool always;
	bufcache_read *read;
	void *read_arg;
	struct bufcache_stat stat; /* (l) */
	struct buf buf[];
};

static size_t
bufcache_bytes(uint32_t nbufs)
{
	return (sizeof(struct bufcache) + nbufs * sizeof(struct buf));
}

int
bufcache_create(struct eph_mapper *mp, struct vm_pool *pool, uint32_t nbufs,
    unsigned npages, bool always, bufcache_read *fn, void *arg,
    struct bufcache **bcp)
{
	struct bufcache *bc;

	if (eph_machine_fails(mp->mc, EPH_FAULT_ALLOC) ||
	    (bc = eph_machine_alloc(mp->mc, bufcache_bytes(nbufs))) == NULL)
		return (ENOMEM);
	bc->mp = mp;
	bc->mc = mp->mc;
	bc->pool = pool;
	bc->nbufs = nbufs;
	bc->npages = npages;
	bc->always = always;
	bc->read = fn;
	bc->read_arg = arg;
	mutex_init(&bc->mtx, "bufcache");
	for (uint32_t i = 0; i < nbufs; i++) {
		bc->buf[i].b_cache = bc;
		bc->buf[i].b_index = i;
		for (unsigned k = 0; k < npages; k++) {
			bc->buf[i].b_page[k] = vm_pool_alloc(pool);
			if (bc->buf[i].b_page[k] == NULL) {
				bufcache_destroy(bc);
				return (ENOMEM);
			}
		}
	}
	*bcp = bc;
	return (0);
}

/* A buffer was mapped, or unmapped. */
static void
bufcache_count(struct buf *bp, bool mapped)
{
	struct bufcache *bc = bp->b_cache;
	struct bufcache_stat *st = &bc->stat;
	struct bufcache_kva *kva;

	mutex_enter(bc->mc, &bc->mtx);
	if (mapped)
		bp->b_meta_mapped = bp->b_meta;
	kva = &st->kva[bp->b_meta_mapped ? BUF_META : BUF_DATA];
	if (mapped) {
		kva->mapped += bc->npages;
		kva->now += bc->npages;
	} else {
		kva->now -= bc->npages;
	}
	if (st->kva[BUF_DATA].now + st->kva[BUF_META].now > st->mapped_peak)
		st->mapped_peak = st->kva[BUF_DATA].now + st->kva[BUF_META].now;
	mutex_exit(bc->mc, &bc->mtx);
	bp->b_mapped = mapped;
}

static void
buf_unmap(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	if (!bp->b_mapped)
		return;
	for (unsigned k = bc->npages; k-- > 0;)
		eph_mapper_unmap(bc->mp, &bp->b_map[k]);
	bufcache_count(bp, false);
}

/* Addresses for all of the buffer, valid on every CPU that asks. */
static int
buf_map(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	for (unsigned k = 0; k < bc->npages; k++) {
		const int error = eph_mapper_map(
		    bc->mp, bp->b_page[k], SFB_DEFAULT, &bp->b_map[k]);

		if (error == 0)
			continue;
		while (k-- > 0)
			eph_mapper_unmap(bc->mp, &bp->b_map[k]);
		return (error);
	}
	bufcache_count(bp, true);
	return (0);
}

void
bufcache_destroy(struct bufcache *bc)
{
	if (bc == NULL)
		return;
	for (uint32_t i = 0; i < bc->nbufs; i++) {
		KASSERT(!bc->buf[i].b_locked, "a buffer was not released");
		buf_unmap(&bc->buf[i]);
		for (unsigned k = 0; k < bc->npages; k++) {
			if (bc->buf[i].b_page[k] != NULL)
				vm_pool_free(bc->pool, bc->buf[i].b_page[k]);
		}
	}
	eph_machine_free(bc->mc, bc, bufcache_bytes(bc->nbufs));
}

/* The buffer of the block, else the one to recycle, else NULL; lock held. */
static struct buf *
bufcache_look(struct bufcache *bc, uint64_t blkno)
{
	struct buf *victim = NULL;

	for (uint32_t i = 0; i < bc->nbufs; i++) {
		struct buf *bp = &bc->buf[i];

		if (bp->b_valid && bp->b_blkno == blkno)
			return (bp);
		if (!bp->b_locked &&
		    (victim == NULL || bp->b_used < victim->b_used))
			victim = bp;
	}
	return (victim);
}

/* Lock the buffer of the block, or one to read it into. */
static struct buf *
getblk(struct bufcache *bc, uint64_t blkno, bool *hitp)
{
	struct buf *bp;

	mutex_enter(bc->mc, &bc->mtx);
	while ((bp = bufcache_look(bc, blkno)) == NULL || bp->b_locked)
		(void)msleep(bc->mc, bc, &bc->mtx, 0, "getblk", 0);
	msleep_done(bc->mc);
	*hitp = bp->b_valid && bp->b_blkno == blkno;
	bp->b_locked = true;
	if (*hitp) {
		bc->stat.hits++;
	} else {
		bc->stat.reads++;
		/* No other thread may start to read the same block. */
		bp->b_blkno = blkno;
		bp->b_valid = true;
	}
	mutex_exit(bc->mc, &bc->mtx);
	return (bp);
}

void
brelse(struct buf *bp)
{
	struct bufcache *bc = bp->b_cache;

	mutex_enter(bc->mc, &bc->mtx);
	bp->b_used = ++bc->stat.releases;
	for (unsigned k = 0; k < BUF_KINDS; k++)
		bc->stat.kva[k].sum += bc->stat.kva[k].now;
	bp->b_locked = false;
	wakeup(bc->mc, bc);
	mutex_exit(bc->mc, &bc->mtx);
}

int
bread(struct bufcache *bc, uint64_t blkno, bool meta, struct buf **bpp)
{
	bool hit;
	struct buf *bp = getblk(bc, blkno, &hit);
	int error = 0;

	bp->b_meta = meta;
	if (!hit) {
		buf_unmap(bp);
		error = bc->read(bc->read_arg, blkno, bp->b_page, bc->npages);
	}
	if (error == 0 && bc->always && !bp->b_mapped)
		error = buf_map(bp);
	if (error != 0) {
		mutex_enter(bc->mc, &bc->mtx);
		bp->b_valid = false;
		mutex_exit(bc->mc, &bc->mtx);
		brelse(bp);
		return (error);
	}
	*bpp = bp;
	return (0);
}

int
buf_read(struct buf *bp, size_t off, void *to, size_t n)
{
	struct bufcache *bc = bp->b_cache;
	int error;

	if (!bp->b_mapped && (error = buf_map(bp)) != 0)
		return (error);
	return (eph_mapper_read(
	    bc->mp, &bp->b_map[eph_atop(off)], off & EPH_PAGE_MASK, to, n));
}

struct bufcache_stat
bufcache_stat(struct bufcache *bc)
{
	struct bufcache_stat st;

	mutex_enter(bc->mc, &bc->mtx);
	st = bc->stat;
	mutex_exit(bc->mc, &bc->mtx);
	return (st);
}

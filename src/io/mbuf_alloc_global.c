/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One global list for each kind of object, under one lock.
 *
 * What FreeBSD had until 2001: mmbfree and mclfree, every MGET, MCLGET and
 * free takes the one lock, so an mbuf with a cluster costs two.  Memory
 * that was taken from the machine stays on the lists.  Counters of clusters
 * are one array, sixteen neighbours to a cache line.
 *
 * Cost per call: one lock; the lock's line and the list head's move
 * whenever the call before came from another CPU, and the object's does
 * when it was freed there.
 *
 * A sleeper waits on the list's head; every put wakes one if there are any.
 *
 * Key: (l) lock.
 */

#include <errno.h>

#include "io/mbuf_impl.h"
#include "io/mbuf_refmap.h"

#define GLOBAL_PAGES 4 /* taken from the machine at once */

struct global_list {
	struct mb_obj *free;   /* (l) */
	uint32_t total;	       /* (l) objects that exist */
	uint32_t nfree;	       /* (l) */
	uint32_t waiters;      /* (l) */
	struct mb_page *pages; /* (l) */
	struct mb_line line;
};

struct mb_global {
	struct mbuf_pool *mp; /* (c) */
	struct mb_lock lock;
	struct global_list list[MB_NKINDS];
	struct mb_refmap refmap; /* (l) to grow it */
};

static int
global_create(struct mbuf_pool *mp, void **statep)
{
	struct mb_global *g = eph_machine_alloc(mp->mc, sizeof(*g));

	if (g == NULL)
		return (ENOMEM);
	g->mp = mp;
	eph__mb_lock_init(&g->lock, "mbuf");
	for (unsigned k = 0; k < MB_NKINDS; k++)
		mb_line_init(&g->list[k].line);
	*statep = g;
	return (0);
}

static void
global_destroy(void *state)
{
	struct mb_global *g = state;

	for (unsigned k = 0; k < MB_NKINDS; k++) {
		while (g->list[k].pages != NULL) {
			struct mb_page *pg = g->list[k].pages;

			g->list[k].pages = pg->pg_next;
			eph__mb_page_destroy(g->mp, pg);
		}
	}
	eph__mb_refmap_destroy(g->mp, &g->refmap);
	eph_machine_free(g->mp->mc, g, sizeof(*g));
}

/* Take pages from the machine; false at the limit or without memory. */
static bool
global_grow(struct mb_global *g, enum mb_kind kind)
{
	struct global_list *l = &g->list[kind];
	uint32_t n = GLOBAL_PAGES * EPH_PAGE_SIZE /
	    (kind == MB_CLUSTER ? MCLBYTES : (uint32_t)eph__mb_obj_size(kind));
	const uint32_t max = g->mp->max[kind];
	struct mb_page *pg;

	if (max != 0 && n > max - l->total)
		n = max - l->total;
	if (n == 0)
		return (false);
	if (kind == MB_CLUSTER &&
	    !eph__mb_refmap_grow(g->mp, &g->refmap, l->total + n))
		return (false);
	if ((pg = eph__mb_page_create(g->mp, kind, n, l->total, g)) == NULL)
		return (false);
	pg->pg_next = l->pages;
	l->pages = pg;
	for (uint32_t i = n; i-- > 0;) {
		struct mb_obj *obj = mb_page_obj(pg, i);

		obj->link = l->free;
		l->free = obj;
	}
	l->total += n;
	l->nfree += n;
	return (true);
}

static struct mb_obj *
global_get(void *state, enum mb_kind kind, int how, struct mb_hold *hold)
{
	struct mb_global *g = state;
	struct global_list *l = &g->list[kind];
	struct mb_obj *obj;

	(void)hold;
	mb_lock(g->mp, &g->lock);
	while (l->free == NULL && !global_grow(g, kind)) {
		int error = ENOMEM;

		if (how == M_WAITOK) {
			l->waiters++;
			error = eph__mb_wait(g->mp, l, &g->lock);
			l->waiters--;
		}
		if (error != 0 && l->free == NULL) {
			mb_unlock(g->mp, &g->lock);
			return (NULL);
		}
	}
	mb_line_write(g->mp, &l->line);
	obj = l->free;
	l->free = obj->link;
	l->nfree--;
	eph__mb_obj_out(g->mp, obj);
	mb_unlock(g->mp, &g->lock);
	return (obj);
}

static void
global_put(
    void *state, enum mb_kind kind, struct mb_obj *obj, struct mb_hold *hold)
{
	struct mb_global *g = state;
	struct global_list *l = &g->list[kind];

	(void)hold;
	mb_lock(g->mp, &g->lock);
	eph__mb_obj_in(g->mp, kind, obj);
	mb_line_write(g->mp, &l->line);
	obj->link = l->free;
	l->free = obj;
	l->nfree++;
	if (l->waiters > 0)
		wakeup_one(g->mp->mc, l);
	mb_unlock(g->mp, &g->lock);
}

static struct mbuf *
global_get_packet(void *state, int how, struct mb_hold *hold)
{
	return (
	    eph__mb_packet_get_two(&eph__mb_alloc_global, state, how, hold));
}

static void
global_put_packet(void *state, struct mbuf *m, struct mb_hold *hold)
{
	eph__mb_packet_put_two(&eph__mb_alloc_global, state, m, hold);
}

static _Atomic(uint32_t) *
global_cluster_count(void *state, struct mb_cluster *cl, struct mb_line **linep)
{
	struct mb_global *g = state;

	return (mb_refmap_count(&g->refmap, cl->cl_id, linep));
}

static uint64_t
global_total(void *state, enum mb_kind kind)
{
	return (((struct mb_global *)state)->list[kind].total);
}

static uint64_t
global_packets(void *state)
{
	(void)state;
	return (0);
}

static void
global_check(void *state)
{
	struct mb_global *g = state;

	for (unsigned k = 0; k < MB_NKINDS; k++) {
		uint32_t n = 0;

		for (struct mb_obj *o = g->list[k].free; o != NULL;
		     o = o->link) {
			if (o->live != 0)
				PANIC("an object on the free list is in use");
			n++;
		}
		if (n != g->list[k].nfree)
			PANIC("the free list and its count differ");
	}
}

const struct mb_alloc_ops eph__mb_alloc_global = {
	.choice = { .name = "global",
	    .summary = "one list for each kind, one lock for all",
	    .origin = "FreeBSD mbuf.h, uipc_mbuf.c, until 2001",
	    .holes = "",
	    .repaired = "" },
	.create = global_create,
	.destroy = global_destroy,
	.get = global_get,
	.put = global_put,
	.get_packet = global_get_packet,
	.put_packet = global_put_packet,
	.cluster_count = global_cluster_count,
	.total = global_total,
	.packets = global_packets,
	.check = global_check,
};

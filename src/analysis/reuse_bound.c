/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * OPT for events: how few reuses of a buffer must have a price.
 *
 * The price.  A buffer whose page no CPU touched since it was mapped is in
 * no TLB and is taken for nothing; else all other CPUs are interrupted
 * (sf_buf.accessed, and with every page touched all kernels' sf_buf).  So
 * what counts are not misses: a page that was mapped and not touched may
 * leave at any time.
 *
 * The bound.  Between two references a page is kept or not.  If the first
 * one touched it, not keeping it is a reuse with a price, whatever else is
 * done; if not, it is charged nothing (it may have been touched before, so
 * this is a bound and no more).  At each reference at most all buffers but
 * one are with pages that are kept over it.  To keep as many as can be with
 * a price, drop the one that is needed last whenever there are too many
 * (Faigle, Nawijn 1995; without prices it is Belady's rule).  A page never
 * used again is kept to the end.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/table.h"
#include "ephmap/mrc.h"
#include "ephmap/trace.h"

#define SLACK 1024u

/* The references of a list of operations. */
struct reuse_refs {
	size_t n;
	uint32_t *page;
	uint32_t *next; /* EPH_NONE: none */
	bool *touched;	/* before the next reference to the page */
	uint32_t npages;
};

struct reuse {
	const struct reuse_refs *refs;
	uint32_t *end; /* of pages that are kept, a heap, the last on top */
	size_t n, room;
	uint32_t count; /* of them that have not ended */
	bool *kept;	/* by page */
};

static void
reuse_refs_fini(struct reuse_refs *r)
{
	eph__table_free(r->page);
	eph__table_free(r->next);
	eph__table_free(r->touched);
}

/* What the operations do, in the memory there is; `last` by page. */
static void
reuse_read(struct reuse_refs *r, const struct eph_mrc_ops *ops, bool refs_touch,
    uint32_t *last, uint32_t *page_of)
{
	for (size_t i = 0; i < ops->n; i++) {
		const struct eph_op *op = &ops->ops[i];
		const bool map = op->kind == EPH_OP_MAP;

		if (map || op->kind == EPH_OP_REF) {
			if (last[op->page] != EPH_NONE)
				r->next[last[op->page]] = (uint32_t)r->n;
			last[op->page] = (uint32_t)r->n;
			r->page[r->n] = op->page;
			r->next[r->n] = EPH_NONE;
			r->touched[r->n++] = !map && refs_touch;
			if (map)
				page_of[op->slot] = op->page;
		} else if (op->kind == EPH_OP_READ ||
		    op->kind == EPH_OP_WRITE) {
			r->touched[last[page_of[op->slot]]] = true;
		}
	}
}

static int
reuse_refs_init(
    struct reuse_refs *r, const struct eph_mrc_ops *ops, bool refs_touch)
{
	uint32_t *last, *page_of, slots = 0;
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < ops->n; i++) {
		const struct eph_op *op = &ops->ops[i];

		if (op->kind == EPH_OP_DELAY)
			continue;
		n += op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF;
		if (op->page >= r->npages)
			r->npages = op->page + 1;
		if (op->slot >= slots)
			slots = op->slot + 1;
	}
	r->page = eph__table_alloc(n, sizeof(*r->page));
	r->next = eph__table_alloc(n, sizeof(*r->next));
	r->touched = eph__table_alloc(n, sizeof(*r->touched));
	last = eph__table_alloc_none(r->npages);
	page_of = eph__table_alloc(slots, sizeof(*page_of));
	if (r->page != NULL && r->next != NULL && r->touched != NULL &&
	    last != NULL && page_of != NULL) {
		reuse_read(r, ops, refs_touch, last, page_of);
		n = 0;
	} else {
		reuse_refs_fini(r);
		n = ENOMEM;
	}
	eph__table_free(last);
	eph__table_free(page_of);
	return ((int)n);
}

static void
reuse_down(struct reuse *u, size_t at)
{
	const uint32_t end = u->end[at];
	size_t child;

	while ((child = 2 * at + 1) < u->n) {
		child += child + 1 < u->n && u->end[child + 1] > u->end[child];
		if (u->end[child] <= end)
			break;
		u->end[at] = u->end[child];
		at = child;
	}
	u->end[at] = end;
}

/* Forget those that have ended, when they are half of the heap. */
static void
reuse_sweep(struct reuse *u, uint32_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++) {
		if (u->end[i] > now)
			u->end[n++] = u->end[i];
	}
	u->n = n;
	for (size_t i = n / 2; i-- > 0;)
		reuse_down(u, i);
}

static void
reuse_keep(struct reuse *u, uint32_t now)
{
	const uint32_t end = u->refs->next[now];
	size_t at;

	if (u->n == u->room)
		reuse_sweep(u, now);
	for (at = u->n++; at > 0 && u->end[(at - 1) / 2] < end;
	     at = (at - 1) / 2)
		u->end[at] = u->end[(at - 1) / 2];
	u->end[at] = end;
	u->kept[u->refs->page[now]] = true;
	u->count++;
}

/* Drop the page that is needed last. */
static void
reuse_drop(struct reuse *u)
{
	const uint32_t end = u->end[0];

	if (end != EPH_NONE)
		u->kept[u->refs->page[end]] = false;
	u->end[0] = u->end[--u->n];
	if (u->n > 0)
		reuse_down(u, 0);
	u->count--;
}

static uint64_t
reuse_count(struct reuse *u, uint32_t nbufs)
{
	const struct reuse_refs *r = u->refs;
	uint64_t reuses = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const uint32_t page = r->page[i];

		u->count -= u->kept[page];
		u->kept[page] = false;
		for (; u->count > nbufs - 1; reuses++)
			reuse_drop(u);
		if (r->touched[i])
			reuse_keep(u, i);
	}
	return (reuses);
}

int
eph_mrc_reuse_bound(const struct eph_mrc_ops *ops, uint32_t nbufs,
    bool refs_touch, uint64_t *reuses, struct eph_err *err)
{
	struct reuse_refs r;
	struct reuse u = { .refs = &r };
	int error = reuse_refs_init(&r, ops, refs_touch);

	if (error == 0) {
		const size_t most = nbufs < r.npages ? nbufs : r.npages;

		u.room = 2 * most + SLACK;
		u.end = eph__table_alloc(u.room, sizeof(*u.end));
		u.kept = calloc((size_t)r.npages + 1, sizeof(*u.kept));
		if (u.end != NULL && u.kept != NULL)
			*reuses = reuse_count(&u, nbufs);
		else
			error = ENOMEM;
		reuse_refs_fini(&r);
	}
	eph__table_free(u.end);
	free(u.kept);
	return (error == 0
		? 0
		: eph_err_set(err, error, "out of memory for the bound"));
}

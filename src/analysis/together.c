/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * FIFO: a ring of pages for each size; a hit changes nothing.  CLOCK: the
 * same, with a second word of bits; a hit sets those of all sizes at once.
 *
 * LFU: a page's uses since it came are its uses so far, which are the same
 * at all sizes, less those before it came, which stand beside it in the heap
 * of each size.  Keys only grow, so a heap may be behind: what comes to its
 * top is looked at again, and the first whose key is true is the least.
 */

#include "analysis/together.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/table.h"
#include "ephmap/sdk/cpuset.h"

/* A size above the pages is that of the pages: nothing leaves. */
static uint32_t
size_of(const struct eph_refs *r, uint32_t size)
{
	return (size < r->npages ? size : r->npages);
}

static int
no_memory(struct eph_err *err)
{
	return (
	    eph_err_set(err, ENOMEM, "out of memory for many sizes at once"));
}

struct fifo {
	uint64_t *in;	/* by page */
	uint64_t *used; /* by page, of CLOCK: since it was kept last */
	uint32_t *ring[TOGETHER_MAX];
	uint32_t at[TOGETHER_MAX]; /* the oldest of a full ring */
	uint32_t held[TOGETHER_MAX];
	uint64_t misses[TOGETHER_MAX];
	uint64_t kept[TOGETHER_MAX];
	uint32_t size[TOGETHER_MAX];
};

static inline void
fifo_step(struct fifo *f, unsigned k)
{
	if (++f->at[k] == f->size[k])
		f->at[k] = 0;
}

/* The page comes to size `k'; `clock' is constant. */
static inline void
fifo_insert(struct fifo *f, unsigned k, uint32_t page, bool clock)
{
	const uint64_t bit = (uint64_t)1 << k;
	const bool full = f->held[k] == f->size[k];

	while (clock && full && (f->used[f->ring[k][f->at[k]]] & bit) != 0) {
		f->used[f->ring[k][f->at[k]]] &= ~bit;
		f->kept[k]++;
		fifo_step(f, k);
	}
	if (full)
		f->in[f->ring[k][f->at[k]]] &= ~bit;
	else
		f->held[k]++;
	f->misses[k]++;
	f->ring[k][f->at[k]] = page;
	fifo_step(f, k);
}

static inline void
fifo_play(struct fifo *f, const struct eph_refs *r, uint64_t all, size_t from,
    size_t to, bool clock)
{
	for (size_t i = from; i < to; i++) {
		const uint32_t page = r->page[i];
		const uint64_t in = f->in[page];
		uint64_t out = ~in & all;

		if (clock)
			f->used[page] |= in;
		f->in[page] = all;
		for (; out != 0; out &= out - 1)
			fifo_insert(f, eph_cpuword_first(out), page, clock);
	}
}

static int
fifo_alloc(struct fifo *f, const struct eph_refs *r, const uint32_t *sizes,
    unsigned n, bool clock)
{
	f->in = calloc((size_t)r->npages + 1, sizeof(*f->in));
	if (clock)
		f->used = calloc((size_t)r->npages + 1, sizeof(*f->used));
	if (f->in == NULL || (clock && f->used == NULL))
		return (ENOMEM);
	for (unsigned k = 0; k < n; k++) {
		f->size[k] = size_of(r, sizes[k]);
		f->ring[k] = eph__table_alloc(f->size[k], sizeof(uint32_t));
		if (f->ring[k] == NULL)
			return (ENOMEM);
	}
	return (0);
}

static inline int
fifo_together(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err,
    bool clock)
{
	const uint64_t all = UINT64_MAX >> (TOGETHER_MAX - n);
	struct fifo *f = calloc(1, sizeof(*f));
	int error = f == NULL ? ENOMEM : fifo_alloc(f, r, sizes, n, clock);

	if (error == 0) {
		fifo_play(f, r, all, 0, warmup, clock);
		memset(f->misses, 0, sizeof(f->misses));
		memset(f->kept, 0, sizeof(f->kept));
		fifo_play(f, r, all, warmup, r->n, clock);
	}
	for (unsigned k = 0; k < n && error == 0; k++)
		counts[k] =
		    (struct eph_policy_counts){ r->n - warmup - f->misses[k],
			    f->kept[k] };
	for (unsigned k = 0; f != NULL && k < n; k++)
		eph__table_free(f->ring[k]);
	if (f != NULL) {
		free(f->in);
		free(f->used);
	}
	free(f);
	return (error == 0 ? 0 : no_memory(err));
}

int
eph__together_fifo(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	return (fifo_together(r, sizes, n, warmup, counts, err, false));
}

int
eph__together_clock(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	return (fifo_together(r, sizes, n, warmup, counts, err, true));
}

/* What LFU knows of a page, whatever the size. */
struct lfu_page {
	uint64_t in;
	uint32_t uses;
	uint32_t last; /* number of its last reference */
};

/* A cached page: its key as it was when somebody last looked. */
struct lfu_entry {
	uint64_t key; /* uses since it came, and the last */
	uint32_t page;
	uint32_t before; /* uses before it came */
};

struct lfu {
	struct lfu_page *page;
	struct lfu_entry *heap[TOGETHER_MAX];
	uint32_t used[TOGETHER_MAX];
	uint64_t misses[TOGETHER_MAX];
	uint32_t size[TOGETHER_MAX];
};

static uint64_t
lfu_key(const struct lfu *f, const struct lfu_entry *e)
{
	const struct lfu_page *p = &f->page[e->page];

	return ((uint64_t)(p->uses - e->before) << 32 | p->last);
}

/* Put `e' at the top, where there is room, and down to its place. */
static void
heap_down(struct lfu_entry *heap, uint32_t n, struct lfu_entry e)
{
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && heap[child + 1].key < heap[child].key)
			child++;
		if (heap[child].key >= e.key)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = e;
}

static void
heap_up(struct lfu_entry *heap, uint32_t i, struct lfu_entry e)
{
	for (; i > 0 && heap[(i - 1) / 2].key > e.key; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = e;
}

/* The page comes to size `k', for another one where that is full. */
static void
lfu_insert(struct lfu *f, unsigned k, uint32_t size, struct lfu_entry e)
{
	struct lfu_entry *heap = f->heap[k];

	f->misses[k]++;
	if (f->used[k] < size) {
		heap_up(heap, f->used[k]++, e);
		return;
	}
	for (;;) {
		struct lfu_entry top = heap[0];
		const uint64_t key = lfu_key(f, &top);

		if (key == top.key)
			break;
		top.key = key;
		heap_down(heap, size, top);
	}
	f->page[heap[0].page].in &= ~((uint64_t)1 << k);
	heap_down(heap, size, e);
}

static void
lfu_play(struct lfu *f, const struct eph_refs *r, uint64_t all, size_t from,
    size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint32_t page = r->page[i];
		struct lfu_page *p = &f->page[page];
		uint64_t out = ~p->in & all;
		const struct lfu_entry e = { (uint64_t)1 << 32 | (uint32_t)i,
			page, p->uses };

		p->uses++;
		p->last = (uint32_t)i;
		p->in = all;
		for (; out != 0; out &= out - 1) {
			const unsigned k = eph_cpuword_first(out);

			lfu_insert(f, k, f->size[k], e);
		}
	}
}

int
eph__together_lfu(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	const uint64_t all = UINT64_MAX >> (TOGETHER_MAX - n);
	struct lfu *f = calloc(1, sizeof(*f));
	int error = 0;

	if (f == NULL ||
	    (f->page = calloc((size_t)r->npages + 1, sizeof(*f->page))) == NULL)
		error = no_memory(err);
	for (unsigned k = 0; k < n && error == 0; k++) {
		f->size[k] = size_of(r, sizes[k]);
		f->heap[k] =
		    eph__table_alloc(f->size[k], sizeof(struct lfu_entry));
		if (f->heap[k] == NULL)
			error = no_memory(err);
	}
	if (error == 0) {
		lfu_play(f, r, all, 0, warmup);
		for (unsigned k = 0; k < n; k++)
			f->misses[k] = 0;
		lfu_play(f, r, all, warmup, r->n);
		for (unsigned k = 0; k < n; k++) {
			const uint64_t h = r->n - warmup - f->misses[k];

			/* A use is another place in the order. */
			counts[k] = (struct eph_policy_counts){ h, h };
		}
	}
	for (unsigned k = 0; f != NULL && k < n; k++)
		eph__table_free(f->heap[k]);
	if (f != NULL)
		free(f->page);
	free(f);
	return (error);
}

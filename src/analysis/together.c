/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * FIFO: a ring of pages for each size; a hit changes nothing.  CLOCK: the
 * same, with a second word of bits, and with a counter to 3 a third; a hit
 * counts at all sizes at once.  SIEVE: a list in the place of the ring.
 *
 * MRU: the page that leaves, at all sizes that are full, is that of the
 * reference before.
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
#include "base/kassert.h"
#include "ephmap/sdk/cpuset.h"

/* A size above the pages is that of the pages: nothing leaves. */
static uint32_t
size_of(const struct eph_refs *r, uint32_t size)
{
	return (size < r->npages ? size : r->npages);
}

/* A bit for each size. */
static uint64_t
all_sizes(unsigned n)
{
	KASSERT(n >= 1 && n <= TOGETHER_MAX, "sizes fit a word");
	return (UINT64_MAX >> (TOGETHER_MAX - n));
}

static int
no_memory(struct eph_err *err)
{
	return (
	    eph_err_set(err, ENOMEM, "out of memory for many sizes at once"));
}

/* How many references, and steps of a hand, before a page is looked at. */
#define AHEAD	   16u
#define AHEAD_HAND 4u

/* What is known of a page: a bit for each size in each word. */
struct marks {
	uint64_t in;
	uint64_t used[2]; /* the uses that count since it was kept last */
};

/* FIFO, CLOCK and SIEVE at one size. */
struct queue_node {
	uint32_t page;
	uint32_t prev, next; /* of SIEVE: towards new pages, and old ones */
};

struct queue {
	struct queue_node *node; /* `size' of them, then SIEVE's list's head */
	uint32_t size;
	uint32_t hand; /* the oldest of a full ring; SIEVE's hand */
	uint32_t held;
	uint64_t misses;
	uint64_t kept;
};

struct queues {
	struct marks *page;
	struct queue q[TOGETHER_MAX];
};

/* The first three count 0, 1 and 3 uses. */
enum queue_kind { FIFO, CLOCK, CLOCK2, SIEVE };

/* One more use at each size of `in', up to what the kind counts. */
static inline void
marks_use(struct marks *m, uint64_t in, enum queue_kind kind)
{
	if (kind == CLOCK2) {
		const uint64_t more = in & ~(m->used[0] & m->used[1]);

		m->used[1] ^= m->used[0] & more;
		m->used[0] ^= more;
	} else if (kind != FIFO) {
		m->used[0] |= in;
	}
}

/* Is the page kept at the size of `bit'?  It then has one use less. */
static inline bool
marks_keep(struct marks *m, uint64_t bit, enum queue_kind kind)
{
	if (kind == FIFO || ((m->used[0] | m->used[1]) & bit) == 0)
		return (false);
	if (kind == CLOCK2)
		m->used[1] ^= ~m->used[0] & bit;
	m->used[0] ^= bit;
	return (true);
}

static inline void
ring_step(struct queue *q)
{
	if (++q->hand == q->size)
		q->hand = 0;
}

/* The page comes to the size of `bit'. */
static inline void
ring_insert(struct queues *f, struct queue *q, uint64_t bit, uint32_t page,
    enum queue_kind kind)
{
	if (eph_likely(q->held == q->size)) {
		while (marks_keep(&f->page[q->node[q->hand].page], bit, kind)) {
			const uint32_t soon = q->hand + AHEAD_HAND;

			if (soon < q->size)
				eph_prefetch(&f->page[q->node[soon].page]);
			q->kept++;
			ring_step(q);
		}
		f->page[q->node[q->hand].page].in &= ~bit;
	} else {
		q->held++;
	}
	q->node[q->hand].page = page;
	ring_step(q);
	eph_prefetch(&f->page[q->node[q->hand].page]);
}

/* The node of the page that leaves; the hand is at the next. */
static inline uint32_t
sieve_victim(struct queues *f, struct queue *q, uint64_t bit)
{
	struct queue_node *const node = q->node;
	uint32_t i = q->hand;

	for (;; i = node[i].prev) {
		if (i == q->size)
			i = node[i].prev;
		if (!marks_keep(&f->page[node[i].page], bit, SIEVE))
			break;
	}
	f->page[node[i].page].in &= ~bit;
	q->hand = node[i].prev;
	node[node[i].prev].next = node[i].next;
	node[node[i].next].prev = node[i].prev;
	return (i);
}

static inline void
sieve_insert(struct queues *f, struct queue *q, uint64_t bit, uint32_t page)
{
	struct queue_node *const node = q->node, *const head = &node[q->size];
	const uint32_t i =
	    q->held == q->size ? sieve_victim(f, q, bit) : q->held++;

	node[i].page = page;
	node[i].prev = q->size;
	node[i].next = head->next;
	node[head->next].prev = i;
	head->next = i;
}

static inline void
queues_play(struct queues *f, const struct eph_refs *r, uint64_t all,
    size_t from, size_t to, enum queue_kind kind)
{
	for (size_t i = from; i < to; i++) {
		const uint32_t page = r->page[i];
		struct marks *m = &f->page[page];
		const uint64_t in = m->in;

		eph_prefetch(&f->page[r->page[i + AHEAD < to ? i + AHEAD : i]]);
		marks_use(m, in, kind);
		m->in = all;
		for (uint64_t out = ~in & all; out != 0; out &= out - 1) {
			const unsigned k = eph_cpuword_first(out);
			const uint64_t bit = (uint64_t)1 << k;

			f->q[k].misses++;
			if (kind == SIEVE)
				sieve_insert(f, &f->q[k], bit, page);
			else
				ring_insert(f, &f->q[k], bit, page, kind);
		}
	}
}

static struct marks *
marks_alloc(const struct eph_refs *r)
{
	const size_t n = (size_t)r->npages + 1;
	struct marks *m = eph__table_alloc(n, sizeof(*m));

	if (m != NULL)
		memset(m, 0, n * sizeof(*m));
	return (m);
}

static int
queues_alloc(struct queues *f, const struct eph_refs *r, const uint32_t *sizes,
    unsigned n)
{
	if ((f->page = marks_alloc(r)) == NULL)
		return (ENOMEM);
	for (unsigned k = 0; k < n; k++) {
		struct queue *q = &f->q[k];

		q->size = size_of(r, sizes[k]);
		q->node =
		    eph__table_alloc((size_t)q->size + 1, sizeof(*q->node));
		if (q->node == NULL)
			return (ENOMEM);
		memset(q->node, 0, ((size_t)q->size + 1) * sizeof(*q->node));
		q->node[q->size].prev = q->node[q->size].next = q->size;
	}
	return (0);
}

static inline int
queues_together(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err,
    enum queue_kind kind)
{
	const uint64_t all = all_sizes(n);
	struct queues *f = calloc(1, sizeof(*f));
	int error = f == NULL ? ENOMEM : queues_alloc(f, r, sizes, n);

	for (unsigned k = 0; k < n && error == 0 && kind == SIEVE; k++)
		f->q[k].hand = f->q[k].size;
	if (error == 0) {
		queues_play(f, r, all, 0, warmup, kind);
		for (unsigned k = 0; k < n; k++)
			f->q[k].misses = f->q[k].kept = 0;
		queues_play(f, r, all, warmup, r->n, kind);
	}
	for (unsigned k = 0; k < n && error == 0; k++)
		counts[k] =
		    (struct eph_policy_counts){ r->n - warmup - f->q[k].misses,
			    f->q[k].kept };
	for (unsigned k = 0; f != NULL && k < n; k++)
		eph__table_free(f->q[k].node);
	if (f != NULL)
		eph__table_free(f->page);
	free(f);
	return (error == 0 ? 0 : no_memory(err));
}

int
eph__together_fifo(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	return (queues_together(r, sizes, n, warmup, counts, err, FIFO));
}

int
eph__together_clock(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	return (queues_together(r, sizes, n, warmup, counts, err, CLOCK));
}

int
eph__together_clock2(const struct eph_refs *r, const uint32_t *sizes,
    unsigned n, size_t warmup, struct eph_policy_counts *counts,
    struct eph_err *err)
{
	return (queues_together(r, sizes, n, warmup, counts, err, CLOCK2));
}

int
eph__together_sieve(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	return (queues_together(r, sizes, n, warmup, counts, err, SIEVE));
}

#define MRU_BYTES (TOGETHER_MAX / 8)

struct mru {
	uint64_t *in;
	uint64_t full; /* sizes that have no room */
	uint32_t size[TOGETHER_MAX];
	uint32_t held[TOGETHER_MAX];
	/* How often each byte of what missed had each value. */
	uint64_t missed[MRU_BYTES][256];
};

static inline void
mru_fill(struct mru *u, uint64_t out)
{
	for (; out != 0; out &= out - 1) {
		const unsigned k = eph_cpuword_first(out);

		if (++u->held[k] == u->size[k])
			u->full |= (uint64_t)1 << k;
	}
}

static void
mru_play(
    struct mru *u, const struct eph_refs *r, unsigned n, size_t from, size_t to)
{
	const uint64_t all = all_sizes(n);
	const unsigned bytes = (n + 7) / 8;

	for (size_t i = from; i < to; i++) {
		const uint32_t page = r->page[i];
		const uint64_t out = ~u->in[page] & all;

		eph_prefetch(&u->in[r->page[i + AHEAD < to ? i + AHEAD : i]]);
		if ((out & u->full) != 0)
			u->in[r->page[i - 1]] &= ~(out & u->full);
		if (eph_unlikely((out & ~u->full) != 0))
			mru_fill(u, out & ~u->full);
		u->in[page] = all;
		for (unsigned b = 0; b < bytes; b++)
			u->missed[b][out >> 8 * b & 255]++;
	}
}

static uint64_t
mru_misses(const struct mru *u, unsigned k)
{
	uint64_t misses = 0;

	for (unsigned value = 0; value < 256; value++) {
		if ((value >> k % 8 & 1) != 0)
			misses += u->missed[k / 8][value];
	}
	return (misses);
}

int
eph__together_mru(const struct eph_refs *r, const uint32_t *sizes, unsigned n,
    size_t warmup, struct eph_policy_counts *counts, struct eph_err *err)
{
	struct mru *u = calloc(1, sizeof(*u));

	if (u == NULL ||
	    (u->in = calloc((size_t)r->npages + 1, sizeof(*u->in))) == NULL) {
		free(u);
		return (no_memory(err));
	}
	for (unsigned k = 0; k < n; k++)
		u->size[k] = size_of(r, sizes[k]);
	mru_play(u, r, n, 0, warmup);
	memset(u->missed, 0, sizeof(u->missed));
	mru_play(u, r, n, warmup, r->n);
	for (unsigned k = 0; k < n; k++) {
		const uint64_t h = r->n - warmup - mru_misses(u, k);

		/* A use is another place in the order. */
		counts[k] = (struct eph_policy_counts){ h, h };
	}
	free(u->in);
	free(u);
	return (0);
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
	const uint64_t all = all_sizes(n);
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

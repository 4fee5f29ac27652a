/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/kassert.h"
#include "base/spin.h"

#ifdef EPHMAP_JEMALLOC
/* The names that the private copy has; see jemalloc.cmake. */
#define mallocx	 eph__je_mallocx
#define sdallocx eph__je_sdallocx
#define mallctl	 eph__je_mallctl
#include <jemalloc/jemalloc.h>

/*
 * Unless told otherwise it keeps the addresses of what it gives back to the
 * host, and those of a destroyed arena's own data, 2 MB, for good: after some
 * 100,000 arenas the host has no more mappings for the process.
 */
extern const char *const eph__je_malloc_conf;
const char *const eph__je_malloc_conf = "retain:false";

/* Address space asked for at a time; many machines may be there at once. */
#define MEM_SPAN ((size_t)(sizeof(void *) > 4 ? 32 : 2) << 20)

struct mem_span {
	struct mem_span *next;
	char *p;
	size_t bytes;
};

/*
 * Where an arena in huge pages has its memory from: spans, each used from its
 * beginning on.  What is given back jemalloc keeps, and hands out again.
 */
struct mem_spans {
	extent_hooks_t hooks; /* the first: all that a hook is told */
	atomic_flag lock;     /* guards all below */
	struct mem_span *all; /* the first is in use */
	size_t used;	      /* of the first */
	bool made;	      /* no: what is asked for is jemalloc's own */
};
#endif

#define MEM_ALIGN 64u
#define MEM_COLD  4u /* ranges of a region that are not written to */
#define MEM_HUGE  ((size_t)2 << 20)

/*
 * Heap blocks are linked, so that eph__mem_destroy() can free what was leaked
 * and ASan still sees each block on its own.
 */
struct mem_block {
	struct mem_block *next;
	struct mem_block *prev;
	char pad[MEM_ALIGN - 2 * sizeof(void *)];
};

struct eph_mem {
	atomic_flag lock;	 /* guards blocks */
	struct mem_block blocks; /* heap only: a ring */
	_Atomic(size_t) bytes;
	_Atomic(uint64_t) fail_after;
	bool heap;
	bool probed;		/* large blocks in huge pages */
	struct eph_mem *outer;	/* whose memory it is, NULL: its own */
	eph__mem_gone_fn *gone; /* told what is given back; or NULL */
	void *gone_arg;
	unsigned arena;
#ifdef EPHMAP_JEMALLOC
	struct mem_spans *spans; /* NULL: no huge pages */
#endif
	char *region; /* one piece, NULL: none */
	size_t region_bytes;
	size_t region_used;
	char *image; /* what eph__mem_mark() remembered */
	size_t image_used;
	size_t image_bytes; /* `bytes` at that time */
	struct {
		size_t first; /* offset in the region */
		size_t end;
	} cold[MEM_COLD];
	unsigned ncold;
};

#ifdef EPHMAP_JEMALLOC
static int
mem_flags(const struct eph_mem *mem, size_t bytes)
{
	const size_t align =
	    mem->probed && bytes >= MEM_HUGE ? MEM_HUGE : MEM_ALIGN;

	return (MALLOCX_ARENA(mem->arena) | MALLOCX_TCACHE_NONE |
	    MALLOCX_ALIGN(align));
}

/* Without huge pages everything works, slower. */
static void
mem_wish_huge(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
	(void)madvise(p, bytes, MADV_HUGEPAGE);
#else
	(void)p;
	(void)bytes;
#endif
}

/* Zeroed by the host at first sight: no page is there before the advice. */
static void *
mem_arena_alloc(const struct eph_mem *mem, size_t bytes)
{
	void *p = mallocx(bytes, mem_flags(mem, bytes) | MALLOCX_ZERO);

	if (p != NULL && mem->probed && bytes >= MEM_HUGE)
		mem_wish_huge(p, bytes);
	return (p);
}
#endif

struct eph_mem *
eph__mem_create(bool heap)
{
	struct eph_mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		return (NULL);
	atomic_flag_clear_explicit(&mem->lock, memory_order_relaxed);
	mem->blocks.next = mem->blocks.prev = &mem->blocks;
	mem->heap = true;
#ifdef EPHMAP_JEMALLOC
	size_t size = sizeof(mem->arena);

	if (!heap && mallctl("arenas.create", &mem->arena, &size, NULL, 0) == 0)
		mem->heap = false;
#else
	(void)heap;
#endif
	return (mem);
}

#ifdef EPHMAP_JEMALLOC
/* Linux lets what is so many huge pages begin with one. */
static struct mem_span *
mem_span_map(size_t bytes, bool huge)
{
	struct mem_span *s = malloc(sizeof(*s));

	if (s == NULL)
		return (NULL);
	bytes = (bytes + MEM_HUGE - 1) & ~(MEM_HUGE - 1);
	s->bytes = bytes;
	s->p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->p == MAP_FAILED) {
		free(s);
		return (NULL);
	}
	if (huge)
		mem_wish_huge(s->p, bytes);
	return (s);
}

/* The next `bytes` of the span in use, or NULL. */
static void *
mem_span_take(struct mem_spans *sp, size_t bytes, size_t align)
{
	const struct mem_span *s = sp->all;
	uintptr_t p;

	if (s == NULL)
		return (NULL);
	p = ((uintptr_t)s->p + sp->used + align - 1) & ~(uintptr_t)(align - 1);
	if (p + bytes > (uintptr_t)s->p + s->bytes)
		return (NULL);
	sp->used = p + bytes - (uintptr_t)s->p;
	return ((void *)p);
}

static void *
mem_span_alloc(extent_hooks_t *hooks, void *at, size_t bytes, size_t align,
    bool *zero, bool *commit, unsigned arena)
{
	struct mem_spans *sp = (struct mem_spans *)(void *)hooks;
	struct mem_span *s;
	void *p;

	(void)arena;
	if (at != NULL || bytes > SIZE_MAX / 2 || align > MEM_SPAN)
		return (NULL);
	spin_lock(&sp->lock);
	if ((p = mem_span_take(sp, bytes, align)) == NULL &&
	    (s = mem_span_map(bytes + align + (sp->made ? MEM_SPAN : 0),
		 sp->made)) != NULL) {
		s->next = sp->all;
		sp->all = s;
		sp->used = 0;
		p = mem_span_take(sp, bytes, align);
	}
	spin_unlock(&sp->lock);
	*zero = *commit = true;
	return (p);
}

static bool
mem_span_split(extent_hooks_t *hooks, void *p, size_t bytes, size_t first,
    size_t second, bool committed, unsigned arena)
{
	(void)hooks, (void)p, (void)bytes, (void)first, (void)second;
	(void)committed, (void)arena;
	return (false);
}

static bool
mem_span_merge(extent_hooks_t *hooks, void *p, size_t bytes, void *q,
    size_t others, bool committed, unsigned arena)
{
	(void)hooks, (void)p, (void)bytes, (void)q, (void)others;
	(void)committed, (void)arena;
	return (false);
}

static void
mem_spans_free(struct mem_spans *sp)
{
	while (sp->all != NULL) {
		struct mem_span *s = sp->all;

		sp->all = s->next;
		(void)munmap(s->p, s->bytes);
		free(s);
	}
	free(sp);
}
#endif

struct eph_mem *
eph__mem_create_huge(void)
{
#ifdef EPHMAP_JEMALLOC
	struct eph_mem *mem = eph__mem_create(true);
	struct mem_spans *sp = calloc(1, sizeof(*sp));
	extent_hooks_t *hooks;
	size_t size = sizeof(mem->arena);

	if (mem != NULL && sp != NULL) {
		hooks = &sp->hooks;
		sp->hooks.alloc = mem_span_alloc;
		sp->hooks.split = mem_span_split;
		sp->hooks.merge = mem_span_merge;
		atomic_flag_clear_explicit(&sp->lock, memory_order_relaxed);
		if (mallctl("arenas.create", &mem->arena, &size, &hooks,
			sizeof(hooks)) == 0) {
			mem->heap = false;
			mem->spans = sp;
			sp->made = true;
			/* What jemalloc's own has left, if it came here. */
			if (sp->all != NULL)
				mem_wish_huge(sp->all->p + sp->used,
				    sp->all->bytes - sp->used);
			return (mem);
		}
	}
	free(sp);
	free(mem);
#endif
	return (eph__mem_create(false));
}

void
eph__mem_probed(struct eph_mem *mem)
{
	mem->probed = true;
}

static size_t
mem_round(size_t bytes)
{
	return ((bytes + MEM_ALIGN - 1) & ~(size_t)(MEM_ALIGN - 1));
}

struct eph_mem *
eph__mem_create_region(size_t bytes)
{
	struct eph_mem *mem = eph__mem_create(true);

	if (mem == NULL)
		return (NULL);
	mem->region = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem->region == MAP_FAILED) {
		free(mem);
		return (NULL);
	}
	mem->region_bytes = bytes;
	return (mem);
}

struct eph_mem *
eph__mem_create_within(struct eph_mem *outer)
{
	struct eph_mem *mem = eph_mem_alloc(outer, sizeof(*mem));

	if (mem != NULL)
		mem->outer = outer;
	return (mem);
}

int
eph__mem_mark(struct eph_mem *mem)
{
	char *image = malloc(mem->region_used + 1);

	if (image == NULL)
		return (ENOMEM);
	free(mem->image);
	memcpy(image, mem->region, mem->region_used);
	mem->image = image;
	mem->image_used = mem->region_used;
	mem->image_bytes = eph__mem_bytes(mem);
	return (0);
}

void
eph__mem_cold(struct eph_mem *mem, const void *p, size_t bytes)
{
	const size_t first = (size_t)((const char *)p - mem->region);

	KASSERT(mem->ncold < MEM_COLD, "too many cold ranges");
	KASSERT(mem->ncold == 0 || first >= mem->cold[mem->ncold - 1].end,
	    "cold ranges in order of address");
	mem->cold[mem->ncold].first = first;
	mem->cold[mem->ncold++].end = first + bytes;
}

void
eph__mem_rewind(struct eph_mem *mem)
{
	size_t at = 0;

	for (unsigned i = 0; i < mem->ncold; i++) {
		memcpy(
		    mem->region + at, mem->image + at, mem->cold[i].first - at);
		at = mem->cold[i].end;
	}
	memcpy(mem->region + at, mem->image + at, mem->image_used - at);
	mem->region_used = mem->image_used;
	/* Relaxed: a statistic. */
	atomic_store_explicit(
	    &mem->bytes, mem->image_bytes, memory_order_relaxed);
}

char *
eph__mem_region(const struct eph_mem *mem, size_t *used)
{
	*used = mem->region_used;
	return (mem->region);
}

void
eph__mem_set_used(struct eph_mem *mem, size_t used)
{
	mem->region_used = used;
}

/* A region is used by one host thread. */
static void *
mem_region_alloc(struct eph_mem *mem, size_t bytes)
{
	char *p = mem->region + mem->region_used;

	if (bytes > mem->region_bytes - MEM_ALIGN ||
	    mem_round(bytes) > mem->region_bytes - mem->region_used)
		return (NULL);
	mem->region_used += mem_round(bytes);
	/* Memory that no image covers may hold what an earlier run left. */
	if (mem->image != NULL)
		memset(p, 0, bytes);
	return (p);
}

size_t
eph__mem_destroy(struct eph_mem *mem)
{
	/* Relaxed: no other thread uses it any more. */
	size_t left = atomic_load_explicit(&mem->bytes, memory_order_relaxed);

	if (mem->outer != NULL) {
		eph_mem_free(mem->outer, mem, sizeof(*mem));
		return (left);
	}
	while (mem->blocks.next != &mem->blocks) {
		struct mem_block *b = mem->blocks.next;

		mem->blocks.next = b->next;
		free(b);
	}
	if (mem->region != NULL)
		(void)munmap(mem->region, mem->region_bytes);
	free(mem->image);
#ifdef EPHMAP_JEMALLOC
	if (!mem->heap) {
		char name[48];

		(void)snprintf(
		    name, sizeof(name), "arena.%u.destroy", mem->arena);
		(void)mallctl(name, NULL, NULL, NULL, 0);
	}
	if (mem->spans != NULL)
		mem_spans_free(mem->spans);
#endif
	free(mem);
	return (left);
}

static bool
mem_told_to_fail(struct eph_mem *mem)
{
	/* Relaxed: a countdown for tests, set while nothing runs. */
	if (atomic_load_explicit(&mem->fail_after, memory_order_relaxed) == 0)
		return (false);
	return (atomic_fetch_sub_explicit(
		    &mem->fail_after, 1, memory_order_relaxed) == 1);
}

static void *
mem_heap_alloc(struct eph_mem *mem, size_t bytes)
{
	size_t size = sizeof(struct mem_block) + mem_round(bytes);
	struct mem_block *b =
	    size < bytes ? NULL : aligned_alloc(MEM_ALIGN, size);

	if (b == NULL)
		return (NULL);
	memset(b + 1, 0, size - sizeof(*b));
	spin_lock(&mem->lock);
	b->next = &mem->blocks;
	b->prev = mem->blocks.prev;
	b->prev->next = b;
	mem->blocks.prev = b;
	spin_unlock(&mem->lock);
	return (b + 1);
}

void *
eph_mem_alloc(struct eph_mem *mem, size_t bytes)
{
	void *p = NULL;

	if (bytes == 0 || mem_told_to_fail(mem))
		return (NULL);
	if (mem->outer != NULL)
		p = eph_mem_alloc(mem->outer, bytes);
	else if (mem->region != NULL)
		p = mem_region_alloc(mem, bytes);
	else if (mem->heap)
		p = mem_heap_alloc(mem, bytes);
#ifdef EPHMAP_JEMALLOC
	else
		p = mem_arena_alloc(mem, bytes);
#endif
	if (p != NULL) {
		/* Relaxed: a statistic. */
		(void)atomic_fetch_add_explicit(
		    &mem->bytes, bytes, memory_order_relaxed);
	}
	return (p);
}

void
eph_mem_free(struct eph_mem *mem, void *p, size_t bytes)
{
	if (p == NULL)
		return;
	(void)atomic_fetch_sub_explicit(
	    &mem->bytes, bytes, memory_order_relaxed);
	if (mem->gone != NULL)
		mem->gone(mem->gone_arg, p, bytes);
	if (mem->outer != NULL) {
		eph_mem_free(mem->outer, p, bytes);
		return;
	}
	if (mem->region != NULL)
		return;
	if (mem->heap) {
		struct mem_block *b = (struct mem_block *)p - 1;

		spin_lock(&mem->lock);
		b->prev->next = b->next;
		b->next->prev = b->prev;
		spin_unlock(&mem->lock);
		free(b);
		return;
	}
#ifdef EPHMAP_JEMALLOC
	sdallocx(p, bytes, mem_flags(mem, bytes));
#endif
}

void *
eph_mem_grow(struct eph_mem *mem, void *p, size_t from, size_t to)
{
	void *q = eph_mem_alloc(mem, to);

	if (q == NULL)
		return (NULL);
	if (p != NULL)
		memcpy(q, p, from);
	eph_mem_free(mem, p, from);
	return (q);
}

size_t
eph__mem_bytes(const struct eph_mem *mem)
{
	/* Relaxed: a statistic. */
	return (atomic_load_explicit(&mem->bytes, memory_order_relaxed));
}

void
eph__mem_on_free(struct eph_mem *mem, eph__mem_gone_fn *gone, void *arg)
{
	mem->gone = gone;
	mem->gone_arg = arg;
}

void
eph__mem_fail_after(struct eph_mem *mem, uint64_t n)
{
	atomic_store_explicit(&mem->fail_after, n, memory_order_relaxed);
}

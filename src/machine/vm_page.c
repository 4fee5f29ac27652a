/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The page array, in chunks so that pages never move, made at first sight.
 */

#include "ephmap/kernel/vm_page.h"

#include "base/kassert.h"
#include "base/mem.h"
#include "machine/frames.h"

/* Make room for chunk `c` in a table of `*np` pointers. */
static bool
table_grow(struct eph_machine *mc, void ***tablep, uint32_t *np, uint32_t c)
{
	uint32_t n = *np == 0 ? 16 : *np;
	void **table;

	while (n <= c)
		n *= 2;
	table = eph_mem_grow(
	    mc->mem, *tablep, *np * sizeof(*table), n * sizeof(*table));
	if (table == NULL)
		return (false);
	*tablep = table;
	*np = n;
	return (true);
}

struct vm_page *
eph__vm_page_make(struct eph_machine *mc, uint32_t frame)
{
	struct eph_frames *fr = mc->frames;
	const uint32_t c = frame >> FRAME_CHUNK_SHIFT;
	struct vm_page *chunk;

	if (frame >= EPH_FRAMES_MAX)
		return (NULL);
	if (c >= fr->nchunks) {
		void **table = (void **)fr->chunks;

		if (!table_grow(mc, &table, &fr->nchunks, c))
			return (NULL);
		fr->chunks = (struct vm_page **)table;
	}
	if (fr->chunks[c] == NULL) {
		chunk = eph_machine_alloc(mc, FRAME_CHUNK * sizeof(*chunk));
		if (chunk == NULL)
			return (NULL);
		for (uint32_t i = 0; i < FRAME_CHUNK; i++)
			chunk[i].frame = (c << FRAME_CHUNK_SHIFT) + i;
		fr->chunks[c] = chunk;
	}
	return (&fr->chunks[c][frame & FRAME_CHUNK_MASK]);
}

struct vm_page *
vm_page_get(struct eph_machine *mc, uint32_t frame)
{
	return (vm_page_get_inline(mc, frame));
}

static size_t
contents_bytes(const struct eph_machine *mc)
{
	switch (mc->contents_kind) {
	case EPH_CONTENTS_STAMP:
		return (8);
	case EPH_CONTENTS_FULL:
		return (EPH_PAGE_SIZE);
	case EPH_CONTENTS_NONE:
		break;
	}
	return (0);
}

void *
vm_page_contents(struct eph_machine *mc, const struct vm_page *m)
{
	struct eph_frames *fr = mc->frames;
	const uint32_t c = m->frame >> FRAME_DATA_SHIFT;
	const size_t bytes = contents_bytes(mc);

	if (bytes == 0)
		return (NULL);
	if (c >= fr->ndata) {
		void **table = (void **)fr->data;

		if (!table_grow(mc, &table, &fr->ndata, c))
			PANIC("out of memory for page contents");
		fr->data = (char **)table;
	}
	if (fr->data[c] == NULL) {
		fr->data[c] = eph_machine_alloc(mc, bytes << FRAME_DATA_SHIFT);
		if (fr->data[c] == NULL)
			PANIC("out of memory for page contents");
	}
	return (fr->data[c] + (m->frame & FRAME_DATA_MASK) * bytes);
}

void
eph__frames_destroy(struct eph_machine *mc)
{
	struct eph_frames *fr = mc->frames;

	if (fr == NULL)
		return;
	for (uint32_t c = 0; c < fr->nchunks; c++)
		eph_machine_free(
		    mc, fr->chunks[c], FRAME_CHUNK * sizeof(struct vm_page));
	for (uint32_t c = 0; c < fr->ndata; c++)
		eph_machine_free(
		    mc, fr->data[c], contents_bytes(mc) << FRAME_DATA_SHIFT);
	eph_machine_free(mc, fr->chunks, fr->nchunks * sizeof(*fr->chunks));
	eph_machine_free(mc, fr->data, fr->ndata * sizeof(*fr->data));
	eph_machine_free(mc, fr, sizeof(*fr));
}

/*
 * Relaxed throughout: the counts guard nothing by themselves; who brings a
 * page's last wire or hold down to 0 serialises on the object that owns it.
 * A locked instruction is only for CPUs that run at once.
 */

/* Add to the wirings; what they were. */
static uint32_t
wires_add(const struct eph_machine *mc, struct vm_page *m, uint32_t by)
{
	uint32_t old;

	if (eph_parallel(mc))
		return (atomic_fetch_add_explicit(
		    &m->wire_count, by, memory_order_relaxed));
	old = atomic_load_explicit(&m->wire_count, memory_order_relaxed);
	atomic_store_explicit(&m->wire_count, old + by, memory_order_relaxed);
	return (old);
}

/* Add to the holds; what they were. */
static uint16_t
holds_add(const struct eph_machine *mc, struct vm_page *m, uint16_t by)
{
	uint16_t old;

	if (eph_parallel(mc))
		return (atomic_fetch_add_explicit(
		    &m->hold_count, by, memory_order_relaxed));
	old = atomic_load_explicit(&m->hold_count, memory_order_relaxed);
	atomic_store_explicit(
	    &m->hold_count, (uint16_t)(old + by), memory_order_relaxed);
	return (old);
}

void
vm_page_wire(struct eph_machine *mc, struct vm_page *m)
{
	(void)wires_add(mc, m, 1);
}

void
vm_page_unwire(struct eph_machine *mc, struct vm_page *m)
{
	if (wires_add(mc, m, UINT32_MAX) == 0)
		PANIC("vm_page_unwire: page is not wired");
}

void
vm_page_hold(struct eph_machine *mc, struct vm_page *m)
{
	(void)holds_add(mc, m, 1);
}

void
vm_page_unhold(struct eph_machine *mc, struct vm_page *m)
{
	if (holds_add(mc, m, UINT16_MAX) == 0)
		PANIC("vm_page_unhold: page is not held");
}

uint64_t
vm_pages_wired(const struct eph_machine *mc)
{
	const struct eph_frames *fr = mc->frames;
	uint64_t wires = 0;

	for (uint32_t c = 0; c < fr->nchunks; c++) {
		for (uint32_t i = 0; fr->chunks[c] != NULL && i < FRAME_CHUNK;
		     i++)
			wires += fr->chunks[c][i].wire_count;
	}
	return (wires);
}

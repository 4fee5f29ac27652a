/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Handles are found by linear probing; a removal moves later entries back
 * over the hole, so that there are no tombstones and a trace of any length
 * costs what is mapped at once.  Slots come from a stack of free ones,
 * last freed first; a fresh one only when it is empty, so that the number
 * of slots is the most that were mapped at once.
 */

#include "trace/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_HANDLES 256u

static uint32_t
ledger_home(const struct ledger *l, uint64_t name)
{
	uint64_t h = (name ^ name >> 32) * 0x9e3779b97f4a7c15u;

	return ((uint32_t)(h >> 32) & l->mask);
}

static void
ledger_clear(struct ledger *l)
{
	for (uint32_t i = 0; i <= l->mask; i++)
		l->handles[i].slot = EPH_NONE;
}

int
eph__ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
	l->mask = FIRST_HANDLES - 1;
	l->cap_slots = FIRST_HANDLES;
	l->handles = malloc(FIRST_HANDLES * sizeof(l->handles[0]));
	l->free_slots = malloc(FIRST_HANDLES * sizeof(l->free_slots[0]));
	if (l->handles == NULL || l->free_slots == NULL) {
		eph__ledger_destroy(l);
		return (ENOMEM);
	}
	eph__ledger_reset(l);
	return (0);
}

void
eph__ledger_destroy(struct ledger *l)
{
	free(l->handles);
	free(l->free_slots);
	memset(l, 0, sizeof(*l));
}

void
eph__ledger_reset(struct ledger *l)
{
	ledger_clear(l);
	l->nhandles = l->nfree = 0;
	l->held_time = 0;
	l->held_ops = 0;
	memset(&l->meta, 0, sizeof(l->meta));
	l->meta.cpus = 1;
}

/* The entry of `name`, or the free one where it belongs. */
static uint32_t
ledger_find(const struct ledger *l, uint64_t name)
{
	uint32_t i = ledger_home(l, name);

	while (l->handles[i].slot != EPH_NONE && l->handles[i].name != name)
		i = (i + 1) & l->mask;
	return (i);
}

static int
ledger_grow(struct ledger *l)
{
	struct ledger_handle *old = l->handles;
	const uint32_t old_mask = l->mask;

	l->handles = malloc(2 * ((size_t)old_mask + 1) * sizeof(old[0]));
	if (l->handles == NULL) {
		l->handles = old;
		return (ENOMEM);
	}
	l->mask = 2 * old_mask + 1;
	ledger_clear(l);
	for (uint32_t i = 0; i <= old_mask; i++) {
		if (old[i].slot != EPH_NONE)
			l->handles[ledger_find(l, old[i].name)] = old[i];
	}
	free(old);
	return (0);
}

/* So that every slot in use fits on the stack when it is freed. */
static int
ledger_reserve(struct ledger *l, uint32_t slots)
{
	uint32_t *bigger;

	if (slots <= l->cap_slots)
		return (0);
	bigger =
	    realloc(l->free_slots, 2 * (size_t)l->cap_slots * sizeof(*bigger));
	if (bigger == NULL)
		return (ENOMEM);
	l->free_slots = bigger;
	l->cap_slots *= 2;
	return (0);
}

int
eph__ledger_map(
    struct ledger *l, uint64_t handle, unsigned flags, uint32_t *slotp)
{
	const bool nowait = (flags & EPH_OPF_NOWAIT) != 0;
	uint32_t i = ledger_find(l, handle), slot;

	if (l->handles[i].slot != EPH_NONE) {
		if (!l->handles[i].nowait)
			return (EEXIST);
		l->handles[i].nowait = nowait;
		*slotp = l->handles[i].slot;
		return (0);
	}
	if (l->nhandles >= l->mask / 2) {
		if (l->mask >= 1u << 30 || ledger_grow(l) != 0)
			return (ENOMEM);
		i = ledger_find(l, handle);
	}
	if (l->nfree > 0) {
		slot = l->free_slots[--l->nfree];
	} else {
		if (ledger_reserve(l, l->meta.slots + 1) != 0)
			return (ENOMEM);
		slot = l->meta.slots++;
	}
	l->handles[i].name = handle;
	l->handles[i].slot = slot;
	l->handles[i].nowait = nowait;
	l->nhandles++;
	*slotp = slot;
	return (0);
}

int
eph__ledger_use(const struct ledger *l, uint64_t handle, uint32_t *slotp)
{
	const struct ledger_handle *h = &l->handles[ledger_find(l, handle)];

	if (h->slot == EPH_NONE)
		return (ENOENT);
	*slotp = h->slot;
	return (0);
}

/* Free entry `hole`, moving back what was pushed past it. */
static void
ledger_remove(struct ledger *l, uint32_t hole)
{
	uint32_t i = hole;

	for (;;) {
		uint32_t home;

		i = (i + 1) & l->mask;
		if (l->handles[i].slot == EPH_NONE)
			break;
		home = ledger_home(l, l->handles[i].name);
		if (((i - home) & l->mask) >= ((i - hole) & l->mask)) {
			l->handles[hole] = l->handles[i];
			hole = i;
		}
	}
	l->handles[hole].slot = EPH_NONE;
}

int
eph__ledger_unmap(struct ledger *l, uint64_t handle, uint32_t *slotp)
{
	const uint32_t i = ledger_find(l, handle);

	if (l->handles[i].slot == EPH_NONE)
		return (ENOENT);
	*slotp = l->handles[i].slot;
	l->free_slots[l->nfree++] = *slotp;
	l->nhandles--;
	ledger_remove(l, i);
	return (0);
}

bool
eph__ledger_delay(struct ledger *l, uint64_t ns)
{
	if (ns > EPH_TRACE_NS_MAX - l->meta.duration_ns)
		return (false);
	l->meta.duration_ns += ns;
	l->held_time += (double)l->nhandles * (double)ns;
	return (true);
}

void
eph__ledger_finish(struct ledger *l, uint64_t unique_pages)
{
	struct eph_trace_meta *meta = &l->meta;

	meta->ops = 0;
	for (int kind = 0; kind < EPH_OP_KINDS; kind++)
		meta->ops += meta->ops_of[kind];
	meta->references = meta->ops_of[EPH_OP_MAP] + meta->ops_of[EPH_OP_REF];
	meta->unique_pages = unique_pages;
	meta->held_max = meta->slots;
	meta->held_at_end = l->nhandles;
	if (meta->duration_ns > 0)
		meta->held_mean = l->held_time / (double)meta->duration_ns;
	else if (meta->ops > 0)
		meta->held_mean = (double)l->held_ops / (double)meta->ops;
	meta->complete = true;
}

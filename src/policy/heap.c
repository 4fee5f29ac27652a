/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/heap.h"

#include <errno.h>
#include <string.h>

static size_t
heap_bytes(const struct heap *h)
{
	return (((size_t)h->c.nslots + HEAP_SHIFT) * sizeof(*h->at));
}

int
eph__heap_init(struct heap *h, const struct eph_policy_env *env)
{
	memset(h, 0, sizeof(*h));
	h->c.mem = env->mem;
	h->c.nslots = env->nslots;
	h->at = eph_mem_alloc(env->mem, heap_bytes(h));
	h->place = eph_mem_alloc(env->mem, env->nslots * sizeof(*h->place));
	h->key = eph_mem_alloc(env->mem, env->nslots * sizeof(*h->key));
	h->state = eph_mem_alloc(env->mem, env->nslots);
	if (h->at == NULL || h->place == NULL || h->key == NULL ||
	    h->state == NULL) {
		eph__heap_fini(h);
		return (ENOMEM);
	}
	memset(h->place, 0xff, env->nslots * sizeof(*h->place));
	return (0);
}

void
eph__heap_fini(struct heap *h)
{
	eph_mem_free(h->c.mem, h->at, heap_bytes(h));
	eph_mem_free(h->c.mem, h->place, h->c.nslots * sizeof(*h->place));
	eph_mem_free(h->c.mem, h->key, h->c.nslots * sizeof(*h->key));
	eph_mem_free(h->c.mem, h->state, h->c.nslots);
}

void
eph__heap_check(const struct heap *h)
{
	uint32_t resident = 0, pinned = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		const struct heap_entry *e = heap_at(h, i);
		const uint32_t slot = e->slot;

		if (h->place[slot] != i || h->state[slot] != HEAP_FREE)
			PANIC("policy heap: slot and place disagree");
		if (i > 0 && heap_at(h, (i - 1) / HEAP_WAYS)->key > e->key)
			PANIC("policy heap: out of order");
	}
	for (uint32_t s = 0; s < h->c.nslots; s++) {
		resident += h->state[s] != HEAP_EMPTY;
		pinned += h->state[s] == HEAP_PINNED;
	}
	if (resident != h->c.resident || pinned != h->c.pinned ||
	    h->n != resident - pinned)
		PANIC("policy heap: wrong number of cached or pinned slots");
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/heap.h"

#include <errno.h>
#include <string.h>

int
eph__heap_init(struct heap *h, const struct eph_policy_env *env)
{
	memset(h, 0, sizeof(*h));
	h->c.mem = env->mem;
	h->c.nslots = env->nslots;
	h->slot = eph_mem_alloc(env->mem, env->nslots * sizeof(*h->slot));
	h->place = eph_mem_alloc(env->mem, env->nslots * sizeof(*h->place));
	h->key = eph_mem_alloc(env->mem, env->nslots * sizeof(*h->key));
	h->state = eph_mem_alloc(env->mem, env->nslots);
	if (h->slot == NULL || h->place == NULL || h->key == NULL ||
	    h->state == NULL) {
		eph__heap_fini(h);
		return (ENOMEM);
	}
	return (0);
}

void
eph__heap_fini(struct heap *h)
{
	eph_mem_free(h->c.mem, h->slot, h->c.nslots * sizeof(*h->slot));
	eph_mem_free(h->c.mem, h->place, h->c.nslots * sizeof(*h->place));
	eph_mem_free(h->c.mem, h->key, h->c.nslots * sizeof(*h->key));
	eph_mem_free(h->c.mem, h->state, h->c.nslots);
}

void
eph__heap_check(const struct heap *h)
{
	uint32_t resident = 0, pinned = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		const uint32_t slot = h->slot[i];

		if (h->place[slot] != i || h->state[slot] != HEAP_FREE)
			PANIC("policy heap: slot and place disagree");
		if (i > 0 &&
		    h->key[h->slot[(i - 1) / HEAP_WAYS]] > h->key[slot])
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

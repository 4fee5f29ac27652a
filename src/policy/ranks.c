/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/ranks.h"

#include <errno.h>
#include <string.h>

static size_t
ranks_bytes(const struct ranks *r)
{
	return (((size_t)r->heads + RANKS) * sizeof(*r->n));
}

int
eph__ranks_init(struct ranks *r, const struct eph_policy_env *env)
{
	struct eph_policy_env all = *env;

	memset(r, 0, sizeof(*r));
	r->c.mem = env->mem;
	r->c.nslots = env->nslots;
	r->heads = all.nslots = env->by_page ? env->npages_hint : env->nslots;
	if (eph__heap_init(&r->h, &all) != 0)
		return (ENOMEM);
	r->n = eph_mem_alloc(env->mem, ranks_bytes(r));
	r->pinned = eph_mem_alloc(env->mem, r->heads);
	if (r->n == NULL || r->pinned == NULL) {
		eph__ranks_fini(r);
		return (ENOMEM);
	}
	for (uint32_t i = 0; i < r->heads; i++)
		r->n[i].prev = RANK_OUT;
	for (uint32_t i = r->heads; i < r->heads + RANKS; i++)
		r->n[i].prev = r->n[i].next = i;
	return (0);
}

void
eph__ranks_fini(struct ranks *r)
{
	eph_mem_free(r->c.mem, r->n, ranks_bytes(r));
	eph_mem_free(r->c.mem, r->pinned, r->heads);
	eph__heap_fini(&r->h);
}

void
eph__ranks_rebase(struct ranks *r, uint32_t base)
{
	const uint32_t last = base - r->base < RANKS ? base : r->base + RANKS;

	KASSERT(base >= r->base, "values go down");
	for (uint32_t v = r->base; v != last; v++) {
		struct rank_node *head = &r->n[r->heads + v % RANKS];

		while (head->next != r->heads + v % RANKS) {
			const uint32_t slot = head->next;

			rank_unlink(r, &r->n[slot]);
			r->n[slot].prev = RANK_HEAPED;
			heap_insert(&r->h, slot, r->n[slot].key);
			if (!r->pinned[slot])
				heap_release(&r->h, slot);
		}
	}
	r->base = base;
}

static uint32_t
ranks_check_list(const struct ranks *r, uint32_t list)
{
	const uint32_t head = r->heads + list;
	uint32_t n = 0;

	for (uint32_t i = r->n[head].next; i != head; i = r->n[i].next) {
		if (r->n[r->n[i].next].prev != i ||
		    rank_value(r->n[i].key) % RANKS != list ||
		    rank_value(r->n[i].key) - r->base >= RANKS)
			PANIC("policy ranks: a slot is on another's list");
		n++;
	}
	if ((n > 0) != (r->some[list / RANK_BITS] >> list % RANK_BITS & 1))
		PANIC("policy ranks: a list is not known");
	return (n);
}

void
eph__ranks_check(const struct ranks *r)
{
	uint32_t resident = 0, pinned = 0, listed = 0, heaped = 0;

	eph__heap_check(&r->h);
	for (uint32_t list = 0; list < RANKS; list++)
		listed += ranks_check_list(r, list);
	for (uint32_t i = 0; i < r->heads; i++) {
		resident += rank_cached(r, i);
		pinned += r->pinned[i];
		if (r->n[i].prev != RANK_HEAPED)
			continue;
		heaped++;
		if (heap_key(&r->h, i) > r->n[i].key)
			PANIC("policy ranks: the heap is ahead of a key");
	}
	if (resident != r->c.resident || pinned != r->c.pinned ||
	    listed + heaped != resident)
		PANIC("policy ranks: wrong number of cached or pinned slots");
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/list.h"

#include <errno.h>
#include <string.h>

static size_t
lists_bytes(const struct lists *l)
{
	return (((size_t)l->heads + LISTS_MAX) * sizeof(struct node));
}

int
eph__lists_init(
    struct lists *l, const struct eph_policy_env *env, uint32_t nghosts)
{
	memset(l, 0, sizeof(*l));
	l->c.mem = env->mem;
	l->c.nslots = env->nslots;
	l->by_page = env->by_page;
	l->cached = LISTS_CACHED;
	if (env->by_page)
		nghosts = 0;
	l->nghosts = nghosts;
	l->heads = (env->by_page ? env->npages_hint : env->nslots) + nghosts;
	l->ghost_free = EPH_NONE;
	l->n = eph_mem_alloc(env->mem, lists_bytes(l));
	if (l->n == NULL)
		return (ENOMEM);
	if (nghosts > 0 &&
	    !eph__page_table_init(&l->ghost, env->mem, env->npages_hint)) {
		eph__lists_fini(l);
		return (ENOMEM);
	}
	for (unsigned i = 0; i < LISTS_MAX; i++) {
		const uint32_t h = lists_head_node(l, i);

		l->n[h].prev = l->n[h].next = h;
	}
	for (uint32_t g = l->heads; g-- > l->heads - nghosts;) {
		l->n[g].next = l->ghost_free;
		l->ghost_free = g;
	}
	return (0);
}

void
eph__lists_fini(struct lists *l)
{
	eph_mem_free(l->c.mem, l->n, lists_bytes(l));
	if (l->nghosts > 0)
		eph__page_table_fini(&l->ghost, l->c.mem);
}

static void
lists_check_node(
    const struct lists *l, uint32_t i, unsigned list, uint32_t *pinned)
{
	const struct node *n = &l->n[i];

	if (n->list != list)
		PANIC("policy list: node on another list");
	if (l->n[n->next].prev != i || l->n[n->prev].next != i)
		PANIC("policy list: links disagree");
	if (i >= l->c.nslots && lists_ghost(l, n->page) != i)
		PANIC("policy list: ghost not in the table");
	if (!l->both && i < l->c.nslots && l->ghost.npages > n->page &&
	    l->ghost.of[n->page] != 0)
		PANIC("policy list: cached page has a ghost");
	*pinned += n->pinned;
}

void
eph__lists_check(const struct lists *l, unsigned nresident)
{
	uint32_t resident = 0, ghosts = 0, pinned = 0;

	for (unsigned list = 1; list < LISTS_MAX; list++) {
		const uint32_t h = lists_head_node(l, list);
		uint32_t count = 0;

		for (uint32_t i = l->n[h].next; i != h; i = l->n[i].next) {
			lists_check_node(l, i, list, &pinned);
			if ((i < l->c.nslots) != (list <= nresident))
				PANIC("policy list: slot among ghosts");
			count++;
		}
		if (count != l->count[list])
			PANIC("policy list: wrong count");
		*(list <= nresident ? &resident : &ghosts) += count;
	}
	for (uint32_t i = 0; i < l->c.nslots && l->aside != 0; i++) {
		if (l->n[i].list != l->aside)
			continue;
		resident++;
		pinned += l->n[i].pinned;
	}
	for (uint32_t g = l->ghost_free; g != EPH_NONE; g = l->n[g].next)
		ghosts++;
	if (ghosts != l->nghosts)
		PANIC("policy list: a ghost is lost");
	if (resident != l->c.resident || pinned != l->c.pinned)
		PANIC("policy list: wrong number of cached or pinned slots");
}

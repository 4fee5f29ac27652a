/* SPDX-License-Identifier: BSD-2-Clause */

#include "policy/state.h"

#include <errno.h>

#define PAGES_AT_FIRST 1024u

int
eph__policy_nomem(
    const struct eph_policy_env *env, const char *policy, struct eph_err *err)
{
	return (eph_err_set(err, ENOMEM,
	    "policy %s: the host is out of memory for %u slots", policy,
	    env->nslots));
}

uint64_t
eph__policy_promotions(const void *ps)
{
	return (((const struct policy_count *)ps)->moves);
}

bool
eph__page_table_init(struct page_table *t, struct eph_mem *mem, uint32_t hint)
{
	t->npages = hint == 0 ? PAGES_AT_FIRST : hint;
	t->of = eph_mem_alloc(mem, t->npages * sizeof(*t->of));
	return (t->of != NULL);
}

void
eph__page_table_fini(struct page_table *t, struct eph_mem *mem)
{
	eph_mem_free(mem, t->of, t->npages * sizeof(*t->of));
	t->of = NULL;
}

bool
eph__page_table_grow(struct page_table *t, struct eph_mem *mem, uint32_t page)
{
	uint64_t want = (uint64_t)t->npages * 2;
	uint32_t *of;

	if (want <= page)
		want = (uint64_t)page + 1;
	if (want > UINT32_MAX)
		want = UINT32_MAX;
	of = eph_mem_grow(
	    mem, t->of, t->npages * sizeof(*of), want * sizeof(*of));
	if (of == NULL)
		return (false);
	t->of = of;
	t->npages = (uint32_t)want;
	return (true);
}

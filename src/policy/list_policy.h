/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_LIST_POLICY_H
#define POLICY_LIST_POLICY_H

/*
 * What policies made of lists repeat: create, destroy and the row.  The
 * state begins with struct lists and is called POLICY_STATE.
 */

#include <errno.h>

#include "policy/list.h"
#include "policy/policies.h"

/*
 * Allocate the state, with `nghosts` places for ghosts, in create().
 * Returns NULL when out of memory.
 */
static inline void *
lists_create(const struct eph_policy_env *env, size_t bytes, uint32_t nghosts)
{
	void *ps = eph_mem_alloc(env->mem, bytes);

	if (ps != NULL && eph__lists_init(ps, env, nghosts) != 0) {
		eph_mem_free(env->mem, ps, bytes);
		ps = NULL;
	}
	return (ps);
}

static inline void
lists_destroy(void *ps, size_t bytes)
{
	struct lists *l = ps;
	struct eph_mem *mem = l->c.mem;

	eph__lists_fini(l);
	eph_mem_free(mem, ps, bytes);
}

#endif /* !POLICY_LIST_POLICY_H */

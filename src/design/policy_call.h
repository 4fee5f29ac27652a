/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_POLICY_CALL_H
#define DESIGN_POLICY_CALL_H

/*
 * How designs call their policy.  One predicted branch finds the kernels'
 * own lists and calls them inline; everything else goes through the table
 * (1.5 ns a call here, three calls a reference).
 */

#include "design/freelist.h"
#include "ephmap/sdk/policy.h"

struct policy_ref {
	const struct eph_policy_ops *ops;
	void *ps;
};

static inline void
policy_hit(const struct policy_ref *p, uint32_t slot)
{
	if (p->ops->hit != eph_policy_lru.hit)
		p->ops->hit(p->ps, slot);
}

static inline void
policy_pin(const struct policy_ref *p, uint32_t slot)
{
	if (eph_likely(p->ops == &eph_policy_lru))
		freelist_lru_pin(p->ps, slot);
	else if (p->ops == &eph_policy_lazy)
		freelist_lazy_pin(p->ps, slot);
	else
		p->ops->pin(p->ps, slot);
}

static inline void
policy_release(const struct policy_ref *p, uint32_t slot)
{
	if (eph_likely(p->ops == &eph_policy_lru))
		freelist_lru_release(p->ps, slot);
	else if (p->ops == &eph_policy_lazy)
		freelist_lazy_release(p->ps, slot);
	else
		p->ops->release(p->ps, slot);
}

static inline uint32_t
policy_victim(const struct policy_ref *p, uint32_t page)
{
	if (eph_likely(p->ops == &eph_policy_lru))
		return (freelist_lru_victim(p->ps));
	return (p->ops->victim(p->ps, page));
}

#endif /* !DESIGN_POLICY_CALL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/* The replay of policies that have none of their own; see policy.h. */

#include "ephmap/sdk/policy.h"

uint64_t
eph_policy_replay_by_calls(const struct eph_policy_ops *ops, void *ps,
    struct eph_policy_replay *r, const uint32_t *pages, size_t n)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < n; i++, r->now++) {
		const uint32_t page = pages[i];
		uint32_t slot = r->slot_of[page];

		if (slot != EPH_NONE) {
			hits++;
			ops->hit(ps, slot);
			ops->pin(ps, slot);
			ops->release(ps, slot);
			continue;
		}
		if (r->used < r->nslots) {
			slot = r->used++;
		} else {
			slot = ops->victim(ps, page);
			r->slot_of[r->page_of[slot]] = EPH_NONE;
		}
		r->slot_of[page] = slot;
		r->page_of[slot] = page;
		ops->insert(ps, slot, page);
		ops->release(ps, slot);
	}
	return (hits);
}

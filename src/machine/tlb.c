/* SPDX-License-Identifier: BSD-2-Clause */

#include "machine/tlb.h"

struct eph_tlb *
tlb_create(struct eph_machine *mc, const struct eph_tlb_model *model)
{
	const size_t n1 = (size_t)model->l1.sets * model->l1.ways;
	const size_t n2 = (size_t)model->l2.sets * model->l2.ways;
	const size_t bytes = sizeof(struct eph_tlb) + (n1 + n2) * 8;
	struct eph_tlb *tlb = machine_alloc(mc, bytes);

	if (tlb == NULL)
		return (NULL);
	tlb->bytes = bytes;
	tlb->l1_mask = model->l1.sets - 1u;
	tlb->l1_ways = model->l1.ways;
	if (n2 != 0) {
		tlb->l2_mask = model->l2.sets - 1u;
		tlb->l2_ways = model->l2.ways;
		tlb->l2 = tlb->l1 + n1;
	}
	return (tlb);
}

void
tlb_destroy(struct eph_machine *mc, struct eph_tlb *tlb)
{
	if (tlb != NULL)
		machine_free(mc, tlb, tlb->bytes);
}

static bool
tlb_is_live(uint64_t tag, const uint32_t gen[2])
{
	const uint32_t g = (uint32_t)(tag >> 32);

	return (g == gen[0] || g == gen[1]);
}

/*
 * An invalid way is taken before the least recently used one, as hardware
 * does.  The last of them, so that fewer entries move.
 */
void
tlb_insert(uint64_t *set, unsigned ways, uint64_t tag, const uint32_t gen[2])
{
	unsigned w = ways - 1;

	while (w > 0 && tlb_is_live(set[w], gen))
		w--;
	if (w == 0 && tlb_is_live(set[0], gen))
		w = ways - 1;
	for (; w > 0; w--)
		set[w] = set[w - 1];
	set[0] = tag;
}

static void
tlb_set_remove(uint64_t *set, unsigned ways, uint64_t tag)
{
	for (unsigned w = 0; w < ways; w++) {
		if (set[w] == tag) {
			set[w] = 0;
			return;
		}
	}
}

void
tlb_remove(struct eph_tlb *tlb, uint64_t tag)
{
	const uint32_t index = (uint32_t)tag;

	tlb_set_remove(&tlb->l1[(size_t)(index & tlb->l1_mask) * tlb->l1_ways],
	    tlb->l1_ways, tag);
	if (tlb->l2_ways != 0) {
		tlb_set_remove(
		    &tlb->l2[(size_t)(index & tlb->l2_mask) * tlb->l2_ways],
		    tlb->l2_ways, tag);
	}
}

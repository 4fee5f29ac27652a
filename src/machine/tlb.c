/* SPDX-License-Identifier: BSD-2-Clause */

#include "machine/tlb.h"

#include "base/kassert.h"

static void
tlb_level_init(const struct eph_tlb_level *lv, uint32_t *mask, uint32_t *ways)
{
	KASSERT(lv->ways % 4 == 0 && lv->ways <= TLB_WAYS_MAX,
	    "ways come in vectors of 4, at most 64");
	KASSERT((lv->sets & (lv->sets - 1)) == 0, "sets are a power of two");
	*mask = lv->sets - 1u;
	*ways = lv->sets != 0 ? lv->ways : 0u;
}

struct eph_tlb *
eph__tlb_create(struct eph_machine *mc, const struct eph_tlb_model *model)
{
	struct eph_tlb *tlb = eph_machine_alloc(mc, sizeof(*tlb));
	size_t n1, n2;

	if (tlb == NULL)
		return (NULL);
	tlb_level_init(&model->l1, &tlb->l1_mask, &tlb->l1_ways);
	tlb_level_init(&model->l2, &tlb->l2_mask, &tlb->l2_ways);
	n1 = (size_t)model->l1.sets * model->l1.ways;
	n2 = (size_t)model->l2.sets * model->l2.ways;
	tlb->bytes = (n1 + n2) * sizeof(*tlb->l1);
	tlb->l1 = eph_machine_alloc(mc, tlb->bytes);
	if (tlb->l1 == NULL) {
		eph_machine_free(mc, tlb, sizeof(*tlb));
		return (NULL);
	}
	tlb->l2 = tlb->l1 + n1;
	tlb->gen[0] = 1;
	tlb->gen[1] = TLB_GLOBAL + 1;
	return (tlb);
}

void
eph__tlb_destroy(struct eph_machine *mc, struct eph_tlb *tlb)
{
	if (tlb == NULL)
		return;
	eph_machine_free(mc, tlb->l1, tlb->bytes);
	eph_machine_free(mc, tlb, sizeof(*tlb));
}

void
eph__tlb_flush_kind(struct eph_tlb *tlb, unsigned kind)
{
	const uint32_t bit = kind == 0 ? 0 : TLB_GLOBAL;

	for (size_t i = 0; i < tlb->bytes / sizeof(*tlb->l1); i++) {
		if ((tlb->l1[i] >> TLB_INDEX_BITS & TLB_GLOBAL) == bit)
			tlb->l1[i] = 0;
	}
	tlb->gen[kind] = bit + 1;
}

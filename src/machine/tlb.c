/* SPDX-License-Identifier: BSD-2-Clause */

#include "machine/tlb.h"

#include <errno.h>

#include "base/kassert.h"

/* Words of a level; the next one begins a line of a cache. */
static uint32_t
tlb_level_init(const struct eph_tlb_level *lv, uint32_t *mask, uint32_t *ways)
{
	KASSERT(lv->ways % 4 == 0 && lv->ways <= TLB_WAYS_MAX,
	    "ways come in vectors of 4, at most 64");
	KASSERT((lv->sets & (lv->sets - 1)) == 0, "sets are a power of two");
	*mask = lv->sets - 1u;
	*ways = lv->sets != 0 ? lv->ways : 0u;
	return (((lv->sets * (TLB_HEAD + *ways)) + 15u) & ~15u);
}

static size_t
tlb_bytes(uint32_t words)
{
	return (sizeof(struct eph_tlb) + words * sizeof(uint32_t));
}

int
eph__tlbs_create(struct eph_machine *mc, const struct eph_tlb_model *model)
{
	struct eph_tlb t = { .l1_at = 0 };
	size_t bytes;
	char *all;

	t.l2_at = tlb_level_init(&model->l1, &t.l1_mask, &t.l1_ways);
	t.words = t.l2_at + tlb_level_init(&model->l2, &t.l2_mask, &t.l2_ways);
	bytes = tlb_bytes(t.words);
	if ((all = eph_machine_alloc(mc, mc->ncpus * bytes)) == NULL)
		return (ENOMEM);
	for (unsigned c = 0; c < mc->ncpus; c++) {
		mc->cpus[c]->tlb = (struct eph_tlb *)(void *)(all + c * bytes);
		*mc->cpus[c]->tlb = t;
	}
	return (0);
}

void
eph__tlbs_destroy(struct eph_machine *mc)
{
	struct eph_tlb *all = NULL;

	if (mc->cpus != NULL && mc->cpus[0] != NULL)
		all = mc->cpus[0]->tlb;
	if (all != NULL)
		eph_machine_free(mc, all, mc->ncpus * tlb_bytes(all->words));
}

void
eph__tlb_fill_late(struct eph_tlb *tlb)
{
	const uint32_t tag = tlb->late;

	tlb->late = 0;
	(void)TLB_LEVEL(tlb_insert, tlb, l1, tag);
	if (tlb->l2_ways != 0)
		(void)TLB_LEVEL(tlb_insert, tlb, l2, tag);
}

void
eph__tlb_settle_slow(const struct eph_tlb *tlb, uint32_t *set, uint32_t ways)
{
	const uint32_t lost = (uint32_t)(set[0] != tlb->gen[0]) |
	    (uint32_t)(set[1] != tlb->gen[1]) << 1;
	uint32_t *way = set + TLB_HEAD;
	uint32_t n = 0;

	set[0] = tlb->gen[0];
	set[1] = tlb->gen[1];
	if ((set[TLB_KINDS] & lost) == 0)
		return;
	set[TLB_KINDS] &= ~lost;
	for (uint32_t w = 0; set[TLB_KINDS] != 0 && w < ways; w++) {
		if (way[w] != 0 && (TLB_HAS(way[w]) & lost) == 0)
			way[n++] = way[w];
	}
	memset(way + n, 0, (ways - n) * sizeof(*way));
}

void
eph__tlb_wrap(struct eph_tlb *tlb)
{
	memset(tlb->word, 0, tlb->words * sizeof(*tlb->word));
}

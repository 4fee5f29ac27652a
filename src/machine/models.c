/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * TLBs, as data, and machines by name.  The machines' table is made from
 * profiles/NAME.ini, see profiles.cmake.
 *
 * Geometry is that of the 4 KiB data TLBs in the vendors' manuals, named at
 * each row.  Page-walk caches, prefetch and the split of instruction and
 * data entries in a shared second level are not modelled.
 */

#include <string.h>

#include "ephmap/sdk/machine.h"
#include "base/find.h"

static const struct eph_tlb_model tlb_infinite = {
	.name = "infinite",
	.origin = "forgets nothing until told to: strictest for correctness",
	.infinite = true,
};

static const struct eph_tlb_model tlb_pentium4 = {
	.name = "pentium4",
	.origin = "Intel 248966, NetBurst: DTLB 64 entries, fully associative",
	.l1 = { 1, 64 },
};

static const struct eph_tlb_model tlb_opteron = {
	.name = "opteron",
	.origin = "AMD 25112 (K8): L1 DTLB 32 entries, fully associative; "
		  "L2 DTLB 512 entries, 4-way",
	.l1 = { 1, 32 },
	.l2 = { 128, 4 },
};

static const struct eph_tlb_model tlb_skylake = {
	.name = "skylake",
	.origin = "Intel 248966, Skylake: DTLB 64 entries, 4-way; "
		  "STLB 1536 entries, 12-way",
	.l1 = { 16, 4 },
	.l2 = { 128, 12 },
};

static const struct eph_tlb_model tlb_zen = {
	.name = "zen",
	.origin = "AMD 55723 (family 17h): L1 DTLB 64 entries, fully "
		  "associative; L2 DTLB 1536 entries, 12-way",
	.l1 = { 1, 64 },
	.l2 = { 128, 12 },
};

static const struct eph_tlb_model tlb_zen2 = {
	.name = "zen2",
	.origin = "AMD 56305 (family 17h, models 30h on) and WikiChip: L1 DTLB "
		  "64 entries, fully associative; L2 DTLB 2048 entries; its 16 "
		  "ways are remembered, not verified",
	.l1 = { 1, 64 },
	.l2 = { 128, 16 },
};

static const struct eph_tlb_model tlb_zen3 = {
	.name = "zen3",
	.origin =
	    "AMD 56665 (family 19h), remembered, not verified: L1 DTLB 64 "
	    "entries, fully associative; L2 DTLB 2048 entries, 16-way",
	.l1 = { 1, 64 },
	.l2 = { 128, 16 },
};

static const struct eph_tlb_model tlb_zen4 = {
	.name = "zen4",
	.origin =
	    "AMD 57647 (Zen 4), remembered, not verified: L1 DTLB 72 "
	    "entries, fully associative (here 2 sets of 36); L2 DTLB 3072 "
	    "entries, 24-way",
	.l1 = { 2, 36 },
	.l2 = { 128, 24 },
};

static const struct eph_tlb_model tlb_zen5 = {
	.name = "zen5",
	.origin = "AMD at Hot Chips 2024, and measured in 2026: 96 entries, "
		  "then 4096; their ways, 12 and 16, are assumed",
	.l1 = { 8, 12 },
	.l2 = { 256, 16 },
};

static const struct eph_tlb_model tlb_cortex_a72 = {
	.name = "cortex-a72",
	.origin = "Arm 100095 (Cortex-A72): L1 DTLB 32 entries, fully "
		  "associative; L2 TLB 1024 entries, 4-way",
	.l1 = { 1, 32 },
	.l2 = { 256, 4 },
};

static const struct eph_tlb_model tlb_keeps_global = {
	.name = "invlpg-keeps-global",
	.origin = "infinite, with an erratum of Alder and Raptor Lake (2022 to "
		  "2023): with PCIDs INVLPG spares global translations (Linux "
		  "ce0b15d11ad8, which turns PCIDs off)",
	.infinite = true,
	.keeps_global = true,
};

const struct eph_tlb_model *const eph_tlb_models[] = { &tlb_infinite,
	&tlb_pentium4, &tlb_opteron, &tlb_skylake, &tlb_zen, &tlb_zen2,
	&tlb_zen3, &tlb_zen4, &tlb_zen5, &tlb_cortex_a72, &tlb_keeps_global,
	NULL };

const char *
eph_cost_kind_name(enum eph_cost_kind kind)
{
	static const char *const names[EPH_COST_KINDS] = {
		[EPH_COST_ASSUMED] = "assumed",
		[EPH_COST_MEASURED] = "measured",
		[EPH_COST_PUBLISHED] = "published",
		[EPH_COST_FITTED] = "fitted",
	};

	return (names[kind]);
}

const struct eph_machine_model *
eph_machine_model_find(const char *name)
{
	return (FIND_ROW(eph_machine_models, name));
}

const struct eph_tlb_model *
eph_tlb_model_find(const char *name)
{
	return (FIND_ROW(eph_tlb_models, name));
}

uint64_t
eph_costs_price(const struct eph_costs *costs, const struct eph_counters *c)
{
	return (c->invlpg_local * costs->invlpg_local +
	    c->invlpg_remote * costs->invlpg_remote +
	    c->flush_local * costs->flush_local +
	    c->flush_remote * costs->flush_remote +
	    c->ipi_sent * (costs->ipi_send + (uint64_t)costs->ipi_handle) +
	    c->walk_step * costs->walk_step + c->pte_store * costs->pte_store +
	    c->lock_acquire * costs->lock_acquire +
	    c->ipiq_msg * costs->ipiq_msg + c->sleep * costs->sleep);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Machines and TLBs, as data.
 *
 * Geometry is that of the 4 KiB data TLBs in the vendors' manuals, named at
 * each row.  Page-walk caches, prefetch and the split of instruction and
 * data entries in a shared second level are not modelled.
 *
 * Costs are cycles.  Those that only clocks ask for (ipi_deliver to tlbi_sync)
 * are assumed, in every row.  Where nobody published a number for a machine, the row
 * says which neighbour's it took; they price counts, and never change them.
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

static const struct eph_tlb_model tlb_cortex_a72 = {
	.name = "cortex-a72",
	.origin = "Arm 100095 (Cortex-A72): L1 DTLB 32 entries, fully "
		  "associative; L2 TLB 1024 entries, 4-way",
	.l1 = { 1, 32 },
	.l2 = { 256, 4 },
};

const struct eph_tlb_model *const eph_tlb_models[] = { &tlb_infinite,
	&tlb_pentium4, &tlb_opteron, &tlb_skylake, &tlb_zen, &tlb_cortex_a72,
	NULL };

static const struct eph_machine_model i386_p4 = {
	.name = "i386-p4",
	.summary = "two-level page table, 1 GiB of kernel space, Pentium 4",
	.origin = "invlpg 500 and IPI 4000 to 13500: remembered from "
		  "Elmeleegy et al. 2005, not verified; the rest as "
		  "amd64-opteron",
	.tlb = "pentium4",
	.levels = 2,
	.kva_base = 0xc0000000u,
	.kva_pages = 1u << 18,
	.mhz = 2400,
	.costs = { .invlpg_local = 500,
	    .invlpg_remote = 500,
	    .flush_local = 500,
	    .flush_remote = 500,
	    .ipi_send = 3000,
	    .ipi_handle = 6000,
	    .walk_step = 25,
	    .pte_store = 5,
	    .lock_acquire = 120,
	    .ipiq_msg = 300,
	    .sleep = 4000,
	    .ipi_deliver = 4000,
	    .ipi_deliver_cpu = 0,
	    .line_transfer = 300,
	    .map = 100,
	    .unmap = 60,
	    .touch = 4,
	    .tlbi_busy = 400,
	    .tlbi_sync = 400 },
};

static const struct eph_machine_model amd64_opteron = {
	.name = "amd64-opteron",
	.summary = "four-level page table, Opteron of 2004",
	.origin = "invlpg 95 and CR3 reload 127: Molnar, LKML 2015-06-25, "
		  "\"old 64-bit AMD\", hot; IPI 2000 in all: remembered from "
		  "Elmeleegy et al. 2005; walk, lock, queue, sleep: ours",
	.tlb = "opteron",
	.levels = 4,
	.kva_base = 0xffff800000000000u,
	.kva_pages = 1u << 26,
	.mhz = 1800,
	.costs = { .invlpg_local = 95,
	    .invlpg_remote = 95,
	    .flush_local = 127,
	    .flush_remote = 127,
	    .ipi_send = 800,
	    .ipi_handle = 1200,
	    .walk_step = 15,
	    .pte_store = 3,
	    .lock_acquire = 40,
	    .ipiq_msg = 150,
	    .sleep = 3000,
	    .ipi_deliver = 400,
	    .ipi_deliver_cpu = 0,
	    .line_transfer = 150,
	    .map = 80,
	    .unmap = 50,
	    .touch = 4,
	    .tlbi_busy = 400,
	    .tlbi_sync = 400 },
};

static const struct eph_machine_model amd64_skylake = {
	.name = "amd64-skylake",
	.summary = "four-level page table, Skylake server",
	.origin = "invlpg 224 and CR3 reload 152: Molnar, LKML 2015-06-25, "
		  "\"newer 64-bit Intel\", hot; IPI at least 1000 until "
		  "acknowledged: Amit et al. 2020; walk of about 45: Hansen, "
		  "Linux a5102476a24b; lock, queue, sleep: ours",
	.tlb = "skylake",
	.levels = 4,
	.kva_base = 0xffff800000000000u,
	.kva_pages = 1u << 26,
	.mhz = 2400,
	.costs = { .invlpg_local = 224,
	    .invlpg_remote = 224,
	    .flush_local = 152,
	    .flush_remote = 152,
	    .ipi_send = 500,
	    .ipi_handle = 1000,
	    .walk_step = 11,
	    .pte_store = 2,
	    .lock_acquire = 20,
	    .ipiq_msg = 100,
	    .sleep = 2500,
	    .ipi_deliver = 500,
	    .ipi_deliver_cpu = 0,
	    .line_transfer = 120,
	    .map = 60,
	    .unmap = 40,
	    .touch = 4,
	    .tlbi_busy = 400,
	    .tlbi_sync = 400 },
};

static const struct eph_machine_model amd64_zen = {
	.name = "amd64-zen",
	.summary = "four-level page table, Zen server",
	.origin = "invlpg and CR3 reload as amd64-opteron; IPI as "
		  "amd64-skylake; nobody published them for Zen",
	.tlb = "zen",
	.levels = 4,
	.kva_base = 0xffff800000000000u,
	.kva_pages = 1u << 26,
	.mhz = 2600,
	.costs = { .invlpg_local = 95,
	    .invlpg_remote = 95,
	    .flush_local = 127,
	    .flush_remote = 127,
	    .ipi_send = 500,
	    .ipi_handle = 1000,
	    .walk_step = 10,
	    .pte_store = 2,
	    .lock_acquire = 20,
	    .ipiq_msg = 100,
	    .sleep = 2500,
	    .ipi_deliver = 500,
	    .ipi_deliver_cpu = 0,
	    .line_transfer = 150,
	    .map = 60,
	    .unmap = 40,
	    .touch = 4,
	    .tlbi_busy = 400,
	    .tlbi_sync = 400 },
};

static const struct eph_machine_model arm64_cortex = {
	.name = "arm64-cortex",
	.summary = "four-level page table, Cortex-A72",
	.origin = "as amd64-skylake: nobody published single TLBI and IPI "
		  "costs for it; use --shootdown broadcast for the TLBI of "
		  "the hardware",
	.tlb = "cortex-a72",
	.levels = 4,
	.kva_base = 0xffff800000000000u,
	.kva_pages = 1u << 26,
	.mhz = 1800,
	.costs = { .invlpg_local = 100,
	    .invlpg_remote = 100,
	    .flush_local = 150,
	    .flush_remote = 150,
	    .ipi_send = 500,
	    .ipi_handle = 1000,
	    .walk_step = 12,
	    .pte_store = 2,
	    .lock_acquire = 20,
	    .ipiq_msg = 100,
	    .sleep = 2500,
	    .ipi_deliver = 500,
	    .ipi_deliver_cpu = 0,
	    .line_transfer = 150,
	    .map = 60,
	    .unmap = 40,
	    .touch = 4,
	    .tlbi_busy = 250,
	    .tlbi_sync = 150 },
};

const struct eph_machine_model *const eph_machine_models[] = { &i386_p4,
	&amd64_opteron, &amd64_skylake, &amd64_zen, &arm64_cortex, NULL };

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

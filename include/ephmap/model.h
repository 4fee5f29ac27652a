/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_MODEL_H
#define EPHMAP_MODEL_H

/*
 * Models of machines: what a TLB looks like and what an event costs.
 *
 * Models are data.  A machine has one, which decides the levels of its page
 * table, its TLB and its prices.  The table is made from the profiles that are
 * installed beside the program (machines/NAME.ini), so that the library needs
 * no file; `ephmap list machines` prints them with the source of each number.
 */

#include "ephmap/counters.h"
#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Geometry of one TLB level: `sets` is a power of two, entries are
 * sets x ways; sets 0 means that the level does not exist.  Replacement is
 * least recently used within a set.
 */
struct eph_tlb_level {
	uint16_t sets;
	uint16_t ways;
};

struct eph_tlb_model {
	const char *name;
	const char *origin; /* where the geometry was taken from */
	bool infinite;	    /* forgets nothing until told to */
	bool keeps_global;  /* an erratum: invlpg spares global entries */
	struct eph_tlb_level l1;
	struct eph_tlb_level l2;
};

/*
 * Cycles that one event costs.  X(name, "what is charged").  A profile is
 * data: `cycles` is the sum of events times these, computed from counters.
 */
/* clang-format off */
#define EPH_COSTS(X)                                                           \
	X(invlpg_local, "one invlpg on the CPU that asked")                    \
	X(invlpg_remote, "one invlpg in an interrupt handler")                 \
	X(flush_local, "one full flush on the CPU that asked")                 \
	X(flush_remote, "one full flush in an interrupt handler")              \
	X(ipi_send, "the initiator's part of interrupting one CPU")            \
	X(ipi_handle, "the target's part: delivery, entry and exit")           \
	X(walk_step, "one page-table entry read by a walk")                    \
	X(pte_store, "one page-table entry stored")                            \
	X(lock_acquire, "one uncontended lock")                                \
	X(ipiq_msg, "one message put on an IPI queue and taken off")           \
	X(sleep, "one switch away from a sleeper and back")                    \
	X(ipi_deliver, "clocks: from sending an interrupt to its handler")     \
	X(ipi_deliver_cpu, "clocks: more of it for each CPU but the first")    \
	X(line_transfer, "clocks: a cache line another CPU wrote last")        \
	X(map, "clocks: a design's own instructions at a map")                 \
	X(unmap, "clocks: a design's own instructions at an unmap")            \
	X(touch, "clocks: a load or store, besides the walk")                  \
	X(copy_page, "clocks: 4 KiB that a consumer loads or stores")          \
	X(tlbi_busy, "clocks: one hardware broadcast holds the fabric")        \
	X(tlbi_sync, "clocks: waiting for its end")
/* clang-format on */

#define EPH_COST_FIELD(name, desc) uint32_t name;

struct eph_costs {
	EPH_COSTS(EPH_COST_FIELD)
};

#define EPH_COST_ID(name, desc) EPH_COST_##name,
enum eph_cost { EPH_COSTS(EPH_COST_ID) EPH_COSTS_N };

/* Where a price comes from. */
enum eph_cost_kind {
	EPH_COST_ASSUMED,   /* no source has it */
	EPH_COST_MEASURED,  /* by us, on such a machine */
	EPH_COST_PUBLISHED, /* by whom the source says */
	EPH_COST_FITTED,    /* so that another published number comes out */
	EPH_COST_KINDS,
};

struct eph_cost_note {
	enum eph_cost_kind kind;
	const char *source; /* "": none is known; or why it is assumed */
};

/* "assumed", "measured", "published", "fitted". */
const char *eph_cost_kind_name(enum eph_cost_kind kind);

/* Price a set of counters; the `cycles` in `c` itself are ignored. */
uint64_t eph_costs_price(
    const struct eph_costs *costs, const struct eph_counters *c);

struct eph_machine_model {
	const char *name;
	const char *summary;
	const char *origin; /* the sources in short */
	const char *tlb;    /* name of the TLB it has */
	unsigned levels;    /* of the page table: 2, 3 or 4 */
	uint32_t kva_pages; /* kernel virtual space for mappings */
	eph_va_t kva_base;
	uint32_t mhz; /* to turn cycles into time */
	struct eph_costs costs;
	struct eph_cost_note note[EPH_COSTS_N];
};

/* NULL-terminated tables, and look-up by name (NULL if there is none). */
extern const struct eph_machine_model *const eph_machine_models[];
extern const struct eph_tlb_model *const eph_tlb_models[];
const struct eph_machine_model *eph_machine_model_find(const char *name);
const struct eph_tlb_model *eph_tlb_model_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_MODEL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_LEDGER_H
#define TRACE_LEDGER_H

/*
 * The ledger of a trace: which handles are mapped, in which slot, and the
 * sums that make its meta data.  Readers and the writer keep the same one,
 * so that they agree on what is a valid trace.
 *
 * A handle is unique while it is mapped, with one exception: after an `m`
 * with nowait, which may have failed, another `m` of the same handle is
 * taken and keeps the slot.
 */

#include "ephmap/trace.h"

struct ledger_handle {
	uint64_t name;
	uint32_t slot; /* EPH_NONE: the entry is free */
	bool nowait;
};

struct ledger {
	struct ledger_handle *handles; /* open addressing, by name */
	uint32_t nhandles;	       /* mapped now */
	uint32_t mask;
	uint32_t *free_slots; /* a stack */
	uint32_t nfree;
	uint32_t cap_slots; /* of free_slots */
	double held_time;   /* sum of handles mapped x nanoseconds */
	uint64_t held_ops;  /* sum of handles mapped after each operation */
	struct eph_trace_meta meta;
};

/* Returns 0 or ENOMEM. */
int eph__ledger_init(struct ledger *l);
void eph__ledger_destroy(struct ledger *l);

/* Forget handles and sums; keep the memory. */
void eph__ledger_reset(struct ledger *l);

/*
 * Each sets *slotp.  EEXIST: mapped already; ENOENT: not mapped; ENOMEM.
 */
int eph__ledger_map(
    struct ledger *l, uint64_t handle, unsigned flags, uint32_t *slotp);
int eph__ledger_use(const struct ledger *l, uint64_t handle, uint32_t *slotp);
int eph__ledger_unmap(struct ledger *l, uint64_t handle, uint32_t *slotp);

/* Add one operation to the sums, after what it did to its handle. */
static inline void
ledger_count(struct ledger *l, unsigned kind, unsigned cpu)
{
	l->meta.ops_of[kind]++;
	if (cpu >= l->meta.cpus)
		l->meta.cpus = cpu + 1;
	l->held_ops += l->nhandles;
}

/*
 * Let time pass.  False: the d lines would add up to more than
 * EPH_TRACE_NS_MAX.
 */
bool eph__ledger_delay(struct ledger *l, uint64_t ns);

/* 292 years: more than any clock below counts. */
#define EPH_TRACE_NS_MAX ((uint64_t)INT64_MAX)

/* Close the sums: means, and what is mapped at the end. */
void eph__ledger_finish(struct ledger *l, uint64_t unique_pages);

#endif /* !TRACE_LEDGER_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/* Memory of a machine's own, and faults on purpose. */

#include "base/mem.h"
#include "ephmap/sdk/machine.h"

void *
eph_machine_alloc(struct eph_machine *mc, size_t bytes)
{
	return (eph_mem_alloc(mc->mem, bytes));
}

void
eph_machine_free(struct eph_machine *mc, void *p, size_t bytes)
{
	eph_mem_free(mc->mem, p, bytes);
}

void
eph_machine_fail_alloc(struct eph_machine *mc, uint64_t n)
{
	eph__mem_fail_after(mc->mem, n);
}

/* Relaxed: counts; in lockstep and explore one host thread does it all. */
void
eph_machine_fail(struct eph_machine *mc, enum eph_fault kind, uint64_t n)
{
	const uint64_t seen = eph_machine_fault_seen(mc, kind);

	atomic_store_explicit(&mc->fault[kind].until, n == 0 ? 0 : seen + n,
	    memory_order_relaxed);
}

uint64_t
eph_machine_fault_seen(const struct eph_machine *mc, enum eph_fault kind)
{
	return (
	    atomic_load_explicit(&mc->fault[kind].seen, memory_order_relaxed));
}

bool
eph_machine_fails(struct eph_machine *mc, enum eph_fault kind)
{
	const uint64_t n = atomic_fetch_add_explicit(
	    &mc->fault[kind].seen, 1, memory_order_relaxed);

	return (n + 1 ==
	    atomic_load_explicit(&mc->fault[kind].until, memory_order_relaxed));
}

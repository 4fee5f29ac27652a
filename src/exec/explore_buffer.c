/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Store buffers: what a CPU has stored and others do not see yet.
 */

#include "exec/explore_impl.h"

#include <string.h>

uint64_t
eph__ex_read(const void *obj, size_t size)
{
	/* Relaxed: one host thread. */
	if (size == 4)
		return (atomic_load_explicit(
		    (const _Atomic(uint32_t) *)obj, memory_order_relaxed));
	return (atomic_load_explicit(
	    (const _Atomic(uint64_t) *)obj, memory_order_relaxed));
}

void
eph__ex_write(void *obj, size_t size, uint64_t value)
{
	if (size == 4)
		atomic_store_explicit((_Atomic(uint32_t) *)obj, (uint32_t)value,
		    memory_order_relaxed);
	else
		atomic_store_explicit(
		    (_Atomic(uint64_t) *)obj, value, memory_order_relaxed);
}

/* The oldest store of CPU `c` becomes visible. */
void
eph__ex_buffer_drain_one(struct explore *ex, unsigned c)
{
	struct ex_cpu *ec = &ex->cpu[c];

	if (ec->nstores == 0)
		return;
	eph__ex_write(
	    ec->stores[0].obj, ec->stores[0].size, ec->stores[0].value);
	ec->nstores--;
	memmove(ec->stores, ec->stores + 1, ec->nstores * sizeof(*ec->stores));
	ex->progress++;
}

void
eph__ex_buffer_drain(struct explore *ex, unsigned c)
{
	while (ex->cpu[c].nstores > 0)
		eph__ex_buffer_drain_one(ex, c);
}

/* Old value as the CPU sees it, through its own store buffer. */
uint64_t
eph__ex_load_forwarded(struct ex_cpu *ec, const void *obj, size_t size)
{
	for (unsigned i = ec->nstores; i-- > 0;) {
		if (ec->stores[i].obj == obj)
			return (ec->stores[i].value);
	}
	return (eph__ex_read(obj, size));
}

void
eph__ex_buffer_store(
    struct explore *ex, unsigned c, void *obj, size_t size, uint64_t value)
{
	struct ex_cpu *ec = &ex->cpu[c];

	if (ec->nstores == EX_STORES)
		eph__ex_buffer_drain_one(ex, c);
	ec->stores[ec->nstores++] = (struct ex_store){ obj, size, value };
}

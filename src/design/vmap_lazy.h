/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_VMAP_LAZY_H
#define DESIGN_VMAP_LAZY_H

/*
 * What linux.vmap and linux.vm_map_ram have in common: how many pages Linux
 * keeps back before it flushes (lazy_max_pages()), and the flush of the range
 * they are in (flush_tlb_kernel_range()).
 */

#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/design.h"

#define VMAP_PAGES_PER_LOG 8192u /* 32 MiB */
#define VMAP_FLUSH_CEILING 33u	 /* pages; above it everything */

/* 32 MiB for each power of two of CPUs: fls(CPUs) times. */
static inline uint32_t
vmap_lazy_max(const struct eph_machine *mc)
{
	uint32_t pages = 0;

	for (unsigned n = mc->ncpus; n != 0; n /= 2)
		pages += VMAP_PAGES_PER_LOG;
	return (pages);
}

/* `n` pages from `va`, on all CPUs. */
static inline void
vmap_flush(struct eph_machine *mc, eph_va_t va, unsigned n)
{
	if (n <= VMAP_FLUSH_CEILING) {
		pmap_invalidate_range(mc, va, n);
	} else {
		pmap_flush_local(mc, true);
		smp_invltlb(mc, va, n, true);
	}
}

#endif /* !DESIGN_VMAP_LAZY_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SHOOT_WINDOW_H
#define SHOOT_WINDOW_H

/*
 * A machine with one protocol and a window of addresses, for the event tables
 * of protocols; the rig's design only lends its slots.
 */

#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/shootdown.h"
#include "rig.h"

#define WINDOW 128u /* pages */

static struct rig r;
static eph_va_t window;

static inline void
open_with(const char *protocol, unsigned ncpus, bool global)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(&r, "dmap", NULL, ncpus, 0), 0);
	r.mc->pgeflag = global ? EPH_PTE_G : 0;
	CU_ASSERT_EQUAL(
	    eph_machine_set_shootdown(r.mc, eph_shootdown_find(protocol)), 0);
	window = kva_alloc(r.mc, WINDOW);
	eph_cpu_enter(r.mc, 0);
	rig_mark(&r);
}

/* A test fails that saw a stale use. */
static inline void
close_it(void)
{
	CU_ASSERT_EQUAL(r.mc->nviolations, 0);
	kva_free(r.mc, window, WINDOW);
	rig_close(&r);
}

/* Enter pages first, first + 1 ... in the window, on CPU 0. */
static inline void
enter(uint32_t first, unsigned n)
{
	struct vm_page *list[WINDOW];

	for (unsigned k = 0; k < n; k++)
		list[k] = vm_page_get(r.mc, first + k);
	eph_cpu_enter(r.mc, 0);
	pmap_qenter(r.mc, window, list, n);
}

/* These CPUs read every page, and reach what is entered. */
static inline void
read_on(uint32_t cpus, uint32_t first, unsigned n)
{
	for (unsigned c = 0; c < r.mc->ncpus; c++) {
		if (c >= 32 || (cpus >> c & 1) == 0)
			continue;
		eph_cpu_enter(r.mc, c);
		for (unsigned k = 0; k < n; k++) {
			uint32_t reached = EPH_NONE;

			(void)eph_machine_access(r.mc, window + eph_ptoa(k),
			    EPH_TOUCH_READ, vm_page_get(r.mc, first + k),
			    &reached);
			CU_ASSERT_EQUAL(reached, first + k);
		}
	}
	eph_cpu_enter(r.mc, 0);
}

#endif /* !SHOOT_WINDOW_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_MACHINE_H
#define EPHMAP_SDK_MACHINE_H

/*
 * The simulated machine: CPUs with a TLB each, one kernel page table,
 * frames, interrupts, a clock, event counters, and the stale oracle.  This
 * header is all of it:
 *
 *	life.h	    create, destroy, mark and rewind
 *	memory.h    memory of the machine's own, faults on purpose
 *	count.h	    the current CPU and its counters
 *	report.h    notes, refusals, violations, the observer
 *	access.h    loads and stores; the CPU one is on
 *	state.h	    struct eph_machine
 *	cpu.h	    struct eph_cpu
 *	shadow.h    page-table pages and what the stale oracle remembers
 *	event.h	    events and faults
 *	../model.h  TLBs and prices
 */

#include "ephmap/kernel/vm_page.h"
#include "ephmap/model.h"
#include "ephmap/sdk/access.h"
#include "ephmap/sdk/count.h"
#include "ephmap/sdk/cpu.h"
#include "ephmap/sdk/event.h"
#include "ephmap/sdk/life.h"
#include "ephmap/sdk/memory.h"
#include "ephmap/sdk/report.h"
#include "ephmap/sdk/shadow.h"
#include "ephmap/sdk/state.h"

#endif /* !EPHMAP_SDK_MACHINE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_TLB_RECORD_H
#define EPHMAP_TLB_RECORD_H

/*
 * What a real machine invalidated: Linux's tracepoint tlb:tlb_flush (x86), as
 * perf script or ftrace prints it.
 *
 *   swapper 0 [001] 9338.128182: tlb:tlb_flush: pages:-1 reason:remote \
 *       shootdown (1)
 *
 * It is the whole machine's, whatever the cause: user pages that were
 * unmapped are in it, mappings of the kernel are not where a kernel has all
 * memory mapped.
 */

#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eph_tlb_reason {
	EPH_TLB_TASK_SWITCH, /* no shootdown: another address space */
	EPH_TLB_REMOTE,	     /* this CPU was interrupted for another */
	EPH_TLB_LOCAL,
	EPH_TLB_LOCAL_MM,
	EPH_TLB_SEND,	   /* this CPU interrupted others, once for all */
	EPH_TLB_WRONG_CPU, /* interrupted, and had nothing to invalidate */
	EPH_TLB_REASONS
};

struct eph_tlb_record {
	uint64_t events;
	uint64_t of[EPH_TLB_REASONS];
	uint64_t flushes; /* whole TLBs, task switches apart */
	uint64_t pages;	  /* single entries, task switches apart */
	uint64_t ipis;	  /* CPUs interrupted: REMOTE and WRONG_CPU */
	uint64_t broken;  /* lines of the tracepoint that cannot be read */
	uint64_t lost;	  /* times that the tracer says it lost events */
	unsigned cpus;	  /* highest seen plus one */
	uint64_t ns;	  /* from the first event to the last */
};

/*
 * Read the file `path`, plain or compressed, into *rec.  Returns 0, or an
 * errno value with `err` set: of the system, or EINVAL when there is no such
 * event in it.  May sleep; from any thread.
 */
int eph_tlb_record_read(
    const char *path, struct eph_tlb_record *rec, struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_TLB_RECORD_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_STATE_H
#define EPHMAP_SDK_STATE_H

/*
 * The state of a machine.
 *
 * The structure is open because the hot paths are inline; outside the
 * machine and the kernel services read the fields, and change none.
 *
 * Key for the fields:
 *	(c)  constant after creation
 *	(p)  atomic, any CPU
 *	(m)  machine's, see the function that changes it
 *	(x)  the executor's
 */

#include <stdatomic.h>

#include "ephmap/model.h"
#include "ephmap/sdk/cpu.h"
#include "ephmap/sdk/cpuset.h"
#include "ephmap/sdk/event.h"
#include "ephmap/sdk/shadow.h"
#include "ephmap/types.h"

struct eph_clock;
struct eph_exec_ops;
struct eph_cells;
struct eph_frames;
struct eph_kva_arena;
struct eph_machine;
struct eph_mem;
struct eph_shootdown_ops;
struct eph_sleepq;
struct eph_tlbclock;

/* How the CPUs are played; see ephmap/sdk/exec.h.  Ask by eph_serial() etc. */
enum eph_mode { EPH_LOCKSTEP, EPH_THREADS, EPH_EXPLORE };

struct eph_machine {
	/* The hot part. */
	struct eph_cpu *cur; /* (m) current CPU; not with threads */
	enum eph_mode mode;  /* (c) */
	bool attention;	     /* (x) lockstep's loop has something to run */
	bool has_observer;   /* (m) */
	bool has_points;     /* (m) explore: every step is a choice */
	bool plain;	     /* (m) lockstep, with no observer and no clock */
	bool swift;	     /* (m) plain or clocks, few CPUs, none asks */
	bool at_once;	     /* (x) nothing else runs: no need to wait */
	bool crowded; /* (x) lockstep: who holds what is kept by address */
	uint8_t shootflags;    /* (m) EPH_SHOOT_*, of the protocol */
	unsigned ncpus;	       /* (c) */
	unsigned cpuwords;     /* (c) words in a set of CPUs */
	unsigned levels;       /* (c) of the page table */
	eph_va_t kva_base;     /* (c) */
	uint32_t kva_pages;    /* (c) */
	uint32_t window_first; /* (c) first page of the per-CPU window */
	eph_pte_t pgeflag;     /* (m) EPH_PTE_G if so; eph_design_create() */
	struct eph_ptp **ptp;  /* (m) page-table pages, NULL: not made */
	struct eph_holder **holders; /* (m) crowded: by those; NULL: none */
	struct eph_frames *frames;   /* (c) the page array */
	uint64_t step;		     /* (m) line or event number, for people */
	uint64_t op;		     /* (m) operation of a replay, from 0 */
	uint64_t clock_ns;	     /* (x) the executor's time */
	struct eph_gauge bufs; /* buffers referenced; designs count here */
	struct {
		_Atomic(uint64_t) now;
		_Atomic(uint64_t) peak;
	} bufs_shared;		      /* (p) the same, with threads */
	struct eph_cpu **cpus;	      /* (c) */
	const eph_cpuword_t *allcpus; /* (c) */
	eph_cpuword_t *pendset;	      /* (m) CPUs with `pending` set */
	eph_cpuword_t *busyset;	      /* (x) lockstep: CPUs that are not idle */
	eph_cpuword_t *loadset;	      /* (m) crowded: all that a flush costs */
	eph_cpuword_t *strayset;      /* (m) crowded: flushed alone since... */
	uint32_t epoch;		      /* (m) ...no CPU held anything last */
	uint32_t nholdersets;	      /* (m) made */
	uint32_t holderset_free;      /* (m) 1 + the first, 0: none */
	uint32_t holdersets_size;     /* (m) room */
	eph_cpuword_t *holdersets;    /* (m) see struct eph_holder */
	struct eph_cells *cells;      /* (m) crowded: the oracle's tables */
	struct eph_crowd crowd;	      /* (x) lockstep */

	/* Set by the executor: what the machine has to ask it. */
	void (*deliver)(struct eph_machine *mc); /* (c) what is pending here */
	void (*before_access)(struct eph_machine *mc, eph_va_t va,
	    enum eph_touch touch); /* (c) */

	struct eph_clock *clock; /* (x) lockstep: NULL unless asked for */

	/* The axes below the design. */
	const struct eph_exec_ops *exec;	   /* (c) */
	void *exec_state;			   /* (c) */
	const struct eph_shootdown_ops *shootdown; /* (m) set before a design */
	void *shootdown_state;			   /* (m) */
	const struct eph_machine_model *model;	   /* (c) */
	const struct eph_tlb_model *tlb_model;	   /* (c) */
	struct eph_costs costs;			   /* (c) */

	/* Services. */
	struct eph_mem *mem;	       /* (c) */
	struct eph_kva_arena *kva;     /* (c) */
	struct eph_sleepq *sleepq;     /* (c) */
	struct eph_tlbclock *tlbclock; /* (m) NULL: no design asks for it */
	struct eph_shadow none[4];     /* (c) the table of who loaded nothing */
	enum eph_contents contents_kind; /* (c) */
	uint64_t seed;			 /* (c) */
	_Atomic(uint64_t) ipiq_kick; /* (p) full IPI queues that forced one */
	eph_observer *observer;	     /* (m) */
	void *observer_arg;	     /* (m) */

	/* What people call a frame, for messages; NULL: its number. */
	uint64_t (*page_name)(void *arg, uint32_t frame); /* (m) */
	void *page_name_arg;				  /* (m) */
	struct {
		_Atomic(uint64_t) seen;	 /* (p) opportunities so far */
		_Atomic(uint64_t) until; /* (p) the one that fails, 0: none */
	} fault[EPH_FAULTS];

	/* Findings. */
	_Atomic(uint64_t) nviolations;			      /* (p) */
	struct eph_violation violations[EPH_VIOLATIONS_KEPT]; /* (m) */
	_Atomic(uint32_t)
	    refused;	   /* (p) 0, or 1 + the first CPU that refused */
	char refusal[384]; /* (m) its reason, written by that CPU */
};

/* Lockstep: one host thread plays all CPUs, a step ends before the next. */
static inline bool
eph_serial(const struct eph_machine *mc)
{
	return (mc->mode == EPH_LOCKSTEP);
}

/* Threads: each CPU is a host thread, and they run at once. */
static inline bool
eph_parallel(const struct eph_machine *mc)
{
	return (mc->mode == EPH_THREADS);
}

/* Explore: one host thread, and a scheduler may switch at every point. */
static inline bool
eph_explored(const struct eph_machine *mc)
{
	return (mc->mode == EPH_EXPLORE);
}

#endif /* !EPHMAP_SDK_STATE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_NATIVE_H
#define EPHMAP_NATIVE_H

/*
 * The host's MMU as a witness.
 *
 * A plan is what a design did to page-table entries on a trace, and which
 * CPU touched which address: stores, loads, in one order.  Played on the
 * host, frames are pages of a file in memory, addresses are pages of a
 * window, a stored entry is one mmap(MAP_FIXED) of one page, and CPUs are
 * pinned threads.  The host's kernel then has to shoot down what other CPUs
 * may hold, and says how often; every load must see its page.  Stores of a
 * trace are played as loads: what is shot down does not depend on it.
 *
 * Linux interrupts the other CPUs that run the process when a page that was
 * touched since it was mapped is mapped again or unmapped, and only then.
 * That rule is the prediction.  `ipi_sent - needless_ipi' of a design that
 * interrupts all CPUs, with shared mappings that all touch, is the same
 * number by ephmap's own count.
 *
 * Linux only; elsewhere eph_native_play() returns ENOTSUP.
 */

#include "ephmap/run.h"
#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum eph_native_kind {
	EPH_NATIVE_MAP,	  /* `slot' is mapped to `frame' */
	EPH_NATIVE_UNMAP, /* `slot' */
	EPH_NATIVE_DROP,  /* `frame' slots from `slot', by one call */
	EPH_NATIVE_LOAD,  /* of `slot', which must hold `frame' */
};

struct eph_native_step {
	uint32_t slot;
	uint32_t frame;
	uint16_t cpu;
	uint16_t kind; /* enum eph_native_kind */
};

struct eph_native_plan {
	struct eph_native_step *step;
	size_t n, room;
	uint32_t nslots;
	uint32_t nframes;
	unsigned cpus;

	/* Of the run it was recorded from; 0 for a schedule. */
	uint64_t references;
	uint64_t ipi_sent;
	uint64_t needless_ipi;
	int error; /* of the recording; 0 or ENOMEM */
};

/* Threads beyond those that the plan's CPUs need. */
enum eph_native_others {
	EPH_NATIVE_SPIN,  /* one, if the plan has one CPU: it runs */
	EPH_NATIVE_SLEEP, /* one, if the plan has one CPU: it sleeps */
	EPH_NATIVE_ALONE, /* none */
};

struct eph_native_result {
	uint64_t predicted;  /* CPUs interrupted by them */
	uint64_t measured;   /* as the witness counts them */
	const char *witness; /* which of these counted */
	bool at_most; /* nobody was to interrupt, and one of row and tracepoint
			 is missing: `measured' may have what is no shootdown */
	bool has_row; /* TLB of /proc/interrupts moves here */
	bool has_tracepoint; /* tlb:tlb_flush can be counted */
	uint64_t row;	     /* of all programs, on the CPUs used; without
				those that found another process there */
	uint64_t traced;     /* calls of ours, times the CPUs of each */
	uint64_t loads;	     /* checked */
	uint64_t wrong;	     /* of these, saw another page */
	bool fifo;	     /* threads had a real-time priority */
	unsigned threads;
	unsigned long preempted; /* how often a thread was taken off its CPU */
	unsigned tries;	 /* 2 to 8: repeated, as others had added to the count,
			   or a thread was off its CPU */
	double seconds;	 /* of play */
	double ns_shot;	 /* mean of a remap that shoots down; 0: none */
	double ns_quiet; /* mean of one that does not; 0: none */
};

/*
 * Play `src' through a design in lockstep and record the plan.  `cfg' as for
 * eph_replay_run(), whose returns it has; its hooks are taken.  The plan is
 * the caller's to free.
 */
int eph_native_record(const struct eph_run_config *cfg,
    struct eph_op_source *src, struct eph_native_plan **planp,
    struct eph_err *err);
void eph_native_free(struct eph_native_plan *plan);

/*
 * The built-in schedules, by number from 0: 20,000 references to 4,096
 * pages, Zipf 0.8.  Sets *namep, *othersp and *planp; *planp is NULL past
 * the last.  Returns 0 or ENOMEM.
 */
int eph_native_schedule(unsigned i, const char **namep,
    enum eph_native_others *othersp, struct eph_native_plan **planp);

/* The prediction alone: calls that shoot down; UINT64_MAX: no memory. */
uint64_t eph_native_predict(const struct eph_native_plan *plan);

/*
 * Play it on the host.  Both CPUs are the program's own while it lasts, in
 * slices of 0.3 s.  Returns 0 and fills *res, or with `err' saying why
 *	ENOTSUP	the host has too few CPUs, or nothing that counts
 *	ENOMEM	the host is out of memory or of mappings
 *	EFBIG	the plan needs more slots or frames than the host allows
 */
int eph_native_play(const struct eph_native_plan *plan,
    enum eph_native_others others, struct eph_native_result *res,
    struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_NATIVE_H */

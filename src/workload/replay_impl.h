/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_REPLAY_IMPL_H
#define WORKLOAD_REPLAY_IMPL_H

/* What the files of replay in lockstep share; see replay.c. */

#include "ephmap/run.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/pmap.h"
#include "exec/clock.h"
#include "machine/access.h"
#include "machine/frames.h"
#include "workload/replay_log.h"
#include "workload/replay_time.h"
#include "workload/run.h"

enum handle_state {
	HANDLE_GONE,
	HANDLE_MAPPING, /* its map has not returned */
	HANDLE_MAPPED,
	HANDLE_FAILED,
};

/* A line that waits for its handle's map to return. */
struct parked {
	struct eph_op op;
	uint64_t line;
	uint64_t number; /* of the operation */
	struct parked *next;
};

struct handle {
	void *obj;
	struct vm_page *m;
	eph_va_t va;	       /* as map() gave it */
	uint32_t asked;	       /* index plus one into asked[], 0: nobody */
	uint32_t slot;	       /* EPH_NONE: it has lost its slot */
	uint16_t cpu;	       /* that mapped it */
	uint8_t state;	       /* enum handle_state */
	uint32_t late;	       /* its u line waits: nest.hits then, plus one */
	struct parked *parked; /* in order */
	struct parked **parked_end;
	union {
		uint64_t name;	      /* valid once it has lost its slot */
		struct handle *below; /* until its u line: see nest */
	};
	struct handle *next; /* free, or of the same bucket of names */
};

/* Address that a CPU obtained by `k`, where it is not the map's. */
struct asked {
	eph_va_t va;
	uint32_t cpu;
	uint32_t next; /* index plus one */
};

/*
 * A CPU whose m and u lines nest as those of one thread do.  Where they do not
 * it stands for several, and nothing is known of its sleepers.
 */
struct nest {
	struct handle *top; /* of the lines read, the latest not unmapped */
	uint32_t late;	    /* handles that sleep beyond their u line */
	uint32_t hits;	    /* times that these were counted */
	bool broken;
};

/* A `p` line whose unmap is still to come. */
struct held_ref {
	struct replay *rp;
	void *obj;
	uint64_t due; /* held by references: after this one */
	unsigned cpu;
	struct held_ref *next;
};

/* What a CPU's p line got last, and how far that was from the one before. */
struct replay_last {
	uintptr_t obj;
	uintptr_t obj_step;
	uint32_t va; /* index */
	uint32_t step;
};

/* References at which something is due, and what the warm-up counted. */
struct replay_marks {
	uint64_t warm_at; /* UINT64_MAX: it has ended */
	uint64_t sample_at;
	struct eph_counters before;
	uint64_t references;
	uint64_t lines;
	uint64_t clock_ns;
	uint64_t ipiq_kick;
};

struct replay {
	struct eph_machine *mc;
	const struct eph_design_ops *ops;
	void *state;
	const struct eph_run_config *cfg;
	struct eph_op_source *src;
	struct eph_run_result *res;
	struct eph_err *err;
	int error;
	unsigned ref_flags;  /* SFB_* of p lines that reach the design */
	unsigned keep_flags; /* SFB_* that the design's API has */
	bool ask_first;	     /* p lines ask for the address before they touch */
	bool this_cpu;	     /* mappings are used on the CPU that mapped them */
	bool wires;
	bool holds;	  /* p lines are held */
	bool swift;	  /* p lines in a row need no look at anything else */
	bool timed_swift; /* the same under clocks */
	enum eph_touch touch;	      /* (c) of p lines */
	bool sample;		      /* buffers by line, not by time */
	const struct eph_op *ops_now; /* the block */
	size_t n;
	size_t i;	       /* the next line of it */
	uint64_t line_base;    /* number of its first line, 0: they have gaps */
	uint64_t mark;	       /* references at which something is due */
	uint64_t epoch;	       /* calls of replay_step() */
	uint64_t nheld;	       /* p lines still to be unmapped */
	struct handle **slots; /* NULL: the slot has no handle */
	uint32_t nslots;       /* room */
	struct handle *handle_free;
	struct handle **names; /* handles that have lost their slot */
	uint32_t nnames;       /* how many they are */
	struct asked *asked;
	uint32_t nasked;
	uint32_t asked_free; /* index plus one */
	struct held_ref *held_free;
	struct replay_marks marks;
	struct held_ref *held_first; /* by references, the first due first */
	struct held_ref **held_end;
	uint64_t mapped;   /* handles mapped now */
	struct nest *nest; /* by CPU; NULL: no handle yet */
	unsigned nests;	   /* CPUs whose lines nest; set where some may */
	struct replay_last *last; /* by CPU; NULL: no crowd */
	int in_order;		  /* who is believed; see AHEAD_SURE */
	struct replay_last ring;  /* what any CPU's p line got last... */
	int in_ring;		  /* ...and whether that is believed */
	uint32_t *seen; /* by page: index of the address it had last, or 0 */
	uint32_t nseen; /* room */
	uint64_t buffers_sampled; /* sum over lines */
	double buffers_sum;	  /* over time */
	uint64_t clock_last;
	struct replay_log *log;
	struct timed *timed; /* NULL: no clocks */
	struct eph_op_source timed_src;
};

/* The line number of operation `i` of the block. */
static inline uint64_t
replay_line(struct replay *rp, size_t i)
{
	if (eph_likely(rp->line_base != 0))
		return (rp->line_base + i);
	return (rp->src->line(rp->src->arg, i));
}

/* End the run: `what` went wrong at this line.  Returns `error`. */
int eph__replay_fail(struct replay *rp, int error, const char *what);

/* The design refused, or the host is out of memory. */
int eph__replay_refused(struct replay *rp, int error);

/* A line with a handle. */
int eph__replay_handle_op(struct replay *rp, const struct eph_op *op);

/* Give back all handles, and what belongs to them. */
void eph__replay_handles_free(struct replay *rp);

/*
 * Marks.  rp->mark has come: do what is due, between two lines.  Returns 0
 * or rp->error.
 */
void eph__replay_marks_init(struct replay *rp);
int eph__replay_marks(struct replay *rp);

/* Hold a p line's mapping as long as the configuration says; 0 or rp->error. */
int eph__replay_hold(struct replay *rp, void *obj, unsigned cpu);

/* The last sample; and rp->res, of the whole run, less the warm-up. */
void eph__replay_marks_result(struct replay *rp);

/* Buffers in use, up to now. */
static inline void
replay_integrate(struct replay *rp)
{
	const uint64_t now = rp->mc->clock_ns;

	rp->buffers_sum +=
	    (double)rp->mc->bufs.now * (double)(now - rp->clock_last);
	rp->clock_last = now;
}

static inline struct vm_page *
replay_page(struct replay *rp, uint32_t page)
{
	struct vm_page *m = vm_page_get_inline(rp->mc, page);

	if (eph_unlikely(m == NULL))
		(void)eph__replay_fail(
		    rp, ENOMEM, "more pages than the machine has frames");
	return (m);
}

#endif /* !WORKLOAD_REPLAY_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_WORKLOAD_H
#define EPHMAP_WORKLOAD_H

/*
 * Workloads: what a kernel really does with mappings.
 *
 * A workload is a kernel consumer (pipe, sendfile, memory disk ...) and the
 * threads that use it, on a machine of its own, on any design.  Real bytes
 * go in at one end and are compared by checksum at the other.  It is given
 * as a text, NAME or NAME:KEY=VALUE,...; each has its table of parameters.
 *
 * A consumer with a `tap` can also be driven by a trace: every mapping of
 * the trace becomes one use of the consumer, its unmap the end of that use,
 * at the trace's times.
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/replay.h"
#include "ephmap/kernel/vm_pool.h"

#define EPH_WORK_PARAMS 16 /* most parameters of a workload */
#define EPH_WORK_FACTS	16 /* most numbers of its own that it reports */

struct eph_work_param {
	const char *name; /* NULL ends a table */
	const char *def;  /* as it would be typed */
	const char *desc;
	uint64_t min; /* of a number */
	uint64_t max;
	const char *const *choices; /* or one of these, ended by NULL */
};

/* How mappings are used; decides on which designs it can run. */
enum {
	EPH_WORK_REMOTE = 0x1, /* used or unmapped on another CPU */
	EPH_WORK_MANY = 0x2,   /* several at once, unmapped in any order */
	EPH_WORK_STORES = 0x4, /* stores through them */
	EPH_WORK_FULL = 0x8,   /* needs frames with real bytes */
};

/* A number that only this workload has. */
struct eph_work_fact {
	const char *name;
	uint64_t value;
};

struct eph_work_result {
	uint64_t operations;   /* of the consumer, as its summary names them */
	uint64_t failures;     /* of these, ended with an error or short */
	uint64_t bytes;	       /* moved from one end to the other */
	uint64_t checked;      /* streams compared by checksum */
	uint64_t corrupt;      /* of these, arrived as something else */
	uint64_t asleep;       /* threads that slept for ever */
	uint64_t map_sleeps;   /* times a map slept for a buffer */
	uint64_t map_spurious; /* of these, woken for nothing */
	uint64_t map_asleep;   /* of these, that never ended */

	/* What nobody gave back, when all had ended. */
	uint64_t maps_left;
	uint64_t wires_left;	   /* shipped leaks included */
	uint64_t wires_of_design;  /* S1: all but one of concurrent uses */
	uint64_t wires_of_history; /* leaks that the consumer shipped with */
	uint64_t holds_left;
	uint64_t pages_left;
	uint64_t mbufs_left;
	uint64_t bytes_left; /* of the machine's memory */

	unsigned nfacts;
	struct eph_work_fact fact[EPH_WORK_FACTS];
};

struct eph_workload_ops;

/* What a workload's functions are given. */
struct eph_work {
	struct eph_machine *mc;
	const struct eph_workload_ops *ops;
	struct eph_mapper map;
	struct vm_pool *pool;		 /* as many pages as pages() said */
	uint64_t value[EPH_WORK_PARAMS]; /* number, or index of the choice */
	uint64_t seed;
	void *state; /* the workload's own */
	struct eph_err *err;
	struct eph_work_result *res;

	/* Any CPU; summed into the result. */
	_Atomic(uint64_t) operations;
	_Atomic(uint64_t) failures;
	_Atomic(uint64_t) bytes;
	_Atomic(uint64_t) checked;
	_Atomic(uint64_t) corrupt;
};

/* One use of a page by a consumer that a trace drives. */
struct eph_work_use {
	struct eph_mapped mapped;
	void *own; /* the consumer's */
	struct eph_work_use *next;
};

/*
 * A consumer seen from a trace: begin() makes one use of page `m`, whose
 * bytes are stream number m->frame, and fills `use`; end() ends it, on any
 * CPU.  begin() returns as a design's map().
 */
struct eph_work_tap {
	int (*open)(struct eph_work *w); /* 0 or ENOMEM */
	int (*begin)(struct eph_work *w, struct vm_page *m, unsigned flags,
	    struct eph_work_use *use);
	void (*end)(struct eph_work *w, struct eph_work_use *use);
	void (*close)(struct eph_work *w);
};

struct eph_workload_ops {
	const char *name;
	const char *summary; /* one line; says what an operation is */
	const char *origin;
	const struct eph_work_param *params;
	unsigned cpus;	/* by default */
	unsigned needs; /* EPH_WORK_* */

	/*
	 * Frames it wants; may set *needs to what these parameters need.
	 * Only w->ops and w->value are there.
	 */
	uint32_t (*pages)(const struct eph_work *w, unsigned *needs);

	/*
	 * Allocate, then create threads.  Returns 0 or an errno value; what
	 * was allocated is finish()'s to free all the same.
	 */
	int (*start)(struct eph_work *w);

	/* All threads have ended: give back, and say facts. */
	void (*finish)(struct eph_work *w);

	const struct eph_work_tap *tap; /* NULL: not by a trace */
};

/* NULL-terminated, in the order `ephmap list workloads` prints. */
extern const struct eph_workload_ops *const eph_workloads[];
const struct eph_workload_ops *eph_workload_find(const char *name);

/* A workload with its parameters settled. */
struct eph_workload {
	const struct eph_workload_ops *ops;
	uint64_t value[EPH_WORK_PARAMS];
	bool stamp;	 /* contents=stamp: for speed */
	bool repaired;	 /* repaired=yes: without the leaks of history */
	char trace[256]; /* trace=FILE, "" if none */
	char text[256];	 /* as typed */
};

/* Parameters that every workload has. */
extern const struct eph_work_param eph_work_common[];

/*
 * Parse NAME or NAME:KEY=VALUE,...  Returns 0, or EINVAL with a line in
 * `err` that says what was expected.
 */
int eph_workload_parse(
    const char *text, struct eph_workload *wl, struct eph_err *err);

/*
 * Can it run on the design, with these parameters?  NULL, or why not, for
 * people.
 */
const char *eph_workload_refuses(
    const struct eph_workload *wl, const struct eph_design_ops *design);

/* For faults on purpose: called when all is set up, before it runs. */
typedef void eph_work_hook(void *arg, struct eph_work *w);

/*
 * Run, in lockstep or on real threads.  What went wrong stands in the
 * result: see its violations and eph_workload_sound().  Returns as
 * eph_replay_run(); cfg's `touch`, `hold_ns`, `flags` and `log` are for traces.
 * `hook` may be NULL.
 */
int eph_workload_run(const struct eph_run_config *cfg,
    const struct eph_workload *wl, struct eph_run_result *res,
    struct eph_work_result *wres, eph_work_hook *hook, void *hook_arg,
    struct eph_err *err);

/*
 * Did all arrive and end, with nothing left behind but what history leaked?
 * Otherwise `err` says in one line what did not.  A consumer that a trace
 * drives ends where the trace does: then only what arrived counts.
 */
bool eph_workload_sound(const struct eph_workload *wl,
    const struct eph_work_result *wres, struct eph_err *err);

/* For workloads */

/* A tap for consumers that map one page, privately, and read it. */
extern const struct eph_work_tap eph_work_private_tap;

/* Compare a page as it was read with what a tap's page holds. */
void eph_work_compare_page(
    struct eph_work *w, const struct vm_page *m, const void *buf);

/* Start fn(w, n) as a thread of CPU `cpu` (modulo those there are). */
int eph_work_thread(struct eph_work *w, unsigned cpu,
    void (*fn)(struct eph_work *w, unsigned n), unsigned n);

/* One operation ended; its error. */
void eph_work_operation(struct eph_work *w, int error);

/* A stream's two ends: count, compare. */
struct eph_digest;
void eph_work_compare(struct eph_work *w, const struct eph_digest *sent,
    const struct eph_digest *arrived);

void eph_work_fact(struct eph_work *w, const char *name, uint64_t value);

/* eph_machine_alloc() that can be made to fail. */
void *eph_work_alloc(struct eph_work *w, size_t bytes);

/*
 * The same step by step, on a machine and a design that exist, for
 * explorations: eph_work_open(), the workload's start(), its threads, its
 * finish(), eph_work_close().
 */
int eph_work_open(struct eph_work *w, const struct eph_workload *wl,
    struct eph_machine *mc, const struct eph_design_ops *design, void *state,
    uint32_t first_frame, struct eph_work_result *res, struct eph_err *err);
void eph_work_close(struct eph_work *w);

#endif /* !EPHMAP_WORKLOAD_H */

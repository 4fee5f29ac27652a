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

#include "ephmap/run.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eph_work;
struct eph_workload_ops;

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

	/* What was not given back, when all had ended. */
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

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_WORKLOAD_H */

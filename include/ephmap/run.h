/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_RUN_H
#define EPHMAP_RUN_H

/*
 * Runs: one design over one stream of operations.
 *
 * A run is a function from configuration and operations to a result.  What
 * each operation means is architecture, and stated in the manual page
 * ephmap-trace(5).
 */

#include <stdio.h>

#include "ephmap/counters.h"
#include "ephmap/time.h"
#include "ephmap/trace.h"
#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eph_costs;
struct eph_design_ops;
struct eph_machine;
struct eph_machine_model;
struct eph_policy_ops;
struct eph_shootdown_ops;

/* Where operations come from; one stream serves one run at a time. */
struct eph_op_source {
	/* As eph_trace_next(). */
	int (*next)(void *arg, const struct eph_op **opsp, size_t *np,
	    struct eph_err *err);
	/* "file:line" of operation `i` of the last block; for messages. */
	void (*where)(void *arg, size_t i, char *buf, size_t size);
	uint64_t (*line)(void *arg, size_t i);
	uint64_t (*page_name)(void *arg, uint32_t page);
	uint64_t (*handle_name)(void *arg, size_t i);

	/*
	 * For offline policies: the operation, counted from 0, that next
	 * references the page of operation `op`; UINT64_MAX: none.  NULL
	 * where the future is unknown.
	 */
	uint64_t (*next_use)(void *arg, uint64_t op);
	void *arg;
	uint32_t npages_hint; /* 0: unknown */
	bool has_time;	      /* there are d lines */
	unsigned cpus;	      /* CPUs are below it; 0: unknown */
};

/* The source that reads `t`. */
struct eph_op_source eph_trace_source(struct eph_trace *t);

/* Operations in memory, the caller's. */
struct eph_op_array {
	const struct eph_op *op;
	size_t n;
	bool played;
};

/*
 * The source that plays them once; make it again to play them again.  Pages and
 * handles (`slot') have their numbers for names, and messages say `operation N'.
 */
struct eph_op_source eph_op_array_source(struct eph_op_array *a);

/* A whole trace in memory, for many runs at once. */
struct eph_oplist;

/*
 * Read all of `t`, which must stay open.  Returns 0 and sets *lp, or an
 * errno value with `err` set.
 */
int eph_oplist_read(
    struct eph_trace *t, struct eph_oplist **lp, struct eph_err *err);
void eph_oplist_free(struct eph_oplist *l);

/*
 * Work out the next reference to each page, for offline policies; the
 * sources made later know it.  Returns 0 or ENOMEM.
 */
int eph_oplist_foresee(struct eph_oplist *l);
size_t eph_oplist_count(const struct eph_oplist *l);
const struct eph_op *eph_oplist_ops(const struct eph_oplist *l);

#define EPH_OPLIST_BLOCK 65536u /* operations a cursor delivers at once */

/* A cursor over it; each run has its own. */
struct eph_oplist_cursor {
	const struct eph_oplist *list;
	size_t base; /* of the block delivered last */
	size_t next;
};
struct eph_op_source eph_oplist_source(
    const struct eph_oplist *l, struct eph_oplist_cursor *cur);

/* An operation of a trace begins on its CPU, or has ended there. */
struct eph_run_moment {
	bool begins;
	enum eph_op_kind kind;
	unsigned cpu;
	uint64_t line;
	uint64_t id;	 /* the page of a map or a reference, else the handle */
	uint64_t handle; /* of all but references and delays */
	unsigned flags;	 /* EPH_OPF_* of a map */
};

/* What was counted when so many references had been asked for. */
struct eph_run_sample {
	uint64_t references;
	uint64_t ns; /* of the trace */
	const struct eph_counters *counters;
};

struct eph_run_config {
	const struct eph_design_ops *design;
	const struct eph_policy_ops *policy;	   /* NULL: the design's */
	const struct eph_shootdown_ops *shootdown; /* NULL: the design's */
	const char *policy_params;		   /* NULL: none */
	const char *machine;			   /* NULL: amd64-skylake */
	const struct eph_machine_model *model; /* NULL: named by `machine' */
	const char *tlb;		       /* NULL: the machine's */
	unsigned cpus;
	uint32_t nbufs;
	uint64_t seed;
	enum eph_touch touch; /* of p lines */
	uint64_t hold_ns;     /* of p lines; 0: not held by time */
	uint64_t hold_refs;   /* of p lines: until so many more references
			       * were asked for; 0: no.  One of the two, and
			       * this one not with clocks or threads */
	unsigned flags;	      /* SFB_* of p lines */

	/* p lines are spread over all CPUs; lines with handles go to their
	 * CPU modulo the number. */
	enum eph_spread spread;
	uint64_t spread_seed;
	FILE *log; /* --log: words for every line; NULL: none */
	const struct eph_costs *costs;	    /* NULL: the machine's */
	const struct eph_time_config *time; /* NULL: no clocks */
	struct eph_time_cpu *time_cpus; /* by CPU, filled in; NULL: not asked */
	bool threads; /* one pthread a CPU: counts vary; else lockstep */
	enum eph_contents contents; /* of the frames */
	void *design_arg;	    /* eph_design_config's `arg` */

	/* Called on the design after creation and at the end; may be NULL. */
	int (*at_start)(void *arg, struct eph_machine *mc, void *state,
	    struct eph_err *err);
	void (*at_end)(void *arg, struct eph_machine *mc, void *state);
	void *hook_arg;

	/*
	 * Called before and after each operation; after other operations of
	 * its CPU if it slept.  Not with threads; may be NULL.
	 */
	void (*watch)(
	    void *arg, struct eph_machine *mc, const struct eph_run_moment *m);
	void *watch_arg;

	/*
	 * The first `warmup` references are played and not counted: the
	 * result is of what follows, but for violations, peaks of sleepers
	 * and of addresses, and what is left at the end.  `sample' is called
	 * at the end of the warm-up (or at the start), after each `interval`
	 * references and at the end (where it may see the same number of
	 * references as before), with numbers of the whole run so far; its
	 * interval is not 0.  Not with threads, a warm-up not under
	 * clocks.
	 */
	uint64_t warmup;
	uint64_t interval;
	void (*sample)(void *arg, const struct eph_run_sample *s);
	void *sample_arg;

	/* Told now and then how many operations are played (with
	 * threads: read); may be NULL. */
	void (*progress)(void *arg, uint64_t done);
	void *progress_arg;
};

struct eph_run_result {
	struct eph_counters counters;
	uint64_t lines;	      /* operations played */
	uint64_t references;  /* maps asked for */
	uint64_t held_at_end; /* handles the trace never unmapped */
	uint64_t asleep;      /* maps that still sleep at the end */
	/* maps woken by an unmap of the thread that sleeps; lockstep only */
	uint64_t slept_holding;
	uint64_t sleepers_peak;
	double buffers_mean; /* over time with d lines, else over lines;
			      * NAN with threads */
	uint64_t buffers_peak;
	uint64_t ipiq_kick;
	uint64_t wires_leaked; /* wirings that stay */
	uint64_t kva_peak_pages;
	uint64_t violations_total;
	unsigned violations; /* kept below */
	struct eph_violation violation[EPH_VIOLATIONS_KEPT];
	bool nowait_ignored;  /* the design's API has no such flag */
	size_t memory_bytes;  /* of the machine and the design, at the end */
	struct eph_time time; /* if the configuration has clocks */
	double host_seconds;  /* of the replay itself */
};

/*
 * Run.  Returns 0 and fills *res, or
 *	ENOTSUP	the design cannot do a line, or the combination of axes;
 *		`err` names line and reason
 *	EINVAL	bad configuration or input; `err` says what
 *	ENOMEM	the host is out of memory
 */
int eph_replay_run(const struct eph_run_config *cfg, struct eph_op_source *src,
    struct eph_run_result *res, struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_RUN_H */

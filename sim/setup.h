/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_SETUP_H
#define SIM_SETUP_H

/*
 * From options to runs: what `run' and `compare' have in common.
 *
 * Both take the same options; `compare' takes a list, by comma, where
 * `run' takes one value.  The product of the lists is an array of points,
 * one run each, in the order in which the lists were typed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "plugins.h"
#include "profile.h"

#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/importer.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/time.h"
#include "ephmap/workload.h"

/* The options, and what was found from them. */
struct setup {
	const char *command; /* for messages: "ephmap run" */
	bool lists;	     /* every axis takes a list by comma */
	bool sweep;	     /* and so do seeds and how p lines are done */
	bool timed;	     /* as with --time, which the command has not */
	const struct opts *o;
	const char *trace;    /* the file; NULL with a workload */
	const char *workload; /* as typed; NULL with a trace */

	/* Found by setup_points(). */
	unsigned sfb_flags;
	struct hold hold; /* the first */
	enum eph_spread spread;
	uint64_t spread_seed;
	uint64_t warmup;	     /* references that are not counted */
	struct eph_time_config time; /* of --time; points' cfg has it */
	struct plugins plugins;	     /* of --plugin */
	struct eph_workload wl; /* found by setup_trace(), with --workload */
};

/* One run: its configuration, and what came of it. */
struct point {
	struct eph_run_config
	    cfg; /* machine and model are set, others may be NULL */
	struct eph_policy_choice policy; /* cfg's, where it is not NULL */
	struct profile *profile;	 /* cfg.model is its; NULL: built in */
	struct eph_costs costs;		 /* cfg.costs points here */
	int status;			 /* of eph_replay_run() */
	struct eph_err err;		 /* why, if refused or unsound */
	struct eph_run_result *res;	 /* NULL until it ran */
	struct eph_work_result *work;	 /* NULL: a trace ran */
	struct eph_time_cpu *cpu;	 /* by CPU; NULL: not asked */
	bool unsound;			 /* a workload that went wrong */
};

/*
 * Settle which file is the trace: --trace or the one operand, or which
 * workload stands in its place.  Sets s->trace, or s->wl where there is
 * --workload; returns OPTIONS_OK, or OPTIONS_BAD with a message printed.
 */
int setup_trace(struct setup *s, int n, char **operands);

/*
 * Open the trace, with the times of --rate.  OPTIONS_OK, or OPTIONS_BAD with
 * a message printed.
 */
int setup_open(const struct setup *s, struct eph_trace **tp);

/* Find s->warmup, for so many references; as setup_open(). */
int setup_warmup(struct setup *s, uint64_t references);

/* Take a workload; OPTIONS_OK, or OPTIONS_BAD with a message printed. */
int setup_workload(struct setup *s, const char *text);

/* --plot can be done; OPTIONS_OK, or OPTIONS_BAD with a message printed. */
int setup_plot(const struct setup *s);

/* A trace without a reference has no result: OPTIONS_BAD, and said. */
int setup_check_trace(const struct setup *s, const struct eph_trace_meta *meta);

/* Whether --policy is NAME:help; it has been printed then. */
bool setup_policy_help(const struct setup *s);

/*
 * The policies of `text`, which is --policy or what stands for it, with the
 * parameters of --policy-params.  The caller gives *listp to free().
 * OPTIONS_OK, or OPTIONS_BAD with a message printed.
 */
int setup_policies(const struct setup *s, const char *text, bool lists,
    struct eph_policy_choice **listp, size_t *np);

/*
 * Make the points.  Returns OPTIONS_OK and sets *pp and *np, or OPTIONS_BAD
 * with a message printed.
 */
int setup_points(struct setup *s, const struct eph_trace_meta *meta,
    struct point **pp, size_t *np);
void setup_free(struct point *points, size_t n);

/*
 * What a workload has in place of a trace's description: the CPUs, and with
 * trace=FILE that trace's.  Returns OPTIONS_OK, or OPTIONS_BAD.
 */
int setup_workload_meta(const struct setup *s, struct eph_trace_meta *meta);

/* Run a point of a workload. */
void setup_run_workload(const struct setup *s, struct point *p);

/* It ran, and what it found is a fault: exit status 1. */
bool point_found(const struct point *p);

/* What a point really runs with, defaults filled in; NULL: none. */
const char *point_policy(const struct point *p);
const char *point_shootdown(const struct point *p);
const char *point_tlb(const struct point *p);
bool point_has_nbufs(const struct point *p);

/* SFB_* in the words of --flags; returns `buf`. */
const char *flags_text(unsigned flags, char buf[64]);

#endif /* !SIM_SETUP_H */

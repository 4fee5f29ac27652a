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

#include "ephmap/replay.h"
#include "ephmap/workload.h"

#define DEFAULT_MACHINE "amd64-skylake"
#define DEFAULT_NBUFS	"1024"
#define DEFAULT_SEED	1

/* The options as typed; NULL or zero: the default. */
struct setup {
	const char *command; /* for messages: "ephmap run" */
	bool lists;	     /* every axis takes a list by comma */

	const char *design;
	const char *policy;
	const char *policy_params;
	const char *shootdown;
	const char *machine;
	const char *tlb;
	const char *cpus;
	const char *nbufs;
	const char *costs;
	const char *flags;
	const char *plugin;
	const char *trace;
	const char *workload;
	bool all;
	uint64_t seed;
	uint64_t hold_ns;
	unsigned executor; /* index into executor_choices */
	unsigned touch;	   /* enum eph_touch */
	unsigned format;   /* enum format */

	/* Found by setup_points(). */
	unsigned sfb_flags;
	const struct eph_design_ops *plugin_design;
	struct eph_workload wl; /* found by setup_trace(), with --workload */
};

extern const char *const executor_choices[];
extern const char *const touch_choices[];

/*
 * Rows of the option table for the members above; `more' stands behind the
 * argument of an axis: ",..." where it takes a list.
 */
/* clang-format off */
#define SETUP_OPTIONS(s, more)                                                 \
	{ "design", 0, OPT_STRING, &(s).design, NULL, 0, 0, NULL,              \
	    "D" more,                                                          \
	    "design (ephmap list designs)" },                                  \
	{ "policy", 0, OPT_STRING, &(s).policy, NULL, 0, 0, NULL,              \
	    "P" more,                                                          \
	    "replacement policy; default: the design's own" },                 \
	{ "shootdown", 0, OPT_STRING, &(s).shootdown, NULL, 0, 0, NULL,        \
	    "S" more,                                                          \
	    "shootdown protocol; default: the design's own" },                 \
	{ "machine", 0, OPT_STRING, &(s).machine, NULL, 0, 0, NULL,            \
	    "M" more,                                                          \
	    "machine; default: " DEFAULT_MACHINE },                            \
	{ "tlb", 0, OPT_STRING, &(s).tlb, NULL, 0, 0, NULL,                    \
	    "G" more,                                                          \
	    "TLB geometry; default: the machine's" },                          \
	{ "cpus", 0, OPT_STRING, &(s).cpus, NULL, 0, 0, NULL,                  \
	    "N" more,                                                          \
	    "CPUs, 1 to 1024; default: those of the trace" },                  \
	{ "nbufs", 0, OPT_STRING, &(s).nbufs, NULL, 0, 0, NULL,                \
	    "N" more,                                                          \
	    "buffers, or from-memory:SIZE; default: " DEFAULT_NBUFS },         \
	{ "executor", 0, OPT_CHOICE, &(s).executor, NULL, 0, 0,                \
	    executor_choices, "E", "how CPUs are played; default: lockstep" }, \
	{ "seed", 0, OPT_U64, &(s).seed, NULL, 0, INT64_MAX, NULL, "N",        \
	    "for every random choice; default: 1" },                           \
	{ "touch", 0, OPT_CHOICE, &(s).touch, NULL, 0, 0, touch_choices, "T",  \
	    "p lines: none, read or write; default: read" },                   \
	{ "hold", 0, OPT_U64, &(s).hold_ns, NULL, 0, INT64_MAX, NULL, "NS",    \
	    "p lines: hold each mapping that long; default: 0" },              \
	{ "flags", 0, OPT_STRING, &(s).flags, NULL, 0, 0, NULL, "F",           \
	    "p lines: shared or private, nowait or catch" },                   \
	{ "costs", 0, OPT_STRING, &(s).costs, NULL, 0, 0, NULL, "FILE",        \
	    "your prices in cycles: JSON, or `name = cycles' lines" },         \
	{ "plugin", 0, OPT_STRING, &(s).plugin, NULL, 0, 0, NULL, "FILE.so",   \
	    "a design built outside the tree" },                               \
	{ "trace", 0, OPT_STRING, &(s).trace, NULL, 0, 0, NULL, "FILE",        \
	    "the trace; the same as FILE" },                                   \
	{ "format", 0, OPT_CHOICE, &(s).format, NULL, 0, 0, format_choices,    \
	    "F", "table, csv or json; default: table" }

/* For commands that take a workload in place of a trace. */
#define SETUP_WORKLOAD(s)                                                      \
	{ "workload", 0, OPT_STRING, &(s).workload, NULL, 0, 0, NULL,          \
	    "W[:K=V,...]",                                                     \
	    "a kernel consumer instead of a trace (list workloads)" }
/* clang-format on */

#define SETUP_INITIALIZER(name, takes_lists)                                   \
	{                                                                      \
		.command = (name), .lists = (takes_lists),                     \
		.seed = DEFAULT_SEED, .touch = EPH_TOUCH_READ                  \
	}

/* One run: its configuration, and what came of it. */
struct point {
	struct eph_run_config cfg;    /* machine is set, others may be NULL */
	struct eph_costs costs;	      /* cfg.costs points here */
	int status;		      /* of eph_replay_run() */
	struct eph_err err;	      /* why, if refused or unsound */
	struct eph_run_result *res;   /* NULL until it ran */
	struct eph_work_result *work; /* NULL: a trace ran */
	bool unsound;		      /* a workload that went wrong */
};

/*
 * Settle which file is the trace: --trace or the one operand, or which
 * workload stands in its place.  Sets s->trace, or s->wl where s->workload
 * is not NULL; returns OPTIONS_OK, or OPTIONS_BAD with a message printed.
 */
int setup_trace(struct setup *s, int argc, char **argv, int first);

/*
 * Make the points.  Returns OPTIONS_OK and sets *pp and *np, or OPTIONS_BAD
 * with a message printed.
 */
int setup_points(struct setup *s, const struct eph_trace_meta *meta,
    struct point **pp, size_t *np);
void setup_free(struct point *points, size_t n);

/* Load a design; OPTIONS_OK, or OPTIONS_BAD with a message printed. */
int load_plugin(const char *command, const char *file,
    const struct eph_design_ops **designp);

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

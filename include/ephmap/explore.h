/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_EXPLORE_H
#define EPHMAP_EXPLORE_H

/*
 * Exploration: run a small program over and over, each time in another
 * order, until something goes wrong.
 *
 * A scenario is the program: it creates threads on the CPUs of a machine
 * with a design, and says what must hold when they have ended.  A schedule
 * is one order of their steps.  eph_explore() searches, replays and shrinks.
 * ephmap/sdk/scenario.h says how to write a scenario.
 */

#include <stdio.h>

#include "ephmap/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct eph_design_ops;
struct eph_event;
struct eph_policy_ops;
struct eph_scenario;
struct eph_shootdown_ops;

/* What can go wrong. */
enum eph_failure {
	EPH_FAIL_NONE,
	EPH_FAIL_STALE,	   /* a translation was used that is not the page's */
	EPH_FAIL_USE_FREE, /* something was used after it was freed */
	EPH_FAIL_PANIC,	   /* panic or failed assertion, double free too */
	EPH_FAIL_LOST_WAKEUP, /* a sleeper, and what it waits for is free */
	EPH_FAIL_DEADLOCK,    /* threads wait for each other */
	EPH_FAIL_LIVELOCK,    /* the budget of steps was not enough */
	EPH_FAIL_LEAK,	      /* something is held that no thread owns */
	EPH_FAIL_KVA,	/* more addresses than held at the peak + reserve */
	EPH_FAIL_WRONG, /* the scenario's own check failed */
};

/* "stale use", "lost wakeup" ... */
const char *eph_failure_name(enum eph_failure f);

/* NULL-terminated. */
extern const struct eph_scenario *const eph_scenarios[];
const struct eph_scenario *eph_scenario_find(const char *name);

/* Does it make sense for that design; NULL: without one? */
bool eph_scenario_applies(
    const struct eph_scenario *sc, const struct eph_design_ops *design);

/*
 * A scenario from a text file (doc/explore.md).  Returns 0 with *scp, to be
 * freed, or EINVAL or ENOMEM; `err` names the line.
 */
int eph_scenario_read(
    const char *path, const struct eph_scenario **scp, struct eph_err *err);
void eph_scenario_free(const struct eph_scenario *sc);

/*
 * A scenario from a shared object that exports
 *	const struct eph_scenario ephmap_scenario;
 * It stays until the process ends.  Returns as eph_design_load().
 */
int eph_scenario_load(
    const char *path, const struct eph_scenario **scp, struct eph_err *err);

/* An exhibit of the museum. */
struct eph_bug {
	const char *name;
	const char *date;
	const char *origin;  /* system, commit or release, file */
	const char *symptom; /* what people saw */
	const char *form;   /* broken function, broken caller, shipped design */
	const char *repair; /* what its repaired form does */
	const struct eph_scenario *scenario;
	const char *design;	/* NULL: the scenario needs none */
	unsigned cpus;		/* 0: the scenario's */
	enum eph_failure fails; /* as what it must be found */
};

extern const struct eph_bug *const eph_bugs[];
const struct eph_bug *eph_bug_find(const char *name);

#define EPH_NO_THREAD UINT32_MAX

struct eph_explore_config {
	const struct eph_scenario *scenario;
	const struct eph_design_ops *design;	   /* NULL: none */
	const struct eph_shootdown_ops *shootdown; /* NULL: the historical */
	const struct eph_policy_ops *policy;	   /* NULL: the design's */
	const char *policy_params;		   /* NULL: none */
	const char *strategy; /* NULL: pct; random, pos, urw, surw, greybox,
		       * systematic, delay, dpor, bfs */
	unsigned ncpus;	      /* 0: the scenario's */
	uint32_t nbufs;	      /* 0: the scenario's */
	uint32_t pages;	      /* that maps take in turn, 0: the scenario's */
	uint32_t ops;	      /* maps of a thread, then it ends; 0: all */
	uint64_t budget;      /* schedules; 0: 10000.  bfs: states; 0: any */
	uint64_t seed;
	unsigned depth;	      /* pct: d; 0: 3 */
	unsigned preemptions; /* systematic: bound; delay: of delays */
	unsigned fills;	      /* systematic, dpor: TLB actions in a schedule */
	double seconds;	      /* bfs: time that it may take; 0: any */
	size_t memory_bytes;  /* bfs: memory for states; 0: any */
	bool check_states;    /* bfs: reach each state twice, and compare */
	bool every_state;     /* bfs: also where TLBs act before it matters */
	bool threads;	      /* on the host's threads: budget runs, 0: 1000 */
	bool weak_memory;
	bool estimate;	    /* without a failure: how many schedules? */
	uint32_t odds;	    /* a failure: continuations a step; 0: none */
	bool no_adversary;  /* the TLB does only what it is asked */
	bool broken;	    /* exhibits: the broken form */
	bool repaired;	    /* designs: with their known holes repaired */
	const char *replay; /* a schedule, instead of a search */
	unsigned columns;   /* that the timeline may have; 0: 80 */

	/*
	 * Called for every event of the schedule that is drawn, the failing
	 * one or that of `replay', with its thread by order of creation;
	 * EPH_NO_THREAD for an interrupt handler.  May be NULL.
	 */
	void (*watch)(void *arg, const struct eph_event *ev, unsigned thread);
	void *watch_arg;

	/* Called now and then with the schedules done; may be NULL. */
	void (*progress)(void *arg, uint64_t schedules, uint64_t budget);
	void *progress_arg;
};

/* A step of a schedule that fails. */
struct eph_odds {
	uint32_t step;	/* choices made, from 0 */
	char after[24]; /* the last of them, as in a schedule */
	double share;	/* of random continuations that fail */
};

struct eph_explore_result {
	enum eph_failure failure;
	char what[512];	    /* one line */
	char *schedule;	    /* of the failure, shrunk; NULL if none */
	char *timeline;	    /* the same for people */
	uint64_t failed_at; /* number of the failing schedule, from 1 */
	uint64_t schedules; /* run, with those given up early */
	uint64_t pruned;    /* given up: equal to one that was run */
	uint64_t steps;	    /* scheduling points */
	double seconds;	    /* until the failure, or the end */

	/* cfg->estimate: how many schedules there are, about.  Not of dpor. */
	double total;	    /* 0: not estimated */
	double total_error; /* one standard deviation */
	bool total_all;	    /* without a bound; else within it */

	/* cfg->odds, of a failure, by step; the steps may have gaps. */
	struct eph_odds *odds;
	size_t nodds;
	uint32_t no_return; /* from this step on all continuations fail */

	unsigned threads;   /* n of the pct guarantee */
	uint32_t steps_max; /* k: most steps in one schedule */
	double guarantee;   /* pct: 1/(n k^(d-1)); else 0 */
	bool exhausted;	    /* systematic, dpor, bfs: there are no more */
	bool bounded;	    /* and the bound cut something */

	/* "2 buffers, 2 CPUs, 3 pages, 2 operations a thread" */
	char program[96];

	/* bfs only. */
	uint64_t states;     /* distinct ones */
	uint64_t frontier;   /* of these, not yet gone on from */
	uint64_t levels;     /* steps to the farthest that was gone on from */
	uint64_t ends;	     /* ways in which the program ended */
	size_t memory_bytes; /* that the states took */
	unsigned words;	     /* of memory that make a state, without stacks */
	bool late;	     /* TLBs act only where the next step could tell */
};

/*
 * Search.  Returns 0 with *r filled, or EINVAL (the scenario does not apply,
 * the schedule is not one, ...), ENOMEM, ENOTSUP (the design refused); `err`
 * says why.  Free the result.  While bfs runs the process has a handler of
 * SIGSEGV, which leaves all but writes to the machine's memory to the one
 * before, and this thread a signal stack; a machine's memory is no place for
 * what a system call writes.
 */
int eph_explore(const struct eph_explore_config *cfg,
    struct eph_explore_result *r, struct eph_err *err);
void eph_explore_free(struct eph_explore_result *r);

/*
 * The same search from `n` seeds, cfg->seed and those that follow it:
 * first[i] is the number of the first schedule that fails, from 1; 0: none
 * of the budget does.  Nothing is shrunk or drawn.  Not for bfs or a replay.
 * Returns as eph_explore().
 */
int eph_explore_seeds(const struct eph_explore_config *cfg, uint64_t n,
    uint64_t *first, struct eph_err *err);

/* Configuration that finds an exhibit, or with `repaired` its absence. */
void eph_bug_config(
    const struct eph_bug *bug, bool repaired, struct eph_explore_config *cfg);

/*
 * Look for an exhibit with each strategy in turn, `budget` schedules each
 * (0: 20000), until it is found; with `repaired`, for anything in its
 * repaired form.  r->schedules and seconds are those of all turns; the
 * timeline has no more than `columns' (0: 80).  Returns as eph_explore().
 */
int eph_bug_search(const struct eph_bug *bug, bool repaired, uint64_t budget,
    uint64_t seed, unsigned columns, struct eph_explore_result *r,
    struct eph_err *err);

/*
 * Repair the known holes of a design in a copy of its operations, and name
 * the protocol it then needs.  False if nothing is known to be broken.
 */
bool eph_design_repair(
    struct eph_design_ops *design, const struct eph_shootdown_ops **shootdown);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_EXPLORE_H */

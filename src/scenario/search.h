/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SCENARIO_SEARCH_H
#define SCENARIO_SEARCH_H

/* What search, shrinking and timelines share. */

#include <time.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "exec/explore.h"

/* One search: a machine that is rewound for each schedule. */
struct search {
	struct eph_world *world;
	struct eph_machine *mc; /* its */
	struct eph_xp *x;	/* in the machine's region */
	const struct eph_scenario *scenario;
	struct explore *ex;	  /* its executor; NULL: real threads */
	enum ex_verdict verdict;  /* of the schedule that ran last */
	enum eph_failure failure; /* the same, looked at closely */
	char what[512];
	struct eph_explore_config cfg; /* with the design repaired, if wanted */
	struct eph_design_ops repaired; /* the same */
	eph_observer *observer;		/* of the next schedule; NULL: none */
	void *observer_arg;
};

#define SEARCH_BUDGET 10000u

/*
 * A machine for `cfg`, marked, with its strategy.  Returns as eph_explore();
 * close it in any case.
 */
int eph__search_open(struct search *s, const struct eph_explore_config *cfg,
    struct eph_err *err);
void eph__search_close(struct search *s);

/* All of eph_explore() in the machine that is open: search, or replay. */
int eph__search_run(
    struct search *s, struct eph_explore_result *r, struct eph_err *err);
int eph__search_replay_text(
    struct search *s, struct eph_explore_result *r, struct eph_err *err);

/*
 * r->total, by probes; the strategy is another one then.  0 or ENOMEM.  A
 * probe may come upon a failure: s->failure.
 */
int eph__search_estimate(struct search *s, struct eph_explore_result *r);

/* r->odds of a schedule that fails; the same. */
int eph__search_odds(struct search *s, struct ex_schedule *schedule,
    struct eph_explore_result *r);

/* Seconds, monotonic. */
static inline double
search_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
}

/* r->program. */
void eph__search_program(const struct search *s, struct eph_explore_result *r);

/* cfg->threads: eph_explore() on real threads. */
int eph__search_threads(const struct eph_explore_config *cfg,
    struct eph_explore_result *r, struct eph_err *err);

/* The first violation that the machine recorded, and its text. */
enum eph_failure eph__search_violation(struct search *s);

/* What must hold when all has ended; sets what. */
enum eph_failure eph__search_left(struct search *s);

/* The scenario's and the design's own checks. */
void eph__search_check(struct search *s);

/* What a schedule that ended with `v` showed; sets what. */
enum eph_failure eph__search_verdict(struct search *s, enum ex_verdict v);

/* Run one schedule from the marked state; sets failure and what. */
enum eph_failure eph__search_once(struct search *s);

/* Replay `schedule`, by which the search must be set up. */
enum eph_failure eph__search_replay(
    struct search *s, struct ex_schedule *schedule);

/* Cut what the failure does not need.  0 or ENOMEM. */
int eph__search_shrink(
    struct search *s, struct ex_schedule *schedule, enum eph_failure failure);

/* Replay and draw; NULL when out of memory. */
char *eph__search_timeline(struct search *s, struct ex_schedule *schedule);

#endif /* !SCENARIO_SEARCH_H */

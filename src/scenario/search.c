/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Searching: one machine, marked once it is set up and rewound for every
 * schedule; a strategy that chooses; and the checks when all has ended.
 */

#include "scenario/search.h"
#include "exec/explore_space.h"
#include "scenario/bfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/mem.h"
#include "base/plugin.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/names.h"
#include "ephmap/world.h"
#include "machine/frames.h"

#define SEARCH_REGION ((size_t)64 << 20)
#define SEARCH_DEPTH  3u

/* Setting up */

static int
search_options(const struct eph_explore_config *cfg, struct explore *ex,
    struct eph_err *err)
{
	static const struct ex_strategy *const strategies[] = { &eph__ex_pct,
		&eph__ex_random, &eph__ex_pos, &eph__ex_urw, &eph__ex_surw,
		&eph__ex_greybox, &eph__ex_systematic, &eph__ex_delay,
		&eph__ex_dpor, &eph__ex_states };
	const char *name = cfg->strategy != NULL ? cfg->strategy : "pct";
	const char *names[sizeof(strategies) / sizeof(*strategies) + 1];

	ex->seed = cfg->seed;
	ex->depth = cfg->depth != 0 ? cfg->depth : SEARCH_DEPTH;
	ex->preemptions = cfg->preemptions;
	ex->fills = cfg->fills;
	ex->adversary = !cfg->no_adversary;
	ex->weak = cfg->weak_memory;
	names[sizeof(strategies) / sizeof(*strategies)] = NULL;
	for (size_t i = 0; i < sizeof(strategies) / sizeof(*strategies); i++) {
		names[i] = strategies[i]->name;
		if (strcmp(names[i], name) != 0)
			continue;
		if (eph__explore_set_strategy(ex, strategies[i]) != 0)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		return (0);
	}
	return (eph_err_unknown(err, "strategy", name,
	    eph_nearest_name(name, names),
	    "expected random, pct, pos, urw, surw, greybox, systematic, delay, "
	    "dpor or bfs"));
}

bool
eph_scenario_applies(
    const struct eph_scenario *sc, const struct eph_design_ops *design)
{
	if (design == NULL)
		return (sc->no_design);
	return (!sc->no_design && (sc->applies == NULL || sc->applies(design)));
}

/* Pages that the threads of a scenario map; 0: it does not say. */
static uint32_t
search_pages(const struct eph_scenario *sc, unsigned ncpus)
{
	return (sc->pages + sc->pages_cpu * ncpus);
}

static int
search_applies(const struct eph_explore_config *cfg, struct eph_err *err)
{
	const struct eph_scenario *sc = cfg->scenario;
	const unsigned ncpus = cfg->ncpus != 0 ? cfg->ncpus : sc->cpus;
	const int error = eph__abi_check("the scenario", sc->abi, err);

	if (error != 0)
		return (error);
	if (cfg->design == NULL && !sc->no_design)
		return (eph_err_set(err, EINVAL,
		    "scenario %s needs a design (--design)", sc->name));
	if (cfg->design != NULL && sc->no_design)
		return (eph_err_set(
		    err, EINVAL, "scenario %s has no design in it", sc->name));
	if (!eph_scenario_applies(sc, cfg->design))
		return (eph_err_set(err, EINVAL,
		    "scenario %s makes no sense for %s: %s", sc->name,
		    cfg->design->name, sc->summary));
	if (cfg->threads && sc->watches)
		return (eph_err_set(err, EINVAL,
		    "scenario %s waits for threads to sleep, which it cannot "
		    "see on the host's (--executor threads)",
		    sc->name));
	if (ncpus < sc->cpus || ncpus > EX_CPUS)
		return (eph_err_set(err, EINVAL,
		    "%u CPUs: scenario %s runs on %u to %u", ncpus, sc->name,
		    sc->cpus, EX_CPUS));
	if (cfg->pages > search_pages(sc, ncpus))
		return (eph_err_set(err, EINVAL,
		    "%" PRIu32 " pages: scenario %s has %" PRIu32
		    " on %u CPUs, expected at most so many",
		    cfg->pages, sc->name, search_pages(sc, ncpus), ncpus));
	if (cfg->ops != 0 && cfg->threads)
		return (eph_err_set(err, EINVAL,
		    "operations are counted under explore only, not on real "
		    "threads"));
	if (cfg->ops > sc->ops)
		return (eph_err_set(err, EINVAL,
		    "%" PRIu32 " operations: scenario %s has %" PRIu32
		    " a thread, expected at most so many",
		    cfg->ops, sc->name, sc->ops));
	return (0);
}

static int
search_world(
    struct search *s, const struct eph_explore_config *cfg, struct eph_err *err)
{
	const struct eph_scenario *sc = cfg->scenario;
	const struct eph_design_ops *design = cfg->design;
	const struct eph_world_config wcfg = {
		.tlb = "infinite",
		.cpus = cfg->ncpus != 0 ? cfg->ncpus : sc->cpus,
		.seed = cfg->seed,
		.executor =
		    cfg->threads ? EPH_EXECUTOR_THREADS : EPH_EXECUTOR_EXPLORE,
		.region_bytes = cfg->threads ? 0 : SEARCH_REGION,
		.kva_pages = sc->kva_pages,
		.contents = sc->contents,
		.design = design,
		.shootdown = cfg->shootdown,
		.policy = cfg->policy,
		.policy_params = cfg->policy_params,
		.nbufs = cfg->nbufs != 0 ? cfg->nbufs : sc->nbufs,
	};
	int error;

	if ((error = eph_world_create(&wcfg, &s->world, err)) != 0)
		return (error);
	s->mc = eph_world_machine(s->world);
	s->ex = cfg->threads ? NULL : eph__explore_of(s->mc);
	if ((s->x = eph_machine_alloc(s->mc, sizeof(*s->x))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	s->x->mc = s->mc;
	s->x->ncpus = wcfg.cpus;
	s->x->nbufs = wcfg.nbufs;
	s->x->pages = cfg->pages;
	s->x->ops = cfg->ops < sc->ops ? cfg->ops : 0;
	if (s->x->ops != 0 &&
	    (s->x->maps = eph_machine_alloc(
		 s->mc, EX_ENTITIES * sizeof(*s->x->maps))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	s->x->broken = cfg->broken;
	s->x->design = design;
	s->x->state = eph_world_state(s->world);
	s->x->scenario = s->scenario = sc;
	if (s->ex != NULL && design != NULL && design->switch_in != NULL) {
		s->ex->switch_in = design->switch_in;
		s->ex->switch_out = design->switch_out;
		s->ex->switch_arg = s->x->state;
	}
	return (0);
}

/*
 * Most of what a machine is made of does not change: the chunk nobody
 * loaded from, and the pages beyond those that eph_xp_page() gives.
 */
static void
search_cold(struct eph_machine *mc)
{
	struct vm_page *chunk = mc->frames->chunks[0];

	eph__mem_cold(mc->mem, chunk + XP_PAGES,
	    (FRAME_CHUNK - XP_PAGES) * sizeof(*chunk));
}

/* One page brings its chunk; real threads find all pages made. */
static bool
search_make_pages(struct search *s)
{
	for (uint32_t n = 0; n < (s->cfg.threads ? XP_PAGES : 1); n++) {
		if (vm_page_get(s->mc, n) == NULL)
			return (false);
	}
	return (true);
}

void
eph__search_close(struct search *s)
{
	/* The region goes in one piece, with all that is in it. */
	(void)eph_world_abandon(s->world);
}

int
eph__search_open(struct search *s, const struct eph_explore_config *from,
    struct eph_err *err)
{
	struct eph_explore_config *cfg = &s->cfg;
	int error;

	*s = (struct search){ .cfg = *from };
	if (cfg->repaired && cfg->design != NULL) {
		s->repaired = *cfg->design;
		(void)eph_design_repair(&s->repaired, &cfg->shootdown);
		cfg->design = &s->repaired;
	}
	if ((error = search_applies(cfg, err)) != 0 ||
	    (error = search_world(s, cfg, err)) != 0 ||
	    (!cfg->threads && (error = search_options(cfg, s->ex, err)) != 0))
		return (error);
	if (!search_make_pages(s) || cfg->scenario->setup(s->x) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if (cfg->threads)
		return (0);
	if (s->ex->strategy == &eph__ex_dpor &&
	    (s->ex->nthreads > EX_DPOR || cfg->fills > EX_DPOR_FILLS))
		return (eph_err_set(err, ENOTSUP,
		    "dpor: %u threads and %u TLB actions: expected at most %u "
		    "and %u, or another strategy",
		    s->ex->nthreads, cfg->fills, EX_DPOR, EX_DPOR_FILLS));
	search_cold(s->mc);
	if (eph_machine_mark(s->mc) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	return (0);
}

/* Searching */

/* What was chosen in the schedule that ran last. */
static int
search_recorded(const struct search *s, struct ex_schedule *schedule)
{
	schedule->n = 0;
	for (uint32_t i = 0; i < s->ex->nchoices; i++) {
		if (eph__ex_schedule_add(schedule, s->ex->choices[i], 1) != 0)
			return (ENOMEM);
	}
	return (0);
}

/* The failure in its shortest form, as text and picture. */
static int
search_explain(struct search *s, struct ex_schedule *schedule, bool shrink,
    struct eph_explore_result *r, struct eph_err *err)
{
	const enum eph_failure failure = s->failure;

	if (eph__explore_set_strategy(s->ex, &eph__ex_replay) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if (shrink && eph__search_shrink(s, schedule, failure) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	r->timeline = eph__search_timeline(s, schedule);
	if (shrink)
		eph__ex_schedule_trim(schedule);
	r->schedule = eph__ex_schedule_format(schedule);
	if (r->timeline == NULL || r->schedule == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if (s->failure != failure && failure != EPH_FAIL_NONE)
		PANIC("a failure that its own schedule does not show");
	r->failure = s->failure;
	(void)snprintf(r->what, sizeof(r->what), "%s", s->what);
	if (s->cfg.odds == 0 || r->failure == EPH_FAIL_NONE)
		return (0);
	if (eph__search_odds(s, schedule, r) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	s->failure = r->failure;
	return (0);
}

static double
search_guarantee(const struct explore *ex)
{
	double p = 1.0 / ((double)ex->nthreads + (double)ex->mc->ncpus);

	for (unsigned i = 1; i < ex->depth; i++)
		p /= (double)(ex->k != 0 ? ex->k : 1);
	return (p);
}

void
eph__search_program(const struct search *s, struct eph_explore_result *r)
{
	const uint32_t pages = s->x->pages != 0
	    ? s->x->pages
	    : search_pages(s->scenario, s->x->ncpus);
	char some[24] = "";

	if (s->x->ops != 0)
		(void)snprintf(
		    some, sizeof(some), "%" PRIu32 " of ", s->x->ops);
	(void)snprintf(r->program, sizeof(r->program),
	    "%" PRIu32 " buffer%s, %u CPU%s, %" PRIu32 " page%s, %s%" PRIu32
	    " operation%s a thread",
	    s->x->nbufs, s->x->nbufs == 1 ? "" : "s", s->x->ncpus,
	    s->x->ncpus == 1 ? "" : "s", pages, pages == 1 ? "" : "s", some,
	    s->scenario->ops, s->scenario->ops == 1 ? "" : "s");
}

static void
search_statistics(const struct search *s, const struct eph_explore_config *cfg,
    double start, struct eph_explore_result *r)
{
	eph__search_program(s, r);
	r->seconds = search_now() - start;
	if (s->ex->strategy != &eph__ex_states)
		r->steps = s->ex->total_steps;
	r->threads = s->ex->nthreads;
	r->steps_max = s->ex->k;
	if (cfg->replay == NULL &&
	    (cfg->strategy == NULL || strcmp(cfg->strategy, "pct") == 0))
		r->guarantee = search_guarantee(s->ex);
}

/* Schedule after schedule until one fails. */
static void
search_loop(struct search *s, const struct eph_explore_config *cfg,
    struct eph_explore_result *r)
{
	const uint64_t budget = cfg->budget != 0 ? cfg->budget : SEARCH_BUDGET;

	do {
		s->ex->nschedule = r->schedules;
		(void)eph__search_once(s);
		r->schedules++;
		r->pruned += s->verdict == EX_PRUNED;
		if (cfg->progress != NULL && r->schedules % 1024 == 0)
			cfg->progress(cfg->progress_arg, r->schedules, budget);
		if (s->failure != EPH_FAIL_NONE) {
			r->failed_at = r->schedules;
			return;
		}
		if (!s->ex->strategy->next(s->ex, s->verdict)) {
			r->exhausted = true;
			r->bounded = s->ex->bounded;
			return;
		}
	} while (r->schedules < budget);
}

/* How many schedules are there?  That may come upon a failure. */
static int
search_how_far(struct search *s, struct eph_explore_result *r,
    struct ex_schedule *schedule, struct eph_err *err)
{
	int error = eph__search_estimate(s, r);

	if (error == 0 && s->failure != EPH_FAIL_NONE) {
		r->failed_at = ++r->schedules;
		error = search_recorded(s, schedule);
	}
	return (error == 0 ? 0 : eph_err_set(err, error, "out of memory"));
}

int
eph__search_run(
    struct search *s, struct eph_explore_result *r, struct eph_err *err)
{
	const struct eph_explore_config *cfg = &s->cfg;
	const double start = search_now();
	const bool bfs = s->ex->strategy == &eph__ex_states;
	struct ex_schedule schedule = { 0 };
	int error = 0;

	if (bfs) {
		error = eph__search_bfs(s, cfg, r, &schedule, err);
	} else {
		search_loop(s, cfg, r);
		if (s->failure != EPH_FAIL_NONE)
			error = search_recorded(s, &schedule);
	}
	search_statistics(s, cfg, start, r);
	/* The tree of probes is not that of dpor, which is much smaller. */
	if (error == 0 && cfg->estimate && s->failure == EPH_FAIL_NONE &&
	    !bfs && s->ex->strategy != &eph__ex_dpor && !r->exhausted)
		error = search_how_far(s, r, &schedule, err);
	/* The nearest failure has nothing to cut. */
	if (error == 0 && s->failure != EPH_FAIL_NONE)
		error = search_explain(s, &schedule, !bfs, r, err);
	eph__ex_schedule_free(&schedule);
	return (error);
}

/* A schedule whose parts cannot all be made is another program's. */
static int
search_all_used(const struct search *s, const struct ex_schedule *schedule,
    struct eph_err *err)
{
	size_t n = schedule->n;
	char what[24];

	/* Behind a failure nothing can be made any more. */
	while (s->failure != EPH_FAIL_NONE && n > 0 &&
	    schedule->token[n - 1].used == 0)
		n--;
	for (size_t i = 0; i < n; i++) {
		const struct ex_token *t = &schedule->token[i];

		if (t->used == t->count ||
		    (s->failure != EPH_FAIL_NONE && i + 1 == n))
			continue;
		eph__ex_token_format(t, what, sizeof(what));
		return (eph_err_set(err, EINVAL,
		    "schedule: part %zu of %zu, %s, cannot be made here (%u of "
		    "%u could): expected a schedule of this scenario, design, "
		    "machine and version",
		    i + 1, schedule->n, what, t->used, t->count));
	}
	return (0);
}

int
eph__search_replay_text(
    struct search *s, struct eph_explore_result *r, struct eph_err *err)
{
	const struct eph_explore_config *cfg = &s->cfg;
	const double start = search_now();
	struct ex_schedule schedule = { 0 };
	int error;

	if ((error = eph__ex_schedule_parse(cfg->replay, &schedule, err)) != 0)
		return (error);
	error = search_explain(s, &schedule, false, r, err);
	if (error == 0)
		error = search_all_used(s, &schedule, err);
	r->schedules = 1;
	r->failed_at = r->failure != EPH_FAIL_NONE;
	search_statistics(s, cfg, start, r);
	eph__ex_schedule_free(&schedule);
	return (error);
}

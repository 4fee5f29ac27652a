/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Running a workload.
 *
 * Setting up is the run's (machine, design, pages) and then the workload's
 * (its objects and threads); ending goes the other way round.  What is left
 * at each step is counted, so that a leak has a name.  Threads that sleep
 * for ever keep what they hold: then nothing is torn down but the machine,
 * and the result says how many they are.
 */

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/kassert.h"
#include "base/plugin.h"
#include "ephmap/sdk/exec.h"
#include "exec/clock.h"
#include "workload/run.h"
#include "workload/work.h"

/* Let threads run, and time pass where all of them wait for it. */
static uint64_t
work_play(struct eph_machine *mc)
{
	uint64_t asleep, at;

	while ((asleep = eph_run(mc)) > 0 && eph_serial(mc) &&
	    (at = eph_lockstep_next_timer(mc)) != UINT64_MAX)
		eph_lockstep_delay(mc, at - mc->clock_ns);
	if (eph_serial(mc))
		eph_lockstep_drain(mc);
	return (asleep);
}

static double
work_buffers_mean(const struct eph_mapper *mp)
{
	if (eph_parallel(mp->mc))
		return (NAN); /* nothing to average over */
	return (mp->maps > 0 ? (double)mp->bufs_sum / (double)mp->maps : 0);
}

struct work_run {
	struct eph_world *world;
	const struct eph_run_config *cfg;
	const struct eph_workload *wl;
	struct eph_machine *mc;
	void *state; /* the design's */
	struct eph_run_result *res;
	struct eph_work_result *wres;
	eph_work_hook *hook;
	void *hook_arg;
	struct eph_err *err;
};

static void
work_finish_main(struct eph_work *w, unsigned n)
{
	(void)n;
	w->ops->finish(w);
}

/*
 * The end, by a thread of its own: unmapping may need other CPUs' answers,
 * which they give only while the executor runs.
 */
static int
work_finish(struct eph_work *w)
{
	const int error = eph_work_thread(w, 0, work_finish_main, 0);

	if (error == 0)
		(void)work_play(w->mc);
	return (error);
}

/* The machine and the design are there. */
static int
work_run_threads(struct work_run *r)
{
	struct eph_work w;
	double t0;
	int error;

	error = eph_work_open(
	    &w, r->wl, r->mc, r->cfg->design, r->state, 0, r->wres, r->err);
	if (error != 0)
		return (error);
	if (r->hook != NULL)
		r->hook(r->hook_arg, &w);
	t0 = eph__run_seconds();
	error = w.ops->start(&w);
	if (error == 0 && eph_parallel(r->mc) &&
	    (error = eph_threads_ready(r->mc)) != 0)
		error = eph__run_not_ready(error, r->err);
	if (error == 0)
		r->wres->asleep = work_play(r->mc);
	r->res->host_seconds = eph__run_seconds() - t0;
	r->res->references = w.map.maps;
	r->res->buffers_mean = work_buffers_mean(&w.map);
	r->res->asleep = w.map.inside;
	r->res->held_at_end = w.map.held;
	/* A sleeper keeps what it holds. */
	if (r->wres->asleep == 0 && work_finish(&w) != 0)
		error = eph_err_set(r->err, ENOMEM, "out of memory");
	eph__run_result(r->cfg, r->mc, r->res);
	eph_work_close(&w);
	r->res->wires_leaked =
	    r->wres->wires_of_design + r->wres->wires_of_history;
	if (r->mc->refusal[0] != '\0')
		return (eph_err_set(r->err, ENOTSUP, "%s cannot do this: %s",
		    r->cfg->design->name, r->mc->refusal));
	return (error);
}

static int
work_run_world(struct work_run *r)
{
	int error = 0;

	r->mc = eph_world_machine(r->world);
	r->state = eph_world_state(r->world);
	if (r->cfg->time != NULL && eph__clock_create(r->mc) != 0)
		return (eph_err_set(r->err, ENOMEM, "out of memory"));
	if (r->cfg->at_start != NULL)
		error =
		    r->cfg->at_start(r->cfg->hook_arg, r->mc, r->state, r->err);
	if (error == 0)
		error = work_run_threads(r);
	if (error == 0 && r->cfg->at_end != NULL)
		r->cfg->at_end(r->cfg->hook_arg, r->mc, r->state);
	return (error);
}

int
eph_workload_run(const struct eph_run_config *cfg,
    const struct eph_workload *wl, struct eph_run_result *res,
    struct eph_work_result *wres, eph_work_hook *hook, void *hook_arg,
    struct eph_err *err)
{
	struct eph_world_config wcfg = eph__run_world(cfg);
	struct work_run r = { .cfg = cfg,
		.wl = wl,
		.res = res,
		.wres = wres,
		.hook = hook,
		.hook_arg = hook_arg,
		.err = err };
	int error;

	memset(res, 0, sizeof(*res));
	memset(wres, 0, sizeof(*wres));
	if ((error = eph__abi_check("the workload", wl->ops->abi, err)) != 0)
		return (error);
	if (wl->trace[0] != '\0')
		return (eph__workload_tap_run(cfg, wl, res, wres, err));
	if (cfg->policy != NULL && cfg->policy->offline)
		return (eph_err_set(err, ENOTSUP,
		    "%s must know the future: it needs a trace",
		    cfg->policy->name));
	wcfg.contents = wl->stamp ? EPH_CONTENTS_STAMP : EPH_CONTENTS_FULL;
	if ((error = eph_world_create(&wcfg, &r.world, err)) != 0)
		return (error);
	error = work_run_world(&r);
	/* With mappings held, the design would rightly panic. */
	if (wres->maps_left == 0)
		wres->bytes_left = eph_world_destroy(r.world);
	else
		wres->bytes_left = eph_world_abandon(r.world);
	return (error);
}

static bool
nothing_left(const struct eph_work_result *r)
{
	const uint64_t due = r->wires_of_design + r->wires_of_history;

	/* A page whose wire leaked does not become free either. */
	return (r->maps_left == 0 && r->wires_left == due &&
	    r->holds_left == 0 && (due > 0 || r->pages_left == 0) &&
	    r->mbufs_left == 0 && r->bytes_left == 0);
}

bool
eph_workload_sound(const struct eph_workload *wl,
    const struct eph_work_result *r, struct eph_err *err)
{
	if (r->corrupt > 0) {
		(void)eph_err_set(err, EINVAL,
		    "%" PRIu64 " of %" PRIu64
		    " streams arrived as something else",
		    r->corrupt, r->checked);
		return (false);
	}
	if (wl->trace[0] != '\0')
		return (true);
	if (r->asleep > 0) {
		(void)eph_err_set(err, EDEADLK,
		    "deadlock: %" PRIu64 " threads sleep for ever, %" PRIu64
		    " of them for a buffer, and %" PRIu64 " mappings are held",
		    r->asleep, r->map_asleep, r->maps_left);
		return (false);
	}
	if (nothing_left(r))
		return (true);
	(void)eph_err_set(err, EINVAL,
	    "left behind: %" PRIu64 " mappings, %" PRIu64 " wires (%" PRIu64
	    " as shipped), %" PRIu64 " holds, %" PRIu64 " pages, %" PRIu64
	    " mbufs, %" PRIu64 " bytes",
	    r->maps_left, r->wires_left,
	    r->wires_of_design + r->wires_of_history, r->holds_left,
	    r->pages_left, r->mbufs_left, r->bytes_left);
	return (false);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A scenario on the host's threads, over and over: no scheduler of ours, no
 * schedule to repeat, and the TLBs do only what they are asked to.  What is
 * found is real; what is not found says little.
 */

#include <errno.h>
#include <inttypes.h>

#include "ephmap/world.h"
#include "scenario/search.h"

#define THREADS_BUDGET 1000u

/* Threads sleep, and none is left to wake them. */
static enum eph_failure
threads_asleep(struct search *s, unsigned asleep)
{
	const uint64_t used = s->mc->bufs.now;
	const bool none = s->x->nbufs != 0 && used >= s->x->nbufs;

	(void)snprintf(s->what, sizeof(s->what),
	    "%s: %u thread%s asleep, %" PRIu64 " of %" PRIu32 " buffers in use",
	    eph_failure_name(none ? EPH_FAIL_DEADLOCK : EPH_FAIL_LOST_WAKEUP),
	    asleep, asleep == 1 ? " is" : "s are", used, s->x->nbufs);
	return (none ? EPH_FAIL_DEADLOCK : EPH_FAIL_LOST_WAKEUP);
}

static enum eph_failure
threads_once(struct search *s)
{
	const unsigned asleep = eph_world_run(s->world);

	if (s->mc->nviolations != 0)
		return (eph__search_violation(s));
	if (asleep != 0)
		return (threads_asleep(s, asleep));
	eph__search_check(s);
	return (eph__search_left(s));
}

int
eph__search_threads(const struct eph_explore_config *cfg,
    struct eph_explore_result *r, struct eph_err *err)
{
	const uint64_t budget = cfg->budget != 0 ? cfg->budget : THREADS_BUDGET;
	const double start = search_now();
	int error = 0;

	while (r->schedules < budget && r->failure == EPH_FAIL_NONE) {
		struct search s;

		error = eph__search_open(&s, cfg, err);
		if (error == 0)
			r->failure = threads_once(&s);
		if (error == 0 && s.mc->refusal[0] != '\0')
			error = eph_err_set(err, ENOTSUP, "%s", s.mc->refusal);
		if (error == 0) {
			r->schedules++;
			eph__search_program(&s, r);
			(void)snprintf(r->what, sizeof(r->what), "%s", s.what);
		}
		eph__search_close(&s);
		if (error != 0)
			return (error);
		if (cfg->progress != NULL)
			cfg->progress(cfg->progress_arg, r->schedules, budget);
	}
	r->failed_at = r->failure != EPH_FAIL_NONE ? r->schedules : 0;
	r->seconds = search_now() - start;
	return (0);
}

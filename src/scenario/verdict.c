/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One schedule of a search, and what it showed: the checks when all has
 * ended, and a name for what went wrong.
 */

#include "scenario/search.h"

#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/sdk/exec.h"
#include "scenario/reserve.h"

static const char *const failure_names[] = {
	[EPH_FAIL_NONE] = "none",
	[EPH_FAIL_STALE] = "stale use",
	[EPH_FAIL_USE_FREE] = "use after free",
	[EPH_FAIL_PANIC] = "panic",
	[EPH_FAIL_LOST_WAKEUP] = "lost wakeup",
	[EPH_FAIL_DEADLOCK] = "deadlock",
	[EPH_FAIL_LIVELOCK] = "livelock",
	[EPH_FAIL_LEAK] = "leak",
	[EPH_FAIL_KVA] = "too many addresses",
	[EPH_FAIL_WRONG] = "wrong result",
};

const char *
eph_failure_name(enum eph_failure f)
{
	return (failure_names[f]);
}

/* Verdicts */

/* The first violation that the machine recorded. */
enum eph_failure
eph__search_violation(struct search *s)
{
	const char *text = s->x->mc->violations[0].text;

	(void)snprintf(s->what, sizeof(s->what), "%s", text);
	for (unsigned f = EPH_FAIL_STALE; f <= EPH_FAIL_WRONG; f++) {
		if (strncmp(text, failure_names[f], strlen(failure_names[f])) ==
		    0)
			return ((enum eph_failure)f);
	}
	/* "page fault": the mapping is gone while a thread holds it. */
	return (EPH_FAIL_USE_FREE);
}

/* Threads sleep for ever: was there nothing to have, or were they missed? */
static enum eph_failure
search_sleepers(struct search *s)
{
	const struct eph_machine *mc = s->x->mc;
	const struct ex_entity *sleeper = NULL;
	const uint64_t used = mc->bufs.now;
	unsigned n = 0;

	for (unsigned i = 0; i < s->ex->nthreads; i++) {
		if (s->ex->entity[i].status == EX_ASLEEP) {
			sleeper = &s->ex->entity[i];
			n++;
		}
	}
	KASSERT(sleeper != NULL, "no sleeper where there should be one");
	if (s->x->design != NULL && s->x->nbufs != 0 && used >= s->x->nbufs) {
		(void)snprintf(s->what, sizeof(s->what),
		    "deadlock: %u thread%s sleep%s on \"%s\" while %llu "
		    "buffer%s held by threads that wait themselves",
		    n, n == 1 ? "" : "s", n == 1 ? "s" : "", sleeper->td.wmesg,
		    (unsigned long long)used, used == 1 ? " is" : "s are");
		return (EPH_FAIL_DEADLOCK);
	}
	(void)snprintf(s->what, sizeof(s->what),
	    "lost wakeup: thread %c on CPU %u sleeps on \"%s\", and what it "
	    "waits for is free",
	    'a' + (int)sleeper->id, sleeper->cpu, sleeper->td.wmesg);
	return (EPH_FAIL_LOST_WAKEUP);
}

static enum eph_failure
search_deadlock(struct search *s)
{
	size_t used;

	(void)snprintf(s->what, sizeof(s->what), "deadlock:");
	for (unsigned i = 0; i < EX_ENTITIES; i++) {
		const struct ex_entity *e = &s->ex->entity[i];
		const char *why = e->status == EX_ON_MUTEX ? e->waits_for->name
		    : e->status == EX_SPINNING		   ? "a busy wait"
		    : e->status == EX_ON_ACK ? "an acknowledgement"
					     : NULL;

		used = strlen(s->what);
		if (why != NULL)
			(void)snprintf(s->what + used, sizeof(s->what) - used,
			    "%s %s on CPU %u waits for %s", used > 9 ? "," : "",
			    i < EX_THREADS ? "a thread" : "an interrupt",
			    e->cpu, why);
	}
	return (EPH_FAIL_DEADLOCK);
}

/* When everything has ended. */
void
eph__search_check(struct search *s)
{
	if (s->scenario->finish != NULL)
		s->scenario->finish(s->x);
	if (s->x->design != NULL)
		eph_design_check(s->x->design, s->x->state, s->x->held);
}

static void
search_check(void *arg)
{
	eph__search_check(arg);
}

enum eph_failure
eph__search_left(struct search *s)
{
	struct eph_machine *mc = s->x->mc;
	const uint64_t kva = kva_usage(mc).now;
	uint64_t reserve;

	if (mc->nviolations != 0)
		return (eph__search_violation(s));
	if (mc->bufs.now != s->x->held || s->x->held != 0) {
		(void)snprintf(s->what, sizeof(s->what),
		    "leak: %llu buffers are referenced when all threads have "
		    "ended",
		    (unsigned long long)mc->bufs.now);
		return (EPH_FAIL_LEAK);
	}
	if (s->x->design == NULL ||
	    !eph__scenario_reserve(
		s->x->design, s->x->nbufs, s->x->ncpus, &reserve))
		return (EPH_FAIL_NONE);
	if (kva > s->x->held_peak + reserve) {
		(void)snprintf(s->what, sizeof(s->what),
		    "too many addresses: %llu pages are owned, %llu were held "
		    "at the peak, and the design's reserve is %llu",
		    (unsigned long long)kva,
		    (unsigned long long)s->x->held_peak,
		    (unsigned long long)reserve);
		return (EPH_FAIL_KVA);
	}
	return (EPH_FAIL_NONE);
}

static enum eph_failure
search_end(struct search *s)
{
	if (eph__explore_call(s->ex, search_check, s) == EX_PANIC) {
		memcpy(s->what, s->ex->why, sizeof(s->ex->why));
		return (EPH_FAIL_PANIC);
	}
	return (eph__search_left(s));
}

enum eph_failure
eph__search_verdict(struct search *s, enum ex_verdict v)
{
	switch (v) {
	case EX_PASS:
		return (search_end(s));
	case EX_SLEEPERS:
		return (search_sleepers(s));
	case EX_DEADLOCK:
		return (search_deadlock(s));
	case EX_VIOLATION:
		return (eph__search_violation(s));
	case EX_LIVELOCK:
		(void)snprintf(s->what, sizeof(s->what),
		    "livelock: no end after %u steps", s->ex->steps_max);
		return (EPH_FAIL_LIVELOCK);
	case EX_PANIC:
		memcpy(s->what, s->ex->why, sizeof(s->ex->why));
		return (EPH_FAIL_PANIC);
	case EX_PRUNED:
		break;
	}
	return (EPH_FAIL_NONE);
}

enum eph_failure
eph__search_once(struct search *s)
{
	s->what[0] = '\0';
	eph_machine_rewind(s->x->mc);
	eph_machine_set_observer(s->mc, s->observer, s->observer_arg);
	s->verdict = eph__explore_run(s->ex);
	s->failure = eph__search_verdict(s, s->verdict);
	return (s->failure);
}

enum eph_failure
eph__search_replay(struct search *s, struct ex_schedule *schedule)
{
	s->ex->replay = schedule;
	return (eph__search_once(s));
}

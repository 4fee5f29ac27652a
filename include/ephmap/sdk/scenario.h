/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_SCENARIO_H
#define EPHMAP_SDK_SCENARIO_H

/*
 * Scenarios: the small programs that an exploration runs.
 *
 *	static int
 *	setup(struct eph_xp *x)
 *	{
 *		return (eph_xp_thread(x, 0, maps_page, 0) ||
 *		    eph_xp_thread(x, 1, maps_page, 1));
 *	}
 *
 * Everything a scenario changes must be allocated from the machine, so that
 * it is as new for the next schedule.
 */

#include <stdatomic.h>

#include "ephmap/explore.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/version.h"

/* What a scenario's functions are given. */
struct eph_xp {
	struct eph_machine *mc;
	const struct eph_design_ops *design; /* NULL: needs none */
	void *state;			     /* the design's */
	unsigned ncpus;
	uint32_t nbufs;
	uint32_t pages;		/* that there are; 0: as many as are named */
	bool broken;		/* exhibits: run the broken form */
	_Atomic(uint64_t) held; /* references held by the program */
	_Atomic(uint64_t) held_peak;
	void *arg; /* the scenario's own */
	const struct eph_scenario *scenario;
	uint32_t ops;	/* maps of a thread, at most; 0: any number */
	uint32_t *maps; /* so far; explore's */
};

struct eph_scenario {
	unsigned abi; /* EPHMAP_ABI; first, whatever else changes */
	const char *name;
	const char *summary;
	const char *origin;
	unsigned cpus;	/* CPUs it needs */
	uint32_t nbufs; /* buffers it wants where the design has them */
	uint32_t pages; /* that its threads map, and for each CPU: */
	uint32_t pages_cpu;
	uint32_t ops;		    /* maps of a thread, at most */
	bool no_design;		    /* needs none */
	bool watches;		    /* calls eph_xp_thread_of() */
	uint32_t kva_pages;	    /* pages of addresses, 0: the machine's */
	enum eph_contents contents; /* of the frames; none by default */

	/* Does it make sense for this design? */
	bool (*applies)(const struct eph_design_ops *design);

	/* Allocate and create threads.  0 or an errno. */
	int (*setup)(struct eph_xp *x);

	/*
	 * All threads have ended: report what is wrong with
	 * eph_xp_failure().  NULL: nothing but the general checks.
	 */
	void (*finish)(struct eph_xp *x);
};

/*
 * For scenarios.  A thread on CPU `cpu` that calls fn(x, n).  Returns 0 or
 * ENOMEM.
 */
int eph_xp_thread(struct eph_xp *x, unsigned cpu,
    void (*fn)(struct eph_xp *x, unsigned n), unsigned n);

/*
 * The thread that was created as number `i`, of the scheduler that plays it;
 * on the host's threads there is no such look at another.
 */
struct eph_thread *eph_xp_thread_of(struct eph_xp *x, unsigned i);

/* Report a failure; the schedule ends at its next step. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void
eph_xp_failure(struct eph_xp *x, enum eph_failure f, const char *fmt, ...);

/*
 * Page number `n` < XP_PAGES, map (ECANCELED: no more of it, the thread has done
 * the maps that it was allowed), touch where it may be touched, unmap.  With
 * x->pages, page n > 0 is one of 1 to x->pages, in turn.
 */
#define XP_PAGES 512u
struct vm_page *eph_xp_page(struct eph_xp *x, uint32_t n);
int eph_xp_map(struct eph_xp *x, struct vm_page *m, unsigned flags,
    struct eph_mapping *mp);
void eph_xp_touch(struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m);
void eph_xp_touch_elsewhere(
    struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m);
/* A store, by a CPU that did not map where `elsewhere`. */
void eph_xp_store(struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m,
    bool elsewhere);
void eph_xp_unmap(struct eph_xp *x, struct eph_mapping *mp);

#endif /* !EPHMAP_SDK_SCENARIO_H */

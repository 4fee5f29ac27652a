/* SPDX-License-Identifier: BSD-2-Clause */

/* What scenarios are written with. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/explore.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "exec/explore.h"
#include "scenario/scenario.h"

struct xp_start {
	struct eph_xp *x;
	void (*fn)(struct eph_xp *x, unsigned n);
	unsigned n;
};

static void
xp_main(void *arg)
{
	const struct xp_start *start = arg;

	start->fn(start->x, start->n);
}

int
eph_xp_thread(struct eph_xp *x, unsigned cpu,
    void (*fn)(struct eph_xp *x, unsigned n), unsigned n)
{
	struct xp_start *start = eph_machine_alloc(x->mc, sizeof(*start));

	if (start == NULL)
		return (ENOMEM);
	*start = (struct xp_start){ x, fn, n };
	if (eph_thread_create(x->mc, cpu, xp_main, start) == NULL)
		return (ENOMEM);
	return (0);
}

struct eph_thread *
eph_xp_thread_of(struct eph_xp *x, unsigned i)
{
	struct explore *ex = x->mc->exec_state;

	KASSERT(x->scenario->watches, "sdk/scenario.h: says that it watches");
	KASSERT(i < ex->nthreads, "no such thread");
	return (&ex->entity[i].td);
}

void
eph_xp_failure(struct eph_xp *x, enum eph_failure f, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	eph_machine_violation(x->mc, "%s: %s", eph_failure_name(f), text);
}

struct vm_page *
eph_xp_page(struct eph_xp *x, uint32_t n)
{
	struct vm_page *m;

	if (x->pages != 0 && n != 0)
		n = 1 + (n - 1) % x->pages;
	m = vm_page_get(x->mc, n);
	KASSERT(n < XP_PAGES, "more pages than are brought back");
	if (m == NULL)
		PANIC("out of memory for a page");
	return (m);
}

/* One map more of the thread, or handler, that runs: may it? */
static bool
xp_counts(struct eph_xp *x)
{
	const struct explore *ex;

	if (x->ops == 0)
		return (true);
	ex = x->mc->exec_state;
	if (x->maps[ex->cur->id] == x->ops)
		return (false);
	x->maps[ex->cur->id]++;
	return (true);
}

int
eph_xp_map(
    struct eph_xp *x, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	const struct eph_design_ops *d = x->design;
	uint64_t held;
	int error;

	if (!xp_counts(x))
		return (ECANCELED);
	EPH_NOTE(x->mc, "map frame %" PRIu32 "%s", m->frame,
	    (flags & SFB_CPUPRIVATE) != 0 ? " private" : "");
	error = eph_design_map(
	    d, x->mc, x->state, m, flags & eph_design_flags(d), mp);
	if (error != 0) {
		EPH_NOTE(x->mc, "map fails: %s", strerror(error));
		return (error);
	}
	/* Relaxed: read when all has ended; the peak is explore's alone. */
	held = 1 + atomic_fetch_add_explicit(&x->held, 1, memory_order_relaxed);
	if (held > x->held_peak)
		x->held_peak = held;
	return (0);
}

static void
xp_use(struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m,
    enum eph_touch touch, bool ask)
{
	uint32_t reached;

	if (ask)
		mp->va = x->design->kva(x->state, mp->obj);
	if (mp->va == 0)
		eph_xp_failure(
		    x, EPH_FAIL_WRONG, "the design gives no address here");
	else
		(void)eph_machine_access(x->mc, mp->va, touch, m, &reached);
}

/* On the CPU that mapped. */
void
eph_xp_touch(struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m)
{
	xp_use(x, mp, m, EPH_TOUCH_READ,
	    x->design->validity == EPH_VALID_GENERATION);
}

/* Does a CPU that did not map ask for the address first? */
static bool
xp_asks_elsewhere(const struct eph_xp *x)
{
	return (x->design->validity == EPH_VALID_GENERATION ||
	    x->design->validity == EPH_VALID_ASKED);
}

/* On another CPU, as the design's class asks for it. */
void
eph_xp_touch_elsewhere(
    struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m)
{
	xp_use(x, mp, m, EPH_TOUCH_READ, xp_asks_elsewhere(x));
}

void
eph_xp_store(
    struct eph_xp *x, struct eph_mapping *mp, struct vm_page *m, bool elsewhere)
{
	xp_use(x, mp, m, EPH_TOUCH_WRITE,
	    elsewhere ? xp_asks_elsewhere(x)
		      : x->design->validity == EPH_VALID_GENERATION);
}

void
eph_xp_unmap(struct eph_xp *x, struct eph_mapping *mp)
{
	EPH_NOTE(x->mc, "unmap");
	atomic_fetch_sub_explicit(&x->held, 1, memory_order_relaxed);
	if (x->design->unmap(x->state, mp->obj) != 0)
		eph_xp_failure(
		    x, EPH_FAIL_WRONG, "unmap refused: %s", x->mc->refusal);
	/*
	 * What a stack still holds would tell states apart.  What checks at
	 * the end write is no part of a state, and stays.
	 */
	if (!x->mc->at_once)
		*mp = (struct eph_mapping){ 0 };
}

bool
eph__scenario_not_this_cpu(const struct eph_design_ops *design)
{
	return (design->validity != EPH_VALID_THIS_CPU);
}

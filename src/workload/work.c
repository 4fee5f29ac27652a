/* SPDX-License-Identifier: BSD-2-Clause */

/* What workloads are written with, and their set-up and end. */

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "base/plugin.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/digest.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "workload/work.h"

/* NULL, or why a design does not give what is needed. */
static const char *
work_refuses(unsigned needs, const struct eph_design_ops *design)
{
	if (design->validity == EPH_VALID_THIS_CPU &&
	    (needs & EPH_WORK_REMOTE) != 0)
		return ("its mappings are used or freed on other CPUs, and the "
			"design's only on their own");
	if (design->validity == EPH_VALID_THIS_CPU &&
	    ((design->flags & EPH_DESIGN_ANY_ORDER) == 0 ||
		(design->flags & EPH_DESIGN_CRITICAL) != 0 ||
		design->nest != 0) &&
	    (needs & EPH_WORK_MANY) != 0)
		return ("it holds many mappings and frees them in any order, "
			"and the design few, or only in reverse");
	if (design->validity == EPH_VALID_GENERATION &&
	    (needs & EPH_WORK_STORES) != 0)
		return ("it stores through its mappings, and the design's are "
			"read-only");
	return (NULL);
}

const char *
eph_workload_refuses(
    const struct eph_workload *wl, const struct eph_design_ops *design)
{
	struct eph_work w = { .ops = wl->ops };
	unsigned needs = wl->ops->needs;

	memcpy(w.value, wl->value, sizeof(w.value));
	(void)wl->ops->pages(&w, &needs);
	return (work_refuses(needs, design));
}

/* For workloads */

struct work_start {
	struct eph_work *w;
	void (*fn)(struct eph_work *w, unsigned n);
	unsigned n;
	struct work_start *next;
};

static void
work_main(void *arg)
{
	struct work_start s = *(struct work_start *)arg;

	eph_machine_free(s.w->mc, arg, sizeof(s));
	s.fn(s.w, s.n);
}

int
eph_work_thread(struct eph_work *w, unsigned cpu,
    void (*fn)(struct eph_work *w, unsigned n), unsigned n)
{
	struct work_start *s = eph_machine_alloc(w->mc, sizeof(*s));

	if (s == NULL)
		return (ENOMEM);
	*s = (struct work_start){ w, fn, n, NULL };
	if (eph_thread_create(w->mc, cpu % w->mc->ncpus, work_main, s) ==
	    NULL) {
		eph_machine_free(w->mc, s, sizeof(*s));
		return (ENOMEM);
	}
	return (0);
}

/* Relaxed: statistics, read when all threads have ended. */
static void
work_add(_Atomic(uint64_t) *counter, uint64_t n)
{
	(void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void
eph_work_operation(struct eph_work *w, int error)
{
	work_add(&w->operations, 1);
	work_add(&w->failures, error != 0);
	/* An operation is played whole; then who is furthest behind goes on. */
	if (w->mc->clock != NULL)
		eph_lockstep_yield(w->mc);
}

void
eph_work_compare(struct eph_work *w, const struct eph_digest *sent,
    const struct eph_digest *arrived)
{
	work_add(&w->checked, 1);
	work_add(&w->bytes, arrived->bytes);
	work_add(&w->corrupt, !eph_digest_same(sent, arrived));
}

void
eph_work_fact(struct eph_work *w, const char *name, uint64_t value)
{
	KASSERT(w->res->nfacts < EPH_WORK_FACTS, "too many facts");
	w->res->fact[w->res->nfacts++] = (struct eph_work_fact){ name, value };
}

void *
eph_work_alloc(struct eph_work *w, size_t bytes)
{
	if (eph_machine_fails(w->mc, EPH_FAULT_ALLOC))
		return (NULL);
	return (eph_machine_alloc(w->mc, bytes));
}

/* Set-up and end */

int
eph_work_open(struct eph_work *w, const struct eph_workload *wl,
    struct eph_machine *mc, const struct eph_design_ops *design, void *state,
    uint32_t first_frame, struct eph_work_result *res, struct eph_err *err)
{
	const int error = eph__abi_check("the workload", wl->ops->abi, err);
	unsigned needs;
	const char *why;
	uint32_t pages;

	memset(w, 0, sizeof(*w));
	memset(res, 0, sizeof(*res));
	if (error != 0)
		return (error);
	needs = wl->ops->needs;
	w->mc = mc;
	w->ops = wl->ops;
	w->seed = mc->seed;
	w->res = res;
	w->err = err;
	memcpy(w->value, wl->value, sizeof(w->value));
	pages = wl->ops->pages(w, &needs);
	if ((why = work_refuses(needs, design)) != NULL)
		return (eph_err_set(err, ENOTSUP, "%s cannot run on %s: %s",
		    wl->ops->name, design->name, why));
	if ((needs & EPH_WORK_FULL) != 0 &&
	    mc->contents_kind != EPH_CONTENTS_FULL)
		return (eph_err_set(err, ENOTSUP,
		    "%s with these parameters needs contents=full",
		    wl->ops->name));
	eph_mapper_init(&w->map, mc, design, state);
	w->map.repaired = wl->repaired;
	if (vm_pool_create(mc, first_frame, pages, &w->pool) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory for pages"));
	return (0);
}

void
eph__work_sum(struct eph_work *w)
{
	struct eph_work_result *res = w->res;

	res->operations = w->operations;
	res->failures = w->failures;
	res->bytes = w->bytes;
	res->checked = w->checked;
	res->corrupt = w->corrupt;
	/* A map that never returned slept once at least. */
	res->map_asleep = w->map.inside;
	res->map_sleeps = w->map.sleeps + w->map.inside;
	res->map_spurious = w->map.spurious;
	res->maps_left = w->map.held;
	/* While something is mapped, its wires are nobody's leak. */
	if (res->maps_left == 0)
		res->wires_of_design = eph_mapper_wires_leaked(&w->map);
}

/* What the consumer left; the design and the machine are looked at later. */
void
eph_work_close(struct eph_work *w)
{
	struct eph_work_result *res = w->res;

	eph__work_sum(w);
	res->wires_left = vm_pool_wired(w->pool);
	res->holds_left = vm_pool_held(w->pool);
	/* Pages whose wires leaked never become free. */
	res->pages_left = vm_pool_used(w->pool);
	vm_pool_destroy(w->pool);
	w->pool = NULL;
}

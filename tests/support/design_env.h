/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_ENV_H
#define DESIGN_ENV_H

/*
 * One design on one machine, in lockstep, and what its calls cost.
 *
 * env_cost() is what happened since it was called last, so that a test
 * reads like an event table: do something, then COST(stores, L, R, IPI).
 */

#include <CUnit/Basic.h>
#include <string.h>

#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/world.h"

struct env {
	struct eph_world *world;
	struct eph_machine *mc;
	const struct eph_design_ops *ops;
	void *state;
	struct eph_counters last;
};

static inline struct eph_machine *
env_machine(const char *model, unsigned ncpus)
{
	const struct eph_machine_config cfg = {
		.model = model, .tlb = "infinite", .ncpus = ncpus, .heap = true
	};
	struct eph_machine *mc = NULL;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, &err), 0);
	return (mc);
}

static inline void
env_open(struct env *e, const char *design, unsigned ncpus, uint32_t nbufs)
{
	const struct eph_world_config cfg = { .machine = "i386-p4",
		.tlb = "infinite",
		.cpus = ncpus,
		.heap = true,
		.design = eph_design_find(design),
		.nbufs = nbufs };
	struct eph_err err = { "" };

	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.design);
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &e->world, &err), 0);
	e->mc = eph_world_machine(e->world);
	e->ops = cfg.design;
	e->state = eph_world_state(e->world);
	eph_machine_counters(e->mc, &e->last);
}

/* Everything given back: the machine must be empty afterwards. */
static inline void
env_close(struct env *e)
{
	eph_lockstep_drain(e->mc);
	CU_ASSERT_EQUAL(eph_world_destroy(e->world), 0);
}

static inline struct eph_counters
env_cost(struct env *e)
{
	struct eph_counters now, diff;

	eph_machine_counters(e->mc, &now);
	eph_counters_sub(&diff, &now, &e->last);
	e->last = now;
	return (diff);
}

/* Entries stored, L, R and IPI since the last one. */
#define COST(e, stores, l, r, ipi)                                             \
	do {                                                                   \
		const struct eph_counters cost_ = env_cost(e);                 \
                                                                               \
		CU_ASSERT_EQUAL(cost_.pte_store, (stores));                    \
		CU_ASSERT_EQUAL(cost_.invlpg_local, (l));                      \
		CU_ASSERT_EQUAL(cost_.invlpg_remote, (r));                     \
		CU_ASSERT_EQUAL(cost_.ipi_sent, (ipi));                        \
	} while (0)

static inline struct vm_page *
env_page(struct env *e, uint32_t frame)
{
	return (vm_page_get(e->mc, frame));
}

static inline struct eph_mapping
env_map(struct env *e, unsigned cpu, uint32_t frame)
{
	struct eph_mapping mp = { NULL, 0 };

	eph_cpu_enter(e->mc, cpu);
	CU_ASSERT_EQUAL_FATAL(
	    e->ops->map(e->state, env_page(e, frame), SFB_DEFAULT, &mp), 0);
	return (mp);
}

static inline eph_va_t
env_kva(struct env *e, unsigned cpu, void *obj)
{
	eph_cpu_enter(e->mc, cpu);
	return (e->ops->kva(e->state, obj));
}

static inline void
env_unmap(struct env *e, unsigned cpu, void *obj)
{
	eph_cpu_enter(e->mc, cpu);
	CU_ASSERT_EQUAL(e->ops->unmap(e->state, obj), 0);
}

static inline void
env_check(struct env *e, uint64_t held)
{
	eph_design_check(e->ops, e->state, held);
}

/* Does `cpu` reach page `frame` through `va`, and nothing stale? */
static inline bool
env_reads(struct env *e, unsigned cpu, eph_va_t va, uint32_t frame)
{
	const uint64_t before = e->mc->nviolations;
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(e->mc, cpu);
	if (eph_machine_access(
		e->mc, va, EPH_TOUCH_READ, env_page(e, frame), &reached) != 0)
		return (false);
	return (reached == frame && e->mc->nviolations == before);
}

/* Take all address space there is. */
static inline void
env_exhaust_kva(struct env *e)
{
	for (uint32_t n = 1u << 17; n > 0; n /= 2) {
		while (kva_alloc(e->mc, n) != 0)
			continue;
	}
}

static inline uint64_t
env_sysctl(struct env *e, const char *name)
{
	for (const struct eph_sysctl *sc = eph_design_sysctls(e->ops);
	     sc->name != NULL; sc++) {
		if (strcmp(sc->name, name) == 0)
			return (sc->get(e->state));
	}
	CU_FAIL("no such sysctl");
	return (0);
}

#endif /* !DESIGN_ENV_H */

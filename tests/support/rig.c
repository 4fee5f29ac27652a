/* SPDX-License-Identifier: BSD-2-Clause */

#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/sf_buf.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"

static int
rig_create(struct rig *r, const char *design, struct eph_world_config *cfg)
{
	int error;

	memset(r, 0, sizeof(*r));
	cfg->tlb = "infinite";
	cfg->heap = true;
	if (design != NULL) {
		r->ops = cfg->design = eph_design_find(design);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r->ops);
	}
	if ((error = eph_world_create(cfg, &r->world, &r->err)) != 0)
		return (error);
	r->mc = eph_world_machine(r->world);
	r->state = eph_world_state(r->world);
	rig_mark(r);
	return (0);
}

int
rig_open(struct rig *r, const char *design, const char *model, unsigned ncpus,
    uint32_t nbufs)
{
	struct eph_world_config cfg = {
		.machine = model,
		.cpus = ncpus,
		.nbufs = nbufs,
	};

	return (rig_create(r, design, &cfg));
}

int
rig_open_kva(struct rig *r, const char *design, unsigned ncpus, uint32_t nbufs,
    uint32_t kva_pages)
{
	struct eph_world_config cfg = {
		.cpus = ncpus,
		.nbufs = nbufs,
		.kva_pages = kva_pages,
	};

	return (rig_create(r, design, &cfg));
}

int
rig_open_policy(struct rig *r, const char *design, const char *policy,
    unsigned ncpus, uint32_t nbufs)
{
	struct eph_world_config cfg = {
		.cpus = ncpus,
		.nbufs = nbufs,
		.policy = eph_policy_find(policy),
	};

	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.policy);
	return (rig_create(r, design, &cfg));
}

void
rig_i386(struct rig *r, const char *design, unsigned ncpus, uint32_t nbufs)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(r, design, "i386-p4", ncpus, nbufs), 0);
}

void
rig_close(struct rig *r)
{
	eph_lockstep_drain(r->mc);
	sf_buf_pool_destroy(r->pool);
	CU_ASSERT_EQUAL(eph_world_destroy(r->world), 0);
}

int
rig_try_map(struct rig *r, unsigned cpu, uint32_t page, unsigned flags,
    struct eph_mapping *mp)
{
	eph_cpu_enter(r->mc, cpu);
	return (r->ops->map(r->state, vm_page_get(r->mc, page), flags, mp));
}

struct eph_mapping
rig_map(struct rig *r, unsigned cpu, uint32_t page, unsigned flags)
{
	struct eph_mapping mp = { NULL, 0 };

	CU_ASSERT_EQUAL(rig_try_map(r, cpu, page, flags, &mp), 0);
	CU_ASSERT_PTR_EQUAL(
	    r->ops->page(r->state, mp.obj), vm_page_get(r->mc, page));
	return (mp);
}

int
rig_try_unmap(struct rig *r, unsigned cpu, struct eph_mapping mp)
{
	eph_cpu_enter(r->mc, cpu);
	return (r->ops->unmap(r->state, mp.obj));
}

void
rig_unmap(struct rig *r, unsigned cpu, struct eph_mapping mp)
{
	CU_ASSERT_EQUAL(rig_try_unmap(r, cpu, mp), 0);
}

eph_va_t
rig_kva(struct rig *r, unsigned cpu, struct eph_mapping mp)
{
	eph_cpu_enter(r->mc, cpu);
	return (r->ops->kva(r->state, mp.obj));
}

static uint32_t
rig_touch(
    struct rig *r, unsigned cpu, struct eph_mapping mp, enum eph_touch touch)
{
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(r->mc, cpu);
	CU_ASSERT_EQUAL(eph_machine_access(r->mc, mp.va, touch,
			    r->ops->page(r->state, mp.obj), &reached),
	    0);
	return (reached);
}

uint32_t
rig_read(struct rig *r, unsigned cpu, struct eph_mapping mp)
{
	return (rig_touch(r, cpu, mp, EPH_TOUCH_READ));
}

uint32_t
rig_write(struct rig *r, unsigned cpu, struct eph_mapping mp)
{
	return (rig_touch(r, cpu, mp, EPH_TOUCH_WRITE));
}

bool
rig_reads(struct rig *r, unsigned cpu, eph_va_t va, uint32_t frame)
{
	const uint64_t before = eph_world_violations(r->world, NULL);
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(r->mc, cpu);
	return (eph_machine_access(r->mc, va, EPH_TOUCH_READ,
		    vm_page_get(r->mc, frame), &reached) == 0 &&
	    reached == frame && eph_world_violations(r->world, NULL) == before);
}

void
rig_exhaust_kva(struct rig *r)
{
	for (uint32_t n = 1u << 17; n > 0; n /= 2) {
		while (kva_alloc(r->mc, n) != 0)
			continue;
	}
}

void
rig_check(struct rig *r, uint64_t held)
{
	eph_design_check(r->ops, r->state, held);
}

static const struct eph_sysctl *
rig_sysctl_find(struct rig *r, const char *name)
{
	const struct eph_sysctl *sc = eph_design_sysctls(r->ops);

	while (sc->name != NULL && strcmp(sc->name, name) != 0)
		sc++;
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc->name);
	return (sc);
}

uint64_t
rig_sysctl(struct rig *r, const char *name)
{
	return (rig_sysctl_find(r, name)->get(r->state));
}

int
rig_sysctl_set(struct rig *r, const char *name, uint64_t value)
{
	return (rig_sysctl_find(r, name)->set(r->state, value));
}

/* Marks and comparison */

/* Is this counter compared? */
static bool
rig_counts(const char *name, bool all)
{
	static const char *const never[] = { "walk_step", "lock_acquire",
		"lock_contended", "cycles" };
	static const char *const tlbs[] = { "tlb_hit", "tlb_miss",
		"needless_invlpg", "needless_ipi" };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (strcmp(name, never[i]) == 0)
			return (false);
	}
	for (size_t i = 0; !all && i < sizeof(tlbs) / sizeof(tlbs[0]); i++) {
		if (strcmp(name, tlbs[i]) == 0)
			return (false);
	}
	return (true);
}

void
rig_mark(struct rig *r)
{
	eph_machine_counters(r->mc, &r->mark);
}

struct eph_counters
rig_events(struct rig *r)
{
	struct eph_counters now, diff;

	eph_machine_counters(r->mc, &now);
	eph_counters_sub(&diff, &now, &r->mark);
	r->mark = now;
	return (diff);
}

bool
rig_saw(struct rig *r, bool all, const struct eph_counters *want,
    const char *file, int line)
{
	struct eph_counters diff;
	bool same = true;
	const char *name;

	if (all)
		eph_lockstep_drain(r->mc);
	diff = rig_events(r);
	for (unsigned i = 0; (name = eph_counter_name(i)) != NULL; i++) {
		const uint64_t is = eph_counter_value(&diff, i);
		const uint64_t due = eph_counter_value(want, i);

		if (is == due || !rig_counts(name, all))
			continue;
		(void)fprintf(stderr,
		    "%s:%d: %s, %u CPUs: %s is %" PRIu64 ", due %" PRIu64 "\n",
		    file, line, r->ops != NULL ? r->ops->name : "a machine",
		    r->mc->ncpus, name, is, due);
		same = false;
	}
	return (same);
}

/* Replays */

/* Replay what was generated; every mapping is held by nobody at the end. */
static void
random_replay(
    const struct eph_run_config *cfg, const struct eph_op *op, size_t n)
{
	struct eph_run_result res;
	struct eph_err err = { "" };
	const int error = rig_replay(cfg, op, n, &res, &err);
	const struct eph_counters *c = &res.counters;

	CU_ASSERT_EQUAL(error, 0);
	CU_ASSERT_EQUAL(res.violations_total, 0);
	if (error != 0 || res.violations_total != 0)
		(void)fprintf(stderr, "\n%s, %u CPUs, %s: %s%s",
		    cfg->design->name, cfg->cpus, cfg->tlb, err.text,
		    error == 0 ? res.violation[0].text : "");
	if (error != 0)
		return;
	CU_ASSERT_EQUAL(c->map_calls,
	    c->hit_active + c->hit_inactive + c->miss + c->map_fail);
	CU_ASSERT_EQUAL(c->map_calls + res.asleep, res.references);
	if (strstr(cfg->design->holes, "a release signals") == NULL)
		CU_ASSERT_EQUAL(res.asleep, 0);
	CU_ASSERT_EQUAL(res.held_at_end, 0);
	CU_ASSERT(c->evict <= c->miss);
	CU_ASSERT_EQUAL(c->unmap_calls + c->map_fail, c->map_calls);
}

void
rig_random_traces(const char *design, const char *model, unsigned ops)
{
	static const unsigned cpus[] = { 1, 2, 3, 8, 64, 65 };
	static const struct {
		const char *tlb;
		uint32_t nbufs;
	} runs[] = { { "infinite", 8 }, { "pentium4", 8 }, { "skylake", 64 } };
	struct eph_run_config cfg = { .design = eph_design_find(design),
		.machine = model };

	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.design);
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		size_t n;
		struct eph_op *op =
		    rig_random_ops(design, cpus[i], 1000 + i, ops, &n);

		cfg.cpus = cpus[i];
		for (size_t k = 0; k < sizeof(runs) / sizeof(runs[0]); k++) {
			cfg.tlb = runs[k].tlb;
			cfg.nbufs = runs[k].nbufs;
			random_replay(&cfg, op, n);
		}
		free(op);
	}
}

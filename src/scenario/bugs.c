/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The museum: the table of exhibits.  First the functions and callers that
 * were broken, then the designs that shipped with a hole (architecture's
 * "known holes"), which are explored as they are.
 */

#include <string.h>

#include "scenario/scenario.h"
#include "base/find.h"

extern const struct eph_scenario eph__scenario_cross_cpu;
extern const struct eph_scenario eph__scenario_exhaust;
extern const struct eph_scenario eph__scenario_kva_exhaust;
extern const struct eph_scenario eph__scenario_shared_use;
extern const struct eph_scenario eph__scenario_speculation;
extern const struct eph_scenario eph__scenario_wired_page;

extern const struct eph_bug eph__bug_chain;
extern const struct eph_bug eph__bug_dtor;
extern const struct eph_bug eph__bug_elsewhere;
extern const struct eph_bug eph__bug_emap_reuse;
extern const struct eph_bug eph__bug_fault;
extern const struct eph_bug eph__bug_generation_wrap;
extern const struct eph_bug eph__bug_kmap_wrap;
extern const struct eph_bug eph__bug_loop;
extern const struct eph_bug eph__bug_mask_draft;
extern const struct eph_bug eph__bug_mask_v3;
extern const struct eph_bug eph__bug_mbuf_2001;
extern const struct eph_bug eph__bug_mbuf_2006;
extern const struct eph_bug eph__bug_migrate;
extern const struct eph_bug eph__bug_mref_2005;
extern const struct eph_bug eph__bug_nocrit;
extern const struct eph_bug eph__bug_null;
extern const struct eph_bug eph__bug_parallel;
extern const struct eph_bug eph__bug_qenter2;
extern const struct eph_bug eph__bug_xen_shadow;
extern const struct eph_bug eph__bug_xen_noready;
extern const struct eph_bug eph__bug_xen_vcpu;
extern const struct eph_bug eph__bug_xen_word;
extern const struct eph_bug eph__bug_haiku_get;
extern const struct eph_bug eph__bug_hyperspace;
extern const struct eph_bug eph__bug_quickmap;
extern const struct eph_bug eph__bug_cmap;
extern const struct eph_bug eph__bug_pm_gen;

#define FORM_SHIPPED "shipped design"

static const struct eph_bug bug_unacked_uncached = {
	.name = "unacked-flush-uncached",
	.date = "1998",
	.origin = "FreeBSD 4 and DragonFly, pmap_qenter with smp_invltlb",
	.symptom = "another CPU uses the old page until the interrupt lands",
	.form = FORM_SHIPPED,
	.repair = "wait for the acknowledgements",
	.scenario = &eph__scenario_shared_use,
	.design = "sf_buf.uncached",
	.fails = EPH_FAIL_STALE,
};

static const struct eph_bug bug_unacked_lru = {
	.name = "unacked-flush-lru",
	.date = "2003-12-10",
	.origin = "DragonFly dfbcf5a390, pmap_qenter with smp_invltlb",
	.symptom = "another CPU uses the old page until the interrupt lands",
	.form = FORM_SHIPPED,
	.repair = "wait for the acknowledgements",
	.scenario = &eph__scenario_shared_use,
	.design = "sf_buf.lru",
	.fails = EPH_FAIL_STALE,
};

static const struct eph_bug bug_wires_lru = {
	.name = "wires-leak-lru",
	.date = "2003-12-10",
	.origin = "DragonFly dfbcf5a390, repaired by b4caac98df",
	.symptom = "pages of a file sent twice at once stay wired for ever",
	.form = FORM_SHIPPED,
	.repair = "every free gives back the wire of its use",
	.scenario = &eph__scenario_wired_page,
	.design = "sf_buf.lru",
	.fails = EPH_FAIL_LEAK,
};

static const struct eph_bug bug_accessed = {
	.name = "accessed-read-before-store",
	.date = "2005",
	.origin = "FreeBSD i386 vm_machdep.c, sf_buf_alloc",
	.symptom = "a translation loaded by speculation outlives its page",
	.form = FORM_SHIPPED,
	.repair = "exchange the entry, and look at A in what came out",
	.scenario = &eph__scenario_speculation,
	.design = "sf_buf.accessed",
	.fails = EPH_FAIL_STALE,
};

#define LOST_WAKEUP(variable, nm, dt, org, dsg)                                \
	static const struct eph_bug variable = {                               \
		.name = nm,                                                    \
		.date = dt,                                                    \
		.origin = org,                                                 \
		.symptom = "a thread sleeps in sfbufa while buffers are free", \
		.form = FORM_SHIPPED,                                          \
		.repair = "an interrupted sleeper passes the wakeup on",       \
		.scenario = &eph__scenario_exhaust,                            \
		.design = dsg,                                                 \
		.fails = EPH_FAIL_LOST_WAKEUP,                                 \
	}

LOST_WAKEUP(bug_wakeup_hash, "lost-wakeup-hash", "2003-11-17",
    "FreeBSD i386 vm_machdep.c 1.219", "sf_buf.hash");
LOST_WAKEUP(bug_wakeup_lru, "lost-wakeup-lru", "2003-12-10",
    "DragonFly dfbcf5a390; FreeBSD 1.220", "sf_buf.lru");
LOST_WAKEUP(bug_wakeup_cpumask, "lost-wakeup-cpumask", "2004-04-01",
    "DragonFly 24712b9068", "sf_buf.cpumask");
LOST_WAKEUP(bug_wakeup_accessed, "lost-wakeup-accessed", "2007",
    "FreeBSD i386 vm_machdep.c, until wakeup(9) took its place",
    "sf_buf.accessed");

static const struct eph_bug bug_unacked_msf = {
	.name = "unacked-flush-msf",
	.date = "2004-06-05",
	.origin = "DragonFly d6a46bb7c4, shared msf_bufs",
	.symptom = "another CPU uses the old pages until the interrupt lands",
	.form = FORM_SHIPPED,
	.repair = "wait for the acknowledgements",
	.scenario = &eph__scenario_shared_use,
	.design = "msf_buf",
	.fails = EPH_FAIL_STALE,
};

static const struct eph_bug bug_unacked_qenter = {
	.name = "unacked-flush-qenter",
	.date = "2003",
	.origin = "DragonFly pipes, pmap_qenter with smp_invltlb",
	.symptom = "a pipe's reader uses the old page until the interrupt "
		   "lands",
	.form = FORM_SHIPPED,
	.repair = "wait for the acknowledgements",
	.scenario = &eph__scenario_shared_use,
	.design = "kva.qenter",
	.fails = EPH_FAIL_STALE,
};

static const struct eph_bug bug_quick = {
	.name = "pmap-quick-local-removal",
	.date = "2015-08",
	.origin = "FreeBSD amd64 pmap_quick_remove_page",
	.symptom = "a CPU that loaded the address by speculation keeps it",
	.form = FORM_SHIPPED,
	.repair = "the CPU that enters invalidates too",
	.scenario = &eph__scenario_speculation,
	.design = "pmap_quick",
	.fails = EPH_FAIL_STALE,
};

static const struct eph_bug bug_homecpu = {
	.name = "homecpu-wakeup-0-to-1",
	.date = "2010-03-30",
	.origin = "DragonFly 360dc0fa99, lwbuf v2",
	.symptom = "a thread sleeps in lwbuf while addresses are free",
	.form = FORM_SHIPPED,
	.repair = "every free wakes a sleeper",
	.scenario = &eph__scenario_kva_exhaust,
	.design = "lwbuf.homecpu",
	.fails = EPH_FAIL_LOST_WAKEUP,
};

static const struct eph_bug bug_reserve = {
	.name = "reserve-wakeup-0-to-1",
	.date = "2010-03-31",
	.origin = "DragonFly 47efa95b84, lwbuf v3",
	.symptom = "a thread sleeps in lwbuf while addresses are free",
	.form = FORM_SHIPPED,
	.repair = "every free wakes a sleeper",
	.scenario = &eph__scenario_kva_exhaust,
	.design = "lwbuf.reserve",
	.fails = EPH_FAIL_LOST_WAKEUP,
};

static const struct eph_bug bug_wakeup_msf = {
	.name = "lost-wakeup-msf",
	.date = "2004-06-05",
	.origin = "DragonFly d6a46bb7c4, msf_buf_alloc",
	.symptom = "a thread sleeps in msfbuf while buffers are free",
	.form = FORM_SHIPPED,
	.repair = "a sleep that no signal ends",
	.scenario = &eph__scenario_exhaust,
	.design = "msf_buf",
	.fails = EPH_FAIL_LOST_WAKEUP,
};

const struct eph_bug *const eph_bugs[] = {
	&eph__bug_mbuf_2001,
	&eph__bug_mbuf_2006,
	&eph__bug_mref_2005,
	&eph__bug_qenter2,
	&eph__bug_mask_draft,
	&eph__bug_mask_v3,
	&eph__bug_nocrit,
	&eph__bug_migrate,
	&eph__bug_loop,
	&eph__bug_null,
	&eph__bug_dtor,
	&eph__bug_kmap_wrap,
	&eph__bug_emap_reuse,
	&eph__bug_generation_wrap,
	&eph__bug_chain,
	&eph__bug_elsewhere,
	&eph__bug_fault,
	&eph__bug_parallel,
	&eph__bug_xen_shadow,
	&eph__bug_xen_noready,
	&eph__bug_xen_vcpu,
	&eph__bug_xen_word,
	&eph__bug_haiku_get,
	&eph__bug_hyperspace,
	&eph__bug_quickmap,
	&eph__bug_cmap,
	&eph__bug_pm_gen,
	&bug_unacked_uncached,
	&bug_unacked_lru,
	&bug_wires_lru,
	&bug_unacked_msf,
	&bug_unacked_qenter,
	&bug_accessed,
	&bug_quick,
	&bug_wakeup_hash,
	&bug_wakeup_lru,
	&bug_wakeup_cpumask,
	&bug_wakeup_accessed,
	&bug_wakeup_msf,
	&bug_homecpu,
	&bug_reserve,
	NULL,
};

const struct eph_bug *
eph_bug_find(const char *name)
{
	return (FIND_ROW(eph_bugs, name));
}

void
eph_bug_config(
    const struct eph_bug *bug, bool repaired, struct eph_explore_config *cfg)
{
	const bool shipped = strcmp(bug->form, FORM_SHIPPED) == 0;

	cfg->scenario = bug->scenario;
	cfg->ncpus = bug->cpus;
	cfg->design = bug->design != NULL ? eph_design_find(bug->design) : NULL;
	cfg->broken = !repaired && !shipped;
	/* A caller's exhibit keeps to its own bug: the design is repaired. */
	cfg->repaired = repaired || !shipped;
}

int
eph_bug_search(const struct eph_bug *bug, bool repaired, uint64_t budget,
    uint64_t seed, unsigned columns, struct eph_explore_result *r,
    struct eph_err *err)
{
	static const struct {
		const char *strategy;
		unsigned depth;
	} turns[] = { { "pct", 3 }, { "pct", 6 }, { "random", 0 } };
	uint64_t schedules = 0;
	double seconds = 0;
	int error = 0;

	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		struct eph_explore_config cfg = { .seed = seed,
			.budget = budget != 0 ? budget : 20000,
			.strategy = turns[i].strategy,
			.depth = turns[i].depth,
			.columns = columns };

		eph_bug_config(bug, repaired, &cfg);
		if ((error = eph_explore(&cfg, r, err)) != 0)
			return (error);
		schedules += r->schedules;
		seconds += r->seconds;
		r->schedules = schedules;
		r->seconds = seconds;
		if (r->failure != EPH_FAIL_NONE)
			return (0);
		if (i + 1 < sizeof(turns) / sizeof(turns[0]))
			eph_explore_free(r);
	}
	return (0);
}

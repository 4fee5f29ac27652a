/* SPDX-License-Identifier: BSD-2-Clause */

#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"

int
rig_open(struct rig *r, const char *design, const char *model, unsigned ncpus,
    uint32_t nbufs)
{
	struct eph_world_config cfg = {
		.machine = model,
		.tlb = "infinite",
		.cpus = ncpus,
		.nbufs = nbufs,
	};
	int error;

	memset(r, 0, sizeof(*r));
	r->ops = cfg.design = eph_design_find(design);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->ops);
	if ((error = eph_world_create(&cfg, &r->world, &r->err)) != 0)
		return (error);
	r->mc = eph_world_machine(r->world);
	r->state = eph_world_state(r->world);
	rig_mark(r);
	return (0);
}

void
rig_close(struct rig *r)
{
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

static bool
rig_counts(const char *name)
{
	static const char *const others[] = { "tlb_hit", "tlb_miss",
		"walk_step", "lock_acquire", "lock_contended", "cycles",
		"needless_invlpg", "needless_ipi" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(name, others[i]) == 0)
			return (false);
	}
	return (true);
}

void
rig_mark(struct rig *r)
{
	eph_machine_counters(r->mc, &r->mark);
}

bool
rig_saw(struct rig *r, const struct eph_counters *want)
{
	struct eph_counters now, diff;
	bool same = true;
	const char *name;

	eph_machine_counters(r->mc, &now);
	eph_counters_sub(&diff, &now, &r->mark);
	r->mark = now;
	for (unsigned i = 0; (name = eph_counter_name(i)) != NULL; i++) {
		const uint64_t is = eph_counter_value(&diff, i);
		const uint64_t due = eph_counter_value(want, i);

		if (is == due || !rig_counts(name))
			continue;
		(void)fprintf(stderr, "\n%s: %s is %" PRIu64 ", due %" PRIu64,
		    r->ops->name, name, is, due);
		same = false;
	}
	return (same);
}

/* Replays */

struct memory_source {
	const struct eph_op *op;
	size_t n;
	bool done;
};

static int
memory_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct memory_source *ms = arg;

	(void)err;
	*opsp = ms->op;
	*np = ms->done ? 0 : ms->n;
	ms->done = true;
	return (0);
}

static void
memory_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)arg;
	(void)snprintf(buf, size, "operation %zu", i + 1);
}

static uint64_t
memory_line(void *arg, size_t i)
{
	(void)arg;
	return (i + 1);
}

static uint64_t
memory_page(void *arg, uint32_t page)
{
	(void)arg;
	return (page);
}

static uint64_t
memory_handle(void *arg, size_t i)
{
	return (((const struct memory_source *)arg)->op[i].slot);
}

int
rig_replay(const struct eph_run_config *cfg, const struct eph_op *op, size_t n,
    struct eph_run_result *res, struct eph_err *err)
{
	struct memory_source ms = { op, n, false };
	struct eph_op_source src = { .next = memory_next,
		.where = memory_where,
		.line = memory_line,
		.page_name = memory_page,
		.handle_name = memory_handle,
		.arg = &ms };

	return (eph_replay_run(cfg, &src, res, err));
}

/* Random traces */

#define HANDLES 48u

struct gen {
	const struct eph_design_ops *ops;
	struct prng rng;
	unsigned ncpus;
	unsigned pages;
	unsigned most; /* handles at once */
	unsigned top;  /* next slot never used */
	unsigned cpu_of[HANDLES];
	uint64_t asked[HANDLES][2]; /* CPUs that asked since the map */
	bool private[HANDLES];
	bool mapped[HANDLES];
	unsigned stack[HANDLES]; /* handles in order of mapping */
	unsigned depth;
	struct eph_op *op;
	size_t n;
};

static void
gen_emit(struct gen *g, enum eph_op_kind kind, unsigned cpu, unsigned slot,
    unsigned page, unsigned flags)
{
	g->op[g->n++] = (struct eph_op){ .kind = (uint8_t)kind,
		.flags = (uint8_t)flags,
		.cpu = (uint16_t)cpu,
		.page = page,
		.slot = slot };
}

static bool
gen_has_asked(const struct gen *g, unsigned h, unsigned cpu)
{
	return ((g->asked[h][cpu / 64] >> (cpu % 64)) & 1);
}

static void
gen_map(struct gen *g)
{
	const unsigned cpu = (unsigned)prng_below(&g->rng, g->ncpus);
	const bool private = prng_below(&g->rng, 2) == 0;
	unsigned h = 0;

	while (g->mapped[h])
		h++;
	g->mapped[h] = true;
	g->private[h] = private;
	g->cpu_of[h] = cpu;
	g->asked[h][0] = g->asked[h][1] = 0;
	g->stack[g->depth++] = h;
	gen_emit(g, EPH_OP_MAP, cpu, h, (unsigned)prng_below(&g->rng, g->pages),
	    private ? EPH_OPF_PRIVATE : 0);
}

static void
gen_unmap(struct gen *g)
{
	const bool pinned = g->ops->validity == EPH_VALID_THIS_CPU;
	const unsigned at =
	    pinned ? g->depth - 1 : (unsigned)prng_below(&g->rng, g->depth);
	const unsigned h = g->stack[at];

	g->mapped[h] = false;
	g->depth--;
	memmove(&g->stack[at], &g->stack[at + 1],
	    (g->depth - at) * sizeof(g->stack[0]));
	gen_emit(g, EPH_OP_UNMAP,
	    pinned ? g->cpu_of[h] : (unsigned)prng_below(&g->rng, g->ncpus), h,
	    0, 0);
}

/* A CPU on which handle `h` may be touched, or asked for. */
static unsigned
gen_cpu(struct gen *g, unsigned h)
{
	const bool here = g->ops->validity == EPH_VALID_THIS_CPU ||
	    (g->ops->validity == EPH_VALID_MASK && g->private[h]);

	return (here ? g->cpu_of[h] : (unsigned)prng_below(&g->rng, g->ncpus));
}

static void
gen_touch(struct gen *g)
{
	const unsigned h = g->stack[prng_below(&g->rng, g->depth)];
	const unsigned cpu = gen_cpu(g, h);
	const bool generation = g->ops->validity == EPH_VALID_GENERATION;
	const bool must_ask = generation ||
	    (g->ops->validity == EPH_VALID_ASKED && cpu != g->cpu_of[h]);

	if ((must_ask && !gen_has_asked(g, h, cpu)) ||
	    prng_below(&g->rng, 8) == 0) {
		gen_emit(g, EPH_OP_KVA, cpu, h, 0, 0);
		g->asked[h][cpu / 64] |= (uint64_t)1 << (cpu % 64);
	}
	gen_emit(g,
	    !generation && prng_below(&g->rng, 3) == 0 ? EPH_OP_WRITE
						       : EPH_OP_READ,
	    cpu, h, 0, 0);
}

static void
gen_step(struct gen *g)
{
	const uint64_t dice = prng_below(&g->rng, 10);

	if (g->depth == 0 || (dice < 3 && g->depth < g->most))
		gen_map(g);
	else if (dice < 6 || g->depth == g->most)
		gen_unmap(g);
	else
		gen_touch(g);
}

/* Replay what was generated; every mapping is held by nobody at the end. */
static void
gen_replay(struct gen *g, const char *model, const char *tlb, uint32_t nbufs)
{
	const struct eph_run_config cfg = { .design = g->ops,
		.machine = model,
		.tlb = tlb,
		.cpus = g->ncpus,
		.nbufs = nbufs };
	struct eph_run_result res;
	struct eph_err err = { "" };
	const int error = rig_replay(&cfg, g->op, g->n, &res, &err);
	const struct eph_counters *c = &res.counters;

	CU_ASSERT_EQUAL(error, 0);
	CU_ASSERT_EQUAL(res.violations_total, 0);
	if (error != 0 || res.violations_total != 0)
		(void)fprintf(stderr, "\n%s, %u CPUs, %s: %s%s", g->ops->name,
		    g->ncpus, tlb, err.text,
		    error == 0 ? res.violation[0].text : "");
	if (error != 0)
		return;
	CU_ASSERT_EQUAL(c->map_calls,
	    c->hit_active + c->hit_inactive + c->miss + c->map_fail);
	CU_ASSERT_EQUAL(c->map_calls + res.asleep, res.references);
	if (strstr(g->ops->holes, "a release signals") == NULL)
		CU_ASSERT_EQUAL(res.asleep, 0);
	CU_ASSERT_EQUAL(res.held_at_end, 0);
	CU_ASSERT(c->evict <= c->miss);
	CU_ASSERT_EQUAL(c->unmap_calls + c->map_fail, c->map_calls);
}

/* Start a trace for a design on so many CPUs. */
static void
gen_start(struct gen *g, const char *design, unsigned ncpus, uint64_t seed)
{
	g->ops = eph_design_find(design);
	eph__prng_init(&g->rng, seed, 0);
	g->ncpus = ncpus;
	g->pages = 13;
	/* On one CPU, at worst. */
	g->most = g->ops->validity != EPH_VALID_THIS_CPU ? 12
	    : (g->ops->flags & EPH_DESIGN_ALONE) != 0	 ? 1
	    : g->ops->nest != 0 && g->ops->nest < 4	 ? g->ops->nest
							 : 4;
	g->n = 0;
}

static void
gen_run(struct gen *g, unsigned ops)
{
	while (g->n < ops)
		gen_step(g);
	while (g->depth > 0)
		gen_unmap(g);
}

static struct eph_op *
gen_room(unsigned ops)
{
	struct eph_op *op = calloc(2 * (size_t)ops + 2 * HANDLES, sizeof(*op));

	if (op == NULL)
		abort();
	return (op);
}

struct eph_op *
rig_random_ops(
    const char *design, unsigned ncpus, uint64_t seed, unsigned ops, size_t *np)
{
	struct gen g = { .op = gen_room(ops) };

	gen_start(&g, design, ncpus, seed);
	gen_run(&g, ops);
	*np = g.n;
	return (g.op);
}

void
rig_random_traces(const char *design, const char *model, unsigned ops)
{
	static const unsigned cpus[] = { 1, 2, 3, 8, 64, 65 };
	struct gen *g = calloc(1, sizeof(*g));

	CU_ASSERT_PTR_NOT_NULL_FATAL(eph_design_find(design));
	g->op = gen_room(ops);
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		gen_start(g, design, cpus[i], 1000 + i);
		gen_run(g, ops);
		gen_replay(g, model, "infinite", 8);
		gen_replay(g, model, "pentium4", 8);
		gen_replay(g, model, "skylake", 64);
	}
	free(g->op);
	free(g);
}

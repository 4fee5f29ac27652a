/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every design of the table against the one thing all of them promise: a
 * load through a handle reaches the handle's page, wherever the design's
 * validity class allows the load.
 *
 * Random maps, references, requests for the address, loads, stores, unmaps,
 * delays and context switches, within the class and never so many mappings
 * that a map would sleep.  The oracle must stay silent, the design's own
 * check() must hold, the counters obey the laws of counters.h and the
 * identities known for single designs, and all memory must come back.  A
 * new row of the table is tested without a change here.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/world.h"
#include "rig.h"
#include "test_main.h"

enum {
	NBUFS = 32, /* a power of two, for kmap */
	PAGES = 96,
	HANDLES_MAX = NBUFS / 2,
	CPUS_MAX = 1000,
};

struct handle {
	void *obj;
	struct vm_page *m;
	unsigned cpu;  /* that mapped it */
	unsigned refs; /* references held */
	bool private;
	uint64_t serial;       /* order of mapping */
	bool asked[CPUS_MAX];  /* did `k` here since the map */
	eph_va_t va[CPUS_MAX]; /* what it said */
	eph_va_t map_va;
};

struct world {
	struct eph_world *world;
	const struct eph_design_ops *ops;
	struct eph_machine *mc; /* its */
	void *state;
	struct prng r;
	unsigned ncpus;
	unsigned nops;
	struct handle handle[HANDLES_MAX];
	unsigned nhandles;
	uint64_t serial;
	uint64_t maps, fails, unmaps, refs, touches, kvas, held;
	bool failed;
};

#define EXPECT(w, cond)                                                        \
	do {                                                                   \
		if (!(cond) && !(w)->failed) {                                 \
			(w)->failed = true;                                    \
			(void)printf(                                          \
			    "%s, %u CPUs, TLB %s: not %s (line %d)\n",         \
			    (w)->ops->name, (w)->ncpus,                        \
			    (w)->mc->tlb_model->name, #cond, __LINE__);        \
		}                                                              \
	} while (0)

static unsigned
some_cpu(struct world *w)
{
	if (w->ncpus > 4 && prng_below(&w->r, 4) != 0)
		return (prng_below(&w->r, 4));
	return (prng_below(&w->r, w->ncpus));
}

static void
do_map(struct world *w)
{
	const unsigned page = prng_below(&w->r, PAGES);
	const unsigned cpu = some_cpu(w);
	struct handle *h = &w->handle[w->nhandles];
	struct eph_mapping mp = { NULL, 0 };
	unsigned flags = SFB_DEFAULT;
	int error;

	if (w->nhandles == HANDLES_MAX)
		return;
	if ((w->ops->flags & EPH_DESIGN_PRIVATE) != 0 &&
	    prng_below(&w->r, 2) != 0)
		flags |= SFB_CPUPRIVATE;
	if ((w->ops->flags & EPH_DESIGN_NOWAIT) != 0 &&
	    prng_below(&w->r, 4) == 0)
		flags |= SFB_NOWAIT;
	memset(h, 0, sizeof(*h));
	eph_cpu_enter(w->mc, cpu);
	h->m = vm_page_get(w->mc, page);
	error = eph_design_map(w->ops, w->mc, w->state, h->m, flags, &mp);
	if (error == ENOTSUP) {
		/* Only what is bound to a CPU has a limit to its nesting. */
		EXPECT(w, w->ops->validity == EPH_VALID_THIS_CPU);
		EXPECT(w, w->mc->refusal[0] != '\0');
		return;
	}
	if (error == EAGAIN && (w->ops->flags & EPH_DESIGN_FAILS) != 0) {
		w->fails++;
		return;
	}
	EXPECT(w, error == 0);
	if (error != 0)
		return;
	EXPECT(w, w->ops->page(w->state, mp.obj) == h->m);
	h->obj = mp.obj;
	h->map_va = mp.va;
	h->cpu = cpu;
	h->refs = 1;
	h->private = (flags & SFB_CPUPRIVATE) != 0;
	h->serial = ++w->serial;
	w->nhandles++;
	w->maps++;
	w->held++;
}

/* The newest mapping of the CPU of `h`. */
static struct handle *
newest_beside(struct world *w, struct handle *h)
{
	for (unsigned i = 0; i < w->nhandles; i++) {
		if (w->handle[i].cpu == h->cpu &&
		    w->handle[i].serial > h->serial)
			h = &w->handle[i];
	}
	return (h);
}

static void
do_unmap(struct world *w, struct handle *h)
{
	const bool here = w->ops->validity == EPH_VALID_THIS_CPU;

	if (here && (w->ops->flags & EPH_DESIGN_ANY_ORDER) == 0)
		h = newest_beside(w, h);
	eph_cpu_enter(w->mc, here ? h->cpu : some_cpu(w));
	EXPECT(w, w->ops->unmap(w->state, h->obj) == 0);
	w->unmaps++;
	w->held--;
	if (--h->refs == 0)
		*h = w->handle[--w->nhandles];
}

static void
do_ref(struct world *w, struct handle *h)
{
	int error;

	eph_cpu_enter(w->mc, h->cpu);
	error = eph_design_ref(w->ops, w->state, h->obj);
	EXPECT(w, error == 0 || error == ENOTSUP);
	if (error != 0)
		return;
	h->refs++;
	w->refs++;
	w->held++;
}

static unsigned
cpu_for(struct world *w, const struct handle *h)
{
	if (h->private || w->ops->validity == EPH_VALID_THIS_CPU)
		return (h->cpu);
	return (some_cpu(w));
}

static void
do_kva(struct world *w, struct handle *h, unsigned cpu)
{
	eph_cpu_enter(w->mc, cpu);
	h->va[cpu] = w->ops->kva(w->state, h->obj);
	EXPECT(w, h->va[cpu] != 0);
	h->asked[cpu] = true;
	w->kvas++;
}

static void
do_touch(struct world *w, struct handle *h)
{
	const unsigned cpu = cpu_for(w, h);
	const enum eph_validity v = w->ops->validity;
	enum eph_touch touch =
	    prng_below(&w->r, 3) == 0 && v != EPH_VALID_GENERATION
	    ? EPH_TOUCH_WRITE
	    : EPH_TOUCH_READ;
	uint32_t reached = EPH_NONE;

	if (!h->asked[cpu] &&
	    (v == EPH_VALID_GENERATION ||
		(v == EPH_VALID_ASKED && cpu != h->cpu)))
		do_kva(w, h, cpu);
	eph_cpu_enter(w->mc, cpu);
	EXPECT(w,
	    eph_machine_access(w->mc, h->asked[cpu] ? h->va[cpu] : h->map_va,
		touch, h->m, &reached) == 0);
	if ((w->ops->flags & EPH_DESIGN_UNSAFE) == 0)
		EXPECT(w, reached == h->m->frame);
	w->touches++;
}

static void
do_switch(struct world *w)
{
	eph_cpu_enter(w->mc, some_cpu(w));
	eph_design_switch_out(w->ops, w->state);
	eph_design_switch_in(w->ops, w->state);
}

static void
do_something(struct world *w)
{
	const unsigned what = prng_below(&w->r, 100);
	struct handle *h;

	if (what < 3)
		eph_lockstep_delay(w->mc, prng_below(&w->r, EPH_TICK_NS));
	else if (what < 5)
		do_switch(w);
	else if (what < 35 || w->nhandles == 0)
		do_map(w);
	else {
		h = &w->handle[prng_below(&w->r, w->nhandles)];
		if (what < 60)
			do_unmap(w, h);
		else if (what < 63)
			do_ref(w, h);
		else if (what < 70)
			do_kva(w, h, cpu_for(w, h));
		else
			do_touch(w, h);
	}
}

static void
operations(void *arg)
{
	struct world *w = arg;
	const unsigned every = w->nops / 20 + 1;

	for (unsigned i = 0; i < w->nops && !w->failed; i++) {
		w->mc->step = i;
		do_something(w);
		if (i % every == 0)
			eph_design_check(w->ops, w->state, w->held);
	}
	while (w->nhandles > 0 && !w->failed) {
		for (unsigned i = w->nhandles; i-- > 0;)
			if (i < w->nhandles)
				do_unmap(w, &w->handle[i]);
	}
}

static void
laws(struct world *w, const struct eph_counters *c)
{
	EXPECT(w,
	    c->map_calls ==
		c->hit_active + c->hit_inactive + c->miss + c->map_fail);
	EXPECT(w, w->maps > w->nops / 16);
	EXPECT(w, c->map_calls == w->maps + w->fails);
	EXPECT(w, c->map_fail == w->fails);
	EXPECT(w, c->unmap_calls == w->unmaps);
	EXPECT(w, c->unmap_calls == w->maps + w->refs);
	EXPECT(w, c->kva_calls == w->kvas);
	EXPECT(w, c->tlb_hit + c->tlb_miss == w->touches);
	EXPECT(w, c->walk_step == c->tlb_miss * w->mc->levels);
	EXPECT(w, c->evict <= c->miss);
	EXPECT(w, c->needless_invlpg <= c->invlpg_local + c->invlpg_remote);
	EXPECT(w, c->needless_ipi <= c->ipi_sent);
	EXPECT(w, c->ipiq_passive <= c->ipiq_msg);
	EXPECT(w, c->sleep == 0 && c->wakeup == 0);
	if ((w->ops->flags & EPH_DESIGN_UNSAFE) == 0)
		EXPECT(w, w->mc->nviolations == 0);
	EXPECT(w, c->stale_use + c->stale_possible == w->mc->nviolations);
	EXPECT(w, w->mc->bufs.now == 0);
	EXPECT(w, w->ncpus > 1 || c->ipi_sent == 0);
	if ((w->ops->flags & EPH_DESIGN_CACHE) == 0)
		EXPECT(w, c->evict == 0 && c->hit_inactive == 0);
}

static void
identities(struct world *w, const struct eph_counters *c)
{
	const char *name = w->ops->name;
	const uint64_t others = w->ncpus - 1;

	if (strcmp(name, "sf_buf.uncached") == 0) {
		EXPECT(w, c->pte_store == 2 * w->maps);
		EXPECT(w, c->invlpg_local == c->pte_store);
		EXPECT(w, c->flush_remote == others * c->pte_store);
		EXPECT(w, c->ipi_sent == c->flush_remote);
	} else if (strcmp(name, "sf_buf.hash") == 0) {
		EXPECT(w, c->pte_store == 2 * c->miss);
		EXPECT(w, c->invlpg_local == c->pte_store);
		EXPECT(w, c->invlpg_remote == others * c->pte_store);
		EXPECT(w, c->ipi_sent == c->invlpg_remote);
		EXPECT(w, c->evict == 0 && c->hit_inactive == 0);
	} else if (strcmp(name, "sf_buf.lru") == 0) {
		EXPECT(w, c->pte_store == c->miss);
		EXPECT(w, c->invlpg_local == c->miss);
		EXPECT(w, c->flush_remote == others * c->miss);
		EXPECT(w, c->ipi_sent == c->flush_remote);
		EXPECT(w, c->miss - c->evict <= NBUFS);
	} else if (strcmp(name, "sf_buf.cpumask") == 0) {
		EXPECT(w, c->pte_store == c->miss);
		EXPECT(w, c->invlpg_local >= c->miss);
		EXPECT(w, others == 0 || c->invlpg_remote % others == 0);
		EXPECT(w, c->ipi_sent == c->invlpg_remote);
		EXPECT(w, c->miss - c->evict <= NBUFS);
	} else if (strcmp(name, "sf_buf.accessed") == 0) {
		EXPECT(w, c->pte_store == c->miss);
		EXPECT(w, c->invlpg_remote == c->ipi_sent);
		EXPECT(w, c->miss - c->evict <= NBUFS);
	} else if (strcmp(name, "sf_buf.lwbuf") == 0) {
		EXPECT(w, c->invlpg_local == 2 * w->maps);
		EXPECT(w, c->invlpg_remote == others * w->maps);
		EXPECT(w, c->ipi_sent == c->invlpg_remote);
	} else if (strcmp(name, "lwbuf.kvalist") == 0) {
		EXPECT(w, c->pte_store == w->maps);
		EXPECT(w, c->ipi_sent == 0);
	} else if (strcmp(name, "dmap") == 0 ||
	    strcmp(name, "lwbuf.dmap") == 0) {
		EXPECT(w, c->pte_store + c->invlpg_local + c->ipi_sent == 0);
		EXPECT(w, c->invlpg_remote + c->flush_remote == 0);
	}
}

/* One design on one machine; true if all held. */
static bool
world_runs(const struct eph_design_ops *ops,
    const struct eph_shootdown_ops *shootdown, unsigned ncpus, const char *tlb,
    unsigned nops, uint64_t seed)
{
	static struct world w;
	const struct eph_world_config cfg = { .tlb = tlb,
		.cpus = ncpus,
		.design = ops,
		.shootdown = shootdown,
		.nbufs = NBUFS };
	struct eph_counters c;
	struct eph_err err = { "" };

	memset(&w, 0, sizeof(w));
	w.ops = ops;
	w.ncpus = ncpus;
	w.nops = nops;
	eph__prng_init(&w.r, seed, ncpus);
	if (eph_world_create(&cfg, &w.world, &err) != 0) {
		(void)printf("%s: %s\n", ops->name, err.text);
		return (false);
	}
	w.mc = eph_world_machine(w.world);
	w.state = eph_world_state(w.world);
	(void)eph_thread_create(w.mc, 0, operations, &w);
	EXPECT(&w, eph_run(w.mc) == 0);
	eph_lockstep_drain(w.mc);
	if (!w.failed)
		eph_design_check(ops, w.state, 0);
	eph_machine_counters(w.mc, &c);
	laws(&w, &c);
	if (shootdown == eph_shootdown_find(ops->shootdown))
		identities(&w, &c);
	if (w.failed && w.mc->nviolations != 0)
		(void)printf(
		    "%s: %s\n", shootdown->name, w.mc->violations[0].text);
	if (eph_world_destroy(w.world) != 0) {
		(void)printf("%s: memory was not given back\n", ops->name);
		return (false);
	}
	return (!w.failed);
}

static void
handles_reach_their_pages(void)
{
	static const unsigned cpus[] = { 1, 2, 3, 8, 64, 65, 1000 };
	const unsigned nops = test_long ? 1000000 : 4000;
	unsigned ntlbs = 0;

	while (eph_tlb_models[ntlbs] != NULL &&
	    !eph_tlb_models[ntlbs]->keeps_global)
		ntlbs++;
	for (unsigned d = 0; eph_designs[d] != NULL; d++) {
		for (unsigned i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
			const unsigned t = (d + i) % ntlbs;

			CU_ASSERT_TRUE(world_runs(eph_designs[d],
			    eph_shootdown_find(eph_designs[d]->shootdown),
			    cpus[i], eph_tlb_models[t]->name, nops,
			    d * 100 + i));
		}
	}
}

/* Fewer operations, but each design with each TLB. */
static void
every_tlb_serves_every_design(void)
{
	const unsigned nops = test_long ? 200000 : 1000;

	for (unsigned d = 0; eph_designs[d] != NULL; d++) {
		for (unsigned t = 0; eph_tlb_models[t] != NULL &&
		     !eph_tlb_models[t]->keeps_global;
		     t++)
			CU_ASSERT_TRUE(world_runs(eph_designs[d],
			    eph_shootdown_find(eph_designs[d]->shootdown), 3,
			    eph_tlb_models[t]->name, nops, d * 100 + t));
	}
}

/*
 * Whatever a protocol puts off, in lockstep nobody is given an old page.  In
 * the default run a pair has one of the small numbers of CPUs, in turn, and
 * few have the largest.
 */
static void
every_protocol_serves_every_design(void)
{
	static const unsigned cpus[] = { 1, 2, 5, 70, 1000 };
	const unsigned nops = test_long ? 200000 : 500;

	for (unsigned d = 0; eph_designs[d] != NULL; d++) {
		for (unsigned p = 0; eph_shootdowns[p] != NULL; p++) {
			for (unsigned i = 0; i < 5; i++) {
				if (!test_long &&
				    ((i < 3 && i != (d + p) % 3) ||
					(i == 4 && d != p)))
					continue;
				CU_ASSERT_TRUE(world_runs(eph_designs[d],
				    eph_shootdowns[p], cpus[i], "infinite",
				    i == 4 ? 500 : nops, d * 100 + p * 10 + i));
			}
		}
	}
}

static void
look(void *arg, const struct eph_event *ev)
{
	(void)arg;
	(void)ev;
}

static int
watch(void *arg, struct eph_machine *mc, void *state, struct eph_err *err)
{
	(void)arg;
	(void)state;
	(void)err;
	eph_machine_set_observer(mc, look, NULL);
	return (0);
}

static bool
results_agree(const struct eph_run_result *a, const struct eph_run_result *b)
{
	bool same =
	    memcmp(&a->counters, &b->counters, sizeof(a->counters)) == 0 &&
	    a->references == b->references && a->asleep == b->asleep &&
	    a->violations_total == b->violations_total &&
	    a->violations == b->violations;

	for (unsigned i = 0; same && i < a->violations; i++)
		same = strcmp(a->violation[i].text, b->violation[i].text) == 0;
	return (same);
}

/* The same operations, with an observer and without. */
static void
watched_agrees(struct eph_run_config *cfg, const struct eph_op *op, size_t n)
{
	struct eph_run_result res[2];
	struct eph_err err = { .text = "" };
	bool same;

	cfg->at_start = NULL;
	CU_ASSERT_EQUAL(rig_replay(cfg, op, n, &res[0], &err), 0);
	cfg->at_start = watch;
	CU_ASSERT_EQUAL(rig_replay(cfg, op, n, &res[1], &err), 0);
	same = results_agree(&res[0], &res[1]);
	CU_ASSERT_TRUE(same);
	if (!same || err.text[0] != '\0')
		(void)printf("%s, %u CPUs, %s: %s\n", cfg->design->name,
		    cfg->cpus,
		    cfg->shootdown != NULL ? cfg->shootdown->name : "its own",
		    err.text);
}

/*
 * With an observer a broadcast visits each CPU; else the crowd that
 * holds nothing is counted.  Nobody may be able to tell from the counts.
 */
static void
a_crowd_counts_as_each(void)
{
	enum { OPS = 200, CPUS = 130 };
	static const char *const protocols[] = { "acked-invlpg", "idle-skip",
		"unacked-flush" };
	struct eph_op op[OPS] = { 0 };
	struct prng r;

	eph__prng_init(&r, 5, 5);
	for (unsigned i = 0; i < OPS; i++) {
		if (i % 50 == 49) {
			op[i].kind = EPH_OP_DELAY;
			continue;
		}
		op[i].kind = EPH_OP_REF;
		op[i].cpu = (uint16_t)(i % 2 != 0 ? prng_below(&r, CPUS)
						  : prng_below(&r, 3) * 64);
		op[i].page = prng_below(&r, 40);
	}
	for (size_t d = 0; eph_designs[d] != NULL; d++) {
		struct eph_run_config cfg = { .design = eph_designs[d],
			.tlb = d % 2 != 0 ? "infinite" : NULL,
			.cpus = CPUS,
			.nbufs = NBUFS,
			.touch = EPH_TOUCH_READ };

		watched_agrees(&cfg, op, OPS);
		for (unsigned s = 0; s < 3; s++) {
			cfg.shootdown = eph_shootdown_find(protocols[s]);
			watched_agrees(&cfg, op, OPS);
		}
	}
}

/*
 * The machine of few CPUs has a short way for one page and for p lines in a
 * row where none looks on (state.h: swift), with the same counts and verdicts.
 */
static void
few_count_the_same_unwatched(void)
{
	static const unsigned cpus[] = { 2, 8, 1, 3 };
	static const char *const protocols[] = { "acked-invlpg",
		"unacked-flush", "rendezvous", "broadcast", "batched" };

	for (size_t d = 0; eph_designs[d] != NULL; d++) {
		struct eph_run_config cfg = { .design = eph_designs[d],
			.tlb = d % 2 != 0 ? "infinite" : NULL,
			.cpus = cpus[d % 4],
			.nbufs = NBUFS,
			.touch =
			    d % 3 != 0 ? EPH_TOUCH_READ : EPH_TOUCH_WRITE };
		size_t n;
		struct eph_op *op =
		    rig_random_ops(cfg.design->name, cfg.cpus, d, 400, &n);

		watched_agrees(&cfg, op, n);
		for (unsigned s = 0; s < 5; s++) {
			cfg.shootdown = eph_shootdown_find(protocols[s]);
			watched_agrees(&cfg, op, n);
		}
		free(op);
	}
}

static CU_TestInfo tests[] = {
	TEST(handles_reach_their_pages),
	TEST(every_tlb_serves_every_design),
	TEST(every_protocol_serves_every_design),
	TEST(a_crowd_counts_as_each),
	TEST(few_count_the_same_unwatched),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_designs", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

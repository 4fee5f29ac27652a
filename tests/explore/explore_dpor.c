/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Partial-order reduction: of small programs made by chance, dpor reaches
 * every final state that systematic search without a bound reaches, and no
 * other, in no more schedules; and of designs it proves as much in fewer.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/kernel/vm_page.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/scenario.h"
#include "exec/explore.h"
#include "machine/access.h"
#include "test_main.h"

#define THREADS 3u
#define OPS	3u
#define VARS	2u
#define FINALS	8192u

enum { LOAD, STORE, ADD, LOCKED, MAP, UNMAP, LOOK, INVLPG, CALL, KINDS };

/* The program under test; not changed while it runs. */
static struct program {
	unsigned threads;
	unsigned ops;
	unsigned kinds; /* of operations, the first so many */
	uint8_t kind[THREADS][OPS];
	uint8_t var[THREADS][OPS];
} program;

/* Where it ended, by search. */
static struct finals {
	uint64_t hash[FINALS];
	size_t n;
} * finals;

/* What it runs on; part of the machine. */
struct small {
	_Atomic(uint32_t) var[VARS];
	uint32_t plain; /* under the lock */
	uint32_t seen[THREADS];
	struct eph_mutex mtx;
	eph_va_t va;
	struct vm_page *m;
};

static void
saw(struct small *s, unsigned n, uint64_t value)
{
	s->seen[n] = s->seen[n] * 31 + (uint32_t)value + 1;
}

static void
called(struct eph_machine *mc, void *arg)
{
	struct small *s = arg;

	(void)eph_fetchadd_32(mc, &s->var[0], 16, memory_order_relaxed);
}

static void
call_other(struct eph_xp *x, struct small *s)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL, .fn = called, .arg = s
	};
	eph_cpuword_t other[EPH_CPUSET_WORDS_MAX] = { 0 };

	eph_cpuset_set(other, 1 - eph_curcpu(x->mc)->id);
	x->mc->exec->ipi(x->mc, other, &ipi, true);
}

static void
small_op(struct eph_xp *x, struct small *s, unsigned n, unsigned i)
{
	_Atomic(uint32_t) *v = &s->var[program.var[n][i]];
	const memory_order relaxed = memory_order_relaxed;

	switch (program.kind[n][i]) {
	case LOAD:
		saw(s, n, eph_load_32(x->mc, v, relaxed));
		break;
	case STORE:
		eph_store_32(x->mc, v, n + 1, relaxed);
		break;
	case ADD:
		saw(s, n, eph_fetchadd_32(x->mc, v, 4, relaxed));
		break;
	case LOCKED:
		eph_mutex_enter(x->mc, &s->mtx);
		s->plain = s->plain * 3 + n + 1;
		eph_mutex_exit(x->mc, &s->mtx);
		break;
	case MAP:
		eph_pmap_pte_store(x->mc, s->va,
		    eph_vm_page_to_phys(s->m) | EPH_PTE_V | EPH_PTE_RW);
		break;
	case UNMAP:
		eph_pmap_pte_store(x->mc, s->va, 0);
		break;
	case LOOK:
		saw(s, n,
		    eph_pmap_pte_load(x->mc, s->va) & (EPH_PTE_V | EPH_PTE_A));
		break;
	case INVLPG:
		eph_pmap_invlpg(x->mc, s->va);
		break;
	case CALL:
		call_other(x, s);
		break;
	}
}

static void
small_thread(struct eph_xp *x, unsigned n)
{
	for (unsigned i = 0; i < program.ops; i++)
		small_op(x, x->arg, n, i);
}

static int
small_setup(struct eph_xp *x)
{
	struct small *s = eph_machine_alloc(x->mc, sizeof(*s));
	int error = 0;

	if ((x->arg = s) == NULL)
		return (ENOMEM);
	eph_mutex_init(&s->mtx, "small");
	s->va = eph_kva_alloc(x->mc, 1);
	s->m = eph_xp_page(x, 1);
	for (unsigned n = 0; n < program.threads && error == 0; n++)
		error = eph_xp_thread(x, n % 2, small_thread, n);
	return (error);
}

static uint64_t
fold(uint64_t h, uint64_t value)
{
	return ((h ^ value) * 0x9e3779b97f4a7c15u + 1);
}

static void
small_finish(struct eph_xp *x)
{
	const struct small *s = x->arg;
	const struct explore *ex = x->mc->exec_state;
	const uint32_t page = machine_va_index(x->mc, s->va);
	uint64_t h = fold(1, s->plain);

	for (unsigned i = 0; i < VARS; i++)
		h = fold(h, s->var[i]);
	for (unsigned i = 0; i < THREADS; i++)
		h = fold(h, s->seen[i]);
	h = fold(h, machine_pte_get(x->mc, x->mc->cpus[0], page));
	for (unsigned c = 0; c < 2; c++) {
		const struct ex_choice drop = { EX_DROP, (uint8_t)c,
			(uint16_t)page };

		h = fold(h, eph__explore_can_act(ex, drop));
	}
	for (size_t i = 0; i < finals->n; i++) {
		if (finals->hash[i] == h)
			return;
	}
	CU_ASSERT_FATAL(finals->n < FINALS);
	finals->hash[finals->n++] = h;
}

static const struct eph_scenario small = {
	.abi = EPHMAP_ABI,
	.name = "small",
	.summary = "a program made by chance",
	.cpus = 2,
	.no_design = true,
	.setup = small_setup,
	.finish = small_finish,
};

static void
make_program(uint64_t number, unsigned threads, unsigned ops, unsigned kinds)
{
	struct prng rng;

	eph__prng_init(&rng, 1, number);
	program = (struct program){ threads, ops, kinds, { { 0 } }, { { 0 } } };
	for (unsigned n = 0; n < threads; n++) {
		for (unsigned i = 0; i < ops; i++) {
			program.kind[n][i] = (uint8_t)prng_below(&rng, kinds);
			program.var[n][i] = (uint8_t)prng_below(&rng, VARS);
		}
	}
}

/* What was wrong with which. */
static void
print_program(uint64_t number)
{
	static const char *const words[] = { "load", "store", "add", "locked",
		"map", "unmap", "look", "invlpg", "call" };

	(void)printf("program %llu:", (unsigned long long)number);
	for (unsigned n = 0; n < program.threads; n++) {
		for (unsigned i = 0; i < program.ops; i++)
			(void)printf(" %s%u", words[program.kind[n][i]],
			    program.var[n][i]);
		(void)printf(n + 1 < program.threads ? " |" : "\n");
	}
}

static int
compare_hashes(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return ((x > y) - (x < y));
}

/* How many schedules it takes; where they end, sorted, into *to. */
static uint64_t
search_small(const char *strategy, unsigned fills, struct finals *to)
{
	const struct eph_explore_config cfg = { .scenario = &small,
		.strategy = strategy,
		.budget = 1000000,
		.preemptions = 200,
		.fills = fills,
		.no_adversary = fills == 0 };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	finals = to;
	to->n = 0;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT_FATAL(r.exhausted);
	eph_explore_free(&r);
	qsort(to->hash, to->n, sizeof(to->hash[0]), compare_hashes);
	return (r.schedules);
}

static void
compare(unsigned programs, unsigned threads, unsigned ops, unsigned kinds,
    unsigned fills)
{
	static struct finals all, few;
	uint64_t sum_all = 0, sum_few = 0;

	for (unsigned i = 0; i < programs; i++) {
		uint64_t a, b;

		make_program(i, threads, ops, kinds);
		a = search_small("systematic", fills, &all);
		b = search_small("dpor", fills, &few);
		CU_ASSERT_EQUAL(all.n, few.n);
		CU_ASSERT(memcmp(all.hash, few.hash,
			      all.n * sizeof(all.hash[0])) == 0);
		/* A TLB that has nothing to load is tried all the same. */
		CU_ASSERT(fills != 0 || b <= a);
		sum_all += a;
		sum_few += b;
		if (all.n != few.n || (fills == 0 && b > a))
			print_program(i);
	}
	CU_ASSERT(fills != 0 || sum_few < sum_all);
}

static void
test_two_threads_end_alike(void)
{
	compare(test_long ? 300 : 20, 2, 3, KINDS, 0);
}

static void
test_three_threads_end_alike(void)
{
	compare(test_long ? 300 : 20, 3, 2, CALL, 0);
}

static void
test_with_a_tlb_that_acts_they_end_alike(void)
{
	compare(test_long ? 300 : 15, 2, 2, KINDS, 1);
}

/* Every order of all steps that do not commute, and how many were run. */
static uint64_t
search_design(const char *design, const char *strategy, unsigned fills)
{
	const struct eph_explore_config cfg = {
		.scenario = eph_scenario_find("same-page"),
		.design = eph_design_find(design),
		.strategy = strategy,
		.budget = 1000000,
		.preemptions = 200,
		.fills = fills,
	};
	struct eph_explore_result r;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	eph_explore_free(&r);
	return (r.schedules);
}

static void
test_designs_in_a_tenth_of_the_schedules(void)
{
	CU_ASSERT(search_design("sf_buf.accessed", "dpor", 0) * 10 <=
	    search_design("sf_buf.accessed", "systematic", 0));
	CU_ASSERT(search_design("lwbuf.homecpu", "dpor", 0) * 10 <=
	    search_design("lwbuf.homecpu", "systematic", 0));
	if (!test_long)
		return;
	CU_ASSERT(search_design("sf_buf.accessed", "dpor", 1) * 10 <=
	    search_design("sf_buf.accessed", "systematic", 1));
	CU_ASSERT(search_design("sf_buf.hash", "dpor", 1) * 10 <=
	    search_design("sf_buf.hash", "systematic", 1));
	CU_ASSERT(search_design("lwbuf.homecpu", "dpor", 1) * 10 <=
	    search_design("lwbuf.homecpu", "systematic", 1));
}

/* A failure that two switches or a TLB bring about, as others find it. */
static void
test_classes_are_not_estimated_by_another_tree(void)
{
	struct eph_explore_config cfg = { .scenario =
					      eph_scenario_find("same-page"),
		.design = eph_design_find("sf_buf.accessed"),
		.strategy = "dpor",
		.estimate = true };
	struct eph_explore_result all, some;
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &all, &err), 0);
	CU_ASSERT(all.exhausted);
	cfg.budget = all.schedules / 2;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &some, &err), 0);
	CU_ASSERT_FALSE(some.exhausted);
	/* Nothing, or about right: not the ten times as many of sleep sets. */
	CU_ASSERT(some.total == 0 ||
	    (some.total > (double)cfg.budget &&
		some.total < 2.0 * (double)all.schedules));
	eph_explore_free(&all);
	eph_explore_free(&some);
}

static void
test_bugs_are_found(void)
{
	static const char *const bugs[] = { "mbuf-2001-decrement-then-cmpset",
		"pmap-quick-local-removal" };
	struct eph_explore_result r;
	struct eph_err err = { "" };

	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		const struct eph_bug *bug = eph_bug_find(bugs[i]);
		struct eph_explore_config cfg = {
			.strategy = "dpor", .budget = 100000, .fills = 1
		};

		eph_bug_config(bug, false, &cfg);
		CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
		CU_ASSERT_EQUAL(r.failure, bug->fails);
		eph_explore_free(&r);
	}
}

static CU_TestInfo tests[] = {
	TEST(test_two_threads_end_alike),
	TEST(test_three_threads_end_alike),
	TEST(test_with_a_tlb_that_acts_they_end_alike),
	TEST(test_designs_in_a_tenth_of_the_schedules),
	TEST(test_classes_are_not_estimated_by_another_tree),
	TEST(test_bugs_are_found),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: partial orders", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

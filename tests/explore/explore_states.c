/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * All states of a small machine: what the search proves, what it finds, that
 * what it finds is shortest and replays, and that it claims nothing when it
 * was stopped.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/sdk/scenario.h"
#include "machine/access.h"
#include "test_main.h"

#define ENDS 1024u

/* False where this build's stacks cannot be taken apart. */
static bool
search(const char *design, const char *scenario,
    const struct eph_explore_config *how, struct eph_explore_result *r)
{
	struct eph_explore_config cfg = *how;
	struct eph_err err = { "" };
	int error;

	cfg.design = eph_design_find(design);
	cfg.scenario = eph_scenario_find(scenario);
	cfg.strategy = "bfs";
	error = eph_explore(&cfg, r, &err);
	if (error == ENOTSUP) {
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be saved"));
		return (false);
	}
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return (true);
}

/* Every state is reached twice, the second time from the start. */
static void
test_equal_states_are_equal(void)
{
	const struct eph_explore_config how = { .check_states = true };
	struct eph_explore_result r;

	if (!search("sf_buf.accessed", "same-page", &how, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	CU_ASSERT_EQUAL(r.frontier, 0);
	CU_ASSERT(r.states > 100);
	CU_ASSERT_STRING_EQUAL(
	    r.program, "2 buffers, 2 CPUs, 1 page, 1 operation a thread");
	eph_explore_free(&r);
}

/*
 * Leaving out choices that lead to states that others reach as soon sees the
 * same states in as many levels.
 */
static void
test_choices_that_sleep_lose_nothing(void)
{
	/* In the default run the first three, with fewer operations. */
	static const char *const names[][2] = { { "sf_buf.accessed",
						    "cross-cpu" },
		{ "sf_buf.lru", "same-page" }, { "bsd.cmap", "interrupt" },
		{ "sf_buf.cpumask", "same-page" } };
	const unsigned n = test_long ? 4 : 3, ops = test_long ? 0 : 1;
	const struct eph_explore_config slow = { .check_states = true,
		.ops = ops };
	const struct eph_explore_config quick = {
		.seed = 7, .every_state = true, .ops = ops
	};
	struct eph_explore_result a, b;

	for (unsigned i = 0; i < n; i++) {
		if (!search(names[i][0], names[i][1], &slow, &a))
			return;
		(void)search(names[i][0], names[i][1], &quick, &b);
		CU_ASSERT(a.exhausted && b.exhausted);
		CU_ASSERT_EQUAL(a.states, b.states);
		CU_ASSERT_EQUAL(a.levels, b.levels);
		CU_ASSERT(b.steps < a.steps);
		eph_explore_free(&a);
		eph_explore_free(&b);
	}
}

/*
 * TLBs that act as late as a step could tell prove and find the same as those
 * that act at any time: the verdict, and the length of a shortest failure.
 * What `budget` states do not finish is not compared; returns whether it was.
 */
static bool
late_and_any_time(
    const struct eph_explore_config *how, uint64_t budget, const char *name)
{
	struct eph_explore_config cfg = *how;
	struct eph_explore_result any, late;
	struct eph_err err = { "" };
	bool same, done;
	int error;

	cfg.strategy = "bfs";
	cfg.every_state = true;
	cfg.budget = budget;
	error = eph_explore(&cfg, &any, &err);
	if (error == EINVAL || error == ENOTSUP)
		return (false);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	done = any.exhausted || any.failure != EPH_FAIL_NONE;
	if (done) {
		cfg.every_state = false;
		cfg.budget = 0;
		CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &late, &err), 0);
		same = late.failure == any.failure &&
		    late.exhausted == any.exhausted &&
		    (any.exhausted || late.levels == any.levels);
		if (!same)
			(void)printf("%s: %s in %d steps, %s in %d\n", name,
			    eph_failure_name(any.failure), (int)any.levels,
			    eph_failure_name(late.failure), (int)late.levels);
		CU_ASSERT(same);
		CU_ASSERT(!any.exhausted || late.states <= any.states);
		eph_explore_free(&late);
	}
	eph_explore_free(&any);
	return (done);
}

/* In the default run, programs that most designs finish, and bugs as found. */
static void
test_late_tlbs_lose_nothing(void)
{
	const uint64_t budget = test_long ? 20000 : 2000;
	unsigned n = 0, nbugs = 0;

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		for (size_t k = 0; eph_scenarios[k] != NULL; k++) {
			struct eph_explore_config cfg = { .pages = 0 };

			cfg.design = eph_designs[i];
			cfg.scenario = eph_scenarios[k];
			if (!test_long &&
			    strcmp(cfg.scenario->name, "same-page") != 0 &&
			    strcmp(cfg.scenario->name, "interrupt") != 0)
				continue;
			if (eph_scenario_applies(cfg.scenario, cfg.design))
				n += late_and_any_time(
				    &cfg, budget, cfg.design->name);
		}
	}
	for (size_t i = 0; eph_bugs[i] != NULL; i++) {
		struct eph_explore_config cfg = { .pages = 0 };

		for (unsigned repaired = 0; repaired <= test_long; repaired++) {
			eph_bug_config(eph_bugs[i], repaired != 0, &cfg);
			nbugs +=
			    late_and_any_time(&cfg, budget, eph_bugs[i]->name);
		}
	}
	/* None where stacks cannot be saved. */
	CU_ASSERT(n == 0 || n > (test_long ? 100 : 25));
	CU_ASSERT(nbugs == 0 || nbugs > (test_long ? 35 : 15));
}

/*
 * Programs of one letter an operation, for a thread on CPU 0, "|", and one on
 * CPU 1.  They use one address, which is mapped to a page at the start.
 */
struct small {
	eph_va_t va;
	struct vm_page *m[2];
	_Atomic(uint32_t) word;
	uint32_t seen[3]; /* by threads, and by interrupts */
	uint32_t looked;  /* small_look_twice() has ended */
};

/* What threads saw until all had ended, and in how few steps that can be. */
static struct ends {
	const char *program;
	struct eph_explore_result r;
	uint64_t levels;
	size_t n;
	struct end {
		uint32_t seen[3];
		uint32_t steps;
	} end[ENDS];
} * ends;

static void
small_saw(struct small *s, unsigned n, uint64_t value)
{
	s->seen[n] = s->seen[n] * 31 + (uint32_t)value + 1;
}

/* Whatever page it is that is reached, that is no failure. */
static void
small_touch(
    struct eph_machine *mc, struct small *s, unsigned n, enum eph_touch touch)
{
	uint32_t reached;

	(void)eph_machine_access(mc, s->va, touch, s->m[0], &reached);
	if (mc->nviolations != 0) {
		mc->nviolations = 0;
		memset(mc->violations, 0, sizeof(mc->violations[0]));
	}
	small_saw(s, n, reached);
}

/* Interrupts that invalidate in the same step as they do something else. */
static void
small_invalidate(struct eph_machine *mc, void *arg)
{
	const struct small *s = arg;

	(void)eph__cpu_invlpg(eph_curcpu(mc), s->va);
}

static void
small_look_twice(struct eph_machine *mc, void *arg)
{
	struct small *s = arg;

	for (unsigned i = 0; i < 2; i++)
		small_saw(
		    s, 2, eph_load_32(mc, &s->word, memory_order_relaxed));
	small_invalidate(mc, s);
	s->looked = 1;
}

static void
small_ipi(struct eph_xp *x, const struct eph_ipi *ipi, bool wait)
{
	eph_cpuword_t other[EPH_CPUSET_WORDS_MAX] = { 0 };

	eph_cpuset_set(other, 1 - eph_curcpu(x->mc)->id);
	x->mc->exec->ipi(x->mc, other, ipi, wait);
}

static void
small_store(struct eph_xp *x, unsigned page)
{
	const struct small *s = x->arg;

	eph_pmap_pte_store(x->mc, s->va,
	    eph_vm_page_to_phys(s->m[page]) | EPH_PTE_V | EPH_PTE_RW);
}

static void
small_op(struct eph_xp *x, unsigned n, char op)
{
	struct small *s = x->arg;
	struct eph_ipi ipi = { .kind = EPH_IPI_INVLPG,
		.all = true,
		.npages = 1,
		.va = s->va,
		.arg = s };

	switch (op) {
	case 'n':
		small_store(x, 0);
		break;
	case 'm':
		small_store(x, 1);
		break;
	case 'u':
		eph_pmap_pte_store(x->mc, s->va, 0);
		break;
	case 'l':
		small_saw(s, n, eph_pmap_pte_load(x->mc, s->va));
		small_saw(s, n, s->looked);
		break;
	case 'r':
		small_touch(x->mc, s, n, EPH_TOUCH_READ);
		break;
	case 'w':
		small_touch(x->mc, s, n, EPH_TOUCH_WRITE);
		break;
	case 'i':
		eph_pmap_invlpg(x->mc, s->va);
		break;
	case 'f':
		eph_pmap_flush_local(x->mc, true);
		break;
	case 'j':
		small_ipi(x, &ipi, true);
		break;
	case 'k':
		ipi.kind = EPH_IPI_FLUSH;
		small_ipi(x, &ipi, true);
		break;
	case 'c':
		ipi.kind = EPH_IPI_CALL;
		ipi.fn = small_invalidate;
		small_ipi(x, &ipi, true);
		break;
	case 'd':
		ipi.kind = EPH_IPI_CALL;
		ipi.fn = small_look_twice;
		small_ipi(x, &ipi, false);
		break;
	case 'v':
		eph_store_32(x->mc, &s->word, 1, memory_order_relaxed);
		break;
	}
}

static void
small_thread(struct eph_xp *x, unsigned n)
{
	const char *p = ends->program;

	if (n == 1)
		p = strchr(p, '|') + 1;
	for (; *p != '\0' && *p != '|'; p++)
		small_op(x, n, *p);
}

static int
small_setup(struct eph_xp *x)
{
	struct small *s = eph_machine_alloc(x->mc, sizeof(*s));

	if ((x->arg = s) == NULL)
		return (ENOMEM);
	s->va = eph_kva_alloc(x->mc, 1);
	s->m[0] = eph_xp_page(x, 1);
	s->m[1] = eph_xp_page(x, 2);
	small_store(x, 0);
	return (eph_xp_thread(x, 0, small_thread, 0) != 0 ||
	    eph_xp_thread(x, 1, small_thread, 1) != 0);
}

static void
small_finish(struct eph_xp *x)
{
	const struct small *s = x->arg;

	/* The search began again. */
	if (ends->r.levels < ends->levels)
		ends->n = 0;
	ends->levels = ends->r.levels;
	for (size_t i = 0; i < ends->n; i++) {
		if (memcmp(ends->end[i].seen, s->seen, sizeof(s->seen)) == 0)
			return;
	}
	CU_ASSERT_FATAL(ends->n < ENDS);
	memcpy(ends->end[ends->n].seen, s->seen, sizeof(s->seen));
	ends->end[ends->n++].steps = (uint32_t)ends->levels;
}

static const struct eph_scenario small = {
	.abi = EPHMAP_ABI,
	.name = "small",
	.summary = "a program of a few letters",
	.cpus = 2,
	.no_design = true,
	.setup = small_setup,
	.finish = small_finish,
};

static int
small_compare(const void *a, const void *b)
{
	return (memcmp(a, b, sizeof(struct end)));
}

/* False: no stacks can be saved. */
static bool
small_search(const char *program, bool every_state, struct ends *to)
{
	const struct eph_explore_config cfg = { .scenario = &small,
		.strategy = "bfs",
		.every_state = every_state };
	struct eph_err err = { "" };
	int error;

	ends = to;
	memset(to, 0, sizeof(*to));
	to->program = program;
	if ((error = eph_explore(&cfg, &to->r, &err)) == ENOTSUP)
		return (false);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	CU_ASSERT_EQUAL(to->r.failure, EPH_FAIL_NONE);
	CU_ASSERT(to->r.exhausted);
	CU_ASSERT(every_state || to->r.late);
	qsort(to->end, to->n, sizeof(to->end[0]), small_compare);
	eph_explore_free(&to->r);
	return (true);
}

/*
 * TLBs that act late show threads all that they can see, and as soon.  Each
 * program has an end that, without what is written behind it, is not met, or
 * later.
 */
static void
test_late_tlbs_show_threads_the_same(void)
{
	static const char *const programs[] = {
		"ru|lmr",    /* evictions: what is reached is not there */
		"rml|r",     /* a load after one, which sets A again */
		"ilmr|r",    /* a load before an invalidation: A stays */
		"flmr|r",    /* before a flush */
		"jlmr|r",    /* before an interrupt that invalidates, */
		"klmr|r",    /* that flushes, */
		"clmr|r",    /* that calls what invalidates, */
		"udvnlmr|r", /* and in the middle of one */
		"wm|lrw",    /* before another CPU sets M */
	};
	static struct ends any, late;
	bool same;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (!small_search(programs[i], true, &any))
			return;
		(void)small_search(programs[i], false, &late);
		same = any.n == late.n &&
		    memcmp(any.end, late.end, any.n * sizeof(any.end[0])) == 0;
		if (!same)
			(void)printf("%s: %zu ends, %zu, or later\n",
			    programs[i], any.n, late.n);
		CU_ASSERT(same);
		CU_ASSERT(late.r.states < any.r.states);
	}
}

/* Without what is owed all is met as soon, in a third more states. */
static void
test_late_tlbs_take_turns(void)
{
	static struct ends any, late;

	if (!small_search("rml|rml", true, &any))
		return;
	(void)small_search("rml|rml", false, &late);
	CU_ASSERT_EQUAL(any.n, late.n);
	/* 449 of 1200, on arm64 399 of 980; owing nothing 622 and 550. */
	CU_ASSERT(late.r.states * 9 < any.r.states * 4);
}

/* The checks at an end unmap what is left; the next end finds it mapped. */
static void
test_checks_leave_the_next_end_alone(void)
{
	static const char *const names[] = { "lwbuf.homecpu" };
	const struct eph_explore_config how = { .repaired = true,
		.budget = 70000 };
	struct eph_explore_result r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!search(names[i], "kva-exhaustion", &how, &r))
			return;
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
		CU_ASSERT(r.exhausted);
		eph_explore_free(&r);
	}
}

/*
 * A word that few steps write, and that is mostly as it was at the start, is
 * met too: without it a thread here waits for ever for an interrupt that came.
 */
static void
test_words_that_are_met_seldom(void)
{
	static const char *const names[] = { "netbsd.pagermapin",
		"sun4.ppmapin" };
	const struct eph_explore_config how = { .ops = 1,
		.no_adversary = true };
	struct eph_explore_result r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!search(names[i], "same-cpu", &how, &r))
			return;
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
		CU_ASSERT(r.exhausted);
		eph_explore_free(&r);
	}
}

/*
 * A word that one step sets and the next ones set back: "meet" reads it right
 * between them, in one state of all.  Who looked at memory only now and then
 * would not see it, and prove that they never meet.
 */
struct brief {
	_Atomic(uint32_t) at[3]; /* how far threads are */
	uint32_t *word;
};

enum { BRIEF_CLEAR, BRIEF_MEET, BRIEF_SET };

static void
brief_thread(struct eph_xp *x, unsigned n)
{
	static const uint32_t steps[] = { 6, 3, 5 };
	struct brief *b = x->arg;

	for (uint32_t k = 1; k <= steps[n]; k++) {
		eph_store_32(x->mc, &b->at[n], k, memory_order_relaxed);
		if (n == BRIEF_MEET && k == 3 && *b->word == 1)
			PANIC("they meet");
		if (n == BRIEF_SET && k == 4 && b->at[BRIEF_CLEAR] == 3 &&
		    b->at[BRIEF_MEET] == 2)
			*b->word = 1;
		else if (n != BRIEF_MEET && *b->word != 0)
			*b->word = 0;
	}
}

/* `at` bytes behind where a page begins; before it is what all steps change. */
static int
brief_setup_at(struct eph_xp *x, size_t at)
{
	const size_t page = 65536; /* or less */
	char *p = eph_machine_alloc(x->mc, 4 * page);
	struct brief *b;

	if (p == NULL)
		return (ENOMEM);
	p += page - (uintptr_t)p % page;
	x->arg = b = (struct brief *)(void *)p;
	b->word = (uint32_t *)(void *)(p + at);
	return (eph_xp_thread(x, 0, brief_thread, BRIEF_CLEAR) != 0 ||
	    eph_xp_thread(x, 1, brief_thread, BRIEF_MEET) != 0 ||
	    eph_xp_thread(x, 2, brief_thread, BRIEF_SET) != 0);
}

static int
brief_setup_near(struct eph_xp *x)
{
	return (brief_setup_at(x, 1024));
}

static int
brief_setup_far(struct eph_xp *x)
{
	return (brief_setup_at(x, 65536 + 1024));
}

static void
brief_finish(struct eph_xp *x)
{
	(void)x;
}

static void
test_words_that_are_changed_for_a_step(void)
{
	const struct eph_scenario brief[] = {
		{ .abi = EPHMAP_ABI,
		    .name = "near",
		    .summary = "in a page that all steps write to",
		    .cpus = 3,
		    .no_design = true,
		    .setup = brief_setup_near,
		    .finish = brief_finish },
		{ .abi = EPHMAP_ABI,
		    .name = "far",
		    .summary = "in a page of its own",
		    .cpus = 3,
		    .no_design = true,
		    .setup = brief_setup_far,
		    .finish = brief_finish },
	};

	for (unsigned i = 0; i < 4; i++) {
		const struct eph_explore_config cfg = { .scenario =
							    &brief[i / 2],
			.strategy = "bfs",
			.every_state = i % 2 != 0 };
		struct eph_explore_result r;
		struct eph_err err = { "" };
		const int error = eph_explore(&cfg, &r, &err);

		if (error == ENOTSUP)
			return;
		CU_ASSERT_EQUAL_FATAL(error, 0);
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_PANIC);
		eph_explore_free(&r);
	}
}

/* Each thread of the same program, with its first operation only. */
static void
test_fewer_operations(void)
{
	const struct eph_explore_config one = { .ops = 1 };
	const struct eph_explore_config two = { .ops = 2 };
	const struct eph_explore_config all = { .seed = 1 };
	struct eph_explore_config many = { .ops = 3, .strategy = "bfs" };
	struct eph_explore_result r[3];
	struct eph_err err = { "" };

	if (!search("sf_buf.hash", "free-map", &one, &r[0]))
		return;
	(void)search("sf_buf.hash", "free-map", &two, &r[1]);
	(void)search("sf_buf.hash", "free-map", &all, &r[2]);
	CU_ASSERT(r[0].exhausted && r[1].exhausted && r[2].exhausted);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(r[0].program, "3 pages, 1 of 2 operations a thread"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(r[1].program, "3 pages, 2 operations a thread"));
	CU_ASSERT(r[0].states > 50 && r[0].states < r[1].states / 2);
	CU_ASSERT_EQUAL(r[1].states, r[2].states);
	for (unsigned i = 0; i < 3; i++)
		eph_explore_free(&r[i]);
	many.design = eph_design_find("sf_buf.hash");
	many.scenario = eph_scenario_find("free-map");
	CU_ASSERT_EQUAL(eph_explore(&many, &r[0], &err), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "expected at most so many"));
}

/* The flag of a page-table entry is read before the entry is stored. */
static void
test_only_unasked_loads_show_it(void)
{
	const struct eph_explore_config on = { .seed = 1 };
	const struct eph_explore_config off = { .no_adversary = true };
	struct eph_explore_config again = { .scenario = eph_scenario_find(
						"speculation") };
	struct eph_explore_result r, s;
	struct eph_err err = { "" };

	if (!search("sf_buf.accessed", "speculation", &on, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_STALE);
	again.design = eph_design_find("sf_buf.accessed");
	again.replay = r.schedule;
	CU_ASSERT_EQUAL_FATAL(eph_explore(&again, &s, &err), 0);
	CU_ASSERT_EQUAL(s.failure, EPH_FAIL_STALE);
	eph_explore_free(&s);
	eph_explore_free(&r);
	(void)search("sf_buf.accessed", "speculation", &off, &r);
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT(r.exhausted);
	eph_explore_free(&r);
}

static void
test_a_budget_ends_without_a_claim(void)
{
	const struct eph_explore_config how = { .budget = 200 };
	struct eph_explore_result r;

	if (!search("sf_buf.accessed", "free-map", &how, &r))
		return;
	CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
	CU_ASSERT_FALSE(r.exhausted);
	CU_ASSERT(r.frontier > 0);
	CU_ASSERT(r.states >= 200);
	eph_explore_free(&r);
}

/*
 * Programs that write to words which runs by chance seldom see: a lock of
 * boot, a cache's.  A state without them would be another state's.
 */
static void
test_words_that_are_met_late(void)
{
	static const char *const names[][2] = { { "dmap", "same-page" },
		{ "lwbuf.dmap", "same-page" },
		{ "lwbuf.objcache", "shared-use" } };
	const struct eph_explore_config how = { .seed = 1 };
	struct eph_explore_result r;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!search(names[i][0], names[i][1], &how, &r))
			return;
		CU_ASSERT_EQUAL(r.failure, EPH_FAIL_NONE);
		CU_ASSERT(r.exhausted);
		eph_explore_free(&r);
	}
}

/* The same program with fewer pages is a smaller one. */
static void
test_pages_are_taken_in_turn(void)
{
	const struct eph_explore_config both = { .seed = 1 };
	const struct eph_explore_config one = { .pages = 1 };
	struct eph_explore_result a, b;

	if (!search("sf_buf.accessed", "shared-use", &both, &a))
		return;
	(void)search("sf_buf.accessed", "shared-use", &one, &b);
	CU_ASSERT(a.exhausted && b.exhausted);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.program, "2 pages"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.program, "1 page,"));
	CU_ASSERT(b.states < a.states);
	eph_explore_free(&a);
	eph_explore_free(&b);
}

static CU_TestInfo tests[] = {
	TEST(test_equal_states_are_equal),
	TEST(test_choices_that_sleep_lose_nothing),
	TEST(test_late_tlbs_lose_nothing),
	TEST(test_late_tlbs_show_threads_the_same),
	TEST(test_late_tlbs_take_turns),
	TEST(test_checks_leave_the_next_end_alone),
	TEST(test_words_that_are_met_seldom),
	TEST(test_words_that_are_changed_for_a_step),
	TEST(test_fewer_operations),
	TEST(test_only_unasked_loads_show_it),
	TEST(test_a_budget_ends_without_a_claim),
	TEST(test_words_that_are_met_late),
	TEST(test_pages_are_taken_in_turn),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: all states", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

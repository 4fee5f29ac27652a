/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The protocols that put invalidations off, under explore: every design is
 * as safe with them as with one that waits, and a protocol that forgets its
 * own rule is found.
 *
 * With --long, 20,000 PCT schedules each.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/explore.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

#define SHORT_BUDGET  60u
#define LONG_BUDGET   20000u
#define BROKEN_BUDGET 3000u

static const char *const names[] = { "mach-queue", "idle-skip", "batched",
	"latr", "overlap", "at-receipt", "pm-gen", "lazy", "rar", "invlpgb",
	"tlbclock" };

enum { NAMES = sizeof(names) / sizeof(names[0]), NAMES_SHORT = 3 };

/* Designs */

/* A design without its known holes has none with this protocol. */
static void
explore_design(const struct eph_design_ops *d, const struct eph_scenario *sc,
    const struct eph_shootdown_ops *shootdown)
{
	const struct eph_shootdown_ops *asked = NULL;
	struct eph_design_ops repaired = *d;
	struct eph_explore_config cfg = { .design = &repaired,
		.scenario = sc,
		.shootdown = shootdown,
		.seed = 1,
		.budget = test_long ? LONG_BUDGET : SHORT_BUDGET };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	int error;

	(void)eph_design_repair(&repaired, &asked);
	error = eph_explore(&cfg, &r, &err);
	if (error == ENOTSUP) /* refused: the scenario is not for it */
		return;
	CU_ASSERT_EQUAL(error, 0);
	if (error != 0) {
		printf("%s, %s, %s: %s\n", d->name, sc->name, shootdown->name,
		    err.text);
		return;
	}
	if (r.failure != EPH_FAIL_NONE) {
		printf("%s, %s, %s: %s\n%s\n%s\n", d->name, sc->name,
		    shootdown->name, r.what, r.schedule, r.timeline);
		CU_FAIL("a design fails with a protocol that puts off");
	}
	eph_explore_free(&r);
}

/* With --long each with each; else every protocol has a share of designs. */
static void
test_designs_are_safe_with_every_protocol(void)
{
	const unsigned n = test_long ? NAMES : NAMES_SHORT;

	for (size_t i = 0; eph_scenarios[i] != NULL; i++) {
		const struct eph_scenario *sc = eph_scenarios[i];

		for (size_t k = 0; eph_designs[k] != NULL; k++) {
			if (sc->no_design ||
			    (sc->applies != NULL &&
				!sc->applies(eph_designs[k])))
				continue;
			for (unsigned p = 0; p < n; p++)
				explore_design(eph_designs[k], sc,
				    eph_shootdown_find(
					names[(i + k * n + p) % NAMES]));
		}
	}
}

/*
 * One address: CPU 0 enters a page, CPU 1 reads, CPU 0 removes it or enters
 * another in its place, and again.  CPU 1 may sleep meanwhile, so that it is
 * idle when the address changes, or enter and remove another itself, and so
 * do two threads of CPU 2: there are several initiators, and switches.
 */
struct reuse {
	eph_va_t va;
	_Atomic(uint32_t) turn;
};

#define REUSE_ROUNDS 4u

static struct eph_shootdown_ops protocol;

static void
reuse_wait(struct eph_xp *x, uint32_t turn)
{
	struct reuse *ru = x->arg;

	/* Acquire pairs with the release in reuse_pass. */
	while (eph_load_32(x->mc, &ru->turn, memory_order_acquire) != turn)
		(void)tsleep(x->mc, ru, 0, "turn", 1);
}

static void
reuse_pass(struct eph_xp *x, uint32_t turn)
{
	struct reuse *ru = x->arg;

	eph_store_32(x->mc, &ru->turn, turn, memory_order_release);
	wakeup(x->mc, ru);
}

static void
reuse_enter(struct eph_xp *x, unsigned n)
{
	struct reuse *ru = x->arg;

	(void)n;
	for (uint32_t k = 0; k < REUSE_ROUNDS; k++) {
		pmap_kenter(
		    x->mc, ru->va, vm_page_to_phys(eph_xp_page(x, 1 + k)));
		reuse_pass(x, 1);
		reuse_wait(x, 0);
		if (k % 2 == 0)
			pmap_kremove(x->mc, ru->va);
	}
}

/* Page number `k` of thread `n`, at its own address. */
static void
reuse_elsewhere(struct eph_xp *x, unsigned n, uint32_t k)
{
	struct reuse *ru = x->arg;
	const eph_va_t va = ru->va + eph_ptoa(n);
	struct vm_page *m = eph_xp_page(x, 10 * n + k);
	uint32_t reached;

	pmap_kenter(x->mc, va, vm_page_to_phys(m));
	(void)eph_machine_access(x->mc, va, EPH_TOUCH_READ, m, &reached);
	pmap_kremove(x->mc, va);
}

static void
reuse_read(struct eph_xp *x, unsigned n)
{
	struct reuse *ru = x->arg;
	uint32_t reached;

	for (uint32_t k = 0; k < REUSE_ROUNDS; k++) {
		reuse_wait(x, 1);
		(void)eph_machine_access(x->mc, ru->va, EPH_TOUCH_READ,
		    eph_xp_page(x, 1 + k), &reached);
		reuse_pass(x, 0);
		reuse_elsewhere(x, n, k);
	}
}

static void
reuse_alone(struct eph_xp *x, unsigned n)
{
	for (uint32_t k = 0; k < REUSE_ROUNDS; k++)
		reuse_elsewhere(x, n, k);
}

static int
reuse_setup(struct eph_xp *x)
{
	struct reuse *ru = eph_machine_alloc(x->mc, sizeof(*ru));

	if ((x->arg = ru) == NULL ||
	    eph_machine_set_shootdown(x->mc, &protocol) != 0)
		return (ENOMEM);
	ru->va = kva_alloc(x->mc, 4);
	if (eph_xp_thread(x, 0, reuse_enter, 0) != 0 ||
	    eph_xp_thread(x, 1, reuse_read, 1) != 0 ||
	    eph_xp_thread(x, 2, reuse_alone, 2) != 0 ||
	    eph_xp_thread(x, 2, reuse_alone, 3) != 0)
		return (ENOMEM);
	return (0);
}

static const struct eph_scenario scenario_reuse = {
	.abi = EPHMAP_ABI,
	.name = "reuse",
	.summary = "an address is entered, read elsewhere, removed, and again",
	.origin = "test",
	.cpus = 3,
	.no_design = true,
	.setup = reuse_setup,
};

static enum eph_failure
explore_one(const struct eph_scenario *sc, const char *strategy,
    uint64_t budget, bool weak, enum eph_failure broken_as)
{
	const struct eph_explore_config cfg = { .scenario = sc,
		.strategy = strategy,
		.weak_memory = weak,
		.budget = budget,
		.seed = 7 };
	struct eph_explore_result r;
	struct eph_err err = { "" };
	enum eph_failure failure;

	CU_ASSERT_EQUAL_FATAL(eph_explore(&cfg, &r, &err), 0);
	failure = r.failure;
	if (failure != EPH_FAIL_NONE && failure != broken_as)
		printf("%s: %s\n%s\n", protocol.name, r.what, r.timeline);
	eph_explore_free(&r);
	return (failure);
}

static void
test_an_address_is_used_again(void)
{
	const uint64_t budget = test_long ? 50 * LONG_BUDGET : 400;

	for (unsigned n = 0; n < NAMES; n++) {
		protocol = *eph_shootdown_find(names[n]);
		CU_ASSERT_EQUAL(explore_one(&scenario_reuse, "pct", budget,
				    false, EPH_FAIL_NONE),
		    EPH_FAIL_NONE);
		CU_ASSERT_EQUAL(explore_one(&scenario_reuse, "random", budget,
				    false, EPH_FAIL_NONE),
		    EPH_FAIL_NONE);
		CU_ASSERT_EQUAL(explore_one(&scenario_reuse, "random", budget,
				    true, EPH_FAIL_NONE),
		    EPH_FAIL_NONE);
	}
}

/*
 * A range: CPU 0 enters so many pages, reads them, and in turn the others do;
 * then other pages are entered in their place.  Every protocol, whether it
 * puts off or not; a page, several, and more than a protocol invalidates one
 * by one.
 */
#define RANGE_CPUS   3u
#define RANGE_PAGES  40u
#define RANGE_ROUNDS 3u

static unsigned range_pages;

static void
range_read(struct eph_xp *x, uint32_t round)
{
	struct reuse *ru = x->arg;
	uint32_t reached;

	for (unsigned k = 0; k < range_pages; k++)
		(void)eph_machine_access(x->mc, ru->va + eph_ptoa(k),
		    EPH_TOUCH_READ, eph_xp_page(x, round * RANGE_PAGES + k),
		    &reached);
}

static void
range_turns(struct eph_xp *x, unsigned n)
{
	struct reuse *ru = x->arg;
	struct vm_page *list[RANGE_PAGES];

	for (uint32_t round = 0; round < RANGE_ROUNDS; round++) {
		reuse_wait(x, n);
		for (unsigned k = 0; k < range_pages; k++)
			list[k] = eph_xp_page(x, round * RANGE_PAGES + k);
		if (n == 0)
			pmap_qenter(x->mc, ru->va, list, range_pages);
		range_read(x, round);
		reuse_pass(x, (n + 1) % RANGE_CPUS);
	}
}

static int
range_setup(struct eph_xp *x)
{
	struct reuse *ru = eph_machine_alloc(x->mc, sizeof(*ru));

	if ((x->arg = ru) == NULL ||
	    eph_machine_set_shootdown(x->mc, &protocol) != 0)
		return (ENOMEM);
	ru->va = kva_alloc(x->mc, RANGE_PAGES);
	for (unsigned c = 0; c < RANGE_CPUS; c++) {
		if (eph_xp_thread(x, c, range_turns, c) != 0)
			return (ENOMEM);
	}
	return (0);
}

static const struct eph_scenario scenario_range = {
	.abi = EPHMAP_ABI,
	.name = "range",
	.summary = "addresses are entered, read on every CPU, entered anew",
	.origin = "test",
	.cpus = RANGE_CPUS,
	.no_design = true,
	.setup = range_setup,
};

static void
test_a_range_is_used_again(void)
{
	static const unsigned pages[] = { 1, 3, RANGE_PAGES };
	const uint64_t budget = test_long ? LONG_BUDGET / 10 : 5;

	for (size_t n = 0; eph_shootdowns[n] != NULL; n++) {
		protocol = *eph_shootdowns[n];
		for (unsigned i = 0; i < 3; i++) {
			range_pages = pages[i];
			CU_ASSERT_EQUAL(explore_one(&scenario_range, "random",
					    budget, false, EPH_FAIL_NONE),
			    EPH_FAIL_NONE);
		}
	}
}

/*
 * Where others run as well, a target invalidates page by page up to the
 * protocol's ceiling, and flushes beyond.
 */
static bool range_flushes;

static void
range_finish(struct eph_xp *x)
{
	struct eph_counters c;

	eph_machine_counters(x->mc, &c);
	if ((c.flush_remote != 0) != range_flushes ||
	    (c.invlpg_remote != 0) == range_flushes)
		eph_xp_failure(x, EPH_FAIL_WRONG,
		    "%u pages: %u flushes and %u invlpg for others",
		    range_pages, (unsigned)c.flush_remote,
		    (unsigned)c.invlpg_remote);
}

static void
test_a_ceiling_is_the_same_where_others_run(void)
{
	static const struct {
		const char *name;
		unsigned pages; /* invalidated one by one */
	} ceiling[] = { { "acked-invlpg", RANGE_PAGES - 1 },
		{ "rendezvous", 1 }, { "early-ack", 33 },
		{ "overlap", RANGE_PAGES - 1 } };
	struct eph_scenario sc = scenario_range;

	sc.finish = range_finish;
	for (unsigned n = 0; n < sizeof(ceiling) / sizeof(ceiling[0]); n++) {
		protocol = *eph_shootdown_find(ceiling[n].name);
		for (unsigned more = 0; more < 2; more++) {
			range_pages = ceiling[n].pages + more;
			range_flushes = more != 0 && range_pages != RANGE_PAGES;
			CU_ASSERT_EQUAL(
			    explore_one(&sc, "random", 2, false, EPH_FAIL_NONE),
			    EPH_FAIL_NONE);
		}
	}
}

/*
 * A removal that a message asks for: CPU 0 may answer it while it waits for
 * the shootdown of a removal of its own.  Who sent it finds the entry gone.
 */
#define MESSAGES	6u
#define MESSAGE_FLUSHES 12u

static void
message_remove(struct eph_machine *mc, void *arg)
{
	const struct reuse *ru = arg;

	pmap_kremove(mc, ru->va);
}

static void
message_shoot(struct eph_xp *x, unsigned n)
{
	const struct reuse *ru = x->arg;
	const eph_va_t va = ru->va + eph_ptoa(1);

	(void)n;
	for (uint32_t k = 0; k < MESSAGE_FLUSHES; k++) {
		pmap_kenter(x->mc, va, vm_page_to_phys(eph_xp_page(x, 1 + k)));
		pmap_kremove(x->mc, va);
	}
}

static void
message_send(struct eph_xp *x, unsigned n)
{
	struct reuse *ru = x->arg;

	(void)n;
	for (uint32_t k = 0; k < MESSAGES; k++) {
		pmap_kenter(
		    x->mc, ru->va, vm_page_to_phys(eph_xp_page(x, 100 + k)));
		lwkt_wait_ipiq(
		    x->mc, 0, lwkt_send_ipiq(x->mc, 0, message_remove, ru));
		if ((pmap_pte_load(x->mc, ru->va) & EPH_PTE_V) != 0)
			eph_xp_failure(x, EPH_FAIL_WRONG,
			    "what a message removed is valid");
	}
}

static int
message_setup(struct eph_xp *x)
{
	struct reuse *ru = eph_machine_alloc(x->mc, sizeof(*ru));

	if ((x->arg = ru) == NULL ||
	    eph_machine_set_shootdown(x->mc, &protocol) != 0)
		return (ENOMEM);
	ru->va = kva_alloc(x->mc, 2);
	if (eph_ipiq_attach(x->mc) != 0 ||
	    eph_xp_thread(x, 0, message_shoot, 0) != 0 ||
	    eph_xp_thread(x, 1, message_send, 1) != 0)
		return (ENOMEM);
	return (0);
}

static const struct eph_scenario scenario_message = {
	.abi = EPHMAP_ABI,
	.name = "message",
	.summary = "a message removes while its CPU shoots",
	.origin = "test",
	.cpus = 2,
	.no_design = true,
	.setup = message_setup,
};

/*
 * Where the others stand in their handlers until the initiator is done, it
 * cannot interrupt them for a message, no more than in those kernels.
 */
static void
test_a_message_removes_while_its_cpu_shoots(void)
{
	for (size_t n = 0; eph_shootdowns[n] != NULL; n++) {
		protocol = *eph_shootdowns[n];
		if (strcmp(protocol.name, "rendezvous") == 0 ||
		    strcmp(protocol.name, "mach-queue") == 0)
			continue;
		CU_ASSERT_EQUAL(
		    explore_one(&scenario_message, "random",
			test_long ? LONG_BUDGET : 50, false, EPH_FAIL_NONE),
		    EPH_FAIL_NONE);
	}
}

/* Protocols that forget */

static void
forget_catch_up(struct eph_machine *mc)
{
	(void)mc;
}

/* An address is used again, and what was put off for it is not done. */
static void
forget_settle(struct eph_machine *mc, eph_va_t va)
{
	(void)mc;
	(void)va;
}

static void
expect_found(const char *name)
{
	if (explore_one(&scenario_reuse, "pct", BROKEN_BUDGET, false,
		EPH_FAIL_STALE) != EPH_FAIL_STALE) {
		printf("%s is not found\n", name);
		CU_FAIL("a broken protocol is not found");
	}
}

static void
test_a_cpu_that_wakes_and_forgets_is_found(void)
{
	static const char *const idle[] = { "mach-queue", "idle-skip", "pm-gen",
		"lazy" };

	for (unsigned n = 0; n < 4; n++) {
		protocol = *eph_shootdown_find(idle[n]);
		protocol.catch_up = forget_catch_up;
		expect_found(idle[n]);
	}
}

static void
test_an_address_that_is_used_without_asking_is_found(void)
{
	static const char *const settle[] = { "batched", "latr" };

	for (unsigned n = 0; n < 2; n++) {
		protocol = *eph_shootdown_find(settle[n]);
		protocol.settle = forget_settle;
		expect_found(settle[n]);
	}
}

static void
test_a_clock_that_is_not_told_of_a_change_is_found(void)
{
	protocol = *eph_shootdown_find("tlbclock");
	protocol.changed = forget_settle;
	expect_found("tlbclock");
}

static CU_TestInfo tests[] = {
	TEST(test_designs_are_safe_with_every_protocol),
	TEST(test_an_address_is_used_again),
	TEST(test_a_range_is_used_again),
	TEST(test_a_ceiling_is_the_same_where_others_run),
	TEST(test_a_message_removes_while_its_cpu_shoots),
	TEST(test_a_cpu_that_wakes_and_forgets_is_found),
	TEST(test_an_address_that_is_used_without_asking_is_found),
	TEST(test_a_clock_that_is_not_told_of_a_change_is_found),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "explore: protocols that put off", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

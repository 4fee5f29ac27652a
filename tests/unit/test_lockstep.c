/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lockstep's rules of order: who runs when after a wakeup, when interrupts
 * and messages land, what a delay does.
 */

#include <string.h>

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/kernel/sleepq.h"
#include "text_run.h"

static struct eph_machine *
machine(unsigned ncpus, const char *shootdown)
{
	const struct eph_machine_config cfg = { .tlb = "infinite",
		.ncpus = ncpus };
	struct eph_machine *mc = NULL;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_machine_set_shootdown(mc, eph_shootdown_find(shootdown)), 0);
	return (mc);
}

static void
an_unacked_flush_lands_before_the_targets_next_line(void)
{
	struct eph_machine *mc = machine(3, "unacked-flush");
	const eph_va_t va = kva_alloc(mc, 1);
	struct vm_page *a = vm_page_get(mc, 1), *b = vm_page_get(mc, 2);
	struct eph_counters c;
	uint32_t reached;

	eph_cpu_enter(mc, 0);
	pmap_qenter(mc, va, &a, 1);
	eph_cpu_enter(mc, 1);
	CU_ASSERT_EQUAL(
	    eph_machine_access(mc, va, EPH_TOUCH_READ, a, &reached), 0);
	eph_cpu_enter(mc, 0);
	pmap_qenter(mc, va, &b, 1);
	/* Counted when sent, applied later. */
	eph_machine_counters(mc, &c);
	CU_ASSERT_EQUAL(c.ipi_sent, 4);
	CU_ASSERT_EQUAL(c.flush_remote, 4);
	CU_ASSERT_TRUE(mc->cpus[1]->pending);
	/* Another CPU's line does not deliver it. */
	eph_cpu_enter(mc, 2);
	CU_ASSERT_TRUE(mc->cpus[1]->pending);
	eph_cpu_enter(mc, 1);
	CU_ASSERT_FALSE(mc->cpus[1]->pending);
	CU_ASSERT_EQUAL(
	    eph_machine_access(mc, va, EPH_TOUCH_READ, b, &reached), 0);
	CU_ASSERT_EQUAL(reached, 2);
	CU_ASSERT_EQUAL(mc->nviolations, 0);
	eph_lockstep_drain(mc);
	eph_machine_counters(mc, &c);
	CU_ASSERT_EQUAL(c.ipi_sent, 4);
	CU_ASSERT_EQUAL(c.needless_ipi, 3);
	kva_free(mc, va, 1);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
sleepers_run_after_the_line_in_the_order_they_slept(void)
{
	struct eph_run_result res;

	/*
	 * One buffer.  The wakeups chain: each sleeper's parked unmap lets
	 * the next one run, before the line `m 0 9 9`, which finds the
	 * buffer free and its page not there.
	 */
	CU_ASSERT_EQUAL(text_run("sf_buf.lru", 2, 1, "infinite",
			    "m 0 1 1\n"
			    "m 1 2 2\n"
			    "m 0 3 3\n"
			    "u 1 2\n"
			    "u 0 3\n"
			    "r 0 1\n"
			    "u 0 1\n"
			    "m 0 3 9\n"
			    "r 0 9\n"
			    "u 0 9\n",
			    &res),
	    0);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.wakeup, 2);
	CU_ASSERT_EQUAL(res.counters.wakeup_spurious, 0);
	CU_ASSERT_EQUAL(res.counters.miss, 3);
	CU_ASSERT_EQUAL(res.counters.hit_inactive, 1);
	CU_ASSERT_EQUAL(res.counters.stale_use, 0);
	CU_ASSERT_EQUAL(res.asleep, 0);
	CU_ASSERT_EQUAL(res.sleepers_peak, 2);
}

static void
a_slot_given_to_another_handle_does_not_disturb_the_sleeper(void)
{
	struct eph_run_result res;

	/* Handles 2 and 3 get the same slot: 2 is asleep when 3 maps. */
	CU_ASSERT_EQUAL(text_run("sf_buf.lru", 2, 1, "infinite",
			    "m 0 1 1\n"
			    "m 0 2 2\n"
			    "w 0 2\n"
			    "u 0 2\n"
			    "m 1 1 3\n"
			    "r 1 3\n"
			    "u 1 3\n"
			    "u 0 1\n",
			    &res),
	    0);
	CU_ASSERT_EQUAL(res.counters.map_calls, 3);
	CU_ASSERT_EQUAL(res.counters.hit_active, 1);
	CU_ASSERT_EQUAL(res.counters.miss, 2);
	CU_ASSERT_EQUAL(res.counters.tlb_miss, 2);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 3);
	CU_ASSERT_EQUAL(res.held_at_end, 0);
	CU_ASSERT_EQUAL(res.asleep, 0);
}

static void
lines_of_a_parked_handle_wait_its_next_map_included(void)
{
	struct eph_run_result res;

	CU_ASSERT_EQUAL(text_run("sf_buf.lru", 2, 1, "infinite",
			    "m 0 1 1\n"
			    "m 0 2 2\n"
			    "u 0 2\n"
			    "m 0 1 2\n" /* would hit if it did not wait */
			    "u 0 2\n"
			    "u 0 1\n",
			    &res),
	    0);
	CU_ASSERT_EQUAL(res.counters.hit_active, 0);
	CU_ASSERT_EQUAL(res.counters.miss, 3);
	CU_ASSERT_EQUAL(res.counters.evict, 2);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 3);
}

static void
sleepers_at_the_end_are_only_asleep(void)
{
	struct eph_run_result res;

	CU_ASSERT_EQUAL(text_run("sf_buf.cpumask", 2, 1, "infinite",
			    "m 0 1 1\n"
			    "m 0 2 2\n"
			    "r 0 2\n"
			    "m 1 3 3 nowait\n", /* no such flag: sleeps */
			    &res),
	    0);
	CU_ASSERT_EQUAL(res.asleep, 2);
	CU_ASSERT_EQUAL(res.held_at_end, 1);
	CU_ASSERT_EQUAL(res.counters.map_calls, 1);
	CU_ASSERT_EQUAL(res.counters.sleep, 2);
	CU_ASSERT_EQUAL(res.counters.tlb_miss, 0);
	CU_ASSERT_TRUE(res.nowait_ignored);
}

static void
lines_of_a_failed_handle_are_skipped(void)
{
	struct eph_run_result res;

	CU_ASSERT_EQUAL(text_run("sf_buf.accessed", 2, 1, "infinite",
			    "m 0 1 1\n"
			    "m 0 2 2 nowait\n"
			    "k 0 2\n"
			    "r 0 2\n"
			    "u 0 2\n"
			    "u 0 1\n"
			    "m 0 2 2 nowait\n"
			    "u 0 2\n",
			    &res),
	    0);
	CU_ASSERT_EQUAL(res.counters.map_calls, 3);
	CU_ASSERT_EQUAL(res.counters.map_fail, 1);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 2);
	CU_ASSERT_EQUAL(res.counters.kva_calls, 0);
	CU_ASSERT_EQUAL(res.counters.tlb_miss, 0);
	CU_ASSERT_FALSE(res.nowait_ignored);
}

static void
a_delay_ends_holds_and_wakes_afterwards(void)
{
	const struct eph_run_config cfg = {
		.tlb = "infinite", .cpus = 2, .nbufs = 1, .hold_ns = 10
	};
	struct eph_run_result res;
	struct eph_err err;

	/*
	 * The first is held for 10 ns, the second sleeps until a delay has
	 * passed that, and is then held for 10 ns from the delay's end.
	 */
	CU_ASSERT_EQUAL(text_run_config("sf_buf.lru", &cfg,
			    "p 0 1\n"
			    "p 1 2\n"
			    "d 9\n"
			    "d 100\n"
			    "m 0 2 1\n" /* still referenced */
			    "u 0 1\n"
			    "d 9\n"
			    "m 0 2 2\n"
			    "u 0 2\n"
			    "d 1\n"
			    "m 0 2 3\n" /* not any more */
			    "u 0 3\n",
			    &res, &err),
	    0);
	CU_ASSERT_EQUAL(res.counters.sleep, 1);
	CU_ASSERT_EQUAL(res.counters.miss, 2);
	CU_ASSERT_EQUAL(res.counters.hit_active, 2);
	CU_ASSERT_EQUAL(res.counters.hit_inactive, 1);
	CU_ASSERT_EQUAL(res.counters.unmap_calls, 5);
}

struct order {
	char said[64];
	struct eph_machine *mc;
};

struct word {
	struct order *order;
	char letter;
};

static void
say(struct eph_machine *mc, void *arg)
{
	const struct word *w = arg;
	char *said = w->order->said;
	const size_t n = strlen(said);

	(void)mc;
	said[n] = w->letter;
	said[n + 1] = '\0';
}

static void
timers_run_by_time_then_by_cpu(void)
{
	struct eph_machine *mc = machine(3, "acked-invlpg");
	struct order o = { .said = "" };
	struct word w[5] = { { &o, 'a' }, { &o, 'b' }, { &o, 'c' }, { &o, 'd' },
		{ &o, 'e' } };

	CU_ASSERT_EQUAL(mc->exec->timer(mc, 20, 0, say, &w[3]), 0);
	CU_ASSERT_EQUAL(mc->exec->timer(mc, 10, 2, say, &w[2]), 0);
	CU_ASSERT_EQUAL(mc->exec->timer(mc, 10, 0, say, &w[0]), 0);
	CU_ASSERT_EQUAL(mc->exec->timer(mc, 10, 1, say, &w[1]), 0);
	CU_ASSERT_EQUAL(mc->exec->timer(mc, 21, 0, say, &w[4]), 0);
	CU_ASSERT_EQUAL(eph_lockstep_next_timer(mc), 10);
	eph_lockstep_delay(mc, 9);
	CU_ASSERT_STRING_EQUAL(o.said, "");
	eph_lockstep_delay(mc, 11);
	CU_ASSERT_STRING_EQUAL(o.said, "abcd");
	CU_ASSERT_EQUAL(mc->clock_ns, 20);
	CU_ASSERT_EQUAL(eph_lockstep_next_timer(mc), 21);
	eph_lockstep_delay(mc, 1);
	CU_ASSERT_STRING_EQUAL(o.said, "abcde");
	CU_ASSERT_EQUAL(eph_lockstep_next_timer(mc), UINT64_MAX);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
passive_messages_wait_for_a_line_a_delay_or_the_end(void)
{
	struct eph_machine *mc = machine(3, "acked-invlpg");
	struct order o = { .said = "" };
	struct word w[4] = { { &o, 'a' }, { &o, 'b' }, { &o, 'c' },
		{ &o, 'd' } };
	struct eph_counters c;

	CU_ASSERT_EQUAL_FATAL(ipiq_attach(mc), 0);
	eph_cpu_enter(mc, 0);
	(void)lwkt_send_ipiq_passive(mc, 1, say, &w[0]);
	(void)lwkt_send_ipiq_passive(mc, 1, say, &w[1]);
	eph_cpu_enter(mc, 2);
	CU_ASSERT_STRING_EQUAL(o.said, "");
	eph_cpu_enter(mc, 1);
	CU_ASSERT_STRING_EQUAL(o.said, "ab");
	eph_cpu_enter(mc, 0);
	(void)lwkt_send_ipiq_passive(mc, 1, say, &w[2]);
	eph_lockstep_delay(mc, 0);
	CU_ASSERT_STRING_EQUAL(o.said, "abc");
	(void)lwkt_send_ipiq_passive(mc, 2, say, &w[3]);
	eph_lockstep_drain(mc);
	CU_ASSERT_STRING_EQUAL(o.said, "abcd");
	eph_machine_counters(mc, &c);
	CU_ASSERT_EQUAL(c.ipiq_msg, 4);
	CU_ASSERT_EQUAL(c.ipiq_passive, 4);
	CU_ASSERT_EQUAL(c.ipi_sent, 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
messages_sent_before_a_delay_come_before_its_timers(void)
{
	struct eph_machine *mc = machine(3, "acked-invlpg");
	struct order o = { .said = "" };
	struct word w[2] = { { &o, 'm' }, { &o, 't' } };

	CU_ASSERT_EQUAL_FATAL(ipiq_attach(mc), 0);
	eph_cpu_enter(mc, 0);
	CU_ASSERT_EQUAL(mc->exec->timer(mc, 5, 0, say, &w[1]), 0);
	(void)lwkt_send_ipiq_passive(mc, 1, say, &w[0]);
	eph_lockstep_delay(mc, 5);
	CU_ASSERT_STRING_EQUAL(o.said, "mt");
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
a_fifo_past_half_kicks_its_target(void)
{
	struct eph_machine *mc = machine(2, "acked-invlpg");
	struct order o = { .said = "" };
	struct word w = { &o, 'x' };
	struct eph_counters c;

	CU_ASSERT_EQUAL_FATAL(ipiq_attach(mc), 0);
	eph_cpu_enter(mc, 0);
	for (unsigned i = 0; i <= EPH_IPIQ_FIFO; i++)
		(void)lwkt_send_ipiq_passive(mc, 1, say, &w);
	eph_machine_counters(mc, &c);
	CU_ASSERT_TRUE(mc->ipiq_kick >= 1);
	CU_ASSERT_EQUAL(c.ipi_sent, mc->ipiq_kick);
	CU_ASSERT_TRUE(strlen(o.said) > 0);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(strlen(o.said), EPH_IPIQ_FIFO + 1);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static CU_TestInfo tests[] = {
	TEST(an_unacked_flush_lands_before_the_targets_next_line),
	TEST(sleepers_run_after_the_line_in_the_order_they_slept),
	TEST(a_slot_given_to_another_handle_does_not_disturb_the_sleeper),
	TEST(lines_of_a_parked_handle_wait_its_next_map_included),
	TEST(sleepers_at_the_end_are_only_asleep),
	TEST(lines_of_a_failed_handle_are_skipped),
	TEST(a_delay_ends_holds_and_wakes_afterwards),
	TEST(timers_run_by_time_then_by_cpu),
	TEST(passive_messages_wait_for_a_line_a_delay_or_the_end),
	TEST(messages_sent_before_a_delay_come_before_its_timers),
	TEST(a_fifo_past_half_kicks_its_target),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "lockstep", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

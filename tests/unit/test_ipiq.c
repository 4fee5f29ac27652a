/* SPDX-License-Identifier: BSD-2-Clause */

/* LWKT IPI queues: who is interrupted, and when messages run. */

#include <errno.h>
#include <string.h>

#include "rig.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "test_main.h"

#define N 4u

static struct rig rig;
static struct eph_machine *mc; /* its */
static struct eph_counters last;
static unsigned ran[64]; /* arguments of messages, in order */
static unsigned ran_on[64];
static unsigned nran;

static int
setup(void)
{
	rig_i386(&rig, NULL, N, 0);
	mc = rig.mc;
	nran = 0;
	if (ipiq_attach(mc) != 0)
		return (1);
	eph_machine_counters(mc, &last);
	return (0);
}

static void
open_machine(void)
{
	CU_ASSERT_EQUAL_FATAL(setup(), 0);
	eph_cpu_enter(mc, 0);
}

static void
close_machine(void)
{
	rig_close(&rig);
}

static struct eph_counters
cost(void)
{
	struct eph_counters now, diff;

	eph_machine_counters(mc, &now);
	eph_counters_sub(&diff, &now, &last);
	last = now;
	return (diff);
}

static void
note(struct eph_machine *m, void *arg)
{
	CU_ASSERT_FATAL(nran < 64);
	ran_on[nran] = eph_curcpu(m)->id;
	ran[nran++] = (unsigned)(uintptr_t)arg;
}

#define ARG(n) ((void *)(uintptr_t)(n))

static void
test_to_oneself_runs_at_once(void)
{
	struct eph_counters c;

	open_machine();
	CU_ASSERT_EQUAL(lwkt_send_ipiq(mc, 0, note, ARG(1)), 0);
	CU_ASSERT_EQUAL(nran, 1);
	CU_ASSERT_EQUAL(lwkt_send_ipiq_nowait(mc, 0, note, ARG(2)), 0);
	CU_ASSERT_EQUAL(nran, 2);
	lwkt_wait_ipiq(mc, 0, 0);
	c = cost();
	CU_ASSERT_EQUAL(c.ipiq_msg + c.ipi_sent, 0);
	close_machine();
}

/*
 *	first	1 message, 1 interrupt
 *	more	1 message each, avoided, until the target has drained
 */
static void
test_messages_share_an_interrupt(void)
{
	struct eph_counters c;

	open_machine();
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(lwkt_send_ipiq(mc, 1, note, ARG(i)), i + 1);
	c = cost();
	CU_ASSERT_EQUAL(c.ipiq_msg, 5);
	CU_ASSERT_EQUAL(c.ipi_sent, 1);
	CU_ASSERT_EQUAL(c.ipiq_avoided, 4);
	CU_ASSERT_EQUAL(c.ipiq_passive, 0);
	CU_ASSERT_EQUAL(nran, 0);
	CU_ASSERT(lwkt_ipiq_pending(mc, 1));
	eph_cpu_enter(mc, 1);
	CU_ASSERT_EQUAL(nran, 5);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(ran[i], i);
		CU_ASSERT_EQUAL(ran_on[i], 1);
	}
	CU_ASSERT_FALSE(lwkt_ipiq_pending(mc, 1));
	eph_cpu_enter(mc, 0);
	(void)lwkt_send_ipiq(mc, 1, note, ARG(9));
	CU_ASSERT_EQUAL(cost().ipi_sent, 1);
	close_machine();
}

static void
test_passive_waits_for_the_next_poll(void)
{
	struct eph_counters c;

	open_machine();
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(1));
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(2));
	c = cost();
	CU_ASSERT_EQUAL(c.ipiq_msg, 2);
	CU_ASSERT_EQUAL(c.ipiq_passive, 2);
	CU_ASSERT_EQUAL(c.ipi_sent, 0);
	CU_ASSERT_EQUAL(c.ipiq_avoided, 0);
	eph_cpu_enter(mc, 2);
	CU_ASSERT_EQUAL(nran, 0);
	eph_cpu_enter(mc, 1);
	CU_ASSERT_EQUAL(nran, 2);

	/* Time passing is a poll too. */
	(void)lwkt_send_ipiq_passive(mc, 3, note, ARG(3));
	eph_lockstep_delay(mc, 1);
	CU_ASSERT_EQUAL(nran, 3);
	CU_ASSERT_EQUAL(ran_on[2], 3);
	close_machine();
}

/* A passive message is no outstanding interrupt. */
static void
test_passive_does_not_hide_the_next_interrupt(void)
{
	struct eph_counters c;

	open_machine();
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(1));
	(void)lwkt_send_ipiq(mc, 1, note, ARG(2));
	c = cost();
	CU_ASSERT_EQUAL(c.ipi_sent, 1);
	CU_ASSERT_EQUAL(c.ipiq_avoided, 0);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 2);
	CU_ASSERT_EQUAL(ran[0], 1);
	close_machine();
}

static void
passive_to_oneself(void *arg)
{
	(void)arg;
	(void)setup();
	eph_cpu_enter(mc, 0);
	(void)lwkt_send_ipiq_passive(mc, 0, note, NULL);
}

static void
test_passive_to_oneself_is_a_panic(void)
{
	CU_ASSERT(
	    test_dies(passive_to_oneself, NULL, "passive message to oneself"));
}

/*
 * 16 entries: the tenth message finds 9, which is over half; the target is
 * run at once, and the queue is empty for it.
 */
static void
test_over_half_full_kicks_the_target(void)
{
	struct eph_counters c;

	open_machine();
	for (unsigned i = 0; i < 9; i++)
		(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(i));
	CU_ASSERT_EQUAL(nran, 0);
	CU_ASSERT_EQUAL(mc->ipiq_kick, 0);
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(9));
	CU_ASSERT_EQUAL(nran, 9);
	CU_ASSERT_EQUAL(mc->ipiq_kick, 1);
	c = cost();
	CU_ASSERT_EQUAL(c.ipi_sent, 1);
	CU_ASSERT_EQUAL(c.ipiq_msg, 10);
	CU_ASSERT_EQUAL(eph_curcpu(mc)->id, 0);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 10);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(ran[i], i);
	close_machine();
}

/* FIFOs are by source: nine from each of three fill none. */
static void
test_each_pair_has_its_own_fifo(void)
{
	open_machine();
	for (unsigned s = 0; s < 3; s++) {
		eph_cpu_enter(mc, s);
		for (unsigned i = 0; i < 9; i++)
			(void)lwkt_send_ipiq_passive(
			    mc, 3, note, ARG(s * 10 + i));
	}
	CU_ASSERT_EQUAL(mc->ipiq_kick, 0);
	eph_cpu_enter(mc, 3);
	CU_ASSERT_EQUAL(nran, 27);
	for (unsigned i = 0; i < 27; i++)
		CU_ASSERT_EQUAL(ran[i], i / 9 * 10 + i % 9);
	close_machine();
}

/* Ten entries are two thirds of 16. */
static void
test_nowait_fails_at_two_thirds(void)
{
	struct eph_counters c;

	open_machine();
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(lwkt_send_ipiq_nowait(mc, 1, note, ARG(i)), 0);
	CU_ASSERT_EQUAL(lwkt_send_ipiq_nowait(mc, 1, note, ARG(10)), ENOENT);
	c = cost();
	CU_ASSERT_EQUAL(c.ipiq_msg, 10);
	CU_ASSERT_EQUAL(c.ipi_sent, 1);
	CU_ASSERT_EQUAL(c.ipiq_avoided, 9);
	CU_ASSERT_EQUAL(mc->ipiq_kick, 0);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 10);
	CU_ASSERT_EQUAL(lwkt_send_ipiq_nowait(mc, 1, note, ARG(11)), 0);
	eph_lockstep_drain(mc);
	close_machine();
}

static void
test_mask_sends_to_each_and_runs_its_own(void)
{
	eph_cpuword_t mask = 0xd; /* 0, 2 and 3 */
	struct eph_counters c;

	open_machine();
	CU_ASSERT_EQUAL(lwkt_send_ipiq_mask(mc, &mask, note, ARG(1)), 3);
	CU_ASSERT_EQUAL(nran, 1);
	c = cost();
	CU_ASSERT_EQUAL(c.ipiq_msg, 2);
	CU_ASSERT_EQUAL(c.ipi_sent, 2);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 3);
	CU_ASSERT_EQUAL(ran_on[1], 2);
	CU_ASSERT_EQUAL(ran_on[2], 3);
	close_machine();
}

static void
test_wait_returns_when_the_message_has_run(void)
{
	uint32_t seq;

	open_machine();
	(void)lwkt_send_ipiq(mc, 2, note, ARG(1));
	seq = lwkt_send_ipiq(mc, 2, note, ARG(2));
	lwkt_wait_ipiq(mc, 2, seq);
	CU_ASSERT_EQUAL(nran, 2);
	lwkt_wait_ipiq(mc, 2, seq);
	CU_ASSERT_EQUAL(nran, 2);
	close_machine();
}

/* A message that handles messages: each runs once, in order. */
static void
process_again(struct eph_machine *m, void *arg)
{
	note(m, arg);
	/* Relies on nothing but the public call. */
	(void)lwkt_send_ipiq(m, 0, note, ARG(40));
	lwkt_process_ipiq(m);
	note(m, ARG(50));
}

static void
test_messages_run_once_though_a_message_drains(void)
{
	open_machine();
	eph_cpu_enter(mc, 2);
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(20));
	eph_cpu_enter(mc, 0);
	(void)lwkt_send_ipiq_passive(mc, 1, process_again, ARG(0));
	for (unsigned i = 1; i < 5; i++)
		(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(i));
	/* Late enough for the bit of the source to be set again. */
	eph_cpu_enter(mc, 1);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 8);
	CU_ASSERT_EQUAL(ran[0], 0);
	/* CPU 2's message was handled from within CPU 0's first one. */
	CU_ASSERT_EQUAL(ran[1], 20);
	CU_ASSERT_EQUAL(ran[2], 50);
	for (unsigned i = 1; i < 5; i++)
		CU_ASSERT_EQUAL(ran[2 + i], i);
	CU_ASSERT_EQUAL(ran[7], 40);
	close_machine();
}

/* From within a message, more arrive in the FIFO that is being drained. */
static void
refill(struct eph_machine *m, void *arg)
{
	struct eph_cpu *target = m->cur;

	note(m, arg);
	m->cur = m->cpus[0];
	(void)lwkt_send_ipiq_passive(m, target->id, note, ARG(30));
	m->cur = target;
	lwkt_process_ipiq(m);
	note(m, ARG(31));
}

static void
test_nested_drain_of_one_fifo_runs_nothing_twice(void)
{
	static const unsigned expect[] = { 0, 1, 2, 30, 31 };

	open_machine();
	(void)lwkt_send_ipiq_passive(mc, 1, refill, ARG(0));
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(1));
	(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(2));
	eph_cpu_enter(mc, 1);
	eph_lockstep_drain(mc);
	CU_ASSERT_EQUAL(nran, 5);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(ran[i], expect[i]);
	eph_cpu_enter(mc, 0);
	lwkt_wait_ipiq(mc, 1, 4);
	close_machine();
}

/* Handlers run in a critical section of the target. */
static void
note_crit(struct eph_machine *m, void *arg)
{
	note(m, arg);
	CU_ASSERT_EQUAL(eph_curcpu(m)->crit, 1);
}

static void
test_handlers_run_in_a_critical_section(void)
{
	open_machine();
	(void)lwkt_send_ipiq(mc, 1, note_crit, ARG(1));
	eph_cpu_enter(mc, 1);
	CU_ASSERT_EQUAL(nran, 1);
	CU_ASSERT_EQUAL(eph_curcpu(mc)->crit, 0);
	close_machine();
}

/* Numbers of messages go on for ever, through zero. */
static void
test_many_messages(void)
{
	open_machine();
	for (unsigned i = 0; i < 1000; i++) {
		(void)lwkt_send_ipiq_passive(mc, 1, note, ARG(i));
		if (i % 3 == 0)
			eph_lockstep_drain(mc);
		if (nran > 40)
			nran = 0;
	}
	CU_ASSERT_EQUAL(cost().ipi_sent, 0);
	CU_ASSERT_EQUAL(ipiq_attach(mc), 0);
	close_machine();
}

static CU_TestInfo tests[] = {
	TEST(test_to_oneself_runs_at_once),
	TEST(test_messages_share_an_interrupt),
	TEST(test_passive_waits_for_the_next_poll),
	TEST(test_passive_does_not_hide_the_next_interrupt),
	TEST(test_passive_to_oneself_is_a_panic),
	TEST(test_over_half_full_kicks_the_target),
	TEST(test_each_pair_has_its_own_fifo),
	TEST(test_nowait_fails_at_two_thirds),
	TEST(test_mask_sends_to_each_and_runs_its_own),
	TEST(test_wait_returns_when_the_message_has_run),
	TEST(test_messages_run_once_though_a_message_drains),
	TEST(test_nested_drain_of_one_fifo_runs_nothing_twice),
	TEST(test_handlers_run_in_a_critical_section),
	TEST(test_many_messages),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "ipiq", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/* tsleep, wakeup, signals, timeouts, and the locks around them. */

#include "ephmap/kernel/sleepq.h"

#include <errno.h>
#include <string.h>

#include "test_main.h"

struct world {
	struct eph_machine *mc;
	struct eph_mutex lock;
	int chan[2];
	bool open; /* for who waits until it is */
	char said[64];
};

struct who {
	struct world *w;
	char letter;
	int chan;
	unsigned flags;
	uint64_t timo;
	unsigned sleeps; /* this many times before it is content */
	int error;
	int errors[2];	      /* of one who sleeps twice, whatever comes */
	uint32_t slept, vain; /* as its thread counts, at its end */
	struct eph_thread *td;
};

static void
sleeper(void *arg)
{
	struct who *me = arg;
	struct world *w = me->w;
	const char word[2] = { me->letter, '\0' };

	mutex_enter(w->mc, &w->lock);
	for (unsigned i = 0; i < me->sleeps && me->error == 0; i++)
		me->error = msleep(w->mc, &w->chan[me->chan], &w->lock,
		    me->flags, "test", me->timo);
	msleep_done(w->mc);
	me->slept = w->mc->exec->curthread(w->mc)->nsleeps;
	me->vain = w->mc->exec->curthread(w->mc)->nspurious;
	CU_ASSERT_TRUE(mutex_owned(&w->lock));
	mutex_exit(w->mc, &w->lock);
	(void)strcat(w->said, word);
}

static void
sleeps_twice(void *arg)
{
	struct who *me = arg;
	struct world *w = me->w;

	mutex_enter(w->mc, &w->lock);
	for (unsigned i = 0; i < 2; i++) {
		me->errors[i] =
		    msleep(w->mc, &w->chan[0], &w->lock, PCATCH, "test", 0);
		msleep_done(w->mc);
	}
	mutex_exit(w->mc, &w->lock);
}

static void
open_world(struct world *w)
{
	const struct eph_machine_config cfg = { .ncpus = 2 };

	memset(w, 0, sizeof(*w));
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &w->mc, NULL), 0);
	mutex_init(&w->lock, "test");
}

static struct eph_counters
counters(const struct world *w)
{
	struct eph_counters c;

	eph_machine_counters(w->mc, &c);
	return (c);
}

static void
start(struct world *w, struct who *who, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		who[i].w = w;
		if (who[i].sleeps == 0)
			who[i].sleeps = 1;
		who[i].td = eph_thread_create(w->mc, i % 2, sleeper, &who[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(who[i].td);
	}
	CU_ASSERT_EQUAL(eph_run(w->mc), n);
	CU_ASSERT_FALSE(mutex_owned(&w->lock));
}

static void
wakeup_wakes_all_of_a_channel_in_order(void)
{
	struct world w;
	struct who who[4] = { { .letter = 'a' }, { .letter = 'b', .chan = 1 },
		{ .letter = 'c' }, { .letter = 'd' } };

	open_world(&w);
	start(&w, who, 4);
	CU_ASSERT_TRUE(sleepq_waiting(w.mc, &w.chan[0]));
	wakeup(w.mc, &w.chan[0]);
	CU_ASSERT_FALSE(sleepq_waiting(w.mc, &w.chan[0]));
	CU_ASSERT_TRUE(sleepq_waiting(w.mc, &w.chan[1]));
	CU_ASSERT_EQUAL(eph_run(w.mc), 1);
	CU_ASSERT_STRING_EQUAL(w.said, "acd");
	wakeup(w.mc, &w.chan[1]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_STRING_EQUAL(w.said, "acdb");
	CU_ASSERT_EQUAL(counters(&w).sleep, 4);
	CU_ASSERT_EQUAL(counters(&w).wakeup, 4);
	CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static void
wakeup_one_wakes_who_slept_first(void)
{
	struct world w;
	struct who who[3] = { { .letter = 'a', .sleeps = 2 }, { .letter = 'b' },
		{ .letter = 'c' } };

	open_world(&w);
	start(&w, who, 3);
	wakeup_one(w.mc, &w.chan[0]);
	/* It found nothing and sleeps again, behind the others. */
	CU_ASSERT_EQUAL(eph_run(w.mc), 3);
	CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 1);
	wakeup_one(w.mc, &w.chan[0]);
	wakeup_one(w.mc, &w.chan[0]);
	wakeup_one(w.mc, &w.chan[0]);
	wakeup_one(w.mc, &w.chan[0]); /* nobody there */
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_STRING_EQUAL(w.said, "bca");
	CU_ASSERT_EQUAL(counters(&w).sleep, 4);
	CU_ASSERT_EQUAL(counters(&w).wakeup, 4);
	CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 1);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(who[i].slept, i == 0 ? 2 : 1);
		CU_ASSERT_EQUAL(who[i].vain, i == 0 ? 1 : 0);
	}
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

/* One that comes before the sleep, or between the wakeup and the run. */
static void
a_signal_is_taken_once(void)
{
	for (unsigned woken = 0; woken < 2; woken++) {
		struct world w;
		struct who me = { .letter = 'a' };

		open_world(&w);
		me.w = &w;
		me.td = eph_thread_create(w.mc, 0, sleeps_twice, &me);
		CU_ASSERT_PTR_NOT_NULL_FATAL(me.td);
		if (woken) {
			CU_ASSERT_EQUAL(eph_run(w.mc), 1);
			wakeup(w.mc, &w.chan[0]);
		}
		sleepq_signal(w.mc, me.td);
		CU_ASSERT_EQUAL(eph_run(w.mc), 1);
		CU_ASSERT_EQUAL(me.errors[0], EINTR);
		wakeup(w.mc, &w.chan[0]);
		CU_ASSERT_EQUAL(eph_run(w.mc), 0);
		CU_ASSERT_EQUAL(me.errors[1], 0);
		CU_ASSERT_EQUAL(counters(&w).sleep, 2);
		CU_ASSERT_EQUAL(counters(&w).wakeup, 1 + woken);
		CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 0);
		CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
	}
}

static void
a_signal_needs_pcatch(void)
{
	struct world w;
	struct who who[2] = { { .letter = 'a', .flags = PCATCH },
		{ .letter = 'b' } };

	open_world(&w);
	start(&w, who, 2);
	sleepq_signal(w.mc, who[0].td);
	sleepq_signal(w.mc, who[1].td);
	CU_ASSERT_EQUAL(eph_run(w.mc), 1);
	CU_ASSERT_STRING_EQUAL(w.said, "a");
	CU_ASSERT_EQUAL(who[0].error, EINTR);
	/* A signal is not a wakeup. */
	CU_ASSERT_EQUAL(counters(&w).wakeup, 0);
	wakeup(w.mc, &w.chan[0]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_EQUAL(who[1].error, 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static void
a_timed_sleep_ends(void)
{
	struct world w;
	struct who who[2] = { { .letter = 'a', .timo = 100 },
		{ .letter = 'b', .timo = 50 } };

	open_world(&w);
	start(&w, who, 2);
	eph_lockstep_delay(w.mc, 49);
	CU_ASSERT_EQUAL(eph_run(w.mc), 2);
	eph_lockstep_delay(w.mc, 1);
	CU_ASSERT_EQUAL(eph_run(w.mc), 1);
	CU_ASSERT_EQUAL(who[1].error, EWOULDBLOCK);
	wakeup(w.mc, &w.chan[0]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_EQUAL(who[0].error, 0);
	/* Its timeout finds nobody. */
	eph_lockstep_delay(w.mc, 1000);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_STRING_EQUAL(w.said, "ba");
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

/*
 * By time, then CPU, then who slept first.  A wakeup takes the timeout
 * back: who was woken and sleeps again stands behind.
 */
static void
sleeps_that_end_together_end_in_order(void)
{
	struct world w;
	struct who who[3] = { { .letter = 'a', .timo = 100, .sleeps = 2 },
		{ .letter = 'x', .timo = 100 },
		{ .letter = 'b', .timo = 100 } };

	open_world(&w);
	start(&w, who, 3);
	wakeup_one(w.mc, &w.chan[0]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 3);
	CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 1);
	eph_lockstep_delay(w.mc, 100);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_STRING_EQUAL(w.said, "bax");
	CU_ASSERT_EQUAL(who[0].error, EWOULDBLOCK);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static bool
is_open(void *arg)
{
	return (((const struct world *)arg)->open);
}

static void
waits_until_open(void *arg)
{
	struct who *me = arg;
	struct world *w = me->w;

	mutex_enter(w->mc, &w->lock);
	msleep_until(w->mc, &w->chan[0], &w->lock, "test", is_open, w);
	w->open = false;
	me->slept = w->mc->exec->curthread(w->mc)->nsleeps;
	me->vain = w->mc->exec->curthread(w->mc)->nspurious;
	mutex_exit(w->mc, &w->lock);
}

/* All are woken, the first goes on, the others have slept in vain. */
static void
who_waits_until_something_counts_each_sleep(void)
{
	struct world w;
	struct who who[3] = { { .chan = 0 }, { .chan = 0 }, { .chan = 0 } };

	open_world(&w);
	for (unsigned i = 0; i < 3; i++) {
		who[i].w = &w;
		CU_ASSERT_PTR_NOT_NULL_FATAL(
		    eph_thread_create(w.mc, 1, waits_until_open, &who[i]));
	}
	for (unsigned left = 3; left > 0; left--) {
		CU_ASSERT_EQUAL(eph_run(w.mc), left);
		w.open = true;
		wakeup(w.mc, &w.chan[0]);
	}
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(who[i].slept, 1 + i);
		CU_ASSERT_EQUAL(who[i].vain, i);
	}
	CU_ASSERT_EQUAL(counters(&w).sleep, 3 + 2 + 1);
	CU_ASSERT_EQUAL(counters(&w).wakeup, 3 + 2 + 1);
	CU_ASSERT_EQUAL(counters(&w).wakeup_spurious, 2 + 1);
	/* All on the CPU that they are on. */
	CU_ASSERT_EQUAL(w.mc->cpus[1]->c.sleep, 3 + 2 + 1);
	CU_ASSERT_EQUAL(w.mc->cpus[1]->c.wakeup_spurious, 2 + 1);
	/* At first, and after each wakeup. */
	CU_ASSERT_EQUAL(counters(&w).lock_acquire, 3 + 3 + 2 + 1);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static void
wakeup_mycpu_wakes_who_slept_here(void)
{
	struct world w;
	struct who who[4] = { { .letter = 'a' }, { .letter = 'b' },
		{ .letter = 'c', .chan = 1 }, { .letter = 'd', .chan = 1 } };

	open_world(&w);
	start(&w, who, 4);
	eph_cpu_enter(w.mc, 1);
	wakeup_mycpu(w.mc, &w.chan[0]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 3);
	CU_ASSERT_STRING_EQUAL(w.said, "b");
	eph_cpu_enter(w.mc, 0);
	wakeup_mycpu(w.mc, &w.chan[1]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 2);
	CU_ASSERT_STRING_EQUAL(w.said, "bc");
	wakeup(w.mc, &w.chan[0]);
	wakeup(w.mc, &w.chan[1]);
	CU_ASSERT_EQUAL(eph_run(w.mc), 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static void
sleep_outside_a_thread(void *arg)
{
	struct world *w = arg;

	(void)tsleep(w->mc, &w->chan[0], 0, "test", 0);
}

static void
lock_twice(void *arg)
{
	struct world *w = arg;

	mutex_enter(w->mc, &w->lock);
	w->mc->has_observer = true; /* locks are checked when watched */
	w->mc->observer = NULL;
	mutex_enter(w->mc, &w->lock);
}

static void
mistakes_panic(void)
{
	struct world w;

	open_world(&w);
	CU_ASSERT_TRUE(test_dies(sleep_outside_a_thread, &w, ""));
	CU_ASSERT_TRUE(test_dies(lock_twice, &w, "lock"));
	mutex_enter(w.mc, &w.lock);
	CU_ASSERT_TRUE(mutex_owned(&w.lock));
	mutex_exit(w.mc, &w.lock);
	CU_ASSERT_FALSE(mutex_owned(&w.lock));
	CU_ASSERT_EQUAL(counters(&w).lock_acquire, 1);
	CU_ASSERT_EQUAL(counters(&w).lock_contended, 0);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static CU_TestInfo tests[] = {
	TEST(wakeup_wakes_all_of_a_channel_in_order),
	TEST(wakeup_one_wakes_who_slept_first),
	TEST(a_signal_is_taken_once),
	TEST(a_signal_needs_pcatch),
	TEST(a_timed_sleep_ends),
	TEST(sleeps_that_end_together_end_in_order),
	TEST(who_waits_until_something_counts_each_sleep),
	TEST(wakeup_mycpu_wakes_who_slept_here),
	TEST(mistakes_panic),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "sleepq", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

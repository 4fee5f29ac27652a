/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sleep queues: one list in the order of going to sleep, searched by
 * channel.  Designs sleep on one channel each, so the first entry is nearly
 * always the one that is looked for.
 *
 * A sleeper is queued before its mutex is released, under the queue's lock,
 * which the executor releases once the thread no longer runs: no wakeup can
 * fall between.  wakeup_one() takes the first sleeper even if a signal was
 * sent to it already, because the kernels did; a sleeper that a signal took
 * away has left the list, one that both reached returns EINTR and the
 * wakeup is lost.
 *
 * Key: (s) fields of struct eph_thread are guarded by the executor's
 * sleepq_enter().
 */

#include "ephmap/kernel/sleepq.h"

#include <errno.h>

#include "base/kassert.h"
#include "kern/services.h"
#include "machine/access.h"

struct eph_sleepq {
	struct eph_thread *first; /* (s) slept longest */
	struct eph_thread *last;  /* (s) */
};

int
eph__sleepq_boot(struct eph_machine *mc)
{
	mc->sleepq = eph_machine_alloc(mc, sizeof(*mc->sleepq));
	return (mc->sleepq != NULL ? 0 : ENOMEM);
}

void
eph__sleepq_shutdown(struct eph_machine *mc)
{
	eph_machine_free(mc, mc->sleepq, sizeof(*mc->sleepq));
	mc->sleepq = NULL;
}

static void
sleepq_append(struct eph_sleepq *sq, struct eph_thread *td)
{
	td->sq_next = NULL;
	td->sq_prev = sq->last;
	if (sq->last != NULL)
		sq->last->sq_next = td;
	else
		sq->first = td;
	sq->last = td;
}

static void
sleepq_remove(struct eph_sleepq *sq, struct eph_thread *td)
{
	if (td->sq_prev != NULL)
		td->sq_prev->sq_next = td->sq_next;
	else
		sq->first = td->sq_next;
	if (td->sq_next != NULL)
		td->sq_next->sq_prev = td->sq_prev;
	else
		sq->last = td->sq_prev;
	td->wchan = NULL;
}

static struct eph_thread *
sleepq_find(struct eph_sleepq *sq, const void *wchan)
{
	struct eph_thread *td = sq->first;

	while (td != NULL && td->wchan != wchan)
		td = td->sq_next;
	return (td);
}

static void sleepq_timeout(struct eph_machine *mc, void *arg);

/*
 * Take `td` off the queue and make it runnable with `error`.  Its timer, if
 * any, must not find the next sleep of this thread.
 */
static void
sleepq_resume(struct eph_machine *mc, struct eph_thread *td, int error)
{
	if (td->timed && error != EWOULDBLOCK)
		mc->exec->untimer(mc, sleepq_timeout, td);
	sleepq_remove(mc->sleepq, td);
	td->wake_error = error;
	mc->exec->unblock(mc, td);
}

/*
 * A timed sleep's end.  With threads the timer of an earlier sleep, already
 * on its way when that was woken, may still come: it comes before the
 * deadline of this one.
 */
static void
sleepq_timeout(struct eph_machine *mc, void *arg)
{
	struct eph_thread *td = arg;

	mc->exec->sleepq_enter(mc);
	if (td->wchan != NULL && td->timed && mc->clock_ns >= td->deadline_ns)
		sleepq_resume(mc, td, EWOULDBLOCK);
	mc->exec->sleepq_exit(mc);
}

/*
 * A sleeper that runs again looks for signals before anything else, as the
 * kernels' tsleep() does: one that was woken and signalled says EINTR.
 */
static void
sleepq_catch(struct eph_machine *mc, struct eph_thread *td)
{
	if ((td->sleep_flags & PCATCH) == 0)
		return;
	mc->exec->sleepq_enter(mc);
	if (td->signalled && td->wake_error == 0) {
		td->signalled = false;
		td->wake_error = EINTR;
	}
	mc->exec->sleepq_exit(mc);
}

/*
 * The sleep itself.  With `crit` the caller's one critical section is left
 * once the thread is queued, so that no interrupt's wakeup can be missed,
 * and without a poll: block() is where the CPU goes on.
 */
static int
sleepq_sleep(struct eph_machine *mc, const void *wchan, struct eph_mutex *mtx,
    unsigned flags, const char *wmesg, uint64_t timo_ns, bool crit)
{
	struct eph_thread *td = mc->exec->curthread(mc);
	struct eph_cpu *cpu = eph_curcpu(mc);

	if (td == NULL)
		PANIC("kernel/sleepq.h: tsleep outside a thread: none could "
		      "wake it");
	KASSERT(wchan != NULL, "kernel/sleepq.h: a channel is an address");
	KASSERT(mtx == NULL || mutex_owned(mtx),
	    "kernel/sleepq.h: the mutex is held by who sleeps");
	mc->exec->sleepq_enter(mc);
	cpu->c.sleep++;
	td->nsleeps++;
	if (td->woken) {
		td->nspurious++;
		cpu->c.wakeup_spurious++;
	}
	td->woken = false;
	if ((flags & PCATCH) != 0 &&
	    (eph_machine_fails(mc, EPH_FAULT_SLEEP) || td->signalled)) {
		td->signalled = false;
		mc->exec->sleepq_exit(mc);
		return (EINTR);
	}
	td->cpu = cpu->id;
	td->wchan = wchan;
	td->wmesg = wmesg;
	td->sleep_flags = flags;
	td->deadline_ns = mc->clock_ns + timo_ns;
	td->timed = timo_ns != 0;
	td->wake_error = 0;
	sleepq_append(mc->sleepq, td);
	EPH_EVENT(mc, EPH_EV_SLEEP, cpu->id, 0, 0, 0, wmesg);
	if (timo_ns != 0 &&
	    mc->exec->timer(
		mc, mc->clock_ns + timo_ns, cpu->id, sleepq_timeout, td) != 0)
		PANIC("out of memory for a timer");
	if (mtx != NULL)
		mutex_exit(mc, mtx);
	if (crit)
		cpu->crit--;
	mc->exec->block(mc, td);
	if (crit)
		crit_enter(mc);
	sleepq_catch(mc, td);
	if (mtx != NULL)
		mutex_enter(mc, mtx);
	return (td->wake_error);
}

int
msleep(struct eph_machine *mc, const void *wchan, struct eph_mutex *mtx,
    unsigned flags, const char *wmesg, uint64_t timo_ns)
{
	KASSERT(eph_curcpu(mc)->crit == 0,
	    "kernel/sleepq.h: a thread sleeps in a critical section");
	return (sleepq_sleep(mc, wchan, mtx, flags, wmesg, timo_ns, false));
}

/* With `crit` from a critical section, without a mutex. */
static void
sleepq_until(struct eph_machine *mc, const struct eph_until *until,
    struct eph_mutex *mtx, const char *wmesg, bool crit)
{
	struct eph_thread *td = mc->exec->curthread(mc);

	KASSERT(td != NULL,
	    "kernel/sleepq.h: outside a thread nothing could wake it");
	do {
		td->until = until;
		if (crit)
			(void)ssleep(mc, until->wchan, NULL, 0, wmesg, 0);
		else
			(void)msleep(mc, until->wchan, mtx, 0, wmesg, 0);
		td->until = NULL;
	} while (!until->ready(until->arg));
}

void
msleep_until(struct eph_machine *mc, const void *wchan, struct eph_mutex *mtx,
    const char *wmesg, bool (*ready)(void *arg), void *arg)
{
	const struct eph_until until = { ready, arg, wchan, mtx };

	sleepq_until(mc, &until, mtx, wmesg, false);
}

void
ssleep_until(struct eph_machine *mc, const void *wchan, const char *wmesg,
    bool (*ready)(void *arg), void *arg)
{
	const struct eph_until until = { ready, arg, wchan, NULL };

	sleepq_until(mc, &until, NULL, wmesg, true);
}

/*
 * All that a thread would do that was woken in vain, and more threads are
 * woken so than do anything else where wakeup() is for everybody: take the
 * mutex, look, sleep again at the end of the queue.
 */
bool
eph__sleepq_again(struct eph_machine *mc, struct eph_thread *td)
{
	const struct eph_until *until = td->until;
	struct eph_cpu *cpu = mc->cur;

	if (eph_likely(until == NULL) || !mc->plain || until->ready(until->arg))
		return (false);
	if (until->mtx != NULL)
		cpu->c.lock_acquire++;
	cpu->c.sleep++;
	cpu->c.wakeup_spurious++;
	td->nsleeps++;
	td->nspurious++;
	td->woken = false;
	td->wchan = until->wchan;
	sleepq_append(mc->sleepq, td);
	return (true);
}

int
ssleep(struct eph_machine *mc, const void *wchan, struct eph_mutex *spin,
    unsigned flags, const char *wmesg, uint64_t timo_ns)
{
	KASSERT(eph_curcpu(mc)->crit == 1,
	    "kernel/sleepq.h: ssleep() leaves exactly one critical section");
	return (sleepq_sleep(mc, wchan, spin, flags, wmesg, timo_ns, true));
}

int
tsleep(struct eph_machine *mc, const void *wchan, unsigned flags,
    const char *wmesg, uint64_t timo_ns)
{
	return (msleep(mc, wchan, NULL, flags, wmesg, timo_ns));
}

static void
sleepq_wake(struct eph_machine *mc, struct eph_thread *td)
{
	eph_curcpu(mc)->c.wakeup++;
	td->woken = true;
	EPH_EVENT(mc, EPH_EV_WAKEUP, td->cpu, 0, 0, 0, td->wmesg);
	sleepq_resume(mc, td, 0);
}

void
wakeup(struct eph_machine *mc, const void *wchan)
{
	struct eph_thread *td, *next;

	mc->exec->sleepq_enter(mc);
	for (td = mc->sleepq->first; td != NULL; td = next) {
		next = td->sq_next;
		if (td->wchan == wchan)
			sleepq_wake(mc, td);
	}
	mc->exec->sleepq_exit(mc);
}

void
wakeup_one(struct eph_machine *mc, const void *wchan)
{
	struct eph_thread *td;

	mc->exec->sleepq_enter(mc);
	if ((td = sleepq_find(mc->sleepq, wchan)) != NULL)
		sleepq_wake(mc, td);
	mc->exec->sleepq_exit(mc);
}

void
wakeup_mycpu(struct eph_machine *mc, const void *wchan)
{
	const unsigned me = eph_curcpu(mc)->id;
	struct eph_thread *td, *next;

	mc->exec->sleepq_enter(mc);
	for (td = mc->sleepq->first; td != NULL; td = next) {
		next = td->sq_next;
		if (td->wchan == wchan && td->cpu == me)
			sleepq_wake(mc, td);
	}
	mc->exec->sleepq_exit(mc);
}

void
sleepq_signal(struct eph_machine *mc, struct eph_thread *td)
{
	mc->exec->sleepq_enter(mc);
	if (td->wchan != NULL && (td->sleep_flags & PCATCH) != 0)
		sleepq_resume(mc, td, EINTR);
	else
		td->signalled = true;
	mc->exec->sleepq_exit(mc);
}

bool
sleepq_waiting(struct eph_machine *mc, const void *wchan)
{
	bool waiting;

	mc->exec->sleepq_enter(mc);
	waiting = sleepq_find(mc->sleepq, wchan) != NULL;
	mc->exec->sleepq_exit(mc);
	return (waiting);
}

void
msleep_done(struct eph_machine *mc)
{
	struct eph_thread *td = mc->exec->curthread(mc);

	if (td != NULL)
		td->woken = false;
}

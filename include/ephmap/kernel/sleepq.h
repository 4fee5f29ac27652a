/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_SLEEPQ_H
#define EPHMAP_KERNEL_SLEEPQ_H

/*
 * tsleep and wakeup.
 *
 * A sleeper waits on a channel, any address.  wakeup() makes all sleepers
 * of a channel runnable, wakeup_one() the one that slept first, even if a
 * signal is already taking it away: the lost wakeup of the kernels is ours
 * too.  A sleeper that was woken and sleeps again on the same channel
 * before msleep_done() counts as wakeup_spurious.
 */

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/malloc.h"
#include "ephmap/kernel/mutex.h"

/*
 * Release `mtx` (NULL: none), sleep on `wchan`, take `mtx` again.  `timo_ns`
 * 0 sleeps without limit.  Never call it in a critical section.  Returns 0
 * after a wakeup, EINTR after a signal with PCATCH, EWOULDBLOCK after
 * `timo_ns`.
 *
 * Only a thread of an executor can sleep; in lockstep without one the
 * machine panics, because no thread could ever wake the caller.
 */
int eph_msleep(struct eph_machine *mc, const void *wchan, struct eph_mutex *mtx,
    unsigned flags, const char *wmesg, uint64_t timo_ns);

/*
 * msleep() once, and again while ready(arg) says that what was waited for is
 * not there: the loop that a caller of wakeup()'s channels has around it, up to
 * the last sleep.  ready() is called with the mutex, by whom it is the turn of;
 * when it says no it has done what a look in vain does.  Counts each sleep.
 *
 * Without an observer a sleeper that is woken in vain is not switched to.
 */
void eph_msleep_until(struct eph_machine *mc, const void *wchan,
    struct eph_mutex *mtx, const char *wmesg, bool (*ready)(void *arg),
    void *arg);

/* The same around ssleep() in a critical section, without a lock. */
void eph_ssleep_until(struct eph_machine *mc, const void *wchan,
    const char *wmesg, bool (*ready)(void *arg), void *arg);

/* msleep without a mutex; `tsleep` of the BSDs. */
int eph_tsleep(struct eph_machine *mc, const void *wchan, unsigned flags,
    const char *wmesg, uint64_t timo_ns);

/*
 * msleep for what a critical section guards: the caller is in exactly one,
 * with the spin lock `spin` (NULL: with none), and leaves both while it
 * sleeps, as a thread that blocks in the kernels does.
 */
int eph_ssleep(struct eph_machine *mc, const void *wchan,
    struct eph_mutex *spin, unsigned flags, const char *wmesg,
    uint64_t timo_ns);

void eph_wakeup(struct eph_machine *mc, const void *wchan);
void eph_wakeup_one(struct eph_machine *mc, const void *wchan);

/* Those sleepers of a channel that went to sleep on this CPU. */
void eph_wakeup_mycpu(struct eph_machine *mc, const void *wchan);

/* Send a signal: a sleeper with PCATCH returns EINTR. */
void eph_sleepq_signal(struct eph_machine *mc, struct eph_thread *td);

/* Is anybody asleep on `wchan`? */
bool eph_sleepq_waiting(struct eph_machine *mc, const void *wchan);

/* The loop around msleep() got what it waited for. */
void eph_msleep_done(struct eph_machine *mc);

#endif /* !EPHMAP_KERNEL_SLEEPQ_H */

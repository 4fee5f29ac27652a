/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * LWKT IPI queues.
 *
 * What it does.  A message for another CPU goes into the FIFO that this
 * CPU has for that target; the target drains its FIFOs when an interrupt
 * or a poll tells it to.  Each FIFO has one writer and one reader, so two
 * indices are enough and no lock is taken.
 *
 * Invariant.  windex - rindex is at most EPH_IPIQ_FIFO.  xindex follows
 * rindex: a message is taken off before it runs, and counts as executed
 * after, so that lwkt_wait_ipiq() means "has run".
 *
 *	send				ipiq_msg	ipi_sent
 *	no interrupt outstanding	1		1
 *	one outstanding			1		0, ipiq_avoided
 *	passive				1		0, ipiq_passive
 *	FIFO over half full, first	-		1, ipiq_kick
 *
 * The original kicks, with interrupts enabled, until the FIFO is down to a
 * quarter, and handles its own messages meanwhile, because the target may
 * be waiting for it in the same way.
 *
 * FIFOs are made when a pair of CPUs first talks: N squared of them would
 * be half a gigabyte on 1024 CPUs.
 *
 * Locking.  (w) written by the source, (r) by the target, both read by the
 * other; (p) any source; (c) constant once made.
 *
 * After DragonFly's lwkt_ipiq.c, 2004 to 2010; the passive send of 2004-04
 * still interrupted, ours is the later one.
 */

#include "ephmap/kernel/ipiq.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "machine/access.h"

struct ipiq_msg {
	eph_ipifunc *fn;
	void *arg;
};

struct ipiq {
	_Atomic(uint32_t) windex; /* (w) next to write */
	_Atomic(uint32_t) rindex; /* (r) next to take off */
	_Atomic(uint32_t) xindex; /* (r) next to finish */
	_Atomic(uint32_t) npoll;  /* (p) an interrupt is outstanding */
	struct ipiq_msg fifo[EPH_IPIQ_FIFO]; /* (w) */
};

/* A CPU's queues as a target, by source. */
struct eph_ipiq_cpu {
	_Atomic(uint64_t) from[EPH_CPUSET_WORDS_MAX]; /* (p) sources to ask */
	_Atomic(uintptr_t) queue[]; /* (p) struct ipiq *, set once */
};

static size_t
ipiq_cpu_bytes(const struct eph_machine *mc)
{
	return (sizeof(struct eph_ipiq_cpu) +
	    mc->ncpus * sizeof(_Atomic(uintptr_t)));
}

void
ipiq_shutdown(struct eph_machine *mc)
{
	for (unsigned t = 0; t < mc->ncpus; t++) {
		struct eph_ipiq_cpu *in = mc->cpus[t]->ipiq;

		if (in == NULL)
			continue;
		for (unsigned s = 0; s < mc->ncpus; s++)
			/* Relaxed: nothing runs any more. */
			eph_machine_free(mc,
			    (void *)atomic_load_explicit(
				&in->queue[s], memory_order_relaxed),
			    sizeof(struct ipiq));
		eph_machine_free(mc, in, ipiq_cpu_bytes(mc));
		mc->cpus[t]->ipiq = NULL;
	}
}

int
ipiq_attach(struct eph_machine *mc)
{
	for (unsigned t = 0; t < mc->ncpus; t++) {
		if (mc->cpus[t]->ipiq != NULL)
			continue;
		mc->cpus[t]->ipiq = eph_machine_alloc(mc, ipiq_cpu_bytes(mc));
		if (mc->cpus[t]->ipiq == NULL)
			return (ENOMEM);
	}
	return (0);
}

/* The FIFO from `source` to `target`; made by the source, its only writer. */
static struct ipiq *
ipiq_get(struct eph_machine *mc, unsigned source, unsigned target)
{
	struct eph_ipiq_cpu *in = mc->cpus[target]->ipiq;
	uintptr_t q;

	KASSERT(in != NULL, "ipiq_attach() has not been called");
	/* Relaxed: we are the one who stored it. */
	q = atomic_load_explicit(&in->queue[source], memory_order_relaxed);
	if (q == 0) {
		q = (uintptr_t)eph_machine_alloc(mc, sizeof(struct ipiq));
		if (q == 0)
			PANIC("out of memory for an IPI queue");
		/* Release: the target reads a FIFO of zeroes. */
		atomic_store_explicit(
		    &in->queue[source], q, memory_order_release);
	}
	return ((struct ipiq *)q);
}

static uint32_t
ipiq_backlog(struct eph_machine *mc, struct ipiq *q)
{
	/* Acquire: an entry that was taken off may be written again. */
	return (eph_load_32(mc, &q->windex, memory_order_relaxed) -
	    eph_load_32(mc, &q->rindex, memory_order_acquire));
}

/*
 * Drain one FIFO for the current CPU.  A message may send messages, wait
 * for room, and so come here again: rindex is read anew each time round,
 * and xindex only grows.
 */
static void
ipiq_drain(struct eph_machine *mc, struct ipiq *q)
{
	uint32_t r;

	/*
	 * npoll goes down before windex is read again: a message that this
	 * pass does not see finds it down and interrupts.
	 */
	eph_store_32(mc, &q->npoll, 0, memory_order_seq_cst);
	/* Relaxed: only this CPU writes rindex and xindex. */
	while ((r = eph_load_32(mc, &q->rindex, memory_order_relaxed)) !=
	    eph_load_32(mc, &q->windex, memory_order_seq_cst)) {
		const struct ipiq_msg msg = q->fifo[r % EPH_IPIQ_FIFO];

		r++;
		/* Release: the entry has been read. */
		eph_store_32(mc, &q->rindex, r, memory_order_release);
		msg.fn(mc, msg.arg);
		if ((int32_t)(r -
			eph_load_32(mc, &q->xindex, memory_order_relaxed)) > 0)
			/* Release: a waiter sees what the message did. */
			eph_store_32(mc, &q->xindex, r, memory_order_release);
	}
}

void
lwkt_process_ipiq(struct eph_machine *mc)
{
	struct eph_cpu *me = eph_curcpu(mc);
	struct eph_ipiq_cpu *in = me->ipiq;

	if (in == NULL)
		return;
	me->crit++;
	for (unsigned w = 0; w < mc->cpuwords; w++) {
		uint64_t word;

		/*
		 * One bit at a time: a message that waits for room drains
		 * the sources we have not come to, or nobody would.
		 * Acquire pairs with the release in ipiq_enqueue.
		 */
		while ((word = eph_load_64(
			    mc, &in->from[w], memory_order_relaxed)) != 0) {
			const unsigned s = eph_cpuword_first(word);

			(void)eph_fetchand_64(mc, &in->from[w],
			    ~eph_cpuset_bit(s), memory_order_acquire);
			ipiq_drain(mc,
			    (struct ipiq *)atomic_load_explicit(
				&in->queue[w * 64 + s], memory_order_acquire));
		}
	}
	me->crit--;
}

bool
lwkt_ipiq_pending(struct eph_machine *mc, unsigned cpu)
{
	struct eph_ipiq_cpu *in = mc->cpus[cpu]->ipiq;
	uint64_t any = 0;

	for (unsigned w = 0; in != NULL && w < mc->cpuwords; w++)
		/* Relaxed: a hint, the drain looks properly. */
		any |= atomic_load_explicit(&in->from[w], memory_order_relaxed);
	return (any != 0);
}

static void
ipiq_intr(struct eph_machine *mc, void *arg)
{
	(void)arg;
	lwkt_process_ipiq(mc);
}

/* Interrupt `target`; with `wait`, until it has drained its queues. */
static void
ipiq_interrupt(struct eph_machine *mc, unsigned target, bool wait)
{
	eph_cpuword_t set[EPH_CPUSET_WORDS_MAX] = { 0 };
	const struct eph_ipi ipi = { .kind = EPH_IPI_CALL, .fn = ipiq_intr };

	eph_cpuset_set(set, target);
	eph_ipi(mc, set, &ipi, wait);
}

/*
 * Make room.  With threads and explore the target drains while we spin and
 * answer our own messages; in lockstep it is run at once.
 */
static void
ipiq_make_room(struct eph_machine *mc, struct ipiq *q, unsigned target)
{
	if (ipiq_backlog(mc, q) <= EPH_IPIQ_FIFO / 2)
		return;
	/* Relaxed: a statistic. */
	(void)atomic_fetch_add_explicit(
	    &mc->ipiq_kick, 1, memory_order_relaxed);
	ipiq_interrupt(mc, target, eph_serial(mc));
	while (ipiq_backlog(mc, q) > EPH_IPIQ_FIFO / 4) {
		lwkt_process_ipiq(mc);
		mc->exec->spin(mc);
	}
}

void
lwkt_ipiq_make_room(struct eph_machine *mc, const eph_cpuword_t *mask)
{
	const unsigned me = eph_curcpu(mc)->id;
	uintptr_t q;

	if (mc->cpus[me]->ipiq == NULL)
		return;
	EPH_CPUSET_FOREACH(cpu, mask, mc->cpuwords)
	{
		/* Relaxed: we are the one who stored it, see ipiq_get. */
		q = atomic_load_explicit(
		    &mc->cpus[cpu]->ipiq->queue[me], memory_order_relaxed);
		if (q != 0)
			ipiq_make_room(mc, (struct ipiq *)q, cpu);
	}
}

/* Write the message; returns its sequence number. */
static uint32_t
ipiq_enqueue(struct eph_machine *mc, struct ipiq *q, unsigned target,
    eph_ipifunc *fn, void *arg)
{
	struct eph_cpu *me = eph_curcpu(mc);
	struct eph_ipiq_cpu *in = mc->cpus[target]->ipiq;
	/* Relaxed: only this CPU writes windex. */
	const uint32_t w = eph_load_32(mc, &q->windex, memory_order_relaxed);

	q->fifo[w % EPH_IPIQ_FIFO] = (struct ipiq_msg){ fn, arg };
	me->c.ipiq_msg++;
	/* Sequentially consistent against npoll, see ipiq_drain. */
	eph_store_32(mc, &q->windex, w + 1, memory_order_seq_cst);
	/* Release: the target finds the message behind the bit. */
	(void)eph_fetchor_64(mc, &in->from[me->id >> 6], eph_cpuset_bit(me->id),
	    memory_order_release);
	return (w + 1);
}

/* Write the message, and interrupt unless an interrupt is on its way. */
static uint32_t
ipiq_send(struct eph_machine *mc, struct ipiq *q, unsigned target,
    eph_ipifunc *fn, void *arg)
{
	const uint32_t seq = ipiq_enqueue(mc, q, target, fn, arg);

	if (eph_swap_32(mc, &q->npoll, 1, memory_order_seq_cst) == 0)
		ipiq_interrupt(mc, target, false);
	else
		EPH_COUNT(mc, ipiq_avoided);
	return (seq);
}

uint32_t
lwkt_send_ipiq(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg)
{
	struct ipiq *q;
	uint32_t seq;

	if (target == eph_curcpu(mc)->id) {
		fn(mc, arg);
		return (0);
	}
	crit_enter(mc);
	q = ipiq_get(mc, eph_curcpu(mc)->id, target);
	ipiq_make_room(mc, q, target);
	seq = ipiq_send(mc, q, target, fn, arg);
	crit_exit(mc);
	return (seq);
}

uint32_t
lwkt_send_ipiq_passive(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg)
{
	struct ipiq *q;
	uint32_t seq;

	KASSERT(target != eph_curcpu(mc)->id, "a passive message to oneself");
	crit_enter(mc);
	q = ipiq_get(mc, eph_curcpu(mc)->id, target);
	ipiq_make_room(mc, q, target);
	seq = ipiq_enqueue(mc, q, target, fn, arg);
	EPH_COUNT(mc, ipiq_passive);
	if (eph_serial(mc))
		cpu_mark_pending(mc->cpus[target]);
	crit_exit(mc);
	return (seq);
}

int
lwkt_send_ipiq_nowait(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg)
{
	struct ipiq *q;
	int error = 0;

	if (target == eph_curcpu(mc)->id) {
		fn(mc, arg);
		return (0);
	}
	crit_enter(mc);
	q = ipiq_get(mc, eph_curcpu(mc)->id, target);
	if (ipiq_backlog(mc, q) >= EPH_IPIQ_FIFO * 2 / 3)
		error = ENOENT;
	else
		(void)ipiq_send(mc, q, target, fn, arg);
	crit_exit(mc);
	return (error);
}

unsigned
lwkt_send_ipiq_mask(struct eph_machine *mc, const eph_cpuword_t *mask,
    eph_ipifunc *fn, void *arg)
{
	unsigned n = 0;

	EPH_CPUSET_FOREACH(cpu, mask, mc->cpuwords)
	{
		(void)lwkt_send_ipiq(mc, cpu, fn, arg);
		n++;
	}
	return (n);
}

void
lwkt_wait_ipiq(struct eph_machine *mc, unsigned target, uint32_t seq)
{
	struct ipiq *q;

	if (target == eph_curcpu(mc)->id)
		return;
	q = ipiq_get(mc, eph_curcpu(mc)->id, target);
	/* Acquire: see what the message did.  Signed: indices wrap. */
	while ((int32_t)(eph_load_32(mc, &q->xindex, memory_order_acquire) -
		   seq) < 0) {
		lwkt_process_ipiq(mc);
		mc->exec->spin(mc);
	}
}

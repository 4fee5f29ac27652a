/* SPDX-License-Identifier: BSD-2-Clause */

/* Lockstep's interrupts: sent, delivered, put down for later.  See lockstep.c. */

#include "exec/lockstep.h"

/* Run one interrupt on `target`; true if it found anything outdated. */
static bool
lockstep_deliver(
    struct eph_machine *mc, struct eph_cpu *target, const struct eph_ipi *ipi)
{
	struct eph_cpu *from = mc->cur;
	bool needed = false;

	switch (ipi->kind) {
	case EPH_IPI_INVLPG:
		for (unsigned k = 0; k < ipi->npages; k++) {
			target->c.invlpg_remote++;
			needed |=
			    eph__cpu_invlpg(target, ipi->va + eph_ptoa(k));
			EPH_EVENT(mc, EPH_EV_INVLPG, target->id,
			    ipi->va + eph_ptoa(k), 0, 0, NULL);
		}
		break;
	case EPH_IPI_FLUSH:
		needed = eph__cpu_range_outdated(target, ipi->va, ipi->npages);
		eph__cpu_flush(target, ipi->all);
		EPH_EVENT(
		    mc, EPH_EV_FLUSH, target->id, ipi->va, 0, ipi->all, NULL);
		break;
	case EPH_IPI_CALL:
		if (mc->clock != NULL)
			eph__clock_handler_begin(mc, target);
		mc->cur = target;
		ipi->fn(mc, ipi->arg);
		if (mc->clock != NULL)
			eph__clock_handler_end(mc, target);
		mc->cur = from;
		needed = true;
		break;
	}
	return (needed);
}

static void
lockstep_count_needless(struct eph_machine *mc, bool needed)
{
	if (!needed)
		mc->cur->c.needless_ipi++;
}

/* Does `target` hold nothing that the flush could find outdated? */
static inline bool
lockstep_flush_is_empty(const struct lockstep *ls, const struct eph_cpu *target,
    const struct eph_ipi *ipi)
{
	if (!target->loaded)
		return (true);
	return ((ipi->all || target->mc->pgeflag == 0) &&
	    ls->pending[target->id] != NULL &&
	    ls->pending[target->id]->ipi.kind == EPH_IPI_FLUSH);
}

static void
lockstep_postpone(
    struct eph_machine *mc, struct eph_cpu *target, const struct eph_ipi *ipi)
{
	struct lockstep *ls = lockstep_of(mc);
	struct lockstep_ipi **pp = &ls->pending[target->id];
	struct lockstep_ipi *p;

	if (ipi->kind == EPH_IPI_FLUSH &&
	    lockstep_flush_is_empty(ls, target, ipi)) {
		mc->cur->c.needless_ipi++;
		EPH_EVENT(
		    mc, EPH_EV_FLUSH, target->id, ipi->va, 0, ipi->all, NULL);
		return;
	}
	if ((p = ls->ipi_free) != NULL)
		ls->ipi_free = p->next;
	else if ((p = eph_machine_alloc(mc, sizeof(*p))) == NULL)
		PANIC("out of memory for an interrupt");
	p->ipi = *ipi;
	p->cpu = mc->cur->id;
	p->next = NULL;
	while (*pp != NULL)
		pp = &(*pp)->next;
	*pp = p;
	cpu_mark_pending(target);
}

/* The same for few CPUs, without an observer; not for calls. */
static void
lockstep_ipi_swift(struct eph_machine *mc, eph_cpuword_t left,
    const struct eph_ipi *ipi, bool wait)
{
	struct eph_counters *cc = &mc->cur->c;

	for (; left != 0; left &= left - 1) {
		struct eph_cpu *target = mc->cpus[eph_cpuword_first(left)];

		cc->ipi_sent++;
		target->c.flush_remote += ipi->kind == EPH_IPI_FLUSH;
		if (!wait) {
			/* Who was flushed has mostly loaded nothing since. */
			if (ipi->kind == EPH_IPI_FLUSH &&
			    lockstep_flush_is_empty(
				lockstep_of(mc), target, ipi))
				cc->needless_ipi++;
			else
				lockstep_postpone(mc, target, ipi);
			continue;
		}
		if (eph_unlikely(target->pending))
			eph__lockstep_deliver_pending(mc, target);
		if (ipi->kind == EPH_IPI_INVLPG && ipi->npages == 1) {
			target->c.invlpg_remote++;
			cc->needless_ipi += !cpu_invlpg_swift(
			    target, machine_va_index(mc, ipi->va));
		} else {
			cc->needless_ipi += !lockstep_deliver(mc, target, ipi);
		}
	}
}

/* Interrupt each target, one after the other. */
static void
lockstep_ipi_each(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	EPH_CPUSET_FOREACH(t, targets, mc->cpuwords)
	{
		struct eph_cpu *target = mc->cpus[t];

		mc->cur->c.ipi_sent++;
		if (ipi->kind == EPH_IPI_FLUSH)
			target->c.flush_remote++;
		EPH_EVENT(
		    mc, EPH_EV_IPI, t, ipi->va, ipi->hardware, ipi->kind, NULL);
		if (!wait) {
			lockstep_postpone(mc, target, ipi);
			continue;
		}
		if (target->pending)
			eph__lockstep_deliver_pending(mc, target);
		lockstep_count_needless(mc, lockstep_deliver(mc, target, ipi));
	}
}

/*
 * The crowd.  Where there are many CPUs most targets of a broadcast hold
 * nothing that it could find, and have nothing pending: they are counted, not
 * visited.  Who may hold
 * something is known by address, and for a flush by CPU; a CPU that holds
 * nothing need not be flushed, since a flush only ends what is loaded.
 */

/* Charge `k` targets; those who are visited count for themselves. */
static void
lockstep_charge(struct eph_machine *mc, const eph_cpuword_t *targets,
    unsigned k, const struct eph_crowd *by)
{
	eph_cpuword_t rest[EPH_CPUSET_WORDS_MAX];
	const eph_cpuword_t *set = targets;
	uint64_t sign = 1;

	if (2 * k > mc->ncpus) {
		mc->crowd.invlpg_remote += by->invlpg_remote;
		mc->crowd.needless_invlpg += by->needless_invlpg;
		mc->crowd.flush_remote += by->flush_remote;
		(void)eph_cpuset_andnot(
		    rest, mc->allcpus, targets, mc->cpuwords);
		set = rest;
		sign = UINT64_MAX;
	}
	EPH_CPUSET_FOREACH(c, set, mc->cpuwords)
	{
		struct eph_counters *cc = &mc->cpus[c]->c;

		cc->invlpg_remote += sign * by->invlpg_remote;
		cc->needless_invlpg += sign * by->needless_invlpg;
		cc->flush_remote += sign * by->flush_remote;
	}
}

/* Add the CPUs that may hold index `i`. */
static void
lockstep_holders(const struct eph_machine *mc, uint32_t i, eph_cpuword_t *set)
{
	const struct eph_holder *h = machine_holder(mc, i);

	if (h == NULL)
		return;
	if (holder_has_set(h))
		eph_cpuset_or(set, holder_set(mc, h), mc->cpuwords);
	else
		eph_cpuset_set(set, h->who - 1);
}

#define OUTDATED_MAX (1u << 16) /* words to look at; else CPU by CPU */

/*
 * Of the CPUs `may` in word `w`, which may hold index `i`: who holds it
 * outdated.  Who has flushed alone may hold nothing, which is noted.
 */
static eph_cpuword_t
lockstep_outdated_word(const struct eph_machine *mc, uint32_t i, unsigned w,
    eph_cpuword_t may, bool gone)
{
	eph_cpuword_t ask = gone ? may & mc->strayset[w] : may;
	eph_cpuword_t set = may & ~ask;

	for (; ask != 0; ask &= ask - 1) {
		const struct eph_cpu *cpu =
		    mc->cpus[w * 64 + eph_cpuword_first(ask)];

		if (!shadow_live(cpu, shadow_cell(cpu, i)))
			eph__cpu_holds_none(cpu, i);
		else if (cpu_holds_outdated(cpu, i))
			set |= eph_cpuset_bit(cpu->id);
	}
	return (set);
}

/*
 * Of a flush: the targets that hold something outdated in its range.  False
 * if that cannot be said of all of them together.
 */
static bool
lockstep_outdated(const struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, eph_cpuword_t *set)
{
	const uint32_t first = machine_va_index(mc, ipi->va);
	eph_cpuword_t pending = 0;

	for (unsigned w = 0; w < mc->cpuwords; w++) {
		pending |= targets[w] & mc->pendset[w];
		set[w] = 0;
	}
	if (pending != 0 || (mc->shootflags & EPH_SHOOT_IDLE) != 0 ||
	    ipi->npages > OUTDATED_MAX / mc->cpuwords ||
	    first + ipi->npages > mc->window_first)
		return (false);
	for (uint32_t i = first; i < first + ipi->npages; i++) {
		const struct eph_holder *h = machine_holder(mc, i);
		unsigned w = 0, last = mc->cpuwords - 1;
		bool gone;

		if (h == NULL)
			continue;
		if (!holder_has_set(h))
			w = last = (h->who - 1) / 64;
		/* Below the window all CPUs have the same table. */
		gone = (machine_pte_get(mc, mc->cur, i) & EPH_PTE_V) == 0;
		for (; w <= last; w++) {
			set[w] |= lockstep_outdated_word(mc, i, w,
			    machine_holders(mc, i, w) & targets[w] &
				mc->loadset[w] & ~set[w],
			    gone);
		}
	}
	return (true);
}

/* The CPUs that must be visited, whether targets or not. */
static void
lockstep_concerned(const struct eph_machine *mc, const struct eph_ipi *ipi,
    bool wait, eph_cpuword_t *set)
{
	const uint32_t i = machine_va_index(mc, ipi->va);

	if (ipi->kind == EPH_IPI_FLUSH) {
		eph_cpuset_copy(set, mc->loadset, mc->cpuwords);
	} else if (i + ipi->npages > mc->window_first) {
		eph_cpuset_copy(set, mc->allcpus, mc->cpuwords);
	} else {
		eph_cpuset_zero(set, mc->cpuwords);
		for (unsigned k = 0; k < ipi->npages; k++)
			lockstep_holders(mc, i + k, set);
	}
	if (wait)
		eph_cpuset_or(set, mc->pendset, mc->cpuwords);
	for (unsigned w = 0;
	     wait && w < mc->cpuwords && (mc->shootflags & EPH_SHOOT_IDLE) != 0;
	     w++)
		set[w] |= ~mc->busyset[w];
}

/* Interrupt one CPU of the crowd after all. */
static void
lockstep_visit(struct eph_machine *mc, struct eph_cpu *target,
    const struct eph_ipi *ipi, bool wait)
{
	const struct lockstep_ipi *first;

	mc->cur->c.needless_ipi--;
	if (wait) {
		if (target->pending)
			eph__lockstep_deliver_pending(mc, target);
		if (ipi->kind == EPH_IPI_INVLPG) {
			target->c.invlpg_remote -= ipi->npages;
			target->c.needless_invlpg -= ipi->npages;
		}
		lockstep_count_needless(mc, lockstep_deliver(mc, target, ipi));
		return;
	}
	lockstep_postpone(mc, target, ipi);
	first = lockstep_of(mc)->pending[target->id];
	if (!target->loaded ||
	    (mc->pgeflag == 0 && first != NULL &&
		first->ipi.kind == EPH_IPI_FLUSH))
		eph_cpuset_clear(mc->loadset, target->id);
}

/* Flush one CPU of the crowd, of which is known what it holds. */
static void
lockstep_visit_flush(struct eph_machine *mc, struct eph_cpu *target,
    const struct eph_ipi *ipi, bool needed)
{
	if (needed)
		mc->cur->c.needless_ipi--;
	eph__cpu_flush(target, ipi->all);
}

static void
lockstep_ipi_crowd(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	const unsigned k = eph_cpuset_count(targets, mc->cpuwords);
	const bool flush = ipi->kind == EPH_IPI_FLUSH;
	const struct eph_crowd by = {
		.invlpg_remote = flush ? 0 : ipi->npages,
		.needless_invlpg = flush ? 0 : ipi->npages,
		.flush_remote = flush ? 1 : 0,
	};
	eph_cpuword_t set[EPH_CPUSET_WORDS_MAX];
	eph_cpuword_t outdated[EPH_CPUSET_WORDS_MAX];
	bool known;

	mc->cur->c.ipi_sent += k;
	mc->cur->c.needless_ipi += k;
	lockstep_charge(mc, targets, k, &by);
	lockstep_concerned(mc, ipi, wait, set);
	for (unsigned w = 0; w < mc->cpuwords; w++) {
		for (eph_cpuword_t b = targets[w] & set[w]; b != 0; b &= b - 1)
			cpu_prefetch(mc->cpus[w * 64 + eph_cpuword_first(b)]);
	}
	known = flush && wait && lockstep_outdated(mc, targets, ipi, outdated);
	for (unsigned w = 0; w < mc->cpuwords; w++) {
		eph_cpuword_t left = targets[w] & set[w];

		while (left != 0) {
			const unsigned t = eph_cpuword_first(left);
			struct eph_cpu *target = mc->cpus[w * 64 + t];
			const bool pending = target->pending;

			/* Not those whom it has passed. */
			left &= ~(((eph_cpuword_t)2 << t) - 1);
			if (known)
				lockstep_visit_flush(mc, target, ipi,
				    eph_cpuset_isset(outdated, target->id));
			else
				lockstep_visit(mc, target, ipi, wait);
			if (!pending)
				continue;
			/* What was pending may change who comes next. */
			lockstep_concerned(mc, ipi, wait, set);
			left = targets[w] & set[w] &
			    ~(((eph_cpuword_t)2 << t) - 1);
		}
	}
	if (flush)
		eph__machine_epoch(mc);
}

void
eph__lockstep_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait)
{
	uint64_t outer = 0;

	if (eph_unlikely(mc->clock != NULL))
		outer = eph__clock_ipi_begin(mc, targets, ipi);
	/* A TLB clock counts every flush, also of CPUs that hold nothing. */
	if (eph_likely(mc->swift && ipi->kind != EPH_IPI_CALL))
		lockstep_ipi_swift(mc, targets[0], ipi, wait);
	else if (!mc->crowded || ipi->kind == EPH_IPI_CALL ||
	    mc->has_observer || mc->tlbclock != NULL ||
	    (ipi->kind == EPH_IPI_INVLPG && !wait))
		lockstep_ipi_each(mc, targets, ipi, wait);
	else
		lockstep_ipi_crowd(mc, targets, ipi, wait);
	if (eph_unlikely(mc->clock != NULL))
		eph__clock_ipi_end(mc, wait, outer);
}

/* What was sent to `target` and not waited for, in order of sending. */
void
eph__lockstep_deliver_pending(struct eph_machine *mc, struct eph_cpu *target)
{
	struct lockstep *ls = lockstep_of(mc);
	struct eph_cpu *from = mc->cur;
	const bool idle = lockstep_is_idle(target);

	target->pending = idle;
	eph_cpuset_clear(mc->pendset, target->id);
	if (idle)
		eph__lockstep_catch_up(mc, target);
	while (ls->pending[target->id] != NULL) {
		struct lockstep_ipi *p = ls->pending[target->id];

		ls->pending[target->id] = p->next;
		mc->cur = mc->cpus[p->cpu];
		lockstep_count_needless(
		    mc, lockstep_deliver(mc, target, &p->ipi));
		p->next = ls->ipi_free;
		ls->ipi_free = p;
	}
	mc->cur = target;
	lwkt_process_ipiq(mc);
	mc->cur = from;
}

void
eph__lockstep_poll(struct eph_machine *mc)
{
	if (!mc->cur->pending)
		return;
	if (lockstep_is_idle(mc->cur))
		eph__lockstep_wake(mc);
	eph__lockstep_deliver_pending(mc, mc->cur);
}

static void
lockstep_deliver_all(struct eph_machine *mc)
{
	while (!eph_cpuset_isempty(mc->pendset, mc->cpuwords)) {
		EPH_CPUSET_FOREACH(c, mc->pendset, mc->cpuwords)
		{
			eph__lockstep_deliver_pending(mc, mc->cpus[c]);
		}
	}
}

/* This CPU waits for another: only what is pending can help. */
void
eph__lockstep_spin(struct eph_machine *mc)
{
	KASSERT(!eph_cpuset_isempty(mc->pendset, mc->cpuwords),
	    "a busy wait that no CPU can end");
	lockstep_deliver_all(mc);
}

void
eph_lockstep_drain(struct eph_machine *mc)
{
	lockstep_deliver_all(mc);
	if (mc->shootflags != 0)
		eph__lockstep_catch_up_all(mc);
}

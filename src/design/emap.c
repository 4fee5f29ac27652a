/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * emap: mappings that no other CPU is told of, and a generation that tells each
 * CPU when its TLB is too old for one of them.
 *
 * What it does.  The producer enters a page, read-only and not global, and
 * takes a new generation from a global counter.  A CPU that wants to use the
 * address consumes that generation on its CPU first: if the CPU has flushed
 * its TLB since the generation was made there is nothing to do, else it
 * reads the global generation, flushes, and is as young as what it read.
 * Removing stores 0 and invalidates nothing.
 *
 * Idea.  A CPU that flushes for one mapping is ready for all mappings made
 * before, and a CPU that uses none never flushes.  No CPU is interrupted.
 *
 * Invariant: a CPU whose generation is not behind a mapping's holds no
 * translation of its address from before.  KVA that is free may still be in
 * any TLB; only the rule that users consume first makes it safe.
 *
 *	case				L	LF	F	IPI
 *	map: enter and produce		0	0	0	0
 *	consume, CPU current		0	0	0	0
 *	consume, CPU behind		0	1	0	0
 *	switch in, CPU behind thread	0	1	0	0
 *	unmap: remove			0	0	0	0
 *	exhaustion			0 asleep, then as a map
 *
 * kva() is the consume.  The mapping CPU is a consumer like any other.  A
 * store through the mapping is a store through a read-only entry, which the
 * machine refuses.
 *
 * The read comes before the flush: generations made while it flushes are
 * not covered, and would be if it were read after.
 *
 * Generations start at 1 and skip 0, which means "uses none": a producer
 * counts twice when it wraps, and a consumer that comes between counts for
 * it, so that neither CPU nor thread is ever at 0.  They are
 * compared as signed differences, so that a CPU which flushed nothing for
 * 2^31 generations seems young (hole).
 *
 * Switching.  A thread that consumed may sleep and go on elsewhere: its
 * generation goes along, and the CPU that switches it in flushes if it is
 * behind.  Other full flushes (a context switch to another address space)
 * would advance a CPU for free; nothing here has any.
 *
 * Which page of KVA comes next: the one given back last, as the quantum
 * cache of vmem hands them out.
 *
 * Locking.  `lock` guards the stack of KVA (vmem's); it is a leaf, and not
 * taken in a context switch, which may come to a thread that holds it.  A
 * CPU's generation is its own, used in a critical section; a thread's stands
 * in the thread.
 *
 * NetBSD sys/uvm/uvm_emap.c, 2009-06-28, Mindaugas Rasiukevicius; Andrew
 * Doran.
 */

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/version.h"

#define UVM_EMAP_INACTIVE 0u

/* One page of KVA. */
struct emap_page {
	struct vm_page *m; /* (l) NULL: free */
	uint32_t gen;	   /* produced when it was entered */
	uint32_t free;	   /* (l) next on the stack */
};

/* Of a CPU; padded, each writes its own. */
struct emap_cpu {
	uint32_t gen;	  /* ucpu->emap_gen: flushed since this one */
	uint32_t lwp_gen; /* l_emap_gen of the thread that runs */
	char pad[56];
};

struct emap {
	struct eph_machine *mc;		    /* (c) */
	struct emap_page *pages;	    /* (c) npages of them */
	uint32_t npages;		    /* (c) */
	uint32_t free;			    /* (l) top of the stack */
	uint32_t want;			    /* (l) sleepers */
	struct eph_mutex lock;		    /* guards all (l) */
	struct emap_cpu *cpu;		    /* by CPU */
	eph_va_t window;		    /* (c) */
	_Alignas(64) _Atomic(uint32_t) gen; /* uvm_emap_gen */
};

static void
emap_destroy(void *state)
{
	struct emap *em = state;
	struct eph_machine *mc = em->mc;

	if (em->window != 0)
		kva_free(mc, em->window, em->npages);
	eph_machine_free(mc, em->cpu, mc->ncpus * sizeof(*em->cpu));
	eph_machine_free(mc, em->pages, em->npages * sizeof(*em->pages));
	eph_machine_free(mc, em, sizeof(*em));
}

static int
emap_init(struct emap *em, struct eph_err *err)
{
	struct eph_machine *mc = em->mc;
	int error;

	if (em->npages == 0)
		return (eph_err_set(
		    err, EINVAL, "0 pages of KVA: emap needs at least 1"));
	error = eph_kva_get(
	    mc, em->npages, &em->window, err, "%u pages", em->npages);
	if (error != 0)
		return (error);
	em->pages = eph_machine_alloc(mc, em->npages * sizeof(*em->pages));
	em->cpu = eph_machine_alloc(mc, mc->ncpus * sizeof(*em->cpu));
	if (em->pages == NULL || em->cpu == NULL)
		return (eph_err_set(
		    err, ENOMEM, "out of memory for %u pages", em->npages));
	for (uint32_t i = 0; i < em->npages; i++)
		em->pages[i].free = i + 1 < em->npages ? i + 1 : EPH_NONE;
	for (unsigned c = 0; c < mc->ncpus; c++)
		em->cpu[c].gen = 1;
	return (0);
}

static int
emap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct emap *em = eph_machine_alloc(mc, sizeof(*em));
	int error;

	if (em == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	em->mc = mc;
	em->npages = cfg->nbufs;
	mutex_init(&em->lock, "emap vmem");
	atomic_init(&em->gen, 1);
	if ((error = emap_init(em, err)) != 0)
		emap_destroy(em);
	else
		*statep = em;
	return (error);
}

static eph_va_t
emap_va(const struct emap *em, const struct emap_page *ep)
{
	return (em->window + eph_ptoa((uint64_t)(ep - em->pages)));
}

static bool
emap_ready(void *arg)
{
	const struct emap *em = arg;

	return (em->free != EPH_NONE);
}

/* vmem_alloc(VM_SLEEP): a page of KVA for `m`. */
static struct emap_page *
emap_take(struct emap *em, struct vm_page *m)
{
	struct emap_page *ep;
	bool slept = false;

	mutex_enter(em->mc, &em->lock);
	while (em->free == EPH_NONE) {
		em->want++;
		msleep_until(
		    em->mc, &em->want, &em->lock, "emapva", emap_ready, em);
		em->want--;
		slept = true;
	}
	if (slept)
		msleep_done(em->mc);
	ep = &em->pages[em->free];
	em->free = ep->free;
	ep->m = m;
	mutex_exit(em->mc, &em->lock);
	return (ep);
}

static void
emap_give(struct emap *em, struct emap_page *ep)
{
	mutex_enter(em->mc, &em->lock);
	ep->m = NULL;
	ep->free = em->free;
	em->free = (uint32_t)(ep - em->pages);
	if (eph_unlikely(em->want > 0))
		wakeup(em->mc, &em->want);
	mutex_exit(em->mc, &em->lock);
}

/*
 * uvm_emap_produce().  Release: the entry is visible before a CPU can read
 * this generation and flush for it.
 */
static uint32_t
emap_produce(struct emap *em)
{
	uint32_t gen;

	do {
		gen =
		    eph_fetchadd_32(em->mc, &em->gen, 1, memory_order_acq_rel) +
		    1;
	} while (gen == UVM_EMAP_INACTIVE);
	return (gen);
}

/*
 * uvm_emap_gen_return(): the youngest generation.  A producer that wraps
 * leaves 0 there for a moment; who reads that moves it on.  Acquire: what
 * was entered before it is what we walk to.
 */
static uint32_t
emap_gen_return(struct emap *em)
{
	const uint32_t gen =
	    eph_load_32(em->mc, &em->gen, memory_order_acquire);

	if (eph_likely(gen != UVM_EMAP_INACTIVE))
		return (gen);
	return (eph_fetchadd_32(em->mc, &em->gen, 1, memory_order_acq_rel) + 1);
}

/* Is `a` at least as young as `b`? */
static bool
emap_young(uint32_t a, uint32_t b)
{
	return ((int32_t)(a - b) >= 0);
}

/* In a critical section: flush if this CPU is behind `gen`. */
static void
emap_catch_up(struct emap *em, uint32_t gen)
{
	struct eph_machine *mc = em->mc;
	struct emap_cpu *ec = &em->cpu[eph_curcpu(mc)->id];
	uint32_t now;

	if (emap_young(ec->gen, gen)) {
		EPH_NOTE(mc, "generation %u: this CPU is at %u", gen, ec->gen);
		return;
	}
	now = emap_gen_return(em);
	EPH_NOTE(mc, "generation %u: this CPU is at %u, flushes for %u", gen,
	    ec->gen, now);
	pmap_flush_local(mc, false);
	ec->gen = now;
}

/* uvm_emap_consume() */
static void
emap_consume(struct emap *em, uint32_t gen)
{
	struct emap_cpu *ec;

	crit_enter(em->mc);
	ec = &em->cpu[eph_curcpu(em->mc)->id];
	emap_catch_up(em, gen);
	ec->lwp_gen = ec->gen;
	crit_exit(em->mc);
}

/* What the thread that leaves has consumed goes with it. */
static void
emap_switch_out(void *state)
{
	struct emap *em = state;
	struct eph_machine *mc = em->mc;
	struct emap_cpu *ec = &em->cpu[eph_curcpu(mc)->id];
	struct eph_thread *td = mc->exec->curthread(mc);

	if (td == NULL)
		return;
	td->design = ec->lwp_gen;
	ec->lwp_gen = UVM_EMAP_INACTIVE;
}

/* uvm_emap_switch(): the CPU must be as young as the thread that comes. */
static void
emap_switch_in(void *state)
{
	struct emap *em = state;
	struct eph_machine *mc = em->mc;
	struct eph_thread *td = mc->exec->curthread(mc);
	uint32_t gen;

	if (td == NULL)
		return;
	gen = (uint32_t)td->design;
	crit_enter(mc);
	if (gen != UVM_EMAP_INACTIVE)
		emap_catch_up(em, gen);
	em->cpu[eph_curcpu(mc)->id].lwp_gen = gen;
	crit_exit(mc);
}

/* uvm_emap_enter() and produce. */
static int
emap_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct emap *em = state;
	struct emap_page *ep = emap_take(em, m);
	struct eph_cpu *cpu;

	(void)flags;
	pmap_pte_store(em->mc, emap_va(em, ep), vm_page_to_phys(m) | EPH_PTE_V);
	ep->gen = emap_produce(em);
	cpu = eph_curcpu(em->mc);
	cpu->c.map_calls++;
	cpu->c.miss++;
	eph_bufs_inc(em->mc);
	*mp = (struct eph_mapping){ ep, emap_va(em, ep) };
	return (0);
}

/* uvm_emap_remove(): other CPUs may still hold the translation. */
static int
emap_unmap(void *state, void *obj)
{
	struct emap *em = state;
	struct emap_page *ep = obj;

	if (ep->m == NULL)
		PANIC("emap: removing a page that is not entered");
	pmap_pte_store(em->mc, emap_va(em, ep), 0);
	EPH_COUNT(em->mc, unmap_calls);
	eph_bufs_dec(em->mc);
	emap_give(em, ep);
	return (0);
}

static eph_va_t
emap_kva(void *state, void *obj)
{
	struct emap *em = state;
	const struct emap_page *ep = obj;

	EPH_COUNT(em->mc, kva_calls);
	emap_consume(em, ep->gen);
	return (emap_va(em, ep));
}

static struct vm_page *
emap_page(void *state, void *obj)
{
	(void)state;
	return (((const struct emap_page *)obj)->m);
}

static void
emap_check_page(struct emap *em, const struct emap_page *ep)
{
	const eph_pte_t pte = pmap_pte_load(em->mc, emap_va(em, ep));

	if (ep->m == NULL && pte != 0)
		PANIC("a page of KVA that is free has an entry");
	if (ep->m != NULL && EPH_PTE_PA(pte) != vm_page_to_phys(ep->m))
		PANIC("a page of KVA does not map its page");
	if (ep->m != NULL && (pte & (EPH_PTE_RW | EPH_PTE_G)) != 0)
		PANIC("an emap entry is writable or global");
	if (ep->m != NULL && ep->gen == UVM_EMAP_INACTIVE)
		PANIC("a mapping has generation 0");
}

static void
emap_check(void *state, uint64_t held)
{
	struct emap *em = state;
	uint64_t used = 0, unused = 0;

	for (uint32_t i = 0; i < em->npages; i++) {
		emap_check_page(em, &em->pages[i]);
		used += em->pages[i].m != NULL;
	}
	for (uint32_t i = em->free; i != EPH_NONE; i = em->pages[i].free) {
		if (em->pages[i].m != NULL || unused++ > em->npages)
			PANIC("the stack of free KVA is broken");
	}
	if (used != held || used + unused != em->npages)
		PANIC("pages held, used and free do not add up");
}

static uint64_t
emap_get_gen(void *state)
{
	struct emap *em = state;

	/* Relaxed: a number to look at. */
	return (eph_load_32(em->mc, &em->gen, memory_order_relaxed));
}

/*
 * As if so many mappings had been made meanwhile; 0, as if a producer that
 * wraps were at work.
 */
static int
emap_set_gen(void *state, uint64_t value)
{
	struct emap *em = state;

	if (value > UINT32_MAX)
		return (EINVAL);
	/* Relaxed: set while nothing runs. */
	eph_store_32(em->mc, &em->gen, (uint32_t)value, memory_order_relaxed);
	return (0);
}

static uint64_t
emap_get_size(void *state)
{
	return (eph_ptoa(((const struct emap *)state)->npages));
}

static int
emap_set_denied(void *state, uint64_t value)
{
	(void)state;
	(void)value;
	return (EPERM);
}

static const struct eph_sysctl emap_sysctls[] = {
	{ "vm.uvm_emap_size", "bytes of KVA for emap", emap_get_size,
	    emap_set_denied, NULL },
	{ "vm.uvm_emap_gen",
	    "the generation; setting it is as if so many "
	    "mappings had been made meanwhile",
	    emap_get_gen, emap_set_gen,
	    "a variable of the kernel that it does not export" },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__emap_ops = {
	.abi = EPHMAP_ABI,
	.name = "emap",
	.summary = "read-only mappings, a generation that users consume",
	.origin = "NetBSD uvm_emap.c, Rasiukevicius and Doran",
	.date = "2009-06-28",
	.costs = "a flush a consumer that is behind",
	.holes = "generation wrap: a CPU 2^31 generations behind seems current",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_GENERATION,
	.flags = EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS,
	.create = emap_create,
	.destroy = emap_destroy,
	.map = emap_map,
	.unmap = emap_unmap,
	.kva = emap_kva,
	.page = emap_page,
	.switch_out = emap_switch_out,
	.switch_in = emap_switch_in,
	.check = emap_check,
	.sysctls = emap_sysctls,
};

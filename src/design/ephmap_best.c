/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ephmap.best: sf_buf with more addresses than buffers, invalidated by the
 * rotation instead of by the mapping.  Ours.
 *
 * What costs what.  In every sf_buf a miss recycles a buffer together with
 * its address, and so has to invalidate that address at once, on every CPU
 * that may hold the old translation: nearly all IPIs of a shared workload
 * come from there.  But kernel address space is cheap (8 bytes of page
 * table a page), and a full flush costs a CPU about as much as one invlpg
 * and makes all outdated addresses usable again.
 *
 * Idea.  Buffers are what is limited; addresses are not.  A recycled buffer
 * leaves its address in a queue, with the entry cleared, and takes another: the
 * one that waits longest, if it is clean where it will be used, else one that
 * was never used, else the oldest again, after one flush of the CPUs on which
 * it is not clean.  That flush cleans the whole queue.  There are 15 spare
 * addresses for each buffer, and no fewer than linux.vm_map_ram uses up before
 * it flushes, 32 MiB for each doubling of the CPUs and 4 MiB for each CPU;
 * beyond 64 CPUs fewer again, so that CPUs times addresses stay below 2^23,
 * which is what somebody pays who remembers what each CPU may hold.
 *
 * Runs.  A CPU takes new addresses by runs of 128, so that what it maps is
 * spread over the sets of its TLB when CPUs map in turn.
 *
 * Accessed bit.  The entry is cleared by an atomic exchange.  If A was
 * clear in what came out, no TLB can hold the translation, nor load it any
 * more: the address is as clean as it was before and goes back to the front
 * of the queue.  A mapping that no CPU touched costs nothing at all.
 *
 * Epochs.  `epoch` counts flushes.  An address notes the epoch in which its
 * entry was last cleared with A set; a CPU notes the epoch of its last
 * flush.  Invariant: a CPU whose epoch is later than the address's, or
 * whose bit is in the buffer's mask, holds no translation of it to another
 * page.  The mask is for the CPUs that invalidated this one address, which
 * happens only when a mapping that was made private is used elsewhere.
 *
 *	case					L	LF	R	F	IPI
 *	hit, private, clean here		0
 *	hit, private, not clean here		1
 *	hit, shared, k others not clean		0 or 1		k		k
 *	miss, oldest clean, or one is new	0
 *	miss, private, neither			0	1
 *	miss, shared, not clean on k others	0	0 or 1		k	k
 *	free					0
 *	exhaustion				0 asleep, then as a miss
 *
 * A miss stores two entries, the old one's zero and the new one.  With W
 * spare addresses, each CPU is flushed at most once for every W misses whose
 * old mapping was touched.
 *
 * Where it loses (doc/best.md has numbers).  A flush takes translations with
 * it that were still good: TLB misses are up to two per cent above those of
 * sf_buf.accessed, which forgets one address at a time.  Addresses: 16 for each
 * buffer, and 18,432 spare at least, so a 32-bit kernel runs short earlier;
 * where there are fewer it flushes as much more often.  Designs that never tell
 * other CPUs send no IPIs at all: with private maps best does not either, but
 * each CPU then flushes once for W misses of all CPUs, and designs that keep a
 * window of as many addresses as there are buffers for each CPU (linux.mermap)
 * flush less from 16 CPUs on.  linux.vm_map_ram flushes less beyond 64 CPUs if
 * there are few buffers.  What keeps more pages than it has buffers (netbsd.ubc
 * two, xtensa.kmap four for each) hits more on a loop that fits only there.
 * dmap maps nothing.
 *
 * Entries are not global, so that a CR3 reload is enough.
 *
 * Locking.  As sf_buf.accessed: one lock, held through the wait for the
 * acknowledgements.  A free wakes one sleeper, and a sleeper that a signal
 * takes away wakes the next, so that no wakeup is lost with it.
 */

#include "design/sf_pool.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/version.h"

#define BEST_WINDOW  15u	/* spare addresses for each buffer, */
#define BEST_PER_CPU 16u	/* and for each CPU; and no fewer than */
#define BEST_LAZY    8192u	/* this for each doubling of CPUs, and one, */
#define BEST_BLOCK   1024u	/* and this for each CPU, */
#define BEST_PAIRS   (1u << 23) /* while CPUs times addresses are this */
#define BEST_RUN     128u /* new addresses for a CPU: a TLB has such sets */

/* An address; `next` is valid while it waits in the queue. */
struct best_addr {
	uint64_t epoch; /* (l) when its entry was cleared with A set */
	uint32_t next;	/* (l) */
	bool shared;	/* (l) clean on every CPU, as long as it is mapped */
};

struct best_cpu {
	uint64_t epoch; /* (l) of its last flush */
	uint32_t run;	/* (l) first of its run of new addresses, */
	uint32_t len;	/* (l) how many these are, */
	uint32_t taken; /* (l) and how many of them it took */
};

struct sf_best {
	struct sf_pool sp;	 /* its masks: who invalidated this one */
	struct best_addr *addrs; /* (l) naddrs of them */
	struct best_cpu *cpus;	 /* (l) */
	uint32_t *addr_of;	 /* (l) by buffer; EPH_NONE: never used */
	uint64_t epoch;		 /* (l) flushes so far */
	uint64_t oldest_cpu;	 /* (l) least of the CPUs' epochs */
	uint32_t naddrs;	 /* (c) */
	uint32_t run;		 /* (c) new addresses that a CPU takes */
	uint32_t fresh;		 /* (l) first that nobody took */
	uint32_t head;		 /* (l) queue of addresses, oldest first */
	uint32_t tail;		 /* (l) */
	uint32_t waiting;	 /* (l) addresses in the queue */
	eph_va_t extra;		 /* (c) addresses beyond the pool's window */
};

static eph_va_t
best_va(const struct sf_best *sb, uint32_t a)
{
	if (a < sb->sp.nbufs)
		return (sb->sp.window + eph_ptoa(a));
	return (sb->extra + eph_ptoa(a - sb->sp.nbufs));
}

/* The queue */

static void
best_append(struct sf_best *sb, uint32_t a)
{
	sb->addrs[a].next = EPH_NONE;
	if (sb->tail != EPH_NONE)
		sb->addrs[sb->tail].next = a;
	else
		sb->head = a;
	sb->tail = a;
	sb->waiting++;
}

static void
best_prepend(struct sf_best *sb, uint32_t a)
{
	sb->addrs[a].next = sb->head;
	sb->head = a;
	if (sb->tail == EPH_NONE)
		sb->tail = a;
	sb->waiting++;
}

static uint32_t
best_pop(struct sf_best *sb)
{
	const uint32_t a = sb->head;

	KASSERT(a != EPH_NONE, "more buffers than addresses");
	sb->head = sb->addrs[a].next;
	if (sb->head == EPH_NONE)
		sb->tail = EPH_NONE;
	sb->waiting--;
	return (a);
}

/*
 * An address that was never used, or EPH_NONE.  A CPU takes them by runs, so
 * that CPUs that map in turn do not get every n-th; each begins elsewhere in
 * its run, so that they do not all use one set of their TLBs at a time.
 */
static uint32_t
best_new(struct sf_best *sb, unsigned me)
{
	struct best_cpu *cpu = &sb->cpus[me];
	const uint32_t left = sb->naddrs - sb->fresh;

	if (cpu->taken == cpu->len) {
		cpu->run = sb->fresh;
		cpu->len = left < sb->run ? left : sb->run;
		cpu->taken = 0;
		sb->fresh += cpu->len;
	}
	if (cpu->len == 0)
		return (EPH_NONE);
	return (cpu->run +
	    (cpu->taken++ + me * sb->run / sb->sp.mc->ncpus) % cpu->len);
}

/* Cleanliness */

/* Of an address that waits: on this CPU if `private', else on all. */
static bool
best_ready(const struct sf_best *sb, uint32_t a, unsigned me, bool private)
{
	return (sb->addrs[a].epoch <
	    (private ? sb->cpus[me].epoch : sb->oldest_cpu));
}

/* The CPUs, other than `me`, that may hold what address `a` had before. */
static bool
best_others(
    const struct sf_best *sb, uint32_t a, unsigned me, eph_cpuword_t *others)
{
	bool any = false;

	eph_cpuset_zero(others, sb->sp.words);
	if (sb->addrs[a].epoch < sb->oldest_cpu)
		return (false);
	for (unsigned c = 0; c < sb->sp.mc->ncpus; c++) {
		if (c != me && sb->cpus[c].epoch <= sb->addrs[a].epoch) {
			eph_cpuset_set(others, c);
			any = true;
		}
	}
	return (any);
}

static void
best_note_flush(struct sf_best *sb)
{
	const struct eph_machine *mc = sb->sp.mc;
	uint64_t oldest = UINT64_MAX;

	for (unsigned c = 0; c < mc->ncpus; c++) {
		if (sb->cpus[c].epoch < oldest)
			oldest = sb->cpus[c].epoch;
	}
	sb->oldest_cpu = oldest;
}

/* Flush the CPUs on which address `a`, the oldest, is not clean. */
static void
best_flush(struct sf_best *sb, uint32_t a, bool private)
{
	struct eph_machine *mc = sb->sp.mc;
	const unsigned me = eph_curcpu(mc)->id;
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];
	const bool here = !best_ready(sb, a, me, true);
	const bool there = !private && best_others(sb, a, me, others);

	EPH_NOTE(mc, "oldest of %u addresses is not clean: flush", sb->waiting);
	sb->epoch++;
	if (here) {
		pmap_flush_local(mc, false);
		sb->cpus[me].epoch = sb->epoch;
	}
	if (there) {
		eph_shoot_flush(mc, others, best_va(sb, a), 1, false);
		EPH_CPUSET_FOREACH(c, others, sb->sp.words)
		{
			sb->cpus[c].epoch = sb->epoch;
		}
	}
	best_note_flush(sb);
}

/* Life */

static void
best_destroy(void *state)
{
	struct sf_best *sb = state;
	struct eph_machine *mc = sb->sp.mc;

	if (sb->extra != 0)
		kva_free(mc, sb->extra, sb->naddrs - sb->sp.nbufs);
	eph_machine_free(mc, sb->addrs, sb->naddrs * sizeof(*sb->addrs));
	eph_machine_free(mc, sb->addr_of, sb->sp.nbufs * sizeof(*sb->addr_of));
	eph_machine_free(mc, sb->cpus, mc->ncpus * sizeof(*sb->cpus));
	eph__sf_pool_fini(&sb->sp);
	eph_machine_free(mc, sb, sizeof(*sb));
}

/*
 * As many addresses as wanted, or as there are.  Up to 64 CPUs no fewer than a
 * kernel has that does not reuse an address before 32 MiB are lost
 * (linux.vm_map_ram).
 */
static uint32_t
best_window(struct sf_best *sb)
{
	struct eph_machine *mc = sb->sp.mc;
	uint64_t want = BEST_LAZY + (uint64_t)BEST_BLOCK * mc->ncpus;

	for (unsigned n = mc->ncpus; n > 1; n /= 2)
		want += BEST_LAZY;
	if (want > BEST_PAIRS / mc->ncpus)
		want = BEST_PAIRS / mc->ncpus;
	if (want < (uint64_t)BEST_PER_CPU * mc->ncpus)
		want = (uint64_t)BEST_PER_CPU * mc->ncpus;
	if (want < (uint64_t)BEST_WINDOW * sb->sp.nbufs)
		want = (uint64_t)BEST_WINDOW * sb->sp.nbufs;
	if (want > mc->kva_pages)
		want = mc->kva_pages;
	while (want > 0 && (sb->extra = kva_alloc(mc, (uint32_t)want)) == 0)
		want /= 2;
	return ((uint32_t)want);
}

static int
best_arrays(struct sf_best *sb)
{
	struct eph_machine *mc = sb->sp.mc;

	sb->addrs = eph_machine_alloc(mc, sb->naddrs * sizeof(*sb->addrs));
	sb->addr_of =
	    eph_machine_alloc(mc, sb->sp.nbufs * sizeof(*sb->addr_of));
	sb->cpus = eph_machine_alloc(mc, mc->ncpus * sizeof(*sb->cpus));
	if (sb->addrs == NULL || sb->addr_of == NULL || sb->cpus == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < sb->sp.nbufs; i++)
		sb->addr_of[i] = EPH_NONE;
	for (unsigned c = 0; c < mc->ncpus; c++)
		sb->cpus[c].epoch = 1;
	sb->epoch = 1;
	sb->oldest_cpu = 1;
	sb->run = (sb->naddrs - sb->sp.nbufs) / (8 * mc->ncpus);
	sb->run = sb->run > BEST_RUN ? BEST_RUN : sb->run + (sb->run == 0);
	return (0);
}

/*
 * What recycling costs: nothing if the entry was never used, else a place
 * in the queue.
 */
static uint32_t
best_price(void *arg, uint32_t slot)
{
	struct sf_best *sb = arg;
	const eph_pte_t pte = pmap_pte_load(sb->sp.mc, sb->sp.bufs[slot].kva);

	return ((pte & EPH_PTE_A) != 0 ? sb->sp.mc->ncpus : 0);
}

static int
best_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct sf_best *sb = eph_machine_alloc(mc, sizeof(*sb));
	struct eph_design_config priced = *cfg;
	int error;

	if (sb == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	sb->head = sb->tail = EPH_NONE;
	priced.policy_env.price = best_price;
	priced.policy_env.price_arg = sb;
	error = eph__sf_pool_init(
	    &sb->sp, mc, &priced, &eph_policy_lru, mc->cpuwords, err);
	sb->naddrs = sb->sp.nbufs;
	if (error == 0) {
		sb->naddrs += best_window(sb);
		if (sb->naddrs == sb->sp.nbufs)
			error = eph_err_set(err, EINVAL,
			    "%u buffers leave no KVA for a queue of addresses",
			    sb->sp.nbufs);
		else if (best_arrays(sb) != 0)
			error = eph_err_set(err, ENOMEM, "out of memory");
	}
	if (error != 0)
		best_destroy(sb);
	else
		*statep = sb;
	return (error);
}

/* Mapping */

/* The buffer's old address goes to the queue. */
static void
best_retire(struct sf_best *sb, uint32_t slot)
{
	struct eph_machine *mc = sb->sp.mc;
	const uint32_t a = sb->addr_of[slot];
	eph_pte_t old;

	if (a == EPH_NONE)
		return;
	old = pmap_pte_swap(mc, best_va(sb, a), 0);
	if ((old & EPH_PTE_A) == 0) {
		EPH_NOTE(mc, "old entry was never accessed: address is clean");
		best_prepend(sb, a);
		return;
	}
	sb->addrs[a].epoch = sb->epoch;
	best_append(sb, a);
}

/*
 * An address that is clean where it will be used: one that waits, else a new
 * one, else the oldest, after a flush.
 */
static uint32_t
best_take(struct sf_best *sb, bool private)
{
	const unsigned me = eph_curcpu(sb->sp.mc)->id;
	uint32_t a = EPH_NONE;

	if (sb->head == EPH_NONE || !best_ready(sb, sb->head, me, private))
		a = best_new(sb, me);
	if (a != EPH_NONE)
		return (a);
	if (!best_ready(sb, sb->head, me, private))
		best_flush(sb, sb->head, private);
	return (best_pop(sb));
}

/* A miss: an address for the buffer. */
static void
best_enter(struct sf_best *sb, struct sf_buf *sf, bool private)
{
	struct eph_machine *mc = sb->sp.mc;
	const uint32_t slot = sf_pool_index(&sb->sp, sf);
	uint32_t a;

	best_retire(sb, slot);
	a = best_take(sb, private);
	eph_cpuset_zero(sf_pool_mask(&sb->sp, slot), sb->sp.words);
	sb->addr_of[slot] = a;
	sb->addrs[a].shared = !private || sb->addrs[a].epoch < sb->oldest_cpu;
	sf->kva = best_va(sb, a);
	pmap_pte_store(mc, sf->kva,
	    vm_page_to_phys(sf->m) | EPH_PTE_V | EPH_PTE_RW | mc->pgeflag);
}

/* A hit on a mapping that was made private. */
static void
best_sync(struct sf_best *sb, struct sf_buf *sf, bool private)
{
	struct eph_machine *mc = sb->sp.mc;
	const uint32_t slot = sf_pool_index(&sb->sp, sf);
	const uint32_t a = sb->addr_of[slot];
	const unsigned me = eph_curcpu(mc)->id;
	eph_cpuword_t *mask = sf_pool_mask(&sb->sp, slot);
	eph_cpuword_t others[EPH_CPUSET_WORDS_MAX];

	if (!best_ready(sb, a, me, true) && !eph_cpuset_isset(mask, me)) {
		eph_cpuset_set(mask, me);
		pmap_invlpg(mc, sf->kva);
	}
	if (private)
		return;
	if (best_others(sb, a, me, others) &&
	    eph_cpuset_andnot(others, others, mask, sb->sp.words))
		smp_masked_invlpg(mc, others, sf->kva);
	sb->addrs[a].shared = true;
}

static int
best_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct sf_best *sb = state;
	struct sf_pool *sp = &sb->sp;
	const bool private = (flags & SFB_CPUPRIVATE) != 0;
	struct sf_buf *sf;
	int error = 0;

	mutex_enter(sp->mc, &sp->lock);
	if ((sf = sf_pool_lookup(sp, m)) != NULL) {
		(void)sf_pool_hit(sp, sf);
		if (!sb->addrs[sb->addr_of[sf_pool_index(sp, sf)]].shared)
			best_sync(sb, sf, private);
	} else if ((sf = sf_pool_take(sp, m, (flags & SFB_NOWAIT) != 0,
			(flags & SFB_CATCH) != 0, &error)) != NULL) {
		sf_pool_link(sp, sf, m);
		sf_pool_missed(sp, sf);
		best_enter(sb, sf, private);
	} else {
		error = sf_pool_failed(sp, error);
		/* The wakeup that a signal overtook is for another sleeper. */
		sf_pool_wakeup_one(sp);
	}
	if (sf != NULL)
		*mp = (struct eph_mapping){ sf, sf->kva };
	mutex_exit(sp->mc, &sp->lock);
	return (error);
}

static int
best_unmap(void *state, void *obj)
{
	struct sf_best *sb = state;
	struct sf_pool *sp = &sb->sp;

	mutex_enter(sp->mc, &sp->lock);
	if (sf_pool_drop(sp, obj))
		sf_pool_wakeup_one(sp);
	mutex_exit(sp->mc, &sp->lock);
	return (0);
}

/* What waits is not mapped; else it is some buffer's, or new. */
static void
best_check(void *state, uint64_t held)
{
	struct sf_best *sb = state;
	uint32_t n = 0, others = sb->naddrs - sb->fresh;

	eph__sf_pool_check(&sb->sp, held);
	for (uint32_t a = sb->head; a != EPH_NONE; a = sb->addrs[a].next) {
		if (n++ > sb->naddrs)
			PANIC("the queue of addresses has a ring");
		if (pmap_kextract(sb->sp.mc, best_va(sb, a)) != EPH_NONE)
			PANIC("an address in the queue is mapped");
	}
	for (unsigned c = 0; c < sb->sp.mc->ncpus; c++)
		others += sb->cpus[c].len - sb->cpus[c].taken;
	for (uint32_t i = 0; i < sb->sp.nbufs; i++) {
		others += sb->addr_of[i] != EPH_NONE;
		if (sb->addr_of[i] != EPH_NONE &&
		    best_va(sb, sb->addr_of[i]) != sb->sp.bufs[i].kva)
			PANIC("a buffer's address is not its own");
	}
	if (n != sb->waiting || n + others != sb->naddrs)
		PANIC("addresses in use, new and waiting do not add up");
}

static const struct eph_sysctl best_sysctls[] = {
	SF_POOL_SYSCTL_NSFBUFS,
	SF_POOL_SYSCTL_NSFBUFSUSED,
	SF_POOL_SYSCTL_NSFBUFSPEAK,
	SF_POOL_SYSCTL_ALLOCWAIT,
	SF_POOL_SYSCTL_ALLOCFAIL,
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct eph_design_ops eph__best_ops = {
	.abi = EPHMAP_ABI,
	.name = "ephmap.best",
	.summary = "a rotation of spare addresses, flushed once a turn",
	.origin = "ephmap",
	.date = "2026-11-21",
	.from = "sf_buf.accessed",
	.costs = "a flush a turn of the addresses",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "lru",
	.validity = EPH_VALID_MASK,
	.flags = EPH_DESIGN_PRIVATE | EPH_DESIGN_NOWAIT | EPH_DESIGN_CACHE |
	    EPH_DESIGN_POLICY | EPH_DESIGN_NBUFS | EPH_DESIGN_SLEEPS |
	    EPH_DESIGN_OURS,
	.create = best_create,
	.destroy = best_destroy,
	.map = best_map,
	.unmap = best_unmap,
	.kva = eph__sf_pool_kva,
	.ref = eph__sf_pool_ref,
	.page = eph__sf_pool_page,
	.check = best_check,
	.sysctls = best_sysctls,
};

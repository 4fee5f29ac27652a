/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The protocols that put invalidations off, or leave them to hardware, against
 * a reference that counts on its fingers: lists in arrays, sets of CPUs as arrays of flags, and no
 * thought of speed.  Random requests of the pmap from random CPUs, with
 * delays between them; every event must be counted alike, and every load
 * must reach the page that is entered.
 */

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

enum { PAGES = 12, CPUS_MAX = 70 };

/* Something put off: pages, and who is still to hear of it. */
struct note {
	unsigned va;
	unsigned npages;
	bool to[CPUS_MAX];
	bool open;
};

struct ref {
	const char *name;
	unsigned ncpus;
	unsigned me;
	uint64_t now;
	struct eph_counters c;
	bool idle[CPUS_MAX];
	/* mach-queue: pages of what is listed, and how much that is. */
	unsigned listed[CPUS_MAX];
	unsigned list_pages[CPUS_MAX];
	bool everything[CPUS_MAX];
	bool marked[CPUS_MAX]; /* idle-skip, at-receipt, pm-gen, lazy */
	/* batched: one set of ranges; latr: 64 of each CPU. */
	struct note batch[32];
	unsigned nbatch;
	struct note place[CPUS_MAX][64];
	struct note *last[PAGES]; /* latr: of the page's removal */
	bool gone[PAGES];	  /* removed, and everybody has heard of it */
	/* tlbclock: flushes so far, by CPU, and when a page changed. */
	unsigned clock;
	unsigned flushed[CPUS_MAX];
	unsigned changed[PAGES]; /* 0: nobody holds anything else */
	bool valid[PAGES];
	bool removed[PAGES];
};

static bool
is(const struct ref *f, const char *name)
{
	return (strcmp(f->name, name) == 0);
}

/* Everybody but this CPU, or of these the even ones. */
static void
ref_targets(const struct ref *f, bool even, bool to[CPUS_MAX])
{
	for (unsigned c = 0; c < f->ncpus; c++)
		to[c] = c != f->me && (!even || c % 2 == 0);
}

static bool
keeps_idle(const struct ref *f)
{
	return (is(f, "mach-queue") || is(f, "idle-skip") ||
	    is(f, "at-receipt") || is(f, "pm-gen") || is(f, "lazy"));
}

/* A CPU that was idle goes on. */
static void
ref_wake(struct ref *f, unsigned c)
{
	if (is(f, "at-receipt")) {
		f->c.flush_local += f->marked[c];
		f->marked[c] = false;
		return;
	}
	if (f->everything[c])
		f->c.flush_remote++;
	else
		f->c.invlpg_remote += f->list_pages[c];
	f->listed[c] = f->list_pages[c] = 0;
	f->everything[c] = false;
	f->c.flush_remote += f->marked[c];
	f->marked[c] = false;
}

static void
ref_enter_cpu(struct ref *f, unsigned c)
{
	f->me = c;
	if (f->idle[c])
		ref_wake(f, c);
	f->idle[c] = false;
}

static void
ref_sweep_note(struct ref *f, struct note *n, unsigned c)
{
	if (!n->open || !n->to[c])
		return;
	n->to[c] = false;
	f->c.invlpg_remote += n->npages;
	n->open = false;
	for (unsigned i = 0; i < f->ncpus; i++)
		n->open |= n->to[i];
	for (unsigned k = 0; k < n->npages && !n->open; k++)
		f->gone[n->va + k] |= f->last[n->va + k] == n;
}

static void
ref_sweep(struct ref *f)
{
	for (unsigned c = 0; c < f->ncpus; c++) {
		for (unsigned o = 0; o < f->ncpus; o++) {
			for (unsigned i = 0; i < 64; i++)
				ref_sweep_note(f, &f->place[o][i], c);
		}
	}
}

static void
ref_delay(struct ref *f, uint64_t ns)
{
	const uint64_t ticks = f->now / EPH_TICK_NS;

	f->now += ns;
	for (unsigned c = 0; c < f->ncpus && ns > 0; c++)
		f->idle[c] = keeps_idle(f);
	if (f->now / EPH_TICK_NS != ticks && is(f, "latr"))
		ref_sweep(f);
}

static void
ref_flush_batch(struct ref *f)
{
	if (f->nbatch == 0)
		return;
	f->c.flush_local++;
	f->c.flush_remote += f->ncpus - 1;
	f->c.ipi_sent += f->ncpus - 1;
	for (unsigned i = 0; i < f->nbatch; i++) {
		for (unsigned k = 0; k < f->batch[i].npages; k++)
			f->gone[f->batch[i].va + k] = true;
	}
	f->nbatch = 0;
}

static void
ref_flush_cpu(struct ref *f, unsigned c)
{
	f->flushed[c] = ++f->clock;
	if (c == f->me) {
		f->c.flush_local++;
	} else {
		f->c.flush_remote++;
		f->c.ipi_sent++;
	}
}

/* Flush those of `to` that have not since the page changed. */
static void
ref_flush_since(struct ref *f, const bool to[CPUS_MAX], unsigned va)
{
	const unsigned since = f->changed[va];
	bool here;

	if (since == 0)
		return;
	here = to[f->me] && f->flushed[f->me] <= since;
	if (here)
		ref_flush_cpu(f, f->me);
	for (unsigned c = 0; c < f->ncpus; c++) {
		if (c != f->me && to[c] && f->flushed[c] <= since)
			ref_flush_cpu(f, c);
	}
}

static void
ref_changes(struct ref *f, unsigned va, bool valid)
{
	if (f->valid[va])
		f->changed[va] = f->clock;
	f->valid[va] = valid;
	f->c.pte_store++;
}

static void
ref_store_clock(struct ref *f, unsigned va)
{
	bool all[CPUS_MAX];

	memset(all, true, sizeof(all));
	if (f->removed[va]) {
		ref_flush_since(f, all, va);
		f->removed[va] = false;
		f->changed[va] = 0;
	}
	ref_changes(f, va, true);
}

/* Does the note cover the page? */
static bool
covers(const struct note *n, unsigned va)
{
	return (va >= n->va && va < n->va + n->npages);
}

/*
 * A valid entry is stored: what was put off for the page comes first.  A
 * page may have been removed twice, then the later one counts.
 */
static void
ref_store_valid(struct ref *f, unsigned va)
{
	struct note *n;
	bool pending = false;

	if (is(f, "tlbclock")) {
		ref_store_clock(f, va);
		return;
	}
	for (unsigned i = 0; i < f->nbatch; i++)
		pending |= covers(&f->batch[i], va) && !f->gone[va];
	if (pending)
		ref_flush_batch(f);
	n = f->last[va];
	if (is(f, "latr") && !f->gone[va] && n != NULL) {
		for (unsigned c = 0; c < f->ncpus; c++) {
			f->c.ipi_sent += c != f->me && n->open && n->to[c];
			ref_sweep_note(f, n, c);
		}
	}
	f->gone[va] = false;
	f->last[va] = NULL;
	f->c.pte_store++;
}

/* Pages are invalidated on others: at once, or as the protocol has it. */
static void
ref_others(struct ref *f, const bool to[CPUS_MAX], unsigned npages)
{
	for (unsigned c = 0; c < f->ncpus && !is(f, "invlpgb"); c++) {
		if (!to[c])
			continue;
		f->marked[c] |= is(f, "pm-gen");
		if (f->idle[c] && is(f, "at-receipt")) {
			f->c.ipi_sent++;
			f->c.flush_remote += npages == 0;
			f->marked[c] |= npages != 0;
			continue;
		}
		if (f->idle[c] && is(f, "mach-queue")) {
			f->everything[c] |= npages == 0 || f->listed[c] == 4;
			f->listed[c] += npages != 0 && f->listed[c] < 4;
			f->list_pages[c] += npages;
			continue;
		}
		if (f->idle[c]) {
			f->marked[c] = true;
			continue;
		}
		f->c.ipi_sent += !is(f, "rar");
		if (npages == 0 || is(f, "idle-skip"))
			f->c.flush_remote++;
		else
			f->c.invlpg_remote += npages;
	}
}

static void
ref_remove_latr(struct ref *f, unsigned va, unsigned npages)
{
	bool to[CPUS_MAX];
	unsigned i = 0;

	ref_targets(f, false, to);
	f->c.invlpg_local += npages;
	while (i < 64 && f->place[f->me][i].open)
		i++;
	if (i == 64 || f->ncpus == 1) {
		ref_others(f, to, npages);
		for (unsigned k = 0; k < npages; k++) {
			f->gone[va + k] = true;
			f->last[va + k] = NULL;
		}
		return;
	}
	f->place[f->me][i] = (struct note){ va, npages, { false }, true };
	memcpy(f->place[f->me][i].to, to, sizeof(to));
	for (unsigned k = 0; k < npages; k++) {
		f->gone[va + k] = false;
		f->last[va + k] = &f->place[f->me][i];
	}
}

/* Instructions for a range on this CPU. */
static unsigned
ref_local(const struct ref *f, unsigned npages)
{
	return (is(f, "invlpgb") ? (npages + 7) / 8 : npages);
}

static void
ref_remove(struct ref *f, unsigned va, unsigned npages)
{
	bool to[CPUS_MAX];

	for (unsigned k = 0; k < npages && is(f, "tlbclock"); k++) {
		ref_changes(f, va + k, false);
		f->removed[va + k] = true;
	}
	if (is(f, "tlbclock"))
		return;
	f->c.pte_store += npages;
	if (is(f, "batched")) {
		f->batch[f->nbatch++] =
		    (struct note){ va, npages, { false }, true };
		for (unsigned k = 0; k < npages; k++)
			f->gone[va + k] = false;
		if (f->nbatch == 32)
			ref_flush_batch(f);
	} else if (is(f, "latr")) {
		ref_remove_latr(f, va, npages);
	} else {
		f->c.invlpg_local += ref_local(f, npages);
		ref_targets(f, false, to);
		ref_others(f, to, npages);
	}
}

/* Is each page gone, or put off to be settled when it is stored? */
static bool
ref_known(const struct ref *f, unsigned va, unsigned npages)
{
	for (unsigned k = 0; k < npages; k++) {
		bool known = f->gone[va + k] || f->last[va + k] != NULL;

		for (unsigned i = 0; i < f->nbatch; i++)
			known |= covers(&f->batch[i], va + k);
		if (!known)
			return (false);
	}
	return (true);
}

static bool
ref_changed(const struct ref *f, unsigned va, unsigned npages)
{
	bool any = false;

	for (unsigned k = 0; k < npages; k++)
		any |= f->changed[va + k] != 0;
	return (any);
}

static void
ref_enter(struct ref *f, unsigned va, unsigned npages)
{
	bool known = ref_known(f, va, npages);
	bool to[CPUS_MAX];

	for (unsigned k = 0; k < npages; k++)
		ref_store_valid(f, va + k);
	if (is(f, "tlbclock"))
		known = !ref_changed(f, va, npages);
	if (known)
		return;
	f->c.invlpg_local += ref_local(f, npages);
	ref_targets(f, false, to);
	ref_others(f, to, npages);
	memset(&f->changed[va], 0, npages * sizeof(f->changed[0]));
}

/* The machine beside it. */
struct world {
	struct ref f;
	struct eph_machine *mc;
	struct prng r;
	eph_va_t va;
	uint32_t frame[PAGES]; /* EPH_NONE: removed */
};

static void
do_enter(struct world *w, unsigned va, unsigned npages)
{
	struct vm_page *m[PAGES];

	for (unsigned k = 0; k < npages; k++) {
		m[k] = vm_page_get(w->mc, prng_below(&w->r, 100));
		w->frame[va + k] = m[k]->frame;
	}
	pmap_qenter(w->mc, w->va + eph_ptoa(va), m, npages);
	ref_enter(&w->f, va, npages);
}

static void
do_remove(struct world *w, unsigned va, unsigned npages)
{
	for (unsigned k = 0; k < npages; k++)
		w->frame[va + k] = EPH_NONE;
	pmap_qremove(w->mc, w->va + eph_ptoa(va), npages);
	ref_remove(&w->f, va, npages);
}

/* Where nothing is entered a design may store by itself. */
static void
do_store(struct world *w, unsigned va)
{
	if (w->frame[va] != EPH_NONE)
		return;
	w->frame[va] = vm_page_get(w->mc, prng_below(&w->r, 100))->frame;
	pmap_pte_store(w->mc, w->va + eph_ptoa(va),
	    eph_ptoa(w->frame[va]) | EPH_PTE_V | EPH_PTE_RW);
	ref_store_valid(&w->f, va);
}

static void
do_invalidate(struct world *w, unsigned va)
{
	eph_cpuword_t set[EPH_CPUSET_WORDS_MAX] = { 0 };
	bool to[CPUS_MAX];

	ref_targets(&w->f, true, to);
	for (unsigned c = 0; c < w->f.ncpus; c++) {
		if (to[c])
			eph_cpuset_set(set, c);
	}
	smp_masked_invlpg(w->mc, set, w->va + eph_ptoa(va));
	if (is(&w->f, "tlbclock") && !ref_changed(&w->f, va, 1))
		return;
	w->f.c.invlpg_local += is(&w->f, "invlpgb");
	ref_others(&w->f, to, 1);
}

static void
do_flush(struct world *w, unsigned va)
{
	bool to[CPUS_MAX];

	smp_invltlb(w->mc, w->va + eph_ptoa(va), 1, true);
	ref_targets(&w->f, false, to);
	if (is(&w->f, "tlbclock")) {
		ref_flush_since(&w->f, to, va);
		return;
	}
	w->f.c.flush_local += is(&w->f, "invlpgb");
	ref_others(&w->f, to, 0);
}

static void
do_read(struct world *w, unsigned va)
{
	uint32_t reached;

	if (w->frame[va] == EPH_NONE)
		return;
	(void)eph_machine_access(w->mc, w->va + eph_ptoa(va), EPH_TOUCH_READ,
	    vm_page_get(w->mc, w->frame[va]), &reached);
	CU_ASSERT_EQUAL(reached, w->frame[va]);
}

static void
do_something(struct world *w)
{
	static const uint64_t delays[] = { 0, 1, EPH_TICK_NS / 3, EPH_TICK_NS };
	const unsigned va = prng_below(&w->r, PAGES);
	const unsigned npages = 1 + prng_below(&w->r, PAGES - va) / 3;
	const unsigned what = prng_below(&w->r, 100);
	const uint64_t ns = delays[prng_below(&w->r, 4)];

	if (what < 20)
		do_enter(w, va, npages);
	else if (what < 50)
		do_remove(w, va, npages);
	else if (what < 55)
		do_store(w, va);
	else if (what < 58)
		do_invalidate(w, va);
	else if (what < 60)
		do_flush(w, va);
	else if (what < 85)
		do_read(w, va);
	else if (what < 88) {
		eph_lockstep_delay(w->mc, ns);
		ref_delay(&w->f, ns);
	}
}

static bool
same(const struct world *w, unsigned at)
{
	struct eph_counters c;
	const struct eph_counters *f = &w->f.c;

	eph_machine_counters(w->mc, &c);
	if (c.pte_store == f->pte_store && c.invlpg_local == f->invlpg_local &&
	    c.invlpg_remote == f->invlpg_remote &&
	    c.flush_local == f->flush_local &&
	    c.flush_remote == f->flush_remote && c.ipi_sent == f->ipi_sent)
		return (true);
	(void)printf("%s, %u CPUs, step %u: is/due store %llu/%llu L "
		     "%llu/%llu R %llu/%llu LF %llu/%llu F %llu/%llu IPI "
		     "%llu/%llu\n",
	    w->f.name, w->f.ncpus, at, (unsigned long long)c.pte_store,
	    (unsigned long long)f->pte_store,
	    (unsigned long long)c.invlpg_local,
	    (unsigned long long)f->invlpg_local,
	    (unsigned long long)c.invlpg_remote,
	    (unsigned long long)f->invlpg_remote,
	    (unsigned long long)c.flush_local,
	    (unsigned long long)f->flush_local,
	    (unsigned long long)c.flush_remote,
	    (unsigned long long)f->flush_remote, (unsigned long long)c.ipi_sent,
	    (unsigned long long)f->ipi_sent);
	return (false);
}

/* At the end everybody hears of everything. */
static void
finish(struct world *w)
{
	eph_lockstep_drain(w->mc);
	for (unsigned c = 0; c < w->f.ncpus; c++) {
		if (!w->f.idle[c] || !is(&w->f, "at-receipt"))
			ref_wake(&w->f, c);
	}
	ref_flush_batch(&w->f);
	ref_sweep(&w->f);
	CU_ASSERT_TRUE(same(w, UINT32_MAX));
	CU_ASSERT_EQUAL(w->mc->nviolations, 0);
}

static void
play(const char *name, unsigned ncpus, unsigned steps, uint64_t seed)
{
	static struct world w;
	const struct eph_machine_config cfg = { .tlb = "infinite",
		.ncpus = ncpus };

	memset(&w, 0, sizeof(w));
	w.f.name = name;
	w.f.ncpus = ncpus;
	w.f.clock = 1;
	eph__prng_init(&w.r, seed, ncpus);
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &w.mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(
	    eph_machine_set_shootdown(w.mc, eph_shootdown_find(name)), 0);
	w.va = kva_alloc(w.mc, PAGES);
	for (unsigned k = 0; k < PAGES; k++)
		w.frame[k] = EPH_NONE;
	for (unsigned i = 0; i < steps; i++) {
		const unsigned c = prng_below(&w.r, ncpus < 5 ? ncpus : 5);

		eph_cpu_enter(w.mc, c);
		ref_enter_cpu(&w.f, c);
		do_something(&w);
		if (!same(&w, i)) {
			CU_FAIL("the reference counts differently");
			break;
		}
	}
	finish(&w);
	kva_free(w.mc, w.va, PAGES);
	CU_ASSERT_EQUAL(eph_machine_destroy(w.mc), 0);
}

static void
protocols_count_as_the_reference_does(void)
{
	static const char *const names[] = { "mach-queue", "idle-skip",
		"batched", "latr", "overlap", "at-receipt", "pm-gen", "lazy",
		"rar", "invlpgb", "tlbclock" };
	static const unsigned cpus[] = { 1, 2, 4, 7, 66 };
	const unsigned runs = test_long ? 200 : 4;

	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (unsigned i = 0; i < 5 * runs; i++)
			play(names[n], cpus[i % 5],
			    cpus[i % 5] > 8 ? 300 : 2000, i);
	}
}

/*
 * Any protocol: pages that were asked for reach their new frames on every CPU
 * that was, and the others are lost together or not at all: a CPU flushes all
 * or invalidates just these, wherever in the range.
 */
enum { WIDE = 70, WIDE_CPUS = 4, OLD = 100, NEW = 300 };

/* How many of the pages `cpu` has to look up; each is checked. */
static unsigned
misses(struct eph_machine *mc, unsigned cpu, eph_va_t va, unsigned first,
    unsigned npages, unsigned *outside)
{
	unsigned n = 0;

	*outside = 0;
	eph_cpu_enter(mc, cpu);
	for (unsigned k = 0; k < WIDE; k++) {
		const bool in = k - first < npages;
		const uint32_t due = (in ? NEW : OLD) + k;
		const uint64_t before = mc->cpus[cpu]->c.tlb_miss;
		uint32_t reached = EPH_NONE;

		CU_ASSERT_EQUAL(
		    eph_machine_access(mc, va + eph_ptoa(k), EPH_TOUCH_READ,
			vm_page_get(mc, due), &reached),
		    0);
		CU_ASSERT_EQUAL(reached, due);
		if (mc->cpus[cpu]->c.tlb_miss != before) {
			n++;
			*outside += !in;
		}
	}
	return (n);
}

/* Returns whether the others lost these pages only. */
static bool
shoot_a_range(
    const struct eph_shootdown_ops *ops, unsigned npages, eph_pte_t pgeflag)
{
	bool exact = true;
	const struct eph_machine_config cfg = { .tlb = "infinite",
		.ncpus = WIDE_CPUS };
	eph_pte_t ptes[WIDE];
	eph_cpuword_t targets[EPH_CPUSET_WORDS_MAX] = { 0xe };
	struct eph_shoot req = { .targets = targets,
		.npages = npages,
		.ptes = ptes,
		.local = true };
	struct eph_machine *mc;
	unsigned outside;
	eph_va_t va;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_machine_set_shootdown(mc, ops), 0);
	mc->pgeflag = pgeflag;
	va = kva_alloc(mc, WIDE);
	for (unsigned k = 0; k < WIDE; k++) {
		pmap_pte_store(mc, va + eph_ptoa(k),
		    eph_ptoa(OLD + k) | EPH_PTE_V | pgeflag);
		ptes[k] = eph_ptoa(NEW + 3 + k) | EPH_PTE_V | pgeflag;
	}
	for (unsigned c = 0; c < WIDE_CPUS; c++)
		CU_ASSERT_EQUAL(misses(mc, c, va, 0, 0, &outside), WIDE);
	eph_cpu_enter(mc, 0);
	req.va = va + eph_ptoa(3);
	eph_shoot(mc, &req);
	eph_lockstep_delay(mc, 10 * EPH_TICK_NS);
	for (unsigned c = 0; c < WIDE_CPUS; c++) {
		const unsigned n = misses(mc, c, va, 3, npages, &outside);

		CU_ASSERT(n == WIDE || (n == npages && outside == 0));
		exact = exact && (c == 0 || n == npages);
	}
	CU_ASSERT_EQUAL(mc->nviolations, 0);
	kva_free(mc, va, WIDE);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	return (exact);
}

/*
 * A flush takes global entries with it where it is asked to; else they stay,
 * at least where the kernel uses none.
 */
static void
flush_everything(const struct eph_shootdown_ops *ops, bool kernel, bool all)
{
	const struct eph_machine_config cfg = { .tlb = "infinite",
		.ncpus = WIDE_CPUS };
	eph_cpuword_t targets[EPH_CPUSET_WORDS_MAX] = { 0xe };
	struct eph_machine *mc;
	unsigned outside;
	eph_va_t va;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(eph_machine_set_shootdown(mc, ops), 0);
	mc->pgeflag = kernel ? EPH_PTE_G : 0;
	va = kva_alloc(mc, WIDE);
	for (unsigned k = 0; k < WIDE; k++)
		pmap_pte_store(mc, va + eph_ptoa(k),
		    eph_ptoa(OLD + k) | EPH_PTE_V | EPH_PTE_G);
	for (unsigned c = 0; c < WIDE_CPUS; c++)
		CU_ASSERT_EQUAL(misses(mc, c, va, 0, 0, &outside), WIDE);
	eph_cpu_enter(mc, 0);
	/* Something did change: one of them asks who may still hold it. */
	pmap_pte_store(
	    mc, va, eph_ptoa(OLD) | EPH_PTE_V | EPH_PTE_RW | EPH_PTE_G);
	eph_shoot_flush(mc, targets, va, WIDE, all);
	eph_lockstep_delay(mc, 10 * EPH_TICK_NS);
	for (unsigned c = 1; c < WIDE_CPUS; c++)
		CU_ASSERT_EQUAL(
		    misses(mc, c, va, 0, 0, &outside), all ? WIDE : 0);
	kva_free(mc, va, WIDE);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
}

static void
a_flush_takes_global_entries_where_there_are_any(void)
{
	for (unsigned i = 0; eph_shootdowns[i] != NULL; i++) {
		flush_everything(eph_shootdowns[i], false, false);
		flush_everything(eph_shootdowns[i], false, true);
		flush_everything(eph_shootdowns[i], true, true);
	}
}

/*
 * The largest range that is invalidated page by page, where the kernel uses no
 * global entries and where it does; ALL: there is no limit.  33 is Linux's
 * ceiling; RAR's payload has room for 62, and none for global entries.
 */
enum { ALL = 63 };

static const struct {
	const char *name;
	unsigned most[2];
} ranges[] = {
	{ "acked-invlpg", { ALL, ALL } },
	{ "rendezvous", { 1, 1 } },
	{ "unacked-flush", { 0, 0 } },
	{ "early-ack", { 33, 33 } },
	{ "broadcast", { ALL, ALL } },
	{ "mach-queue", { ALL, ALL } },
	{ "idle-skip", { 0, 0 } },
	{ "batched", { ALL, ALL } },
	{ "latr", { ALL, ALL } },
	{ "overlap", { ALL, ALL } },
	{ "at-receipt", { ALL, ALL } },
	{ "pm-gen", { 0, ALL } },
	{ "lazy", { 33, 33 } },
	{ "rar", { 62, 0 } },
	{ "invlpgb", { 33, 33 } },
	{ "tlbclock", { ALL, ALL } },
};

static void
a_range_is_invalidated_and_no_more(void)
{
	static const unsigned sizes[] = { 1, 2, 33, 34, 62, ALL };
	const size_t n = sizeof(ranges) / sizeof(ranges[0]);

	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(eph_shootdowns[i]);
		CU_ASSERT_STRING_EQUAL(eph_shootdowns[i]->name, ranges[i].name);
		for (unsigned k = 0; k < 6; k++) {
			for (unsigned g = 0; g < 2; g++)
				CU_ASSERT_EQUAL(
				    shoot_a_range(eph_shootdowns[i], sizes[k],
					g == 0 ? 0 : EPH_PTE_G),
				    sizes[k] <= ranges[i].most[g]);
		}
	}
	CU_ASSERT_PTR_NULL(eph_shootdowns[n]);
}

static CU_TestInfo tests[] = {
	TEST(a_range_is_invalidated_and_no_more),
	TEST(a_flush_takes_global_entries_where_there_are_any),
	TEST(protocols_count_as_the_reference_does),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "model_shootdowns", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

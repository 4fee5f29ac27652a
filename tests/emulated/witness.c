// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * A witness in a kernel: plays a script with what this kernel has, or with its
 * page tables alone, and says what came of it in one line of the kernel's log.
 *
 *	insmod witness.ko script=FILE mode=MODE
 *
 * A line of a script begins with a letter and a CPU.  With mode kmap, local,
 * atomic, vmap or ram:
 *
 *	m CPU PAGE HANDLE	map, and look whether it is the page
 *	u CPU HANDLE		unmap
 *
 * Lines of one CPU in a row are played in one go there; with split=1 each by
 * itself, and a map by kmap() that finds all slots held has a thread of its own,
 * which sleeps until an unmap leaves it one.  Its handle is not to be named
 * before.  Counted are how often these slept, and calls of
 * the kernel's own functions that flush: do_flush_tlb_all and
 * do_kernel_range_flush, which run on every CPU concerned, and
 * flush_tlb_one_kernel while a line of ours is played.
 *
 * With mode events:
 *
 *	S CPU SLOT OLD NEW	the entry of address SLOT is replaced
 *	I CPU SLOT		the CPU executes INVLPG
 *	F CPU GLOBAL		it flushes its TLB
 *	L CPU SLOT FRAME	a load, which is said to reach FRAME
 *	W CPU SLOT FRAME	a store
 *
 * An entry is FRAME:BITS, or - where it is not valid; bits are 1 writable, 2
 * accessed, 4 modified, 8 global.  Frames and slots are numbered from 0.  Only
 * what the script says is stored and invalidated.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#define PAGES	4096 /* that a script may name, and slots */
#define HANDLES 65536

static char *script = "";
static char *mode = "kmap";
module_param(script, charp, 0);
module_param(mode, charp, 0);
static bool split;
module_param(split, bool, 0);

/* -- what the kernel does ------------------------------------------------- */

static unsigned long maps, misses, unmaps, wrong;
static atomic_long_t flushes, range_flushes, invlpgs;
static unsigned long rounds, first_at; /* flushes of CPU 0; maps till then */
static unsigned long sleeps;
static bool counting;
static DEFINE_PER_CPU(bool, playing);

static int
saw_flush(struct kprobe *p, struct pt_regs *regs)
{
	if (counting) {
		atomic_long_inc(&flushes);
		if (raw_smp_processor_id() == 0 && rounds++ == 0)
			first_at = maps;
	}
	return 0;
}

static int
saw_range(struct kprobe *p, struct pt_regs *regs)
{
	if (counting)
		atomic_long_inc(&range_flushes);
	return 0;
}

static int
saw_invlpg(struct kprobe *p, struct pt_regs *regs)
{
	if (counting && raw_cpu_read(playing))
		atomic_long_inc(&invlpgs);
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "do_flush_tlb_all", .pre_handler = saw_flush },
	{ .symbol_name = "do_kernel_range_flush", .pre_handler = saw_range },
	{ .symbol_name = "flush_tlb_one_kernel", .pre_handler = saw_invlpg },
};

/* -- lines ---------------------------------------------------------------- */

struct line {
	char what;
	unsigned int cpu;
	unsigned long a, b;   /* page or slot; handle or frame */
	unsigned int bits[2]; /* of the old and the new entry */
	long frame[2];	      /* -1: not valid */
};

static struct page *frames[PAGES];
static unsigned int holds[PAGES], nheld; /* of a page; pages that have one */
static struct {
	void *at;
	unsigned long page;
} * handles;

static bool
take_entry(const char *word, long *frame, unsigned int *bits)
{
	*frame = -1;
	*bits = 0;
	return *word == '-' || sscanf(word, "%ld:%u", frame, bits) == 2;
}

static bool
parse(const char *s, struct line *l)
{
	char old[24], new[24];

	memset(l, 0, sizeof(*l));
	switch (*s) {
	case 'm':
	case 'L':
	case 'W':
		return sscanf(s, "%c %u %lu %lu", &l->what, &l->cpu, &l->a,
			   &l->b) == 4;
	case 'u':
	case 'I':
	case 'F':
		return sscanf(s, "%c %u %lu", &l->what, &l->cpu, &l->a) == 3;
	case 'S':
		return sscanf(s, "%c %u %lu %23s %23s", &l->what, &l->cpu,
			   &l->a, old, new) == 5 &&
		    take_entry(old, &l->frame[0], &l->bits[0]) &&
		    take_entry(new, &l->frame[1], &l->bits[1]);
	}
	return false;
}

/* -- with the kernel's functions ------------------------------------------ */

struct batch {
	struct line *line;
	unsigned int n;
	struct completion played;
};

static bool
is_miss(struct page *page)
{
	return *mode != 'k' || page_address(page) == NULL;
}

static void *
map_page(struct page *page)
{
	switch (*mode) {
	case 'k':
		return kmap(page);
	case 'l':
		return kmap_local_page(page);
	case 'a':
		return kmap_atomic(page);
	case 'v':
		return vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	}
	return vm_map_ram(&page, 1, NUMA_NO_NODE);
}

static void
unmap_page(struct page *page, void *at)
{
	switch (*mode) {
	case 'k':
		kunmap(page);
		break;
	case 'l':
		kunmap_local(at);
		break;
	case 'a':
		kunmap_atomic(at);
		break;
	case 'v':
		vunmap(at);
		break;
	default:
		vm_unmap_ram(at, 1);
		break;
	}
}

static int
play_batch(void *arg)
{
	struct batch *b = arg;
	const unsigned long switches = current->nvcsw;
	unsigned int i;

	raw_cpu_write(playing, true);
	for (i = 0; i < b->n; i++) {
		const struct line *l = &b->line[i];

		if (l->what == 'm') {
			maps++;
			misses += is_miss(frames[l->a]);
			handles[l->b].at = map_page(frames[l->a]);
			handles[l->b].page = l->a;
			nheld += holds[l->a]++ == 0;
			if (handles[l->b].at == NULL ||
			    *(volatile unsigned long *)handles[l->b].at != l->a)
				wrong++;
		} else {
			unmaps++;
			nheld -= --holds[handles[l->a].page] == 0;
			unmap_page(
			    frames[handles[l->a].page], handles[l->a].at);
			/* A worker of this CPU has its turn. */
			if (*mode == 'v' || *mode == 'r')
				cond_resched();
		}
	}
	raw_cpu_write(playing, false);
	sleeps += current->nvcsw - switches;
	/* By the kernel's code, as ours may be gone then. */
	kthread_complete_and_exit(&b->played, 0);
}

/* A thread, so that workers of that CPU have their turn too. */
static struct task_struct *
start_on(unsigned int cpu, struct batch *b)
{
	struct task_struct *t =
	    kthread_create(play_batch, b, "witness/%u", cpu);

	if (IS_ERR(t))
		return t;
	get_task_struct(t);
	init_completion(&b->played);
	kthread_bind(t, cpu);
	wake_up_process(t);
	return t;
}

static int
play_on(unsigned int cpu, struct line *line, unsigned int n)
{
	struct batch b = { .line = line, .n = n };
	struct task_struct *t = start_on(cpu, &b);

	if (IS_ERR(t))
		return PTR_ERR(t);
	wait_for_completion(&b.played);
	put_task_struct(t);
	return 0;
}

/* -- maps that sleep ------------------------------------------------------ */

static struct sleeper {
	struct batch batch;
	struct task_struct *task; /* NULL: free */
} sleepers[16];

/* Wait until each is asleep or has its slot; how many sleep. */
static unsigned int
settle(void)
{
	unsigned int asleep = 0, i;

	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		struct sleeper *s = &sleepers[i];

		while (s->task != NULL && !completion_done(&s->batch.played) &&
		    READ_ONCE(s->task->__state) != TASK_UNINTERRUPTIBLE)
			msleep(2);
		if (s->task != NULL && completion_done(&s->batch.played)) {
			put_task_struct(s->task);
			s->task = NULL;
		}
		asleep += s->task != NULL;
	}
	return asleep;
}

static int
play_sleeper(struct line *line)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sleepers); i++) {
		struct sleeper *s = &sleepers[i];
		struct task_struct *t;

		if (s->task != NULL)
			continue;
		s->batch.line = line;
		s->batch.n = 1;
		t = start_on(line->cpu, &s->batch);
		if (IS_ERR(t))
			return PTR_ERR(t);
		s->task = t;
		settle();
		return 0;
	}
	return -E2BIG;
}

/* One line; what sleeps already goes on as far as it can. */
static int
play_line(struct line *line)
{
	int error;

	if (*mode == 'k' && line->what == 'm' && nheld == LAST_PKMAP &&
	    holds[line->a] == 0)
		return play_sleeper(line);
	error = play_on(line->cpu, line, 1);
	settle();
	return error;
}

/* As after boot: no slot of kmap() is used, and the next one is 1. */
static int
align_kmap(void)
{
	struct kprobe k = { .symbol_name = "__kmap_flush_unused" };
	void (*flush_unused)(void);
	unsigned long slot = 1;
	int error = register_kprobe(&k);
	unsigned int i;

	if (error != 0)
		return error;
	flush_unused = (void *)k.addr;
	unregister_kprobe(&k);
	for (i = 0; slot != 0 && i < 4 * LAST_PKMAP; i++) {
		struct page *page = frames[i % PAGES];

		if (i % (LAST_PKMAP / 2) == 0)
			flush_unused();
		slot = ((unsigned long)kmap(page) - PKMAP_BASE) >> PAGE_SHIFT;
		kunmap(page);
	}
	flush_unused();
	return slot == 0 ? 0 : -EBUSY;
}

static int
play_functions(struct line *line, unsigned int n)
{
	unsigned int i, first;
	int error = 0;

	if (*mode == 'k')
		error = align_kmap();
	if (error != 0)
		return error;
	counting = true;
	for (first = 0; first < n && error == 0; first = i) {
		for (i = first + 1;
		     i < n && line[i].cpu == line[first].cpu && !split; i++)
			continue;
		error = split
		    ? play_line(&line[first])
		    : play_on(line[first].cpu, &line[first], i - first);
	}
	/* Its code would be gone. */
	if (settle() > 0)
		panic("witness: %s: a map sleeps for ever", script);
	msleep(300); /* what a worker still has to do */
	counting = false;
	pr_info(
	    "witness: %s %s: maps %lu misses %lu unmaps %lu wrong %lu flushes %ld ranges %ld invlpg %ld rounds %lu first %lu sleeps %lu\n",
	    mode, script, maps, misses, unmaps, wrong,
	    atomic_long_read(&flushes), atomic_long_read(&range_flushes),
	    atomic_long_read(&invlpgs), rounds, first_at, sleeps);
	return error;
}

/* -- with page tables alone ----------------------------------------------- */

static unsigned long window;
static pte_t *entry[PAGES];

/* Frames that an entry had: what a TLB that was not told may still have. */
#define HISTORY 512
static short history[PAGES][HISTORY];
static unsigned short nhistory[PAGES];

static void
remember(unsigned long slot, long frame)
{
	if (frame >= 0)
		history[slot][nhistory[slot]++ % HISTORY] = frame;
}

struct deed {
	const struct line *line;
	pte_t put, old;
	unsigned long token, got;
	bool faulted;
};

static void
flush_all_here(bool global)
{
	unsigned long cr;

	if (!global) {
		native_write_cr3(__native_read_cr3());
		return;
	}
	asm volatile("mov %%cr4, %0" : "=r"(cr));
	asm volatile("mov %0, %%cr4" : : "r"(cr & ~X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr) : "memory");
}

/* On the CPU, interrupts off. */
static void
deed_here(void *arg)
{
	struct deed *d = arg;
	const struct line *l = d->line;
	unsigned long *at = (void *)(window + (l->a << PAGE_SHIFT));

	switch (l->what) {
	case 'S':
		d->old = native_ptep_get_and_clear(entry[l->a]);
		native_set_pte(entry[l->a], d->put);
		break;
	case 'I':
		asm volatile("invlpg (%0)" : : "r"(at) : "memory");
		break;
	case 'F':
		flush_all_here(l->a != 0);
		break;
	case 'L':
		__get_kernel_nofault(&d->got, at, unsigned long, fault);
		break;
	case 'W':
		__put_kernel_nofault(at + 1, &d->token, unsigned long, fault);
		break;
	}
	return;
fault:
	d->faulted = true;
}

static pte_t
make_entry(long frame, unsigned int bits)
{
	pteval_t v = _PAGE_PRESENT;

	if (frame < 0)
		return __pte(0);
	v |= (bits & 1) != 0 ? _PAGE_RW : 0;
	v |= (bits & 2) != 0 ? _PAGE_ACCESSED : 0;
	v |= (bits & 4) != 0 ? _PAGE_DIRTY : 0;
	v |= (bits & 8) != 0 ? _PAGE_GLOBAL : 0;
	return __pte(v | (pteval_t)page_to_pfn(frames[frame]) << PAGE_SHIFT);
}

static unsigned long
word_of(unsigned long frame, unsigned int i)
{
	unsigned long *at = kmap_local_page(frames[frame]);
	unsigned long word = at[i];

	kunmap_local(at);
	return word;
}

static struct {
	unsigned long stores, invlpgs, flushes, loads, writes;
	unsigned long same, other;     /* pages reached, by loads and writes */
	unsigned long outdated, again; /* said to be so; of these walked anew */
	unsigned long older;	       /* as it was before, not as said */
	unsigned long entries;	       /* that were not as said */
	unsigned long accessed, modified;
} saw;

static bool
reaches(const struct deed *d, long frame)
{
	if (d->faulted || frame < 0)
		return d->faulted && frame < 0;
	return d->line->what == 'L' ? d->got == frame
				    : word_of(frame, 1) == d->token;
}

static bool
reaches_older(const struct deed *d)
{
	const unsigned long slot = d->line->a;
	unsigned int i;

	for (i = 0; i < HISTORY && i < nhistory[slot]; i++) {
		if (reaches(d, history[slot][i]))
			return true;
	}
	return false;
}

static void
judge_access(const struct deed *d)
{
	const struct line *l = d->line;
	const long now = pte_present(*entry[l->a])
	    ? history[l->a][(nhistory[l->a] - 1) % HISTORY]
	    : -1;

	saw.outdated += now != l->b;
	if (reaches(d, l->b))
		saw.same++;
	else if (now != l->b && reaches(d, now))
		saw.again++;
	else if (reaches_older(d))
		saw.older++;
	else
		saw.other++;
}

static void
judge_store(const struct line *l, const struct deed *d)
{
	saw.stores++;
	remember(l->a, l->frame[1]);
	if (!pte_present(d->old) != (l->frame[0] < 0) ||
	    (l->frame[0] >= 0 &&
		pte_pfn(d->old) != page_to_pfn(frames[l->frame[0]]))) {
		saw.entries++;
	} else if (l->frame[0] >= 0) {
		saw.accessed += !pte_young(d->old) != ((l->bits[0] & 2) == 0);
		saw.modified += !pte_dirty(d->old) != ((l->bits[0] & 4) == 0);
	}
}

static void
judge(const struct line *l, const struct deed *d)
{
	switch (l->what) {
	case 'S':
		judge_store(l, d);
		break;
	case 'I':
		saw.invlpgs++;
		break;
	case 'F':
		saw.flushes++;
		break;
	case 'L':
		saw.loads++;
		judge_access(d);
		break;
	case 'W':
		saw.writes++;
		judge_access(d);
		break;
	}
}

static int
play_events(struct line *line, unsigned int n)
{
	static const struct line all = { .what = 'F', .a = 1 };
	struct deed flush = { .line = &all };
	struct page **zero = kcalloc(PAGES, sizeof(*zero), GFP_KERNEL);
	unsigned int level, i;
	void *area;

	if (zero == NULL)
		return -ENOMEM;
	for (i = 0; i < PAGES; i++)
		zero[i] = ZERO_PAGE(0);
	area = vmap(zero, PAGES, VM_MAP, PAGE_KERNEL);
	kfree(zero);
	if (area == NULL)
		return -ENOMEM;
	window = (unsigned long)area;
	for (i = 0; i < PAGES; i++) {
		entry[i] = lookup_address(
		    window + ((unsigned long)i << PAGE_SHIFT), &level);
		native_ptep_get_and_clear(entry[i]);
	}
	on_each_cpu(deed_here, &flush, 1);
	for (i = 0; i < n; i++) {
		struct deed d = { .line = &line[i], .token = 100000 + i };

		d.put = make_entry(line[i].frame[1], line[i].bits[1]);
		smp_call_function_single(line[i].cpu, deed_here, &d, 1);
		judge(&line[i], &d);
	}
	on_each_cpu(deed_here, &flush, 1);
	vunmap(area);
	pr_info(
	    "witness: events %s: stores %lu invlpg %lu flushes %lu loads %lu writes %lu as-said %lu other %lu outdated %lu walked-anew %lu older %lu entries %lu accessed %lu modified %lu\n",
	    script, saw.stores, saw.invlpgs, saw.flushes, saw.loads, saw.writes,
	    saw.same, saw.other, saw.outdated, saw.again, saw.older,
	    saw.entries, saw.accessed, saw.modified);
	return 0;
}

/* -- the script ----------------------------------------------------------- */

static int
read_script(char **textp, loff_t *sizep)
{
	struct file *f = filp_open(script, O_RDONLY, 0);
	loff_t at = 0;
	ssize_t n;

	if (IS_ERR(f))
		return PTR_ERR(f);
	*sizep = i_size_read(file_inode(f));
	*textp = vzalloc(*sizep + 1);
	n = *textp != NULL ? kernel_read(f, *textp, *sizep, &at) : -ENOMEM;
	filp_close(f, NULL);
	return n == *sizep ? 0 : n < 0 ? n : -EIO;
}

static bool
line_fits(const struct line *l)
{
	const bool event = *mode == 'e';

	if (!cpu_online(l->cpu) || event != (strchr("SIFLW", l->what) != NULL))
		return false;
	if (l->what == 'm')
		return l->a < PAGES && l->b < HANDLES;
	if (l->what == 'u')
		return l->a < HANDLES;
	return l->a < PAGES && l->b < PAGES && l->frame[0] < PAGES &&
	    l->frame[1] < PAGES;
}

static int
play_text(char *text)
{
	struct line *line;
	unsigned int n = 0, at = 0;
	char *s, *end;
	int error = 0;

	for (s = text; *s != '\0'; s++)
		n += *s == '\n';
	line = vzalloc((n + 1) * sizeof(*line));
	if (line == NULL)
		return -ENOMEM;
	for (s = text; error == 0 && (end = strchr(s, '\n')) != NULL;
	     s = end + 1) {
		*end = '\0';
		if (!parse(s, &line[at]) || !line_fits(&line[at])) {
			pr_err("witness: %s:%u: \"%s\"\n", script, at + 1, s);
			error = -EINVAL;
		}
		at++;
	}
	if (error == 0)
		error = *mode == 'e' ? play_events(line, n)
				     : play_functions(line, n);
	vfree(line);
	return error;
}

static void
put_pages(void)
{
	unsigned int i;

	for (i = 0; i < PAGES && frames[i] != NULL; i++)
		__free_page(frames[i]);
	vfree(handles);
}

static int
get_pages(void)
{
	unsigned int i;

	handles = vzalloc(HANDLES * sizeof(*handles));
	if (handles == NULL)
		return -ENOMEM;
	for (i = 0; i < PAGES; i++) {
		unsigned long *at;

		/* Those that the kernel has no address for. */
		frames[i] = alloc_page(GFP_HIGHUSER);
		if (frames[i] == NULL || !PageHighMem(frames[i]))
			return -ENOMEM;
		at = kmap_local_page(frames[i]);
		at[0] = i;
		at[1] = 0;
		kunmap_local(at);
	}
	return 0;
}

static int __init
witness_init(void)
{
	unsigned int probed = 0;
	char *text = NULL;
	loff_t size;
	int error = get_pages();

	if (error == 0)
		error = read_script(&text, &size);
	while (error == 0 && *mode != 'e' && probed < ARRAY_SIZE(probes))
		error = register_kprobe(&probes[probed++]);
	if (error != 0)
		pr_err("witness: %s: error %d\n", script, error);
	else
		error = play_text(text);
	while (probed > 0)
		unregister_kprobe(&probes[--probed]);
	vfree(text);
	put_pages();
	return error != 0 ? error : -EAGAIN; /* it has played: not to stay */
}

module_init(witness_init);
MODULE_DESCRIPTION("plays ephmap's scripts on this kernel");
MODULE_LICENSE("Dual BSD/GPL");

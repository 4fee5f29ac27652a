/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef NAIVE_MACHINE_H
#define NAIVE_MACHINE_H

/*
 * A naive machine, a naive replay, and the comparison with the engine.
 *
 * Written from the description of the machine and of the trace form, for
 * the naive designs of model_events*.c.  It shares nothing with the library
 * but the type of an operation: one remembered translation per CPU and
 * address for an infinite TLB, lists as arrays that are shifted, messages
 * in plain queues.  It predicts every counter but `cycles` and the locks,
 * whose number is no property of a design.
 */

#include <stdio.h>

#include "base/prng.h"
#include "ephmap/run.h"
#include "ephmap/sdk/machine.h"

enum {
	MAX_CPUS = 65,
	MAX_PAGES = 512,
	MAX_VAS = 4096,	      /* addresses that were ever used */
	MAX_VPAGES = 1 << 15, /* addresses that there are */
	MAX_HANDLES = 600,
	MAX_LINES = 6000,
	MAX_PARKED = 1024, /* lines that one sleeper holds back */
	MAX_PENDING = 2 * MAX_LINES,
	MAX_ENTRIES = 2048, /* of a TLB level */
	MAX_SETS = 256,
	FIFO = 16, /* of messages from one CPU to another */
};

/* One line of a trace, handles by name. */
struct line {
	enum eph_op_kind kind;
	unsigned cpu;
	unsigned page;
	unsigned handle;
	unsigned flags; /* EPH_OPF_* */
	uint64_t ns;
	unsigned at; /* its number, from 1, once played */
};

struct trace {
	struct line line[MAX_LINES];
	unsigned n;
};

struct naive_design;

struct setup {
	const struct naive_design *design;
	unsigned ncpus;
	unsigned nbufs;
	enum eph_touch touch;
	uint64_t hold;
	unsigned flags; /* EPH_OPF_* of p lines */
	bool reuse;	/* give a handle the slot freed last */
	unsigned levels;
	const char *machine;
	const struct eph_tlb_model *tlb;
};

/* A page-table entry. */
struct pte {
	bool valid;
	bool accessed;
	bool dirty;
	int maps;
};

/* A TLB entry, and a translation that was loaded once. */
struct entry {
	int va;
	int page;
	bool dirty;
};

struct loaded {
	int page;
	struct loaded *next;
};

struct sleeper {
	struct line map;
	struct line parked[MAX_PARKED];
	unsigned nparked;
};

struct timer {
	uint64_t at;
	unsigned cpu;
	unsigned seq;
	int obj;
};

enum handle_state { H_NONE, H_MAPPED, H_FAILED, H_PARKED };

struct handle {
	enum handle_state state;
	int obj;
	unsigned page;
	unsigned cpu;
	struct sleeper *sleeper;
};

/* Messages from one CPU to another. */
struct fifo {
	int obj[FIFO];
	unsigned n;
};

struct sim {
	const struct setup *set;
	struct eph_counters c;
	struct pte pte[MAX_VAS];
	struct loaded *(*shadow)[MAX_VAS]; /* by CPU */
	unsigned (*nentries)[2][MAX_SETS]; /* by CPU, level */
	unsigned nloaded;
	struct store *st;
	unsigned nvas;
	unsigned vpage[MAX_VAS]; /* page number of an address */
	unsigned npages;
	int dense[MAX_PAGES];		 /* pages in order of first sight */
	int16_t (*pending)[MAX_PENDING]; /* un-acked flushes, by CPU: va */
	unsigned npending[MAX_CPUS];
	struct fifo (*fifo)[MAX_CPUS]; /* by source, target */
	bool polling[MAX_CPUS];	       /* is running its messages */
	uint64_t kicks;
	struct sleeper *asleep[MAX_LINES];
	unsigned nasleep;
	struct sleeper *runnable[MAX_LINES];
	unsigned nrunnable;
	struct timer timers[MAX_LINES];
	unsigned ntimers;
	unsigned seq;
	uint64_t now;
	struct handle handle[MAX_HANDLES];
	unsigned bufs_now;
	unsigned bufs_peak;
	unsigned sleepers_peak;
	uint64_t leaked;
	unsigned npool;
	struct sleeper *pool;
	unsigned lines;
	unsigned at;	  /* the line that is played */
	unsigned refused; /* the line the design cannot do, from 1; 0: none */
};

/* What a map returns instead of an object. */
enum { MAP_FAILS = -1, MAP_SLEEPS = -2, MAP_REFUSED = -3 };

/*
 * A naive design.  Its state is its own business; init() sets it up.  An
 * object is what a map returned, by a small number.
 */
struct naive_design {
	const char *name;
	void (*init)(struct sim *s);
	/*
	 * An object, or MAP_*; counts how it ended, but no map_fail.  With
	 * `resumed` it goes on after a sleep.
	 */
	int (*map)(struct sim *s, const struct line *l, bool resumed);
	/* False: cannot be done. */
	bool (*unmap)(struct sim *s, unsigned cpu, int obj);
	bool (*kva)(struct sim *s, unsigned cpu, int obj);
	bool (*may_touch)(struct sim *s, unsigned cpu, int obj, bool write);
	int (*va)(struct sim *s, int obj, unsigned page);
	void (*message)(struct sim *s, unsigned cpu, int obj);
	bool kva_first;	 /* p lines ask for the address before they touch */
	bool rendezvous; /* shootdowns are messages */
};

/* For designs with nothing to do there. */
bool naive_always(struct sim *s, unsigned cpu, int obj);
bool naive_may_touch(struct sim *s, unsigned cpu, int obj, bool write);
int naive_va(struct sim *s, int obj, unsigned page);
void naive_no_message(struct sim *s, unsigned cpu, int obj);

/* The address with page number `vpage`. */
int va_of(struct sim *s, unsigned vpage);

void invlpg_here(struct sim *s, unsigned cpu, int va);
void invlpg_there(struct sim *s, unsigned cpu, int va);
void invlpg_all(struct sim *s, unsigned me, int va);
void shoot_range(struct sim *s, unsigned me, int first, unsigned n);
void tlb_write(struct sim *s, unsigned cpu, int va, int page); /* locked */
void tlb_drop(struct sim *s, unsigned cpu, int va);
void flush_others(struct sim *s, unsigned me, int va);
void flush_here(struct sim *s, unsigned cpu);
void flush_there(struct sim *s, unsigned cpu); /* no interrupt */
bool outdated(const struct sim *s, unsigned cpu, int va);
void range_there(struct sim *s, unsigned cpu, int va); /* no interrupt */
void store(struct sim *s, int va, int page);	       /* page -1: zero */
void send_passive(struct sim *s, unsigned from, unsigned to, int obj);

/* One more, one less object referenced. */
void referenced(struct sim *s);
void unreferenced(struct sim *s);

/*
 * Make the first sleeper, or all, runnable; or the first of those whose line
 * waits for `what`, by the number of their line.
 */
void wake_first(struct sim *s);
void wake_first_of(struct sim *s, const unsigned *waits, unsigned what);
void wake_all(struct sim *s);

/* Play it all. */
void reference(struct sim *s, const struct setup *set, const struct trace *t);

/*
 * True if reference and engine agree; with `out`, say where they do not.
 * What the reference counted is added to *sum.
 */
bool agree(const struct setup *set, const struct trace *t, FILE *out,
    struct eph_counters *sum);

/* Run `runs` seeds; returns how many failed (3 at most), each shrunk. */
unsigned compare_seeds(unsigned runs,
    void (*generate)(uint64_t seed, struct setup *set, struct trace *t),
    struct eph_counters *sum);

/* A counter that can be compared; the rest is 0 or not predicted. */
bool comparable(unsigned i);

/*
 * Traces.
 */

struct gen {
	struct prng r;
	struct trace *t;
	bool open[MAX_HANDLES];
	unsigned ncpus;
	unsigned npages;
	unsigned nhandles;
	unsigned mapper[MAX_HANDLES];
};

struct line *emit(struct gen *g, enum eph_op_kind kind, unsigned cpu);
void emit_map(struct gen *g, unsigned cpu, unsigned page, unsigned handle,
    unsigned flags);
void emit_unmap(struct gen *g, unsigned cpu, unsigned handle);
unsigned some_cpu(struct gen *g);
unsigned some_flags(struct gen *g);
void emit_some(struct gen *g);

/* Everything but the design; a quarter of the traces is wide. */
void some_setup(struct gen *g, struct setup *set, bool wide, unsigned *lines);

#endif /* !NAIVE_MACHINE_H */

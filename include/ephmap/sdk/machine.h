/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_MACHINE_H
#define EPHMAP_SDK_MACHINE_H

/*
 * The simulated machine: CPUs with a TLB each, one kernel page table,
 * frames, interrupts, a clock, event counters, and the stale oracle.
 *
 * Many machines may live in one process; none of them shares anything.
 * The structures are open because the hot paths are inline; outside
 * src/machine and src/kern read the fields, and change only what a comment
 * says you may.
 *
 * The stale oracle.  For every CPU and kernel address the machine keeps a
 * shadow: what the CPU loaded there since it last invalidated that address,
 * whatever its TLB has forgotten meanwhile.  Every load and store through a
 * mapping compares the page reached with the page that was meant, and looks
 * into the shadow for another one that a larger TLB would still hold.
 *
 * Key for the fields:
 *	(c)  constant after creation
 *	(o)  written by the CPU itself only (in lockstep: while it is current)
 *	(p)  atomic, any CPU
 *	(m)  machine's, see the function that changes it
 */

#include <stdatomic.h>

#include "ephmap/counters.h"
#include "ephmap/sdk/cpuset.h"
#include "ephmap/types.h"
#include "ephmap/kernel/vm_page.h"

struct eph_exec_ops;
struct eph_frames;
struct eph_ipiq_cpu;
struct eph_kva_arena;
struct eph_machine;
struct eph_mem;
struct eph_shootdown_ops;
struct eph_sleepq;
struct eph_thread;
struct eph_tlb;

enum eph_touch { EPH_TOUCH_NONE, EPH_TOUCH_READ, EPH_TOUCH_WRITE };

/* How the CPUs are played; see ephmap/sdk/exec.h. */
enum eph_mode { EPH_LOCKSTEP, EPH_THREADS, EPH_EXPLORE };

/* What a frame holds. */
enum eph_contents { EPH_CONTENTS_NONE, EPH_CONTENTS_STAMP, EPH_CONTENTS_FULL };

/*
 * Geometry of one TLB level: `sets` is a power of two, entries are
 * sets x ways; sets 0 means that the level does not exist.  Replacement is
 * least recently used within a set.
 */
struct eph_tlb_level {
	uint16_t sets;
	uint16_t ways;
};

struct eph_tlb_model {
	const char *name;
	const char *origin; /* where the geometry was taken from */
	bool infinite;	    /* forgets nothing until told to */
	struct eph_tlb_level l1;
	struct eph_tlb_level l2;
};

/*
 * Cycles that one event costs.  X(name, "what is charged").  A profile is
 * data: `cycles` is the sum of events times these, computed from counters.
 */
/* clang-format off */
#define EPH_COSTS(X)                                                           \
	X(invlpg_local, "one invlpg on the CPU that asked")                    \
	X(invlpg_remote, "one invlpg in an interrupt handler")                 \
	X(flush_local, "one full flush on the CPU that asked")                 \
	X(flush_remote, "one full flush in an interrupt handler")              \
	X(ipi_send, "the initiator's part of interrupting one CPU")            \
	X(ipi_handle, "the target's part: delivery, entry and exit")           \
	X(walk_step, "one page-table entry read by a walk")                    \
	X(pte_store, "one page-table entry stored")                            \
	X(lock_acquire, "one uncontended lock")                                \
	X(ipiq_msg, "one message put on an IPI queue and taken off")           \
	X(sleep, "one switch away from a sleeper and back")
/* clang-format on */

#define EPH_COST_FIELD(name, desc) uint32_t name;

struct eph_costs {
	EPH_COSTS(EPH_COST_FIELD)
};

/* Price a set of counters; the `cycles` in `c` itself are ignored. */
uint64_t eph_costs_price(
    const struct eph_costs *costs, const struct eph_counters *c);

struct eph_machine_model {
	const char *name;
	const char *summary;
	const char *origin; /* a source for each cost */
	const char *tlb;    /* name of the TLB it has */
	unsigned levels;    /* of the page table: 2, 3 or 4 */
	uint32_t kva_pages; /* kernel virtual space for mappings */
	eph_va_t kva_base;
	uint32_t mhz; /* to turn cycles into time */
	struct eph_costs costs;
};

/* NULL-terminated tables, and look-up by name (NULL if there is none). */
extern const struct eph_machine_model *const eph_machine_models[];
extern const struct eph_tlb_model *const eph_tlb_models[];
const struct eph_machine_model *eph_machine_model_find(const char *name);
const struct eph_tlb_model *eph_tlb_model_find(const char *name);

struct eph_machine_config {
	const char *model; /* NULL: amd64-skylake */
	const char *tlb;   /* NULL: the model's */
	unsigned ncpus;	   /* 1 to EPH_CPUS_MAX */
	enum eph_contents contents;
	uint64_t seed;
	bool heap;	     /* plain malloc instead of an arena of its own */
	size_t region_bytes; /* not 0: one region, for eph_machine_mark() */
	struct eph_machine *within; /* not NULL: in that machine's memory */
	uint32_t kva_pages;	    /* not 0: fewer than the model has */
};

/*
 * One shadow cell: what one CPU loaded at one address since it last
 * invalidated it.  Live while `gen` equals the CPU's flush generation for
 * its kind of entry.  `other` counts only with EPH_SHADOW_MIXED.
 */
struct eph_shadow {
	uint32_t gen;
	uint32_t frame; /* the translation loaded last */
	uint32_t when;	/* low half of the step at which it was loaded */
	uint32_t flags; /* EPH_SHADOW_* */
};

enum {
	EPH_SHADOW_G = 0x1,	/* loaded from a global entry */
	EPH_SHADOW_MIXED = 0x2, /* translations to several pages were loaded */
	EPH_SHADOW_D = 0x4,	/* written through: M is known to be set */
	EPH_SHADOW_RW = 0x8,	/* loaded from a writable entry */
	EPH_SHADOW_LIVE = 0x10, /* something was loaded */
	EPH_SHADOW_GONE = 0x20, /* the TLB forgot it; explore only */
	EPH_SHADOW_OTHER_SHIFT = 8,
};

#define EPH_PTP_SHIFT	9 /* entries in a page-table page, and cells in a chunk */
#define EPH_PTP_ENTRIES (1u << EPH_PTP_SHIFT)
#define EPH_PTP_MASK	(EPH_PTP_ENTRIES - 1u)

/* Who stored a page-table entry last, and when; for explanations. */
struct eph_pte_origin {
	_Atomic(uint32_t) cpu;
	_Atomic(uint32_t) when;
};

struct eph_ptp {
	_Atomic(eph_pte_t) pte[EPH_PTP_ENTRIES];       /* (p) */
	struct eph_pte_origin origin[EPH_PTP_ENTRIES]; /* (m) */

	/* (p) a protocol's note on the address, 0: none; see shootdown.h */
	_Atomic(uint32_t) owed[EPH_PTP_ENTRIES];
};

struct eph_cpu {
	struct eph_counters c;	/* (o) designs count here */
	struct eph_machine *mc; /* (c) */
	unsigned id;		/* (c) */
	unsigned crit;		/* (o) critical-section nesting */
	uint32_t gen[2];	/* (o) flush generation: other, global */
	bool pending;		/* (m) something is to be delivered here */
	bool loaded;		/* (o) loaded anything since its last flush */
	uint32_t nshadow;	/* (o) chunks in shadow[] */
	struct eph_shadow **shadow; /* (o) chunks; machine's `none` if unused */
	struct eph_tlb *tlb;	    /* (o) NULL: infinite, the shadow is it */
	struct eph_ptp **window;    /* (o) entries of the per-CPU window */
	struct eph_thread *curthread; /* (o) */
	struct eph_ipiq_cpu *ipiq;    /* kern/ipiq's part of this CPU */
	void *exec;		      /* the executor's part of this CPU */
	_Atomic(uint32_t) idle; /* (x) nothing can run; kept if asked for */
};

/* What happened, for --log, timelines and tests; see eph_machine_set_observer. */
enum eph_event_kind {
	EPH_EV_NOTE,	  /* text: words of a design */
	EPH_EV_PTE,	  /* va, old and new entry */
	EPH_EV_INVLPG,	  /* va; target != cpu: cpu executes it for target */
	EPH_EV_FLUSH,	  /* new: 1 if global entries go too */
	EPH_EV_IPI,	  /* cpu interrupts target */
	EPH_EV_WALK,	  /* va, new: the entry loaded */
	EPH_EV_HIT,	  /* va, new: the frame reached */
	EPH_EV_SLEEP,	  /* text: wmesg */
	EPH_EV_WAKEUP,	  /* target: the CPU of the sleeper */
	EPH_EV_LOCK,	  /* text: name; new: 1 taken, 0 released */
	EPH_EV_ATOMIC,	  /* text: operation and variable; old and new value */
	EPH_EV_VIOLATION, /* text: the explanation */
};

struct eph_event {
	enum eph_event_kind kind;
	unsigned cpu;	 /* where it happened */
	unsigned target; /* for or to whom */
	eph_va_t va;
	uint64_t old;
	uint64_t new;
	const char *text; /* valid during the call only */
};

/*
 * Faults on purpose.  Of each kind the machine counts the opportunities:
 * places where a kernel must expect a failure.
 */
enum eph_fault {
	EPH_FAULT_ALLOC, /* memory or a page frame is asked for */
	EPH_FAULT_SLEEP, /* a sleep that a signal may end */
	EPH_FAULT_MAP,	 /* a mapping that may be refused: no KVA */
	EPH_FAULT_COPY,	 /* user memory is touched: the page cannot be had */
	EPH_FAULTS
};

typedef void eph_observer(void *arg, const struct eph_event *ev);

#define EPH_VIOLATIONS_KEPT 16

struct eph_violation {
	char text[384];
};

struct eph_machine {
	/* The hot part. */
	struct eph_cpu *cur;   /* (m) current CPU; not with threads */
	enum eph_mode mode;    /* (c) */
	bool attention;	       /* (x) lockstep's loop has something to run */
	bool has_observer;     /* (m) */
	bool has_points;       /* (m) explore: every step is a choice */
	bool at_once;	       /* (x) nothing else runs: no need to wait */
	uint8_t shootflags;    /* (m) EPH_SHOOT_*, of the protocol */
	unsigned ncpus;	       /* (c) */
	unsigned cpuwords;     /* (c) words in a set of CPUs */
	unsigned levels;       /* (c) of the page table */
	eph_va_t kva_base;     /* (c) */
	uint32_t kva_pages;    /* (c) */
	uint32_t window_first; /* (c) first page of the per-CPU window */
	eph_pte_t pgeflag;     /* (m) EPH_PTE_G where the kernel sets it */
	struct eph_ptp **ptp;  /* (m) page-table pages, NULL: not made */
	struct eph_frames *frames; /* (c) the page array */
	uint64_t step;		   /* (m) line or event number, for people */
	uint64_t op;		   /* (m) operation of a replay, from 0 */
	uint64_t clock_ns;	   /* (x) the executor's time */
	struct eph_gauge bufs;	   /* buffers referenced; designs count here */
	struct {
		_Atomic(uint64_t) now;
		_Atomic(uint64_t) peak;
	} bufs_shared;		      /* (p) the same, with threads */
	struct eph_cpu **cpus;	      /* (c) */
	const eph_cpuword_t *allcpus; /* (c) */
	eph_cpuword_t *pendset;	      /* (m) CPUs with `pending` set */
	eph_cpuword_t *busyset;	      /* (x) lockstep: CPUs that are not idle */

	/* Set by the executor: what the machine has to ask it. */
	void (*deliver)(struct eph_machine *mc); /* (c) what is pending here */
	void (*before_access)(struct eph_machine *mc, eph_va_t va,
	    enum eph_touch touch); /* (c) */

	/* The axes below the design. */
	const struct eph_exec_ops *exec;	   /* (c) */
	void *exec_state;			   /* (c) */
	const struct eph_shootdown_ops *shootdown; /* (m) set before a design */
	void *shootdown_state;			   /* (m) */
	const struct eph_machine_model *model;	   /* (c) */
	const struct eph_tlb_model *tlb_model;	   /* (c) */
	struct eph_costs costs;			   /* (c) */

	/* Services. */
	struct eph_mem *mem;		 /* (c) */
	struct eph_kva_arena *kva;	 /* (c) */
	struct eph_sleepq *sleepq;	 /* (c) */
	struct eph_shadow *none;	 /* (c) a chunk nobody loaded from */
	enum eph_contents contents_kind; /* (c) */
	uint64_t seed;			 /* (c) */
	_Atomic(uint64_t) ipiq_kick; /* (p) full IPI queues that forced one */
	eph_observer *observer;	     /* (m) */
	void *observer_arg;	     /* (m) */

	/* What people call a frame, for messages; NULL: its number. */
	uint64_t (*page_name)(void *arg, uint32_t frame); /* (m) */
	void *page_name_arg;				  /* (m) */
	struct {
		_Atomic(uint64_t) seen;	 /* (p) opportunities so far */
		_Atomic(uint64_t) until; /* (p) the one that fails, 0: none */
	} fault[EPH_FAULTS];

	/* Findings. */
	_Atomic(uint64_t) nviolations;			      /* (p) */
	struct eph_violation violations[EPH_VIOLATIONS_KEPT]; /* (m) */
	_Atomic(uint32_t)
	    refused;	   /* (p) 0, or 1 + the first CPU that refused */
	char refusal[384]; /* (m) its reason, written by that CPU */
};

/*
 * Create a machine in lockstep mode (src/exec changes the mode before
 * anything runs).  Returns 0 and sets *mcp, or leaves it alone and returns
 *	EINVAL	unknown model or TLB, or ncpus out of range; `err` says which
 *	ENOMEM	the host is out of memory
 */
int eph_machine_create(const struct eph_machine_config *cfg,
    struct eph_machine **mcp, struct eph_err *err);

/*
 * Destroy it.  NULL is accepted.  Everything that was allocated from the
 * machine must have been given back: returns the number of bytes that were
 * not (they are freed all the same).
 */
size_t eph_machine_destroy(struct eph_machine *mc);

/* Bytes that are allocated from the machine now, its own included. */
size_t eph_machine_memory_bytes(const struct eph_machine *mc);

/*
 * Remember the whole state of a machine that has a region, with everything
 * that was allocated from it, and bring it back.  eph_machine_mark() returns 0
 * or ENOMEM.
 */
int eph_machine_mark(struct eph_machine *mc);
void eph_machine_rewind(struct eph_machine *mc);

/* Sum of all CPUs' counters, `cycles` priced by the machine's costs. */
void eph_machine_counters(
    const struct eph_machine *mc, struct eph_counters *out);

/* Have `fn` called for every event, or for none with NULL. */
void eph_machine_set_observer(
    struct eph_machine *mc, eph_observer *fn, void *arg);

/* Allocate from the machine; sizes are in bytes.  NULL when out of memory. */
void *eph_machine_alloc(struct eph_machine *mc, size_t bytes); /* zeroed */
void eph_machine_free(struct eph_machine *mc, void *p, size_t bytes);

/* Make the next `n`th allocation fail, once; 0: none.  For tests. */
void eph_machine_fail_alloc(struct eph_machine *mc, uint64_t n);

/*
 * Make the `n`th opportunity from now for a fault of that kind fail, once;
 * 0: none.  Count the opportunities so far.
 */
void eph_machine_fail(struct eph_machine *mc, enum eph_fault kind, uint64_t n);
uint64_t eph_machine_fault_seen(
    const struct eph_machine *mc, enum eph_fault kind);

/* An opportunity: true if it must fail.  Called where kernels can fail. */
bool eph_machine_fails(struct eph_machine *mc, enum eph_fault kind);

/*
 * The CPU that runs: in lockstep and explore the machine's current one,
 * with threads the host thread's.
 */
struct eph_cpu *eph_machine_cpu_of_thread(struct eph_machine *mc);

static inline struct eph_cpu *
eph_curcpu(struct eph_machine *mc)
{
	if (eph_likely(mc->mode != EPH_THREADS))
		return (mc->cur);
	return (eph_machine_cpu_of_thread(mc));
}

/* Count `n` of counter `name` on the current CPU. */
#define EPH_COUNT_N(mc, name, n) (eph_curcpu(mc)->c.name += (n))
#define EPH_COUNT(mc, name)	 EPH_COUNT_N(mc, name, 1)

/* The buffer gauge: a buffer became referenced, or was left. */
void eph_machine_bufs_slow(struct eph_machine *mc, int by);

static inline void
eph_bufs_inc(struct eph_machine *mc)
{
	if (eph_unlikely(mc->mode == EPH_THREADS)) {
		eph_machine_bufs_slow(mc, 1);
		return;
	}
	if (++mc->bufs.now > mc->bufs.peak)
		mc->bufs.peak = mc->bufs.now;
}

static inline void
eph_bufs_dec(struct eph_machine *mc)
{
	if (eph_unlikely(mc->mode == EPH_THREADS)) {
		eph_machine_bufs_slow(mc, -1);
		return;
	}
	mc->bufs.now--;
}

/* Words for --log and timelines; arguments are evaluated only if watched. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_machine_note(struct eph_machine *mc, const char *fmt, ...);

#define EPH_NOTE(mc, ...)                                                      \
	do {                                                                   \
		if (eph_unlikely((mc)->has_observer))                          \
			eph_machine_note((mc), __VA_ARGS__);                   \
	} while (0)

/*
 * Say why the design cannot do what was asked of it.  Returns ENOTSUP, for
 * the design to return; the run ends with that reason.  The first reason is
 * kept.  While other CPUs run, only the CPU that `refused` names may read
 * it.
 */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int
eph_machine_refuse(struct eph_machine *mc, const char *fmt, ...);

/* Record a violation of another kind than a stale use; the run goes on. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
eph_machine_violation(struct eph_machine *mc, const char *fmt, ...);

/*
 * One load or store at `va` by the current CPU, which means to reach `m`.
 * Counts, sets A and M, and reports a stale or possibly stale use.  Sets
 * *reached to the frame the access really went to (EPH_NONE: no valid
 * entry).  Returns 0, or ENOTSUP for a store through a read-only entry
 * (machine's `refusal` says so).
 */
int eph_machine_access(struct eph_machine *mc, eph_va_t va,
    enum eph_touch touch, const struct vm_page *m, uint32_t *reached);

/*
 * Move `n` bytes between `buf` and va + offset, through the translation
 * that the current CPU uses; one access.  Needs `full` frames, and the
 * range within one page.  Returns as eph_machine_access.
 */
int eph_machine_copyout(struct eph_machine *mc, eph_va_t va, size_t offset,
    void *buf, size_t n, const struct vm_page *m);
int eph_machine_copyin(struct eph_machine *mc, eph_va_t va, size_t offset,
    const void *buf, size_t n, const struct vm_page *m);

/*
 * In lockstep and by tests: go on as CPU `cpu`.  What is pending for it is
 * delivered first.
 */
void eph_cpu_enter(struct eph_machine *mc, unsigned cpu);

#endif /* !EPHMAP_SDK_MACHINE_H */

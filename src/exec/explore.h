/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_H
#define EXEC_EXPLORE_H

/*
 * The explore executor's inside: entities, strategies, schedules.
 *
 * An entity is whatever the scheduler can choose to move: a kernel thread,
 * the interrupt of a CPU, the store buffer of a CPU.  They share one space
 * of numbers, so that a set of them is one word.
 */

#include "base/prng.h"
#include "ephmap/sdk/exec.h"

struct fiber;
struct explore;

#define EX_THREADS     32u	     /* threads in a program */
#define EX_CPUS	       16u	     /* CPUs of a machine */
#define EX_INTR(cpu)   (32u + (cpu)) /* entity: interrupt of a CPU */
#define EX_BUFFER(cpu) (48u + (cpu)) /* entity: store buffer of a CPU */
#define EX_ENTITIES    64u
#define EX_PAGES       16u /* addresses the TLB is an adversary about */
#define EX_PENDING     64u /* interrupts waiting at one CPU */
#define EX_STEPS_MAX   (1u << 16)
#define EX_TIMERS      32u
#define EX_STORES      8u  /* entries of a store buffer */
#define EX_DPOR	       24u /* threads that dpor can tell apart, */
#define EX_DPOR_FILLS  8u  /* and actions of TLBs */

#define EX_BIT(e) (1ull << (e))

/*
 * A choice: an entity, or what a TLB does by itself.  Recorded as it was
 * made; a schedule is a row of them.
 */
struct ex_choice {
	uint8_t kind;  /* EX_RUN, EX_FILL, EX_DROP */
	uint8_t who;   /* entity, or CPU */
	uint16_t page; /* of the kernel's mapping space, for fill and drop */
};

enum { EX_RUN, EX_FILL, EX_DROP };

static inline struct ex_choice
ex_run(unsigned who)
{
	return ((struct ex_choice){ EX_RUN, (uint8_t)who, 0 });
}

/* Choices, or tokens of a schedule: the same choice `count` times. */
struct ex_token {
	struct ex_choice choice;
	uint32_t count;
	uint32_t used; /* of these, how many the last replay could make */
};

struct ex_schedule {
	struct ex_token *token;
	size_t n;
	size_t room;
};

/* Append a choice, merging it with the last token.  Returns 0 or ENOMEM. */
int eph__ex_schedule_add(
    struct ex_schedule *s, struct ex_choice c, uint32_t count);

/* The same without merging. */
int eph__ex_schedule_push(struct ex_schedule *s, struct ex_choice c);
void eph__ex_schedule_free(struct ex_schedule *s);

/* Leave only what the last replay used. */
void eph__ex_schedule_trim(struct ex_schedule *s);
int eph__ex_schedule_copy(
    struct ex_schedule *to, const struct ex_schedule *from);

/* One token as text; 24 bytes are enough.  Returns the length. */
int eph__ex_token_format(const struct ex_token *t, char *p, size_t room);

/* As text ("a12b3A+B4"); the caller frees.  NULL when out of memory. */
char *eph__ex_schedule_format(const struct ex_schedule *s);

/* Returns 0, ENOMEM, or EINVAL with `err` naming the character. */
int eph__ex_schedule_parse(
    const char *text, struct ex_schedule *s, struct eph_err *err);

/* What an entity will do when it is chosen. */
struct ex_op {
	const void *obj;
	uint8_t kind; /* enum eph_point_kind */
	bool write;
	uint16_t cpus; /* an interrupt: where it is sent */
	bool store;    /* an access: it writes */
};

enum ex_status {
	EX_OFF,	     /* does not exist, or has ended */
	EX_READY,    /* can go on */
	EX_ON_MUTEX, /* until `waits_for` is free */
	EX_ASLEEP,   /* until unblock() */
	EX_SPINNING, /* until another entity changed something */
	EX_ON_ACK,   /* until `acks` interrupts have been handled */
};

struct ex_entity {
	struct eph_thread td;
	struct fiber *fiber;
	enum ex_status status;
	unsigned id;
	unsigned cpu;
	struct ex_op op;
	struct eph_mutex *waits_for;
	uint64_t own;  /* progress that it made itself */
	uint64_t seen; /* spinning: the others' when it last looked */
	unsigned acks;
	bool wakened; /* unblock() came before block() */
};

struct ex_pending {
	struct eph_ipi ipi;
	struct ex_entity *from; /* the entity that waits for it, or NULL */
};

struct ex_store {
	void *obj;
	size_t size;
	uint64_t value;
};

/* The part of a CPU. */
struct ex_cpu {
	struct ex_entity *last;	       /* ran here last, interrupts included */
	struct ex_entity *thread;      /* thread whose context is loaded */
	bool switching;		       /* the switch hooks run */
	struct ex_entity *interrupted; /* who ran when the interrupt came */
	uint64_t mask;		       /* entities that belong here */
	unsigned nthreads;	       /* threads of them */
	unsigned npending;
	unsigned first;
	unsigned nstores;
	struct ex_pending pending[EX_PENDING]; /* ring */
	struct ex_store stores[EX_STORES];
};

struct ex_timer {
	uint64_t at_ns;
	unsigned cpu;
	void (*fn)(struct eph_machine *mc, void *arg);
	void *arg;
};

enum ex_verdict {
	EX_PASS,      /* all threads ended */
	EX_SLEEPERS,  /* threads sleep, and none is left to wake them */
	EX_DEADLOCK,  /* threads wait for a lock or spin, for ever */
	EX_LIVELOCK,  /* the budget of steps is used up */
	EX_VIOLATION, /* the machine recorded one */
	EX_PANIC,     /* panic() or a failed KASSERT */
	EX_PRUNED,    /* the strategy gave this schedule up */
};

/*
 * Strategies choose.  pick() is called at each scheduling point with the
 * set of entities that can move, never empty, and the one that runs (its
 * bit may be clear).  It may answer with a fill or drop, and is called
 * again after that.
 */
struct ex_strategy {
	const char *name;
	size_t state; /* bytes of strategy_state, zero at first; 0: none */
	/* What it needs besides; 0 or ENOMEM.  NULL: nothing. */
	int (*create)(struct explore *ex);
	/* What that made, all or some of it.  NULL: nothing. */
	void (*destroy)(struct explore *ex);
	void (*begin)(struct explore *ex); /* a schedule starts */
	struct ex_choice (*pick)(
	    struct explore *ex, uint64_t enabled, unsigned cur);
	/*
	 * Instead of pick(): returns when the entity that runs was chosen, or
	 * false if nothing can ever move.
	 */
	bool (*stop)(struct explore *ex);
	/* A schedule ended; false: there are no more. */
	bool (*next)(struct explore *ex, enum ex_verdict v);
};

extern const struct ex_strategy eph__ex_random;
extern const struct ex_strategy eph__ex_pct;
extern const struct ex_strategy eph__ex_pos;
extern const struct ex_strategy eph__ex_urw;
extern const struct ex_strategy eph__ex_surw;
extern const struct ex_strategy eph__ex_greybox;
extern const struct ex_strategy eph__ex_systematic;
extern const struct ex_strategy eph__ex_delay;
extern const struct ex_strategy eph__ex_dpor;
extern const struct ex_strategy eph__ex_replay; /* ex->replay, then default */

struct explore {
	struct eph_machine *mc;
	const struct ex_strategy *strategy;
	void *strategy_state;
	struct fiber *host;
	struct fiber *spare;   /* for eph__explore_call() */
	struct fiber *running; /* the stack in use */
	struct ex_entity *cur;
	struct ex_entity entity[EX_ENTITIES];
	struct ex_cpu cpu[EX_CPUS];
	void (*call_fn)(void *arg);
	void *call_arg;

	/* With entities and CPUs, all that steps change: up to `entities`. */
	uint64_t ready;	  /* entities with status EX_READY */
	uint64_t waiting; /* entities that wait for a condition */
	uint64_t progress;
	struct ex_timer timer[EX_TIMERS];
	unsigned ntimers;
	unsigned live; /* threads that have not ended */

	uint64_t entities; /* threads and interrupts there are */
	unsigned nthreads;
	uint32_t nchoices;
	struct ex_choice *choices; /* EX_STEPS_MAX, as made */
	uint32_t steps_max;	   /* budget of one schedule */
	uint32_t fired;		   /* timers, in this schedule */
	unsigned pending_used;	   /* of a CPU's pending[], ever */
	enum ex_verdict verdict;
	bool quiet;  /* no scheduling points: inside the executor itself */
	bool clears; /* bfs: see ex_clear() */
	char why[400];

	/* Addresses whose entries were stored in this schedule. */
	uint32_t page[EX_PAGES];
	const void *slot[EX_PAGES];
	unsigned npages;
	bool pages_full; /* there were more */

	/* Context switches of the design. */
	void (*switch_out)(void *arg);
	void (*switch_in)(void *arg);
	void *switch_arg;

	/* Configuration. */
	uint64_t seed;
	uint64_t nschedule;   /* number of this schedule, from 0 */
	unsigned depth;	      /* pct: d */
	unsigned preemptions; /* systematic: bound */
	unsigned fills;	      /* systematic: TLB choices in one schedule */
	bool adversary;	      /* the TLB chooses too */
	bool weak;	      /* stores may be seen late */
	bool bounded;	      /* systematic: the bound cut something */
	uint32_t k;	      /* pct: most steps seen in a schedule */
	struct prng prng;
	struct ex_schedule *replay;
	struct ex_probe *probe;
	const struct ex_choice *prefix;
	uint32_t prefix_n;

	uint64_t total_steps;
};

/*
 * Take the machine, which has a region and no threads yet, from its
 * executor.  Returns 0 or ENOMEM.
 */
int eph__explore_attach(struct eph_machine *mc);

static inline struct explore *
eph__explore_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

/*
 * Run the threads that were created, once, by the strategy.  The caller
 * rewinds the machine before the next time.
 */
enum ex_verdict eph__explore_run(struct explore *ex);

/* Set the strategy.  Returns 0 or ENOMEM. */
int eph__explore_set_strategy(
    struct explore *ex, const struct ex_strategy *strategy);

/* Give up this schedule; does not return. */
_Noreturn void eph__explore_stop(struct explore *ex, enum ex_verdict v);

/* The entity that goes on when no strategy decides. */
unsigned eph__explore_default(uint64_t enabled, unsigned cur);

/* Is a fill or drop something that this TLB could do now? */
bool eph__explore_can_act(const struct explore *ex, struct ex_choice c);

/* Is the translation of page[i] something that `cpu` could load? */
bool eph__explore_can_fill(const struct explore *ex, unsigned cpu, unsigned i);

/* Do two operations commute? */
bool eph__explore_independent(
    const struct ex_entity *a, const struct ex_entity *b);

/*
 * Of the tree that systematic and delay walk: what a choice costs, the
 * translations that some TLB could load now (bit: address x CPU), the choice
 * that such a bit is, and who of those asleep stays so behind a choice.
 */
unsigned eph__ex_cost(bool delay, uint64_t enabled, unsigned cur, unsigned who);
uint64_t eph__ex_fills(const struct explore *ex);
struct ex_choice eph__ex_fill(const struct explore *ex, unsigned bit);
uint64_t eph__ex_asleep_after(
    const struct explore *ex, uint64_t asleep, struct ex_choice choice);

/*
 * probe: go to one node of that tree and look how many children it has.
 * ex->probe says where.
 */
struct ex_probe {
	bool delay;	    /* bounded by delays, not by preemptions */
	bool sleeps;	    /* without orders that differ by what commutes */
	unsigned bound;	    /* of what choices cost */
	const uint16_t *at; /* children to take, from the root */
	uint32_t n;

	/* Found; 0: the schedule ended before, or at, that node. */
	uint32_t children;
	bool cut; /* a bound has cut something, in any look so far */

	/* On the way. */
	bool found;
	uint32_t taken;
	unsigned cost, filled;
	uint64_t asleep;
};

extern const struct ex_strategy eph__ex_probe;

/* prefix: make ex->prefix_n choices of ex->prefix, then go on as random. */
extern const struct ex_strategy eph__ex_prefix;

/*
 * Run fn(arg) on a stack of its own, without scheduling points; a panic
 * ends it.  For checks after a schedule.
 */
enum ex_verdict eph__explore_call(
    struct explore *ex, void (*fn)(void *arg), void *arg);

#endif /* !EXEC_EXPLORE_H */

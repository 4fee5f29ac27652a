/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_CLOCK_STATE_H
#define EXEC_CLOCK_STATE_H

/*
 * The clocks' state, for clock.c, which has the rules, and for
 * workload/replay_time.c, which looks at it at every line, also by what it
 * has of replay_ref.h.  Nobody else: the naive clocks of tests/model stand in
 * the place of these two.
 */

#include "ephmap/sdk/machine.h"
#include "exec/clock.h"
#include "exec/latency.h"

/* Events that a CPU pays for: how many in `c`, their price, and the item. */
/* clang-format off */
#define CLOCK_TOUCHES(X)                                                       \
	X(touch, c->tlb_hit + c->tlb_miss, touch, touch)                       \
	X(walk_step, c->walk_step, walk_step, walk)
#define CLOCK_OTHERS(X)                                                        \
	X(lock_acquire, c->lock_acquire, lock_acquire, lock)                   \
	X(pte_store, c->pte_store, pte_store, book)                            \
	X(invlpg_local, c->invlpg_local, invlpg_local, invlpg)                 \
	X(flush_local, c->flush_local, flush_local, invlpg)                    \
	X(ipiq_msg, c->ipiq_msg, ipiq_msg, send)                               \
	X(sleep, c->sleep, sleep, sleep)
/* clang-format on */

#define CLOCK_SEEN(name, events, price, item) uint64_t name;

struct clock_cpu {
	uint64_t sum; /* of the events that have been paid for */
	struct {
		CLOCK_TOUCHES(CLOCK_SEEN)
		CLOCK_OTHERS(CLOCK_SEEN)
	} seen;
	uint64_t cycles[EPH_CYCLES_N]; /* its clock is their sum */
	uint64_t maps;		       /* that returned */
	uint64_t remote;	       /* at the beginning of a handler */
	uint64_t off; /* when its last critical section began, ended */
	uint64_t on;
};

#undef CLOCK_SEEN

/*
 * The CPU that wrote a line last, by address; 0: free.  Blocks of memory begin
 * at a line of their own, and a block that is given back leaves nothing
 * behind, so that only the places of variables within their blocks count, and
 * not where the host put these.
 */
struct clock_line {
	uintptr_t line;
	unsigned cpu;
};

struct eph_clock {
	uint64_t *now;	/* by CPU */
	uint64_t *free; /* by CPU: when it has handled its interrupts */
	struct clock_cpu *cpu;
	struct clock_line *lines;
	uint32_t shift;	 /* 64 less the binary logarithm of lines */
	uint32_t nlines; /* that are not free */
	uint64_t packet; /* when the one request is free */
	uint64_t fabric; /* when the fabric is */
	uint64_t last;	 /* of this interrupt's targets, and its */
	bool hardware;
	struct eph__latency map;
	struct eph__latency unmap;
};

/*
 * Counters only grow, so that none has if their sum has not.  walk_step goes
 * with tlb_miss.
 */
static inline uint64_t
clock_sum(const struct eph_counters *c)
{
	return (c->invlpg_local + c->flush_local + c->tlb_hit + c->tlb_miss +
	    c->pte_store + c->ipiq_msg + c->lock_acquire + c->sleep);
}

static inline void
clock_charge(
    struct eph_clock *ck, unsigned cpu, uint64_t cycles, enum eph_cycles item)
{
	ck->now[cpu] += cycles;
	ck->cpu[cpu].cycles[item] += cycles;
}

/* The CPU pays for what it has counted. */
void eph__clock_pay(
    struct eph_machine *mc, struct eph_clock *ck, const struct eph_cpu *me);

static inline void
clock_settle(
    struct eph_machine *mc, struct eph_clock *ck, const struct eph_cpu *me)
{
	if (clock_sum(&me->c) != ck->cpu[me->id].sum)
		eph__clock_pay(mc, ck, me);
}

static inline uint64_t
clock_now(struct eph_machine *mc)
{
	struct eph_clock *ck = mc->clock;
	const struct eph_cpu *me = mc->cur;

	clock_settle(mc, ck, me);
	return (ck->now[me->id]);
}

/* The CPU does nothing before `at`; what for is `why`. */
static inline void
clock_until(
    struct eph_clock *ck, unsigned cpu, uint64_t at, enum eph_cycles why)
{
	if (at > ck->now[cpu])
		clock_charge(ck, cpu, at - ck->now[cpu], why);
}

/* Cycles in nanoseconds, rounded down. */
static inline uint64_t
clock_ns(const struct eph_machine *mc, uint64_t cycles)
{
	const uint64_t mhz = mc->model->mhz;

	/* One division where it can be. */
	if (eph_likely(cycles < UINT64_MAX / 1000))
		return (cycles * 1000 / mhz);
	return (cycles / mhz * 1000 + cycles % mhz * 1000 / mhz);
}

/* A map, or an unmap, that began at `since` has returned. */
static inline void
clock_mapped(struct eph_machine *mc, uint64_t since)
{
	struct eph_clock *ck = mc->clock;
	const unsigned me = mc->cur->id;

	clock_charge(ck, me, mc->costs.map, EPH_CYCLES_book);
	ck->cpu[me].maps++;
	eph__latency_add(&ck->map, clock_now(mc) - since);
}

static inline void
clock_unmapped(struct eph_machine *mc, uint64_t since)
{
	struct eph_clock *ck = mc->clock;

	clock_charge(ck, mc->cur->id, mc->costs.unmap, EPH_CYCLES_book);
	eph__latency_add(&ck->unmap, clock_now(mc) - since);
}

#endif /* !EXEC_CLOCK_STATE_H */

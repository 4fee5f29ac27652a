/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_IMPL_H
#define EXEC_EXPLORE_IMPL_H

/*
 * What the files of the explore executor share: from the bottom, buffers
 * (explore_buffer.c), scheduler (explore.c), then locks and atomics
 * (explore_sync.c) and interrupts (explore_intr.c), and life.
 */

#include "base/fiber.h"
#include "exec/explore.h"

static inline struct explore *
explore_of(struct eph_machine *mc)
{
	return (mc->exec_state);
}

static inline bool
ex_is_intr(const struct ex_entity *e)
{
	return (e->id >= EX_INTR(0));
}

static inline void
ex_set_quiet(struct explore *ex, bool quiet)
{
	ex->quiet = quiet;
	ex->mc->at_once = quiet;
}

/*
 * At the end of an operation.  A function's frame has places that it does not
 * set before it waits, or not at all.  What lies there is of calls that are
 * over, mostly of the last wait, and tells states apart that have the same
 * future: so bfs has it cleared.
 */
static inline void
ex_clear(const struct explore *ex)
{
	if (eph_unlikely(ex->clears))
		eph__fiber_clear();
}

/* The current entity changed something that a busy wait may look at. */
static inline void
ex_progress(struct explore *ex)
{
	ex->progress++;
	ex->cur->own++;
}

/* explore_buffer.c */
uint64_t eph__ex_read(const void *obj, size_t size);
void eph__ex_write(void *obj, size_t size, uint64_t value);
void eph__ex_buffer_drain_one(struct explore *ex, unsigned c);
void eph__ex_buffer_drain(struct explore *ex, unsigned c);
uint64_t eph__ex_load_forwarded(
    struct ex_cpu *ec, const void *obj, size_t size);
void eph__ex_buffer_store(
    struct explore *ex, unsigned c, void *obj, size_t size, uint64_t value);

/* explore.c */
uint64_t eph__ex_enabled(const struct explore *ex);
void eph__ex_tlb_acts(struct explore *ex, struct ex_choice choice);
bool eph__ex_settle(struct explore *ex);
enum ex_verdict eph__ex_quiet_verdict(const struct explore *ex);
void eph__ex_enter(struct explore *ex, struct ex_entity *next);
struct ex_entity *eph__ex_choose(struct explore *ex);
void eph__ex_set_status(
    struct explore *ex, struct ex_entity *e, enum ex_status status);
void eph__ex_switch(
    struct explore *ex, struct fiber *self, struct ex_entity *next);
void eph__ex_catch_up(struct explore *ex, struct ex_entity *e);
void eph__ex_load_context(struct explore *ex, struct ex_entity *e);
void eph__ex_unload_context(struct explore *ex, struct ex_entity *e);
void eph__ex_yield(struct explore *ex, struct ex_entity *e);
void eph__ex_wait(
    struct explore *ex, struct ex_entity *e, enum ex_status status);
void eph__ex_point(
    struct explore *ex, enum eph_point_kind kind, const void *obj, bool write);

/* A load or store through the entry at `slot`. */
void eph__ex_point_access(struct explore *ex, const void *slot, bool store);

/* An interrupt will be sent to these CPUs. */
void eph__ex_point_ipi(struct explore *ex, uint16_t cpus);

/* explore_sync.c */
void eph__explore_point(struct eph_machine *mc, enum eph_point_kind kind,
    const void *obj, const char *what);
void eph__explore_before_access(
    struct eph_machine *mc, eph_va_t va, enum eph_touch touch);
uint64_t eph__explore_atomic(struct eph_machine *mc, enum eph_atomic_op op,
    void *obj, size_t size, uint64_t value, uint64_t expected,
    memory_order order, const char *what);
void eph__explore_mutex_enter(struct eph_machine *mc, struct eph_mutex *mtx);
void eph__explore_mutex_exit(struct eph_machine *mc, struct eph_mutex *mtx);
void eph__explore_sleepq_enter(struct eph_machine *mc);
void eph__explore_sleepq_exit(struct eph_machine *mc);
void eph__explore_block(struct eph_machine *mc, struct eph_thread *td);
void eph__explore_unblock(struct eph_machine *mc, struct eph_thread *td);
struct eph_thread *eph__explore_curthread(struct eph_machine *mc);

/* explore_intr.c */
void eph__explore_ipi(struct eph_machine *mc, const eph_cpuword_t *targets,
    const struct eph_ipi *ipi, bool wait);
void eph__ex_intr_main(void *arg);
void eph__explore_poll(struct eph_machine *mc);
void eph__explore_spin(struct eph_machine *mc);
int eph__explore_timer(struct eph_machine *mc, uint64_t at_ns, unsigned cpu,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg);
void eph__explore_untimer(struct eph_machine *mc,
    void (*fn)(struct eph_machine *mc, void *arg), void *arg);

/* explore_life.c: all as before the first step; whose panics these are. */
void eph__ex_reset(struct explore *ex);
void eph__ex_arm(struct explore *ex);
void eph__ex_disarm(struct explore *ex);

#endif /* !EXEC_EXPLORE_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_CLOCK_H
#define EXEC_CLOCK_H

/* What lockstep and replay ask of the clocks; see clock.c. */

#include "ephmap/sdk/clock.h"
#include "ephmap/sdk/exec.h"

/* Give a machine clocks, once its design is there.  0 or ENOMEM. */
int eph__clock_create(struct eph_machine *mc);
void eph__clock_destroy(struct eph_machine *mc);

/* Charge the current CPU for the events that it has counted. */
void eph__clock_settle(struct eph_machine *mc);

/* Time of a CPU, in cycles. */
uint64_t eph__clock_of(const struct eph_machine *mc, unsigned cpu);

/* The CPU does nothing before `at`; what for is `why`. */
void eph__clock_until(
    struct eph_machine *mc, unsigned cpu, uint64_t at, enum eph_cycles why);

/* Cycles in nanoseconds, rounded down, and back, rounded up. */
uint64_t eph__clock_ns(const struct eph_machine *mc, uint64_t cycles);
uint64_t eph__clock_cycles(const struct eph_machine *mc, uint64_t ns);

/* The current CPU takes a lock, which it has counted; and gives it back. */
void eph__clock_lock(struct eph_machine *mc, struct eph_mutex *mtx);
void eph__clock_unlock(struct eph_machine *mc, struct eph_mutex *mtx);

/*
 * The current CPU interrupts `targets`.  Between begin and end handlers may
 * run, and interrupt others; `outer` is what begin returned.
 */
uint64_t eph__clock_ipi_begin(struct eph_machine *mc,
    const eph_cpuword_t *targets, const struct eph_ipi *ipi);
void eph__clock_ipi_end(struct eph_machine *mc, bool wait, uint64_t outer);

/* A function handler runs on `target`: what it counts is its own. */
void eph__clock_handler_begin(struct eph_machine *mc, struct eph_cpu *target);
void eph__clock_handler_end(struct eph_machine *mc, struct eph_cpu *target);

/* Sum up; every CPU is idle until the last has ended. */
void eph__clock_result(struct eph_machine *mc, struct eph_time *out);

#endif /* !EXEC_CLOCK_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_LIFE_H
#define MACHINE_LIFE_H

/*
 * The machine without the kernel: CPUs, frames and memory.  kern's
 * eph_machine_create() and eph_machine_destroy() put the services around it.
 */

#include "ephmap/sdk/machine.h"

int eph__machine_life_create(const struct eph_machine_config *cfg,
    struct eph_machine **mcp, struct eph_err *err);

/* Returns the bytes that had not been given back. */
size_t eph__machine_life_destroy(struct eph_machine *mc);

/* Work out `plain` and `swift`, because something they depend on changed. */
void eph__machine_plain(struct eph_machine *mc);

/* A full flush of `cpu` has happened; the clock runs.  Destroy the clock. */
void eph__tlbclock_flushed(struct eph_cpu *cpu);
void eph__tlbclock_stop(struct eph_machine *mc);

#endif /* !MACHINE_LIFE_H */

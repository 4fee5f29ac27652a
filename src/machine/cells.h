/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_CELLS_H
#define MACHINE_CELLS_H

/*
 * Memory of the oracle's tables where there are many CPUs, in lockstep.
 *
 * Tables double as they fill, all CPUs' at about the same time, and whoever
 * keeps what was given back by size keeps as much again as is in use.  Here
 * two neighbours that were given back are one of twice the size, which the
 * next table is made of: a buddy system.
 */

#include "ephmap/sdk/machine.h"

/* `bytes` is 512 times a power of two.  Zeroed; NULL when out of memory. */
void *eph__cells_alloc(struct eph_machine *mc, size_t bytes);
void eph__cells_free(struct eph_machine *mc, void *p, size_t bytes);

/* When all has been given back. */
void eph__cells_destroy(struct eph_machine *mc);

#endif /* !MACHINE_CELLS_H */

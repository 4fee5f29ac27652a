/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_BIND_H
#define MACHINE_BIND_H

#include "ephmap/sdk/machine.h"

/* The calling host thread is `cpu` from now on; NULL: none. */
void eph__machine_bind_thread(struct eph_cpu *cpu);

#endif /* !MACHINE_BIND_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KERN_SERVICES_H
#define KERN_SERVICES_H

/* Start and stop of the kernel services; called by boot.c only. */

#include "ephmap/sdk/machine.h"

int eph__kva_boot(struct eph_machine *mc);
void eph__kva_shutdown(struct eph_machine *mc);
int eph__sleepq_boot(struct eph_machine *mc);
void eph__sleepq_shutdown(struct eph_machine *mc);

#endif /* !KERN_SERVICES_H */

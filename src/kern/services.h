/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KERN_SERVICES_H
#define KERN_SERVICES_H

/* Start and stop of the kernel services; called by boot.c only. */

#include "ephmap/machine.h"

int kva_boot(struct eph_machine *mc);
void kva_shutdown(struct eph_machine *mc);
int sleepq_boot(struct eph_machine *mc);
void sleepq_shutdown(struct eph_machine *mc);

#endif /* !KERN_SERVICES_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef KERN_SERVICES_H
#define KERN_SERVICES_H

/*
 * Start and stop of the kernel services, called by boot.c only; and what
 * lockstep asks of the sleep queues.
 */

#include "ephmap/sdk/machine.h"

int eph__kva_boot(struct eph_machine *mc);
void eph__kva_shutdown(struct eph_machine *mc);
int eph__sleepq_boot(struct eph_machine *mc);
void eph__sleepq_shutdown(struct eph_machine *mc);

/*
 * `td`, which is runnable and whose turn it is, was woken in vain, and sleeps
 * again as if it had run.  False: it must run.
 */
bool eph__sleepq_again(struct eph_machine *mc, struct eph_thread *td);

#endif /* !KERN_SERVICES_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_IPIQ_H
#define EPHMAP_KERNEL_IPIQ_H

/*
 * LWKT IPI queues (DragonFly lwkt_ipiq.c, 2004 to 2010).
 *
 * Every CPU has a FIFO of EPH_IPIQ_FIFO messages to every other CPU.  A
 * message is a function and its argument, run on the target.  The hardware
 * interrupt is sent only if none is outstanding; a passive message sends
 * none, and waits for the target's next poll, unless the FIFO is more than
 * half full.
 *
 * Counts ipiq_msg, ipiq_passive, ipiq_avoided, ipi_sent, and the machine's
 * ipiq_kick for interrupts that a full FIFO forced.
 */

#include "ephmap/sdk/machine.h"

#define EPH_IPIQ_FIFO 16u /* MAXCPUFIFO of 2004 */

typedef void eph_ipifunc(struct eph_machine *mc, void *arg);

/*
 * Give every CPU its queues; a design that sends messages calls it when it
 * is created.  Returns 0 or ENOMEM.  Calling it again does nothing.
 */
int eph_ipiq_attach(struct eph_machine *mc);

/*
 * Send a message to `target`; to oneself it is run at once.  Returns its
 * sequence number, for lwkt_wait_ipiq().  Does not sleep, but handles the
 * caller's own messages when the FIFO is more than half full.
 */
uint32_t eph_lwkt_send_ipiq(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg);

/* The same without an interrupt; the target must be another CPU. */
uint32_t eph_lwkt_send_ipiq_passive(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg);

/* ENOENT when the FIFO is two thirds full, else 0. */
int eph_lwkt_send_ipiq_nowait(
    struct eph_machine *mc, unsigned target, eph_ipifunc *fn, void *arg);

/* To every CPU in `mask`; returns how many. */
unsigned eph_lwkt_send_ipiq_mask(struct eph_machine *mc,
    const eph_cpuword_t *mask, eph_ipifunc *fn, void *arg);

/*
 * Kick those CPUs in `mask` whose FIFO from here is more than half full, as
 * every send does: for messages that are not carried by the FIFO itself.
 */
void eph_lwkt_ipiq_make_room(struct eph_machine *mc, const eph_cpuword_t *mask);

/* Wait until `target` has run the message with number `seq`. */
void eph_lwkt_wait_ipiq(struct eph_machine *mc, unsigned target, uint32_t seq);

/* Run what is queued for the current CPU, in sending order per source. */
void eph_lwkt_process_ipiq(struct eph_machine *mc);

/* Is anything queued for `cpu`? */
bool eph_lwkt_ipiq_pending(struct eph_machine *mc, unsigned cpu);

/* For eph_machine_destroy(). */
void eph_ipiq_shutdown(struct eph_machine *mc);

#endif /* !EPHMAP_KERNEL_IPIQ_H */

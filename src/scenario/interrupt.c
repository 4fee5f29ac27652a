/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * interrupt: a handler maps, uses and unmaps a page on a CPU whose thread
 * does the same with another, at whatever step the interrupt lands.
 *
 * A slot that is given back before its entry is cleared and invalidated gives
 * the handler that takes it the page of the thread.
 */

#include "scenario/scenario.h"

#define INTERRUPTS 2u

static void
interrupt_use(struct eph_xp *x, uint32_t page)
{
	struct vm_page *m = eph_xp_page(x, page);
	struct eph_mapping mp;

	if (eph_xp_map(x, m, SFB_NOWAIT, &mp) != 0)
		return;
	eph_xp_touch(x, &mp, m);
	eph_xp_unmap(x, &mp);
}

static void
interrupt_handler(struct eph_machine *mc, void *arg)
{
	(void)mc;
	interrupt_use(arg, 2);
}

static void
interrupt_thread(struct eph_xp *x, unsigned n)
{
	(void)n;
	for (unsigned k = 0; k < 2; k++)
		interrupt_use(x, 1);
}

static void
interrupt_sender(struct eph_xp *x, unsigned n)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_CALL, .fn = interrupt_handler, .arg = x
	};
	eph_cpuword_t cpu0[EPH_CPUSET_WORDS_MAX] = { 1 };

	(void)n;
	for (unsigned k = 0; k < INTERRUPTS; k++)
		x->mc->exec->ipi(x->mc, cpu0, &ipi, false);
}

static int
interrupt_setup(struct eph_xp *x)
{
	if (eph_xp_thread(x, 0, interrupt_thread, 0) != 0 ||
	    eph_xp_thread(x, 1, interrupt_sender, 0) != 0)
		return (ENOMEM);
	return (0);
}

/* Designs whose mappings nest on a CPU, as a handler's do. */
static bool
interrupt_applies(const struct eph_design_ops *d)
{
	return (d->validity == EPH_VALID_THIS_CPU && d->nest > 1 &&
	    (d->flags & EPH_DESIGN_SLEEPS) == 0);
}

const struct eph_scenario eph__scenario_interrupt = {
	.abi = EPHMAP_ABI,
	.name = "interrupt",
	.summary = "a thread maps, and so does a handler that interrupts it",
	.origin = "kmap_atomic in interrupt handlers",
	.cpus = 2,
	.pages = 2,
	.ops = 2,
	.nbufs = 2,
	.applies = interrupt_applies,
	.setup = interrupt_setup,
};

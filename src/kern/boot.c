/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Booting and stopping a machine: the hardware, then the kernel services.
 */

#include <errno.h>

#include "base/kassert.h"
#include "base/plugin.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "kern/services.h"
#include "machine/life.h"

int
eph_machine_create(const struct eph_machine_config *cfg,
    struct eph_machine **mcp, struct eph_err *err)
{
	struct eph_machine *mc;
	int error;

	if ((error = eph__machine_life_create(cfg, &mc, err)) != 0)
		return (error);
	if (eph__kva_boot(mc) != 0 || eph__sleepq_boot(mc) != 0 ||
	    eph_lockstep_attach(mc) != 0) {
		(void)eph_machine_destroy(mc);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	*mcp = mc;
	return (0);
}

static void
shootdown_end(struct eph_machine *mc)
{
	if (mc->shootdown != NULL && mc->shootdown->destroy != NULL)
		mc->shootdown->destroy(mc, mc->shootdown_state);
}

size_t
eph_machine_destroy(struct eph_machine *mc)
{
	if (mc == NULL)
		return (0);
	if (mc->exec != NULL)
		mc->exec->destroy(mc);
	shootdown_end(mc);
	ipiq_shutdown(mc);
	eph__sleepq_shutdown(mc);
	eph__kva_shutdown(mc);
	return (eph__machine_life_destroy(mc));
}

int
eph_machine_set_shootdown(
    struct eph_machine *mc, const struct eph_shootdown_ops *ops)
{
	void *state = NULL;
	int error;

	if ((error = eph__abi_check(
		 "the shootdown protocol", ops->abi, NULL)) != 0)
		return (error);
	KASSERT(((ops->flags ^ mc->shootflags) & EPH_SHOOT_SETTLE) == 0 ||
		kva_usage(mc).peak == 0,
	    "room for what it notes is made with the addresses");
	if (ops->create != NULL && (error = ops->create(mc, &state)) != 0)
		return (error);
	shootdown_end(mc);
	mc->shootdown = ops;
	mc->shootdown_state = state;
	mc->shootflags = ops->flags;
	eph__machine_plain(mc);
	/* A CPU is taken to be busy until it is known to be idle. */
	for (unsigned c = 0; c < mc->ncpus; c++)
		/* Relaxed: nothing runs yet. */
		atomic_store_explicit(
		    &mc->cpus[c]->idle, 0, memory_order_relaxed);
	eph_cpuset_copy(mc->busyset, mc->allcpus, mc->cpuwords);
	return (0);
}

struct eph_thread *
eph_thread_create(
    struct eph_machine *mc, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	KASSERT(cpu < mc->ncpus, "no such CPU");
	return (mc->exec->thread_create(mc, cpu, fn, arg));
}

unsigned
eph_run(struct eph_machine *mc)
{
	return (mc->exec->run(mc));
}

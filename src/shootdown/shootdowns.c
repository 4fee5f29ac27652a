/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of protocols, and what several of them share. */

#include <string.h>

#include "ephmap/exec.h"
#include "ephmap/pmap.h"
#include "machine/access.h"
#include "shootdown/protocol.h"

extern const struct eph_shootdown_ops shootdown_acked_invlpg;
extern const struct eph_shootdown_ops shootdown_broadcast;
extern const struct eph_shootdown_ops shootdown_early_ack;
extern const struct eph_shootdown_ops shootdown_rendezvous;
extern const struct eph_shootdown_ops shootdown_unacked_flush;

const struct eph_shootdown_ops *const eph_shootdowns[] = {
	&shootdown_acked_invlpg,
	&shootdown_rendezvous,
	&shootdown_unacked_flush,
	&shootdown_early_ack,
	&shootdown_broadcast,
	NULL,
};

const struct eph_shootdown_ops *
eph_shootdown_find(const char *name)
{
	for (size_t i = 0; eph_shootdowns[i] != NULL; i++) {
		if (strcmp(eph_shootdowns[i]->name, name) == 0)
			return (eph_shootdowns[i]);
	}
	return (NULL);
}

int
shootdown_no_state(struct eph_machine *mc, void **statep)
{
	(void)mc;
	*statep = NULL;
	return (0);
}

void
shootdown_no_destroy(struct eph_machine *mc, void *state)
{
	(void)mc;
	(void)state;
}

void
shootdown_invlpg(struct eph_machine *mc, const struct eph_shoot *req, bool wait)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_INVLPG,
		.va = req->va,
		.npages = req->npages,
	};

	mc->exec->ipi(mc, req->targets, &ipi, wait);
}

void
shootdown_flush_acked(struct eph_machine *mc, const eph_cpuword_t *targets,
    eph_va_t va, unsigned npages, bool all)
{
	const struct eph_ipi ipi = {
		.kind = EPH_IPI_FLUSH,
		.all = all,
		.va = va,
		.npages = npages,
	};

	mc->exec->ipi(mc, targets, &ipi, true);
}

void
shootdown_local_or_flush(struct eph_machine *mc, const struct eph_shoot *req)
{
	if (req->npages == 1)
		eph_shoot_local(mc, req);
	else if (req->local)
		pmap_flush_local(mc, mc->pgeflag != 0);
}

void
shootdown_handle(struct eph_machine *mc, const struct eph_shoot *req)
{
	struct eph_cpu *me = eph_curcpu(mc);

	if (req->npages == 1) {
		me->c.invlpg_remote++;
		(void)cpu_invlpg(me, req->va);
		EPH_EVENT(mc, EPH_EV_INVLPG, me->id, req->va, 0, 0, NULL);
		return;
	}
	me->c.flush_remote++;
	cpu_flush(me, mc->pgeflag != 0);
	EPH_EVENT(mc, EPH_EV_FLUSH, me->id, req->va, 0, 0, NULL);
}

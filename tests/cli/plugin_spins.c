/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Wrong: interrupts the others and waits for them while it holds a spin lock
 * for which they wait with interrupts off.
 */

#include <errno.h>

#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

struct spins {
	struct eph_machine *mc;
	struct eph_mutex lock;
};

struct mapped {
	struct vm_page *m;
	eph_va_t va;
};

static int
spins_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct spins *s = eph_machine_alloc(mc, sizeof(*s));

	(void)cfg, (void)err;
	if (s == NULL)
		return (ENOMEM);
	s->mc = mc;
	mutex_init(&s->lock, "kvalock");
	*statep = s;
	return (0);
}

static void
spins_destroy(void *state)
{
	struct spins *s = state;

	eph_machine_free(s->mc, s, sizeof(*s));
}

static int
spins_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct spins *s = state;
	struct eph_machine *mc = s->mc;
	struct mapped *o = eph_machine_alloc(mc, sizeof(*o));

	(void)flags;
	if (o == NULL || (o->va = kva_alloc(mc, 1)) == 0) {
		eph_machine_free(mc, o, sizeof(*o));
		return (eph_machine_refuse(mc, "no address left"));
	}
	o->m = m;
	spin_enter(mc, &s->lock);
	pmap_kenter(mc, o->va, vm_page_to_phys(m));
	spin_exit(mc, &s->lock);
	EPH_COUNT(mc, map_calls), EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ o, o->va };
	return (0);
}

static int
spins_unmap(void *state, void *obj)
{
	struct spins *s = state;
	struct eph_machine *mc = s->mc;
	struct mapped *o = obj;

	spin_enter(mc, &s->lock);
	pmap_kremove(mc, o->va);
	spin_exit(mc, &s->lock);
	kva_free(mc, o->va, 1);
	eph_machine_free(mc, o, sizeof(*o));
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	return (0);
}

static eph_va_t
spins_kva(void *state, void *obj)
{
	EPH_COUNT(((struct spins *)state)->mc, kva_calls);
	return (((struct mapped *)obj)->va);
}

static struct vm_page *
spins_page(void *state, void *obj)
{
	(void)state;
	return (((struct mapped *)obj)->m);
}

const struct eph_design_ops ephmap_plugin = { .abi = EPHMAP_ABI,
	.name = "test.spins",
	.summary = "shoots down while it holds a spin lock",
	.origin = "example",
	.date = "2026",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.create = spins_create,
	.destroy = spins_destroy,
	.map = spins_map,
	.unmap = spins_unmap,
	.kva = spins_kva,
	.page = spins_page };

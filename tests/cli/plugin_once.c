/* SPDX-License-Identifier: BSD-2-Clause */

/* An address for every map; map and unmap each cost L 1, R N-1, IPI N-1. */

#include "ephmap/sdk/design.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/version.h"

struct once {
	struct vm_page *m;
	eph_va_t va;
};

static int
once_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	(void)cfg, (void)err;
	*statep = mc;
	return (0);
}

static void
once_destroy(void *state)
{
	(void)state;
}

static int
once_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct eph_machine *mc = state;
	struct once *o = eph_machine_alloc(mc, sizeof(*o));

	(void)flags;
	if (o == NULL || (o->va = kva_alloc(mc, 1)) == 0) {
		eph_machine_free(mc, o, sizeof(*o));
		return (eph_machine_refuse(mc, "no address left"));
	}
	o->m = m;
	pmap_kenter(mc, o->va, vm_page_to_phys(m));
	EPH_COUNT(mc, map_calls), EPH_COUNT(mc, miss);
	eph_bufs_inc(mc);
	*mp = (struct eph_mapping){ o, o->va };
	return (0);
}

static int
once_unmap(void *state, void *obj)
{
	struct eph_machine *mc = state;
	struct once *o = obj;

	pmap_kremove(mc, o->va);
	kva_free(mc, o->va, 1);
	eph_machine_free(mc, o, sizeof(*o));
	EPH_COUNT(mc, unmap_calls);
	eph_bufs_dec(mc);
	return (0);
}

static eph_va_t
once_kva(void *state, void *obj)
{
	EPH_COUNT((struct eph_machine *)state, kva_calls);
	return (((struct once *)obj)->va);
}

static struct vm_page *
once_page(void *state, void *obj)
{
	(void)state;
	return (((struct once *)obj)->m);
}

const struct eph_design_ops ephmap_plugin = { .abi = EPHMAP_ABI,
	.name = "test.once",
	.summary = "an address for every map",
	.origin = "example",
	.date = "2026",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.validity = EPH_VALID_ALL,
	.create = once_create,
	.destroy = once_destroy,
	.map = once_map,
	.unmap = once_unmap,
	.kva = once_kva,
	.page = once_page };

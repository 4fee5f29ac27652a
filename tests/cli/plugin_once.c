/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A design built outside the library: an address per map, used once.
 *
 * Every map takes a page of address space and stores its entry on every
 * CPU; every unmap removes it and gives the address back.  The test loads
 * it with --plugin, so it also proves that the program holds the whole
 * library.
 */

#include <errno.h>

#include "ephmap/design.h"
#include "ephmap/kva.h"
#include "ephmap/pmap.h"
#include "ephmap/version.h"
#include "ephmap/vm_page.h"

struct once {
	struct eph_machine *mc;
};

struct once_mapping {
	struct vm_page *m;
	eph_va_t va;
};

static int
once_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err)
{
	struct once *o = machine_alloc(mc, sizeof(*o));

	(void)cfg;
	if (o == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	o->mc = mc;
	*statep = o;
	return (0);
}

static void
once_destroy(void *state)
{
	struct once *o = state;

	machine_free(o->mc, o, sizeof(*o));
}

static int
once_map(void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp)
{
	struct once *o = state;
	struct once_mapping *om = machine_alloc(o->mc, sizeof(*om));

	(void)flags;
	if (om == NULL)
		return (ENOMEM);
	om->m = m;
	om->va = kva_alloc(o->mc, 1);
	if (om->va == 0) {
		machine_free(o->mc, om, sizeof(*om));
		return (machine_refuse(o->mc, "no address space is left"));
	}
	pmap_kenter(o->mc, om->va, vm_page_to_phys(m));
	EPH_COUNT(o->mc, map_calls);
	EPH_COUNT(o->mc, miss);
	eph_bufs_inc(o->mc);
	mp->obj = om;
	mp->va = om->va;
	return (0);
}

static int
once_unmap(void *state, void *obj)
{
	struct once *o = state;
	struct once_mapping *om = obj;

	pmap_kremove(o->mc, om->va);
	kva_free(o->mc, om->va, 1);
	machine_free(o->mc, om, sizeof(*om));
	EPH_COUNT(o->mc, unmap_calls);
	eph_bufs_dec(o->mc);
	return (0);
}

static eph_va_t
once_kva(void *state, void *obj)
{
	EPH_COUNT(((struct once *)state)->mc, kva_calls);
	return (((struct once_mapping *)obj)->va);
}

static struct vm_page *
once_page(void *state, void *obj)
{
	(void)state;
	return (((struct once_mapping *)obj)->m);
}

static void
once_check(void *state, uint64_t held)
{
	(void)state;
	(void)held;
}

extern const struct eph_design_ops ephmap_plugin;

const struct eph_design_ops ephmap_plugin = {
	.name = "test.once",
	.summary = "an address per map, removed at unmap",
	.origin = "tests/cli",
	.date = "2026",
	.holes = "",
	.shootdown = "acked-invlpg",
	.policy = "",
	.abi = EPHMAP_ABI,
	.validity = EPH_VALID_ALL,
	.flags = EPH_DESIGN_OURS,
	.create = once_create,
	.destroy = once_destroy,
	.map = once_map,
	.unmap = once_unmap,
	.kva = once_kva,
	.ref = eph_design_no_ref,
	.page = once_page,
	.switch_out = eph_design_no_switch,
	.switch_in = eph_design_no_switch,
	.check = once_check,
	.sysctls = eph_design_no_sysctls,
};

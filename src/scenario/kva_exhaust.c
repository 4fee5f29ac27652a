/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kva-exhaustion: all addresses of a CPU are mapped and there are no more;
 * two of its threads sleep, and a third unmaps two.
 *
 * The design wakes one thread when its list goes from empty to one.  If
 * that thread has not run when the second comes, the list goes from one to
 * two, and the other thread is left asleep.
 */

#include <string.h>

#include "scenario/scenario.h"

#define KX_HELD 256u /* what a CPU has at boot */
#define KX_KVA	513u /* two CPUs' worth, and the page that is none */

struct kva_exhaust {
	struct eph_mapping held[KX_HELD];
	bool ended[2];
};

static void
kx_sleeper(struct eph_xp *x, unsigned n)
{
	struct kva_exhaust *kx = x->arg;
	struct vm_page *m = eph_xp_page(x, KX_HELD + n);

	if (eph_xp_map(x, m, SFB_DEFAULT, &kx->held[n]) == 0)
		eph_xp_touch(x, &kx->held[n], m);
	kx->ended[n] = true;
}

static bool
kx_settled(struct eph_xp *x, unsigned n)
{
	const struct kva_exhaust *kx = x->arg;

	return (kx->ended[n] || eph_xp_thread_of(x, n)->wchan != NULL);
}

static void
kx_holder(struct eph_xp *x, unsigned n)
{
	struct kva_exhaust *kx = x->arg;
	struct eph_mapping first = kx->held[0], second = kx->held[1];

	(void)n;
	while (!kx_settled(x, 0) || !kx_settled(x, 1))
		x->mc->exec->spin(x->mc);
	eph_xp_unmap(x, &first);
	eph_xp_unmap(x, &second);
}

static int
kx_setup(struct eph_xp *x)
{
	struct kva_exhaust *kx = eph_machine_alloc(x->mc, sizeof(*kx));

	if ((x->arg = kx) == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < KX_HELD; i++) {
		if (eph_xp_map(
			x, eph_xp_page(x, i), SFB_DEFAULT, &kx->held[i]) != 0)
			return (ENOMEM);
	}
	if (eph_xp_thread(x, 0, kx_sleeper, 0) != 0 ||
	    eph_xp_thread(x, 0, kx_sleeper, 1) != 0 ||
	    eph_xp_thread(x, 0, kx_holder, 0) != 0)
		return (ENOMEM);
	return (0);
}

/* Everything that is still mapped goes, or the general checks complain. */
static void
kx_finish(struct eph_xp *x)
{
	struct kva_exhaust *kx = x->arg;

	for (uint32_t i = 0; i < KX_HELD; i++)
		eph_xp_unmap(x, &kx->held[i]);
}

static bool
kx_applies(const struct eph_design_ops *d)
{
	return (strcmp(d->name, "lwbuf.homecpu") == 0 ||
	    strcmp(d->name, "lwbuf.reserve") == 0);
}

const struct eph_scenario eph__scenario_kva_exhaust = {
	.abi = EPHMAP_ABI,
	.name = "kva-exhaustion",
	.summary = "all addresses of a CPU are mapped, two threads sleep",
	.origin = "DragonFly 360dc0fa99 and 47efa95b84, lwbuf v2 and v3",
	.cpus = 2,
	.kva_pages = KX_KVA,
	.watches = true,
	.applies = kx_applies,
	.setup = kx_setup,
	.finish = kx_finish,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Exhibits: the lwbuf on its way, 2009 to 2010.
 *
 * A light buffer as far as these bugs need one: an address, a mask of the
 * CPUs in sync, lists per CPU.  Each function has the broken form and the
 * repaired one.
 */

#include <inttypes.h>

#include "base/kassert.h"
#include "ephmap/sdk/atomic.h"
#include "ephmap/kernel/critical.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/shootdown.h"
#include "scenario/scenario.h"
#include "scenario/turn.h"

#define LIGHT_MAX 8u

struct light {
	eph_va_t kva;
	_Atomic(uint32_t) cpumask;
	uint32_t next; /* on a list: index plus one */
	bool used;
};

struct lights {
	struct light light[LIGHT_MAX];
	uint32_t head[2];  /* free list of each CPU: index plus one */
	uint32_t n;	   /* made so far */
	uint32_t free_kva; /* pages left, for the exhaustion */
	_Atomic(uint32_t) turn;
};

static struct lights *
lights_create(struct eph_xp *x)
{
	struct lights *ls = eph_machine_alloc(x->mc, sizeof(*ls));

	x->arg = ls;
	if (ls == NULL ||
	    eph_machine_set_shootdown(
		x->mc, eph_shootdown_find("acked-invlpg")) != 0)
		return (NULL);
	return (ls);
}

static struct light *
lights_make(struct eph_xp *x)
{
	struct lights *ls = x->arg;
	struct light *l = &ls->light[ls->n++];

	KASSERT(ls->n <= LIGHT_MAX, "a list grows without bound");
	l->kva = kva_alloc(x->mc, 1);
	return (l);
}

static void
light_touch(struct eph_xp *x, struct light *l, struct vm_page *m)
{
	uint32_t reached;

	(void)eph_machine_access(x->mc, l->kva, EPH_TOUCH_READ, m, &reached);
}

/* The address on this CPU, valid there. */
static void
light_kva(struct eph_xp *x, struct light *l)
{
	const uint32_t me = 1u << eph_curcpu(x->mc)->id;

	/* Relaxed: our own bit, set by us after our own invlpg. */
	if ((eph_load_32(x->mc, &l->cpumask, memory_order_relaxed) & me) != 0)
		return;
	pmap_kenter_sync_quick(x->mc, l->kva);
	(void)eph_fetchor_32(x->mc, &l->cpumask, me, memory_order_relaxed);
}

/*
 * The mask.  alloc() puts another page at the address, so that only the
 * CPU that did it is in sync.  `|=` keeps the CPUs that were in the mask; that
 * does no harm while free() empties it, and does when free() does not
 * (draft) or the object's memory held something else (v3).
 */
static void
mask_alloc(struct eph_xp *x, struct light *l, struct vm_page *m)
{
	const uint32_t me = 1u << eph_curcpu(x->mc)->id;

	EPH_NOTE(x->mc, "lwbuf_alloc of frame %" PRIu32, m->frame);
	if (x->broken)
		(void)eph_fetchor_32(
		    x->mc, &l->cpumask, me, memory_order_relaxed);
	else
		eph_store_32(x->mc, &l->cpumask, me, memory_order_relaxed);
	pmap_kenter_quick(x->mc, l->kva, vm_page_to_phys(m));
}

/* CPU 0 maps, both use, CPU 0 frees; twice, the same object. */
static void
mask_owner(struct eph_xp *x, unsigned keeps)
{
	struct lights *ls = x->arg;
	struct light *l = &ls->light[0];

	for (uint32_t k = 0; k < 2; k++) {
		mask_alloc(x, l, eph_xp_page(x, 1 + k));
		turn_pass(x, &ls->turn, 1);
		turn_wait(x, &ls->turn, 0);
		if (keeps == 0 || !x->broken)
			eph_store_32(
			    x->mc, &l->cpumask, 0, memory_order_relaxed);
	}
}

static void
mask_user(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;

	(void)n;
	for (uint32_t k = 0; k < 2; k++) {
		turn_wait(x, &ls->turn, 1);
		light_kva(x, &ls->light[0]);
		light_touch(x, &ls->light[0], eph_xp_page(x, 1 + k));
		turn_pass(x, &ls->turn, 0);
	}
}

static int
mask_setup(struct eph_xp *x, unsigned keeps, uint32_t garbage)
{
	struct lights *ls = lights_create(x);

	if (ls == NULL)
		return (ENOMEM);
	atomic_init(&lights_make(x)->cpumask, x->broken ? garbage : 0);
	if (eph_xp_thread(x, 0, mask_owner, keeps) != 0 ||
	    eph_xp_thread(x, 1, mask_user, 0) != 0)
		return (ENOMEM);
	return (0);
}

static int
mask_draft_setup(struct eph_xp *x)
{
	return (mask_setup(x, 1, 0));
}

/* v3's ephemeral object: memory that was used for something else. */
static int
mask_v3_setup(struct eph_xp *x)
{
	struct lights *ls;

	if (mask_setup(x, 0, 0x2) != 0)
		return (ENOMEM);
	/* Its address was in use before: CPU 1 still holds that. */
	ls = x->arg;
	pmap_kenter_quick(
	    x->mc, ls->light[0].kva, vm_page_to_phys(eph_xp_page(x, 9)));
	x->mc->cur = x->mc->cpus[1];
	light_touch(x, &ls->light[0], eph_xp_page(x, 9));
	x->mc->cur = x->mc->cpus[0];
	return (0);
}

/* `|=` with a free that empties the mask: no harm. */
static int
mask_or_setup(struct eph_xp *x)
{
	return (mask_setup(x, 0, 0));
}

const struct eph_scenario eph__scenario_mask_draft = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-mask-draft",
	.summary = "|= on alloc, and a free that keeps the mask",
	.origin = "DragonFly submit@, 2009-03",
	.cpus = 2,
	.no_design = true,
	.setup = mask_draft_setup,
};

const struct eph_scenario eph__scenario_mask_v3 = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-mask-v3",
	.summary = "|= into an object that nobody initialised",
	.origin = "DragonFly 47efa95b84, 2010-03-31",
	.cpus = 2,
	.no_design = true,
	.setup = mask_v3_setup,
};

const struct eph_scenario eph__scenario_mask_or = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-mask-or",
	.summary = "|= on alloc with a free that empties the mask",
	.origin = "DragonFly lwbuf v1 and v2, 2010-03",
	.cpus = 2,
	.no_design = true,
	.setup = mask_or_setup,
};

const struct eph_bug eph__bug_mask_draft = {
	.name = "lwbuf-2009-mask-or",
	.date = "2009-03",
	.origin = "DragonFly lwbuf draft, Greear; found by Dillon in review",
	.symptom = "another CPU reads the page that was mapped before",
	.form = "broken function",
	.repair = "alloc assigns the mask: the page changed",
	.scenario = &eph__scenario_mask_draft,
	.fails = EPH_FAIL_STALE,
};

const struct eph_bug eph__bug_mask_v3 = {
	.name = "lwbuf-v3-uninitialised-mask",
	.date = "2010-03-31",
	.origin = "DragonFly 47efa95b84, lwbuf v3",
	.symptom = "as above, for objects fresh from the objcache",
	.form = "broken function",
	.repair = "alloc assigns the mask",
	.scenario = &eph__scenario_mask_v3,
	.fails = EPH_FAIL_STALE,
};

/*
 * A list per CPU is guarded against this CPU's other threads by a critical
 * section, or not.
 */
static struct light *
list_pop(struct eph_xp *x)
{
	struct lights *ls = x->arg;
	uint32_t *head = &ls->head[eph_curcpu(x->mc)->id];
	uint32_t first;

	if (!x->broken)
		crit_enter(x->mc);
	first = *head;
	EPH_RACY(x->mc, "SLIST_FIRST, SLIST_REMOVE_HEAD");
	if (first != 0)
		*head = ls->light[first - 1].next;
	if (!x->broken)
		crit_exit(x->mc);
	return (first != 0 ? &ls->light[first - 1] : NULL);
}

static void
nocrit_thread(struct eph_xp *x, unsigned n)
{
	struct light *l = list_pop(x);

	if (l == NULL)
		return;
	if (l->used)
		eph_xp_failure(x, EPH_FAIL_USE_FREE,
		    "two threads of CPU %u have the same lwbuf",
		    eph_curcpu(x->mc)->id);
	l->used = true;
	pmap_kenter_quick(
	    x->mc, l->kva, vm_page_to_phys(eph_xp_page(x, 1 + n)));
	light_touch(x, l, eph_xp_page(x, 1 + n));
	l->used = false;
}

static int
nocrit_setup(struct eph_xp *x)
{
	struct lights *ls = lights_create(x);

	if (ls == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < 2; i++) {
		lights_make(x)->next = ls->head[0];
		ls->head[0] = i + 1;
	}
	if (eph_xp_thread(x, 0, nocrit_thread, 0) != 0 ||
	    eph_xp_thread(x, 0, nocrit_thread, 1) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_nocrit = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-nocrit",
	.summary = "two threads of one CPU take from its list",
	.origin = "DragonFly 5c5185ae1c, 2010-03-09",
	.cpus = 1,
	.no_design = true,
	.setup = nocrit_setup,
};

const struct eph_bug eph__bug_nocrit = {
	.name = "lwbuf-v1-no-critical-section",
	.date = "2010-03-09",
	.origin = "DragonFly 5c5185ae1c, repaired by c64a8596f0",
	.symptom = "two users of one address, on one CPU",
	.form = "broken function",
	.repair = "crit_enter around the list",
	.scenario = &eph__scenario_nocrit,
	.fails = EPH_FAIL_USE_FREE,
};

/*
 * v1: the address goes on the list of the CPU that frees.  A producer and a
 * consumer on two CPUs make the producer's list grow for ever.
 */
#define MIGRATE_ROUNDS	5u
#define MIGRATE_RESERVE 1u /* pages a CPU may keep */

static void
migrate_producer(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;

	(void)n;
	for (uint32_t k = 0; k < MIGRATE_ROUNDS; k++) {
		struct light *l = NULL;

		if (ls->head[0] != 0) {
			l = &ls->light[ls->head[0] - 1];
			ls->head[0] = l->next;
		} else {
			l = lights_make(x);
		}
		pmap_kenter_quick(
		    x->mc, l->kva, vm_page_to_phys(eph_xp_page(x, 1 + k)));
		l->used = true;
		turn_pass(x, &ls->turn, 1 + (uint32_t)(l - ls->light));
		turn_wait(x, &ls->turn, 0);
	}
	turn_pass(x, &ls->turn, UINT32_MAX);
}

/* Frees on the list of its own CPU, or gives back to the owner. */
static void
migrate_consumer(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;
	const unsigned list = x->broken ? n : 0;
	uint32_t id;

	for (;;) {
		/* Acquire pairs with the release in lights_pass. */
		while ((id = eph_load_32(
			    x->mc, &ls->turn, memory_order_acquire)) == 0)
			x->mc->exec->spin(x->mc);
		if (id == UINT32_MAX)
			return;
		ls->light[id - 1].used = false;
		ls->light[id - 1].next = ls->head[list];
		ls->head[list] = id;
		turn_pass(x, &ls->turn, 0);
	}
}

static int
migrate_setup(struct eph_xp *x)
{
	if (lights_create(x) == NULL ||
	    eph_xp_thread(x, 0, migrate_producer, 0) != 0 ||
	    eph_xp_thread(x, 1, migrate_consumer, 1) != 0)
		return (ENOMEM);
	return (0);
}

static void
migrate_finish(struct eph_xp *x)
{
	const struct lights *ls = x->arg;

	/* One was held at a time. */
	if (ls->n > 1 + MIGRATE_RESERVE)
		eph_xp_failure(x, EPH_FAIL_KVA,
		    "%" PRIu32 " pages are owned, 1 was held at the peak, and "
		    "the reserve is %u",
		    ls->n, MIGRATE_RESERVE);
}

const struct eph_scenario eph__scenario_migrate = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-migrate",
	.summary = "one CPU allocates, another frees",
	.origin = "DragonFly 5c5185ae1c, 2010-03-09",
	.cpus = 2,
	.no_design = true,
	.setup = migrate_setup,
	.finish = migrate_finish,
};

const struct eph_bug eph__bug_migrate = {
	.name = "lwbuf-v1-migrating-kva",
	.date = "2010-03-09",
	.origin = "DragonFly 5c5185ae1c, repaired by 360dc0fa99",
	.symptom = "kernel address space runs out behind a pipe",
	.form = "broken function",
	.repair = "an object goes back to the CPU that owns it",
	.scenario = &eph__scenario_migrate,
	.fails = EPH_FAIL_KVA,
};

/*
 * v3: the object that the objcache gave is overwritten by looking at the
 * empty list again, in the loop's condition.
 */
static void
loop_thread(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;
	struct light *l;

	(void)n;
	while ((l = list_pop(x)) == NULL) {
		EPH_RACY(x->mc, "objcache_get");
		l = &ls->light[ls->n++ % LIGHT_MAX];
		if (!x->broken)
			break;
	}
	l->used = true;
}

static int
loop_setup(struct eph_xp *x)
{
	if (lights_create(x) == NULL ||
	    eph_xp_thread(x, 0, loop_thread, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_loop = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-loop",
	.summary = "an allocation from an empty list",
	.origin = "DragonFly 47efa95b84, 2010-03-31",
	.cpus = 1,
	.no_design = true,
	.setup = loop_setup,
};

const struct eph_bug eph__bug_loop = {
	.name = "lwbuf-v3-loop",
	.date = "2010-03-31",
	.origin = "DragonFly 47efa95b84, repaired by f448e2f913",
	.symptom = "a CPU that never comes back, and memory with it",
	.form = "broken function",
	.repair = "leave the loop with what the objcache gave",
	.scenario = &eph__scenario_loop,
	.fails = EPH_FAIL_LIVELOCK,
};

/*
 * v4: objcache_get(M_WAITOK) was taken to be never NULL; it is when the
 * constructor finds no address.
 */
static struct light *
null_get(struct eph_xp *x)
{
	struct lights *ls = x->arg;
	struct light *l;

	if (ls->head[0] == 0)
		return (NULL);
	l = &ls->light[ls->head[0] - 1];
	ls->head[0] = l->next;
	return (l);
}

static void
null_thread(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;
	struct light *l;

	crit_enter(x->mc);
	while ((l = null_get(x)) == NULL) {
		if (x->broken)
			PANIC("lwbuf_alloc: NULL dereference");
		crit_exit(x->mc);
		(void)tsleep(x->mc, ls, 0, "lwbuf", 1000000);
		crit_enter(x->mc);
	}
	crit_exit(x->mc);
	pmap_kenter_quick(
	    x->mc, l->kva, vm_page_to_phys(eph_xp_page(x, 1 + n)));
	light_touch(x, l, eph_xp_page(x, 1 + n));
	crit_enter(x->mc);
	l->next = ls->head[0];
	ls->head[0] = (uint32_t)(l - ls->light) + 1;
	crit_exit(x->mc);
}

static int
null_setup(struct eph_xp *x)
{
	struct lights *ls = lights_create(x);

	if (ls == NULL)
		return (ENOMEM);
	(void)lights_make(x);
	ls->head[0] = 1;
	if (eph_xp_thread(x, 0, null_thread, 0) != 0 ||
	    eph_xp_thread(x, 0, null_thread, 1) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_null = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-null",
	.summary = "two threads and one page of addresses",
	.origin = "DragonFly b2219df006, 2010",
	.cpus = 1,
	.no_design = true,
	.setup = null_setup,
};

const struct eph_bug eph__bug_null = {
	.name = "lwbuf-v4-null",
	.date = "2010",
	.origin = "DragonFly b2219df006, lwbuf v4",
	.symptom = "NULL dereference when kernel address space is exhausted",
	.form = "broken function",
	.repair = "sleep and try again, as the first v4 did",
	.scenario = &eph__scenario_null,
	.fails = EPH_FAIL_PANIC,
};

/*
 * v4's destructor gave the address back while its entry was valid: the next
 * owner of the address, on another CPU, invalidates only its own TLB.
 */
static void
dtor_first(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;
	const eph_va_t va = kva_alloc(x->mc, 1);
	struct vm_page *m = eph_xp_page(x, 1);
	uint32_t reached;

	(void)n;
	pmap_kenter_quick(x->mc, va, vm_page_to_phys(m));
	(void)eph_machine_access(x->mc, va, EPH_TOUCH_READ, m, &reached);
	if (!x->broken)
		pmap_kremove(x->mc, va);
	kva_free(x->mc, va, 1);
	turn_pass(x, &ls->turn, 1);
	turn_wait(x, &ls->turn, 0);
	ls->light[0].kva = va;
	turn_pass(x, &ls->turn, 2);
}

/* A kernel that maps where nothing was: no invalidation is needed. */
static void
dtor_second(struct eph_xp *x, unsigned n)
{
	struct lights *ls = x->arg;
	struct vm_page *m = eph_xp_page(x, 2);
	uint32_t reached;
	eph_va_t va;

	(void)n;
	turn_wait(x, &ls->turn, 1);
	va = kva_alloc(x->mc, 1);
	if ((pmap_pte_load(x->mc, va) & EPH_PTE_V) != 0)
		eph_xp_failure(x, EPH_FAIL_USE_FREE,
		    "the address that was given back still maps frame %" PRIu32,
		    pmap_kextract(x->mc, va));
	pmap_pte_store(x->mc, va, vm_page_to_phys(m) | EPH_PTE_V | EPH_PTE_RW);
	(void)eph_machine_access(x->mc, va, EPH_TOUCH_READ, m, &reached);
	turn_pass(x, &ls->turn, 0);
	turn_wait(x, &ls->turn, 2);
	pmap_kremove(x->mc, va);
	kva_free(x->mc, va, 1);
}

static int
dtor_setup(struct eph_xp *x)
{
	if (lights_create(x) == NULL ||
	    eph_xp_thread(x, 0, dtor_first, 0) != 0 ||
	    eph_xp_thread(x, 1, dtor_second, 0) != 0)
		return (ENOMEM);
	return (0);
}

const struct eph_scenario eph__scenario_dtor = {
	.abi = EPHMAP_ABI,
	.name = "lwbuf-dtor",
	.summary = "an address is given back and used by another thread",
	.origin = "DragonFly f448e2f913, 2010-03-31; 910cc6927b for pipes",
	.cpus = 2,
	.no_design = true,
	.setup = dtor_setup,
};

const struct eph_bug eph__bug_dtor = {
	.name = "lwbuf-v4-free-while-mapped",
	.date = "2010-03-31",
	.origin = "DragonFly f448e2f913, repaired by 50d350e4e7; pipes: "
		  "910cc6927b",
	.symptom = "addresses that map a page before anybody mapped them",
	.form = "broken function",
	.repair = "remove the entry before the address is given back",
	.scenario = &eph__scenario_dtor,
	.fails = EPH_FAIL_USE_FREE,
};

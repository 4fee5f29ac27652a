/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Rules that hold for everything of a kind: memory stays flat in every
 * executor, a call is counted once and a refusal names who asked, a page's
 * wires are its caller's on every design, what returns an error has said why,
 * a plug-in that is refused is gone, and a row that was built for another
 * interface is refused wherever it comes in.
 */

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ephmap/policy_check.h"
#include "ephmap/sdk/importer.h"
#include "ephmap/sdk/scenario.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/ipiq.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/sf_buf.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/kernel/sleepq.h"
#include "ephmap/world.h"
#include "exec/explore.h"
#include "test_main.h"

#define CPUS	2u
#define NBUFS	8u
#define PAGES	40u
#define HELD	3u
#define WARM	32u /* rounds until everything has been made once */
#define ROUNDS	1000u
#define EXPLORE 100u /* rounds of one schedule */

/* Memory that is flat */

struct flat {
	struct eph_world *world;
	struct eph_machine *mc; /* its */
	const struct eph_design_ops *ops;
	void *state;
	unsigned round;
	unsigned rounds;
	bool chained; /* each round is a thread of its own */
	size_t warm;  /* bytes after WARM rounds */
	size_t last;
	uint64_t failures;
};

static void
message(struct eph_machine *mc, void *arg)
{
	(void)mc;
	(void)arg;
}

/* Maps, a handle held over a sleep, messages of both kinds. */
static void
flat_round(struct flat *f)
{
	struct eph_machine *mc = f->mc;
	const unsigned other = (eph_curcpu(mc)->id + 1) % CPUS;
	struct eph_mapping mp[HELD];

	for (unsigned i = 0; i < HELD; i++)
		f->failures += eph_design_map(f->ops, mc, f->state,
				   vm_page_get(mc, (f->round + 7 * i) % PAGES),
				   SFB_DEFAULT, &mp[i]) != 0;
	(void)lwkt_send_ipiq(mc, other, message, NULL);
	(void)lwkt_send_ipiq_passive(mc, other, message, NULL);
	f->failures += tsleep(mc, f, 0, "flat", 1) != EWOULDBLOCK;
	for (unsigned i = HELD; i-- > 0;)
		f->failures += f->ops->unmap(f->state, mp[i].obj) != 0;
	if (++f->round == WARM)
		f->warm = eph_machine_memory_bytes(mc);
	f->last = eph_machine_memory_bytes(mc);
}

static void
flat_thread(void *arg)
{
	struct flat *f = arg;

	do {
		flat_round(f);
	} while (!f->chained && f->round < f->rounds);
	/* The next thread has `f` from here on. */
	if (f->chained && f->round < f->rounds &&
	    eph_thread_create(f->mc, f->round % CPUS, flat_thread, f) == NULL)
		f->failures++;
}

static void
flat_open(struct flat *f, const char *design, enum eph_executor executor)
{
	const struct eph_world_config cfg = { .tlb = "infinite",
		.cpus = CPUS,
		.executor = executor,
		.region_bytes =
		    executor == EPH_EXECUTOR_EXPLORE ? (size_t)64 << 20 : 0,
		.design = eph_design_find(design),
		.nbufs = NBUFS };

	memset(f, 0, sizeof(*f));
	f->ops = cfg.design;
	f->rounds = ROUNDS;
	f->chained = true;
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &f->world, NULL), 0);
	f->mc = eph_world_machine(f->world);
	f->state = eph_world_state(f->world);
	CU_ASSERT_EQUAL_FATAL(ipiq_attach(f->mc), 0);
	for (unsigned i = 0; i < PAGES; i++)
		(void)vm_page_get(f->mc, i);
}

/* A machine alone; `design` is not made. */
static void
bare_open(struct flat *f, const char *design)
{
	const struct eph_world_config cfg = { .tlb = "infinite", .cpus = CPUS };

	memset(f, 0, sizeof(*f));
	f->ops = eph_design_find(design);
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &f->world, NULL), 0);
	f->mc = eph_world_machine(f->world);
}

static void
flat_close(struct flat *f)
{
	CU_ASSERT_EQUAL(eph_world_destroy(f->world), 0);
}

static void
flat_report(const struct flat *f, const char *executor)
{
	const bool flat =
	    f->round == f->rounds && f->failures == 0 && f->last <= f->warm;

	CU_ASSERT(flat);
	if (!flat)
		(void)printf("%s, %s: %u rounds, %" PRIu64
			     " failures, %zu bytes after %u rounds and %zu at "
			     "the end\n",
		    f->ops->name, executor, f->round, f->failures, f->warm,
		    WARM, f->last);
}

/* Of each way to keep buffers one. */
static const char *const kept[] = { "sf_buf.uncached", "sf_buf.lru",
	"sf_buf.accessed", "sf_buf.dynamic", "msf_buf", "lwbuf.kvalist",
	"lwbuf.homecpu", "lwbuf.objcache", "lwbuf.pcpu", "kva.qenter", "emap",
	"kmap", "segmap", "ephmap.best" };
#define NKEPT (sizeof(kept) / sizeof(kept[0]))

static void
flat_on(const char *design, bool threads)
{
	struct flat f;

	flat_open(
	    &f, design, threads ? EPH_EXECUTOR_THREADS : EPH_EXECUTOR_LOCKSTEP);
	CU_ASSERT_PTR_NOT_NULL(eph_thread_create(f.mc, 0, flat_thread, &f));
	/* In lockstep time passes where it is told to. */
	while (eph_run(f.mc) != 0 && !threads && f.failures == 0)
		eph_lockstep_delay(f.mc, 2);
	flat_report(&f, threads ? "threads" : "lockstep");
	flat_close(&f);
}

static void
memory_is_flat_in_lockstep(void)
{
	for (size_t i = 0; i < NKEPT; i++)
		flat_on(kept[i], false);
}

static void
memory_is_flat_with_threads(void)
{
	flat_on("sf_buf.lru", true);
	flat_on("lwbuf.objcache", true);
}

/* A region hands nothing out again; what is in use is counted all the same. */
static void
memory_is_flat_in_a_schedule(void)
{
	for (size_t i = 0; i < NKEPT; i++) {
		struct explore *ex;
		struct flat f;

		flat_open(&f, kept[i], EPH_EXECUTOR_EXPLORE);
		ex = eph__explore_of(f.mc);
		f.rounds = EXPLORE;
		f.chained = false;
		CU_ASSERT_EQUAL_FATAL(
		    eph__explore_set_strategy(ex, &eph__ex_random), 0);
		CU_ASSERT_PTR_NOT_NULL(
		    eph_thread_create(f.mc, 0, flat_thread, &f));
		CU_ASSERT_EQUAL(eph__explore_run(ex), EX_PASS);
		flat_report(&f, "explore");
		(void)eph_world_abandon(f.world);
	}
}

/* Calls */

/* What a CPU does itself, by all but CPU 1. */
static uint64_t
elsewhere(const struct eph_machine *mc)
{
	uint64_t sum = 0;

	for (unsigned n = 0; n < mc->ncpus; n++) {
		const struct eph_counters *c = &mc->cpus[n]->c;

		if (n != 1)
			sum += c->map_calls + c->hit_active + c->hit_inactive +
			    c->miss + c->evict + c->map_fail + c->sleep +
			    c->wakeup_spurious + c->unmap_calls + c->kva_calls +
			    c->pte_store + c->invlpg_local + c->flush_local +
			    c->ipi_sent + c->ipiq_msg + c->tlb_hit +
			    c->tlb_miss + c->walk_step + c->lock_acquire;
	}
	return (sum);
}

static void
call_each(const struct flat *f, uint32_t page)
{
	struct eph_mapping mp;
	uint32_t reached;

	CU_ASSERT_EQUAL_FATAL(eph_design_map(f->ops, f->mc, f->state,
				  vm_page_get(f->mc, page), SFB_DEFAULT, &mp),
	    0);
	(void)eph_machine_access(f->mc, f->ops->kva(f->state, mp.obj),
	    EPH_TOUCH_WRITE, vm_page_get(f->mc, page), &reached);
	eph_design_check(f->ops, f->state, 1);
	CU_ASSERT_EQUAL(f->ops->unmap(f->state, mp.obj), 0);
	eph_design_check(f->ops, f->state, 0);
}

/* Each call of each design counts once, and where it was made. */
static void
calls_are_counted(const struct eph_design_ops *design, unsigned cpus)
{
	const struct eph_world_config cfg = { .tlb = "infinite",
		.cpus = cpus,
		.design = design,
		.nbufs = NBUFS };
	struct flat f = { .ops = design };
	const struct eph_counters *c;
	uint64_t before;

	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &f.world, NULL), 0);
	f.mc = eph_world_machine(f.world);
	f.state = eph_world_state(f.world);
	eph_cpu_enter(f.mc, 1);
	c = &eph_curcpu(f.mc)->c;
	before = elsewhere(f.mc);
	for (uint32_t use = 1; use <= 3 * NBUFS; use++) {
		call_each(&f, use);
		if (c->map_calls != use || c->kva_calls != use ||
		    c->unmap_calls != use || elsewhere(f.mc) != before)
			printf("%s: %" PRIu64 " maps, %" PRIu64 " kva, %" PRIu64
			       " unmaps of %" PRIu32 " each, %" PRIu64
			       " events elsewhere\n",
			    design->name, c->map_calls, c->kva_calls,
			    c->unmap_calls, use, elsewhere(f.mc) - before);
		CU_ASSERT_EQUAL(c->map_calls, use);
		CU_ASSERT_EQUAL(c->kva_calls, use);
		CU_ASSERT_EQUAL(c->unmap_calls, use);
		CU_ASSERT_EQUAL(elsewhere(f.mc), before);
	}
	flat_close(&f);
}

static void
every_call_is_counted_once_where_it_was_made(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		calls_are_counted(eph_designs[i], 2);
		calls_are_counted(eph_designs[i], 70);
	}
}

/* More threads than there are mappings; each has one for a while. */
#define CROWD	  40u
#define SECOND_NS 1000000000u /* as long as nobody waits */

static void
crowd_thread(void *arg)
{
	struct flat *f = arg;
	struct eph_mapping mp;

	for (unsigned use = 0; use < 3; use++) {
		if (eph_design_map(f->ops, f->mc, f->state,
			vm_page_get(f->mc, f->round++ % PAGES), SFB_DEFAULT,
			&mp) != 0)
			continue;
		(void)tsleep(f->mc, &mp, 0, "held", 1);
		f->failures += f->ops->unmap(f->state, mp.obj) != 0;
	}
}

/* Does a design's own hole leave sleepers behind, without a signal? */
static bool
loses_wakeups(const struct eph_design_ops *d)
{
	return (d->holes != NULL && strstr(d->holes, "lost wakeup") != NULL &&
	    strstr(d->holes, "interruptible") == NULL);
}

static void
who_waits_for_a_mapping_is_woken(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		unsigned asleep = 0;
		uint64_t before;
		struct flat f;

		if ((eph_designs[i]->flags & EPH_DESIGN_SLEEPS) == 0 ||
		    (eph_designs[i]->flags & EPH_DESIGN_CRITICAL) != 0 ||
		    loses_wakeups(eph_designs[i]))
			continue;
		flat_open(&f, eph_designs[i]->name, EPH_EXECUTOR_LOCKSTEP);
		before = elsewhere(f.mc);
		for (unsigned n = 0; n < CROWD; n++)
			CU_ASSERT_PTR_NOT_NULL(
			    eph_thread_create(f.mc, 1, crowd_thread, &f));
		for (unsigned n = 0; n < 10 * CROWD; n++) {
			if ((asleep = eph_run(f.mc)) == 0)
				break;
			eph_lockstep_delay(f.mc, SECOND_NS);
		}
		if (asleep != 0)
			printf("%s: %u threads sleep, and all is free\n",
			    f.ops->name, asleep);
		CU_ASSERT_EQUAL(asleep, 0);
		CU_ASSERT_EQUAL(f.failures, 0);
		CU_ASSERT_EQUAL(elsewhere(f.mc), before);
		if (asleep != 0)
			(void)eph_world_abandon(f.world);
		else
			flat_close(&f);
	}
}

/*
 * One thread takes all mappings there are, another waits for one: whoever was
 * woken and got it was not woken in vain, the next time neither.
 */
#define PERIOD_NS    20000000u
#define PERIODS	     3u
#define MAPPINGS_MAX 64u

static unsigned
capacity(const struct eph_design_ops *d)
{
	return (d->nest != 0 ? d->nest : NBUFS);
}

static void
takes_all_thread(void *arg)
{
	struct flat *f = arg;
	struct eph_mapping mp[MAPPINGS_MAX];
	const unsigned n = capacity(f->ops);

	for (unsigned p = 0; p < PERIODS; p++) {
		for (unsigned i = 0; i < n; i++)
			f->failures += eph_design_map(f->ops, f->mc, f->state,
					   vm_page_get(f->mc, i), SFB_DEFAULT,
					   &mp[i]) != 0;
		(void)tsleep(f->mc, &mp, 0, "all", PERIOD_NS / 2);
		for (unsigned i = n; i-- > 0;)
			f->failures += f->ops->unmap(f->state, mp[i].obj) != 0;
		(void)tsleep(f->mc, &mp, 0, "none", PERIOD_NS / 2);
	}
}

static void
waits_thread(void *arg)
{
	struct flat *f = arg;
	struct eph_mapping mp;

	for (unsigned p = 0; p < PERIODS; p++) {
		(void)tsleep(
		    f->mc, &mp, 0, "pause", PERIOD_NS / (p == 0 ? 4 : 2));
		f->failures += eph_design_map(f->ops, f->mc, f->state,
				   vm_page_get(f->mc, MAPPINGS_MAX + p),
				   SFB_DEFAULT, &mp) != 0;
		f->failures += f->ops->unmap(f->state, mp.obj) != 0;
		(void)tsleep(f->mc, &mp, 0, "pause", PERIOD_NS / 4);
	}
}

static void
who_got_a_mapping_was_not_woken_in_vain(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_design_ops *d = eph_designs[i];
		struct eph_counters c;
		struct flat f;

		if ((d->flags & EPH_DESIGN_SLEEPS) == 0 ||
		    (d->flags & (EPH_DESIGN_CRITICAL | EPH_DESIGN_ALONE)) !=
			0 ||
		    capacity(d) > MAPPINGS_MAX)
			continue;
		flat_open(&f, d->name, EPH_EXECUTOR_LOCKSTEP);
		CU_ASSERT_PTR_NOT_NULL(
		    eph_thread_create(f.mc, 0, takes_all_thread, &f));
		CU_ASSERT_PTR_NOT_NULL(
		    eph_thread_create(f.mc, 0, waits_thread, &f));
		while (eph_run(f.mc) != 0)
			eph_lockstep_delay(f.mc, PERIOD_NS / 4);
		CU_ASSERT_EQUAL(f.failures, 0);
		eph_machine_counters(f.mc, &c);
		if (c.wakeup_spurious != 0)
			printf("%s: %" PRIu64 " of %" PRIu64
			       " sleeps were ended in vain\n",
			    d->name, c.wakeup_spurious, c.sleep);
		CU_ASSERT_EQUAL(c.wakeup_spurious, 0);
		flat_close(&f);
	}
}

static void
a_sysctl_takes_back_what_it_gave(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const struct eph_sysctl *sc = eph_designs[i]->sysctls;
		struct flat f;

		flat_open(&f, eph_designs[i]->name, EPH_EXECUTOR_LOCKSTEP);
		for (; sc != NULL && sc->name != NULL; sc++) {
			const uint64_t value = sc->get(f.state);
			const int error =
			    sc->set != NULL ? sc->set(f.state, value) : EPERM;

			if (error != 0 && error != EPERM)
				printf("%s: %s refuses its own %" PRIu64 "\n",
				    f.ops->name, sc->name, value);
			CU_ASSERT(error == 0 || error == EPERM);
			CU_ASSERT_EQUAL(sc->get(f.state), value);
		}
		flat_close(&f);
	}
}

/* What a design refuses is refused to the CPU that asked. */
static bool
refuses_by_name(const struct eph_design_ops *design, unsigned who)
{
	char name[16];
	struct eph_mapping mp, second;
	struct flat f;
	int error;

	flat_open(&f, design->name, EPH_EXECUTOR_LOCKSTEP);
	eph_cpu_enter(f.mc, 0);
	CU_ASSERT_EQUAL_FATAL(eph_design_map(f.ops, f.mc, f.state,
				  vm_page_get(f.mc, 3), SFB_DEFAULT, &mp),
	    0);
	eph_cpu_enter(f.mc, who);
	error = eph_design_map(
	    f.ops, f.mc, f.state, vm_page_get(f.mc, 4), SFB_DEFAULT, &second);
	if (error == ENOTSUP) {
		CU_ASSERT_EQUAL(f.mc->refused, who + 1);
		(void)snprintf(name, sizeof(name), "CPU %u ", who);
		CU_ASSERT_EQUAL(
		    strncmp(eph_world_refusal(f.world), name, strlen(name)), 0);
	}
	if (error == 0)
		CU_ASSERT_EQUAL(f.ops->unmap(f.state, second.obj), 0);
	eph_cpu_enter(f.mc, 0);
	CU_ASSERT_EQUAL(f.ops->unmap(f.state, mp.obj), 0);
	flat_close(&f);
	return (error == ENOTSUP);
}

static void
a_refusal_names_who_asked(void)
{
	unsigned refused[CPUS] = { 0 };

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		for (unsigned who = 0; who < CPUS; who++)
			refused[who] += refuses_by_name(eph_designs[i], who);
	}
	CU_ASSERT(refused[0] > 0 && refused[1] > 0);
}

static void
note_seen(void *arg, const struct eph_event *ev)
{
	if (ev->kind == EPH_EV_NOTE || ev->kind == EPH_EV_VIOLATION)
		*(unsigned *)arg = ev->target == ev->cpu ? ev->cpu : UINT32_MAX;
}

static void
what_is_said_is_of_the_cpu_that_says_it(void)
{
	unsigned seen = UINT32_MAX;
	struct flat f;

	bare_open(&f, eph_designs[0]->name);
	eph_machine_set_observer(f.mc, note_seen, &seen);
	for (unsigned c = 0; c < CPUS; c++) {
		eph_cpu_enter(f.mc, c);
		eph_machine_note(f.mc, "here");
		CU_ASSERT_EQUAL(seen, c);
		seen = UINT32_MAX;
		eph_machine_violation(f.mc, "here");
		CU_ASSERT_EQUAL(seen, c);
	}
	flat_close(&f);
}

/* What is beyond those that are kept is counted, and goes nowhere. */
static void
more_violations_than_are_kept(void)
{
	struct flat f;

	bare_open(&f, eph_designs[0]->name);
	for (unsigned n = 1; n <= 2 * EPH_VIOLATIONS_KEPT; n++) {
		eph_machine_violation(f.mc, "number %u", n);
		CU_ASSERT_EQUAL(f.mc->nviolations, n);
		CU_ASSERT_EQUAL(f.mc->refused, 0);
		for (size_t i = 0; i < sizeof(f.mc->refusal); i++)
			CU_ASSERT_EQUAL_FATAL(f.mc->refusal[i], 0);
	}
	CU_ASSERT_STRING_EQUAL(f.mc->violations[0].text, "number 1");
	flat_close(&f);
}

/* Wires */

static void
a_caller_who_wires_gives_back_his_own_wire(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		struct eph_mapping mp;
		struct vm_page *m;
		struct flat f;

		flat_open(&f, eph_designs[i]->name, EPH_EXECUTOR_LOCKSTEP);
		m = vm_page_get(f.mc, 3);
		eph_cpu_enter(f.mc, 0);
		for (unsigned use = 0; use < 2; use++) {
			vm_page_wire(f.mc, m);
			CU_ASSERT_EQUAL_FATAL(eph_design_map(f.ops, f.mc,
						  f.state, m, SFB_DEFAULT, &mp),
			    0);
			CU_ASSERT_EQUAL(f.ops->unmap(f.state, mp.obj), 0);
			vm_page_unwire(f.mc, m);
			CU_ASSERT_EQUAL(m->wire_count, 0);
		}
		flat_close(&f);
	}
}

/* As the example of README does it. */
static void
a_test_of_sf_bufs_wires_as_it_likes(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		struct sf_buf_pool *pool;
		struct sf_buf *sf;
		struct vm_page *m;
		struct flat f;

		if (strncmp(eph_designs[i]->name, "sf_buf.", 7) != 0)
			continue;
		bare_open(&f, eph_designs[i]->name);
		CU_ASSERT_EQUAL_FATAL(
		    sf_buf_pool_create(f.mc, f.ops->name, NBUFS, &pool, NULL),
		    0);
		m = vm_page_get(f.mc, 3);
		vm_page_wire(f.mc, m);
		sf = sf_buf_alloc(pool, m, SFB_DEFAULT);
		CU_ASSERT_PTR_NOT_NULL_FATAL(sf);
		sf_buf_free(pool, sf);
		vm_page_unwire(f.mc, m);
		/* And one who does not wire. */
		sf = sf_buf_alloc(pool, m, SFB_DEFAULT);
		CU_ASSERT_PTR_NOT_NULL_FATAL(sf);
		sf_buf_free(pool, sf);
		CU_ASSERT_EQUAL(vm_pages_wired(f.mc), 0);
		sf_buf_pool_destroy(pool);
		flat_close(&f);
	}
}

/* Errors that are told */

static uint64_t
position(void *arg)
{
	(void)arg;
	return (UINT64_MAX);
}

/* Every allocation of create() fails once, and each failure has its words. */
static void
told(const struct eph_err *err, int error, const char *name, unsigned nth)
{
	const bool good = error == ENOMEM && err->text[0] != '\0';

	CU_ASSERT(good);
	if (!good)
		(void)printf("%s, allocation %u fails: error %d, \"%s\"\n",
		    name, nth, error, err->text);
}

/* An allocation that is to fail has not come yet. */
static bool
still_due(struct eph_mem *mem)
{
	void *p = eph_mem_alloc(mem, 1);

	eph_mem_free(mem, p, 1);
	return (p == NULL);
}

static void
a_policy_without_memory_says_so(void)
{
	for (size_t i = 0; eph_policies[i] != NULL; i++) {
		const struct eph_policy_ops *p = eph_policies[i];
		struct eph_policy_env env = { .nslots = 64,
			.next_use = position };
		int error = ENOMEM;

		for (unsigned n = 1; error != 0 && n < 100; n++) {
			struct eph_err err = { "" };
			void *ps = NULL;

			env.mem = eph__mem_create(true);
			eph__mem_fail_after(env.mem, n);
			error = p->create(&env, &ps, &err);
			if (error == 0) {
				CU_ASSERT(still_due(env.mem));
				p->destroy(ps);
			} else {
				told(&err, error, p->name, n);
			}
			eph__mem_fail_after(env.mem, 0);
			CU_ASSERT_EQUAL(eph__mem_destroy(env.mem), 0);
		}
		CU_ASSERT_EQUAL(error, 0);
	}
}

/* Map a frame and unmap it, where the design has that frame. */
static void
map_once(struct flat *f, uint32_t frame)
{
	struct eph_mapping mp;

	eph_cpu_enter(f->mc, 0);
	if (eph_design_map(f->ops, f->mc, f->state, vm_page_get(f->mc, frame),
		SFB_DEFAULT, &mp) == 0)
		CU_ASSERT_EQUAL(f->ops->unmap(f->state, mp.obj), 0);
}

/*
 * What a design does without (a queue of addresses that it can have shorter,
 * pages at boot that come later) it need not tell, but then it works.
 */
static void
a_design_without_memory_says_so(void)
{
	const struct eph_design_config cfg = { .nbufs = NBUFS };

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		unsigned good = 0;

		for (unsigned n = 1; good < 16 && n < 100; n++) {
			struct eph_err err = { "" };
			struct flat f;
			int error;

			bare_open(&f, eph_designs[i]->name);
			eph_machine_fail_alloc(f.mc, n);
			error = eph_design_create(
			    f.ops, f.mc, &cfg, &f.state, &err);
			eph_machine_fail_alloc(f.mc, 0);
			if (error == 0) {
				map_once(&f, 1);
				f.ops->destroy(f.state);
			} else {
				told(&err, error, f.ops->name, n);
			}
			good = error == 0 ? good + 1 : 0;
			flat_close(&f);
		}
		CU_ASSERT_EQUAL(good, 16);
	}
}

/*
 * A machine in another's memory, of which each allocation fails once: it says
 * so, and gives back all that it had.
 */
static void
a_machine_without_memory_says_so_and_gives_back(void)
{
	struct eph_machine_config cfg = { .ncpus = CPUS };
	struct flat f;
	int error = ENOMEM;

	bare_open(&f, "dmap");
	cfg.within = f.mc;
	for (unsigned n = 1; error != 0 && n < 100; n++) {
		const size_t had = eph_machine_memory_bytes(f.mc);
		struct eph_err err = { "" };
		struct eph_machine *mc = NULL;

		eph_machine_fail_alloc(f.mc, n);
		error = eph_machine_create(&cfg, &mc, &err);
		if (error == 0) {
			CU_ASSERT(still_due(f.mc->mem));
			CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
		} else {
			told(&err, error, "a machine", n);
		}
		eph_machine_fail_alloc(f.mc, 0);
		CU_ASSERT_EQUAL(eph_machine_memory_bytes(f.mc), had);
	}
	CU_ASSERT_EQUAL(error, 0);
	flat_close(&f);
}

/* Address space that ends, and a host that does, are two things. */
static void
no_kva_and_no_memory_are_told_apart(void)
{
	struct eph_machine *mc;
	struct eph_err err;
	eph_va_t va = 0;
	struct flat f;

	bare_open(&f, "dmap");
	mc = f.mc;
	CU_ASSERT_EQUAL(eph_kva_get(mc, mc->kva_pages + 1, &va, &err,
			    "%u pages", mc->kva_pages + 1),
	    EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no KVA"));
	for (unsigned n = 1; n < 3; n++) {
		eph_machine_fail_alloc(mc, n);
		CU_ASSERT_EQUAL(
		    eph_kva_get(mc, 4, &va, &err, "%u pages", 4), ENOMEM);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "out of memory"));
		CU_ASSERT_EQUAL(va, 0);
	}
	flat_close(&f);
}

/* No page knows a buffer any more. */
static bool
is_forgotten(struct flat *f)
{
	for (uint32_t frame = 0; frame < 60000; frame++) {
		if (vm_page_get(f->mc, frame)->hint != 0)
			return (false);
	}
	return (true);
}

/* Frames far apart, several at a time where the design allows that. */
static void
map_some(struct flat *f)
{
	struct eph_mapping mp[4];
	const unsigned most = (f->ops->flags & EPH_DESIGN_ALONE) != 0 ? 1 : 4;

	for (uint32_t frame = 1; frame < 20000; frame += 5000) {
		unsigned n = 0;

		eph_cpu_enter(f->mc, 0);
		while (n < most &&
		    eph_design_map(f->ops, f->mc, f->state,
			vm_page_get(f->mc, frame + n * 5000), SFB_DEFAULT,
			&mp[n]) == 0)
			n++;
		while (n-- > 0)
			CU_ASSERT_EQUAL(f->ops->unmap(f->state, mp[n].obj), 0);
	}
}

static void
a_design_gives_back_its_addresses(void)
{
	const struct eph_design_config cfg = { .nbufs = NBUFS };

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		struct flat f;

		bare_open(&f, eph_designs[i]->name);
		CU_ASSERT_EQUAL_FATAL(
		    eph_design_create(f.ops, f.mc, &cfg, &f.state, NULL), 0);
		map_some(&f);
		f.ops->destroy(f.state);
		CU_ASSERT_EQUAL(kva_usage(f.mc).now, 0);
		CU_ASSERT(is_forgotten(&f));
		flat_close(&f);
	}
}

/*
 * And where all that there is was still mapped, but for kva.qenter's, which
 * are the caller's.
 */
static void
a_design_gives_back_what_was_mapped(void)
{
	const struct eph_design_config cfg = { .nbufs = NBUFS };

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		const bool sleeps =
		    (eph_designs[i]->flags & EPH_DESIGN_SLEEPS) != 0;
		struct eph_mapping mp;
		struct flat f;

		if ((eph_designs[i]->flags &
			(EPH_DESIGN_ALONE | EPH_DESIGN_CRITICAL)) != 0 ||
		    eph_designs[i] == eph_design_find("kva.qenter"))
			continue;
		bare_open(&f, eph_designs[i]->name);
		CU_ASSERT_EQUAL_FATAL(
		    eph_design_create(f.ops, f.mc, &cfg, &f.state, NULL), 0);
		eph_cpu_enter(f.mc, 0);
		for (unsigned n = 0; n < (sleeps ? NBUFS : 10 * NBUFS) &&
		     eph_design_map(f.ops, f.mc, f.state,
			 vm_page_get(f.mc, 1 + 700 * n), SFB_DEFAULT,
			 &mp) == 0;)
			n++;
		f.ops->destroy(f.state);
		CU_ASSERT_EQUAL(kva_usage(f.mc).now, 0);
		CU_ASSERT(is_forgotten(&f));
		flat_close(&f);
	}
}

/* Giving back works page by page and in any order, with no memory left. */
static void
giving_back_kva_needs_no_memory(void)
{
	const uint32_t npages = 5000;
	struct flat f;
	eph_va_t va;
	size_t bytes;

	bare_open(&f, "dmap");
	va = kva_alloc(f.mc, npages);
	CU_ASSERT_NOT_EQUAL_FATAL(va, 0);
	bytes = eph_machine_memory_bytes(f.mc);
	for (uint32_t i = 0; i < npages; i += 2)
		kva_free(f.mc, va + eph_ptoa(i), 1);
	for (uint32_t i = 1; i < npages; i += 2)
		kva_free(f.mc, va + eph_ptoa(i), 1);
	CU_ASSERT_EQUAL(kva_usage(f.mc).now, 0);
	CU_ASSERT_EQUAL(eph_machine_memory_bytes(f.mc), bytes);
	flat_close(&f);
}

/* Sleeping */

#define GREEDY 2100u /* mappings at most */

/* A thread that maps page after page, each address in its turn. */
struct greedy {
	struct flat *f;
	struct eph_mapping mp[GREEDY];
	unsigned n;
	unsigned most;
	int error;
};

static void
greedy_thread(void *arg)
{
	struct greedy *g = arg;
	struct flat *f = g->f;

	while (g->n < g->most && g->error == 0) {
		g->error = eph_design_map(f->ops, f->mc, f->state,
		    vm_page_get(f->mc, 16 * g->n), SFB_DEFAULT, &g->mp[g->n]);
		if (g->error == 0)
			g->n++;
	}
}

/* Where a kernel counted its sleeps for a buffer, it says how many. */
static void
waits_are_told(const struct flat *f, unsigned sleeps)
{
	const struct eph_sysctl *s = eph_design_sysctls(f->ops);

	for (; s != NULL && s->name != NULL; s++) {
		if (strstr(s->name, "allocwait") != NULL)
			CU_ASSERT_EQUAL(s->get(f->state), sleeps);
	}
}

/*
 * Who slept for a mapping and got it, and sleeps for the next, is not woken in
 * vain: one thread has all there is, and is given one more, and one more.
 */
static bool
sleeps_are_over(const struct eph_design_ops *ops)
{
	const struct eph_world_config cfg = { .tlb = "infinite",
		.cpus = 1,
		.design = ops,
		.kva_pages = 2048,
		.nbufs = NBUFS };
	static struct greedy g;
	struct eph_counters c;
	struct flat f;
	unsigned sleeps = 0;

	memset(&g, 0, sizeof(g));
	memset(&f, 0, sizeof(f));
	if (eph_world_create(&cfg, &f.world, NULL) != 0)
		return (false);
	f.ops = ops;
	f.mc = eph_world_machine(f.world);
	f.state = eph_world_state(f.world);
	g.f = &f;
	g.most = GREEDY;
	CU_ASSERT_PTR_NOT_NULL_FATAL(
	    eph_thread_create(f.mc, 0, greedy_thread, &g));
	for (unsigned given = 0; eph_run(f.mc) == 1; given++) {
		sleeps++;
		CU_ASSERT_FATAL(given < g.n);
		eph_cpu_enter(f.mc, 0);
		CU_ASSERT_EQUAL(ops->unmap(f.state, g.mp[given].obj), 0);
		g.mp[given].obj = NULL;
		/* Some look again after a tick, or a second. */
		eph_lockstep_delay(f.mc, 2000000000);
		if (given == 3)
			g.most = g.n + 1;
	}
	eph_machine_counters(f.mc, &c);
	CU_ASSERT_EQUAL(c.wakeup_spurious, 0);
	CU_ASSERT_EQUAL(c.sleep, sleeps);
	CU_ASSERT(c.wakeup == sleeps || c.wakeup == 0);
	waits_are_told(&f, sleeps);
	eph_cpu_enter(f.mc, 0);
	while (g.n-- > 0) {
		if (g.mp[g.n].obj != NULL)
			CU_ASSERT_EQUAL(ops->unmap(f.state, g.mp[g.n].obj), 0);
	}
	CU_ASSERT_EQUAL(eph_world_destroy(f.world), 0);
	return (sleeps > 1);
}

static void
a_sleep_that_ended_well_is_over(void)
{
	unsigned n = 0;

	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		if ((eph_designs[i]->flags & EPH_DESIGN_SLEEPS) != 0)
			n += !sleeps_are_over(eph_designs[i]);
	}
	CU_ASSERT_EQUAL(n, 0);
}

/* Plug-ins */

static bool
plugin_is_loaded(void)
{
	void *handle = dlopen(PLUGIN_REFUSED, RTLD_NOW | RTLD_NOLOAD);

	if (handle != NULL)
		(void)dlclose(handle);
	return (handle != NULL);
}

/* Some C libraries (musl) never unload. */
static void
a_refused_plug_in_is_unloaded(void)
{
	const struct eph_design_ops *ops = NULL;
	struct eph_err err = { "" };
	void *handle = dlopen(PLUGIN_REFUSED, RTLD_NOW);
	bool stays;

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	CU_ASSERT_TRUE(plugin_is_loaded());
	CU_ASSERT_EQUAL_FATAL(dlclose(handle), 0);
	stays = plugin_is_loaded();
	CU_ASSERT_NOT_EQUAL(eph_design_load(PLUGIN_REFUSED, &ops, &err), 0);
	CU_ASSERT_PTR_NULL(ops);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ephmap_plugin"));
	CU_ASSERT_EQUAL(plugin_is_loaded(), stays);
}

/* The number of its interface is the first thing that a row says. */
static void
every_row_begins_with_its_interface(void)
{
	CU_ASSERT_EQUAL(offsetof(struct eph_design_ops, abi), 0);
	CU_ASSERT_EQUAL(offsetof(struct eph_policy_ops, abi), 0);
	CU_ASSERT_EQUAL(offsetof(struct eph_shootdown_ops, abi), 0);
	CU_ASSERT_EQUAL(offsetof(struct eph_scenario, abi), 0);
	CU_ASSERT_EQUAL(offsetof(struct eph_workload_ops, abi), 0);
	CU_ASSERT_EQUAL(offsetof(struct eph_import_format, abi), 0);
	for (unsigned i = 0; eph_designs[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_designs[i]->abi, EPHMAP_ABI);
	for (unsigned i = 0; eph_policies[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_policies[i]->abi, EPHMAP_ABI);
	for (unsigned i = 0; eph_shootdowns[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_shootdowns[i]->abi, EPHMAP_ABI);
	for (unsigned i = 0; eph_scenarios[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_scenarios[i]->abi, EPHMAP_ABI);
	for (unsigned i = 0; eph_bugs[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_bugs[i]->scenario->abi, EPHMAP_ABI);
	for (unsigned i = 0; eph_workloads[i] != NULL; i++)
		CU_ASSERT_EQUAL(eph_workloads[i]->abi, EPHMAP_ABI);
}

/* Rows that say nothing but for which interface they were built. */
struct old_rows {
	struct eph_design_ops design;
	struct eph_policy_ops policy;
	struct eph_shootdown_ops shootdown;
	struct eph_scenario scenario;
	struct eph_workload_ops workload;
	struct eph_import_format importer;
};

static void
says_interface(int error, const char *what, unsigned abi, struct eph_err *err)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "interface %u", abi);
	CU_ASSERT_EQUAL(error, EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err->text, what));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err->text, abi == 0 ? ".abi = EPHMAP_ABI" : number));
	err->text[0] = '\0';
}

static void
refuses_rows(const struct old_rows *old, unsigned abi)
{
	struct eph_world_config cfg = { .cpus = 1, .nbufs = NBUFS };
	struct eph_explore_config explore = { .scenario = &old->scenario };
	const struct eph_policy_check check = {
		.policy = &old->policy, .nslots = 1, .npages = 1
	};
	const struct eph_workload wl = { .ops = &old->workload };
	const struct eph_run_config run = { .cpus = 1,
		.design = eph_design_find("sf_buf.lru") };
	const struct eph_import_options io = { .format = &old->importer };
	struct eph_import_result imported;
	struct eph_explore_result found;
	struct eph_run_result res;
	struct eph_work_result wres;
	struct eph_world *w = NULL;
	struct eph_err err = { "" };

	cfg.design = &old->design;
	says_interface(eph_world_create(&cfg, &w, &err), "design", abi, &err);
	cfg.design = eph_design_find("sf_buf.accessed");
	cfg.policy = &old->policy;
	says_interface(eph_world_create(&cfg, &w, &err), "policy", abi, &err);
	cfg.policy = NULL;
	cfg.shootdown = &old->shootdown;
	says_interface(eph_world_create(&cfg, &w, &err), "protocol", abi, &err);
	CU_ASSERT_PTR_NULL(w);
	says_interface(eph_policy_check(&check, &err), "policy", abi, &err);
	says_interface(
	    eph_explore(&explore, &found, &err), "scenario", abi, &err);
	says_interface(
	    eph_workload_run(&run, &wl, &res, &wres, NULL, NULL, &err),
	    "workload", abi, &err);
	says_interface(
	    eph_trace_import(PLUGIN_REFUSED, &io, NULL, &imported, &err),
	    "importer", abi, &err);
}

static void
a_row_of_another_interface_is_refused(void)
{
	struct old_rows old;

	for (unsigned abi = 0; abi < EPHMAP_ABI + 2; abi++) {
		if (abi == EPHMAP_ABI)
			continue;
		/* What is behind the number is never looked at. */
		memset(&old, 0xa5, sizeof(old));
		old.design.abi = old.policy.abi = old.shootdown.abi = abi;
		old.scenario.abi = old.workload.abi = abi;
		old.importer.abi = abi;
		refuses_rows(&old, abi);
	}
}

static CU_TestInfo tests[] = {
	TEST(memory_is_flat_in_lockstep),
	TEST(memory_is_flat_with_threads),
	TEST(memory_is_flat_in_a_schedule),
	TEST(every_call_is_counted_once_where_it_was_made),
	TEST(who_waits_for_a_mapping_is_woken),
	TEST(who_got_a_mapping_was_not_woken_in_vain),
	TEST(a_sysctl_takes_back_what_it_gave),
	TEST(a_refusal_names_who_asked),
	TEST(what_is_said_is_of_the_cpu_that_says_it),
	TEST(more_violations_than_are_kept),
	TEST(a_caller_who_wires_gives_back_his_own_wire),
	TEST(a_test_of_sf_bufs_wires_as_it_likes),
	TEST(a_policy_without_memory_says_so),
	TEST(a_design_without_memory_says_so),
	TEST(a_machine_without_memory_says_so_and_gives_back),
	TEST(no_kva_and_no_memory_are_told_apart),
	TEST(a_design_gives_back_its_addresses),
	TEST(a_design_gives_back_what_was_mapped),
	TEST(giving_back_kva_needs_no_memory),
	TEST(a_sleep_that_ended_well_is_over),
	TEST(a_refused_plug_in_is_unloaded),
	TEST(every_row_begins_with_its_interface),
	TEST(a_row_of_another_interface_is_refused),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "model: rules for everything of a kind", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The lwbufs, sf_buf.lwbuf and kvabio on random operations that are valid
 * for their class: whatever the TLB, no CPU may use or be able to use an
 * outdated translation, and the identities of their event tables hold.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/run.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "test_main.h"

#define HANDLES 96u

/* Operations, made as they are asked for. */
struct stream {
	struct prng rng;
	enum eph_validity validity;
	unsigned cpus;
	uint32_t pages;
	size_t left;
	struct eph_op op;
	struct {
		bool mapped;
		uint64_t asked[16]; /* CPUs that may touch it */
	} h[HANDLES];
};

static bool
may_touch(const struct stream *s, uint32_t slot, unsigned cpu)
{
	return (s->validity == EPH_VALID_ALL ||
	    ((s->h[slot].asked[cpu >> 6] >> (cpu & 63)) & 1) != 0);
}

static void
ask(struct stream *s, uint32_t slot, unsigned cpu)
{
	s->h[slot].asked[cpu >> 6] |= (uint64_t)1 << (cpu & 63);
}

static void
stream_handle_op(struct stream *s, uint32_t slot, unsigned cpu)
{
	const uint32_t what = prng_below(&s->rng, 100);

	if (!s->h[slot].mapped) {
		s->op.kind = EPH_OP_MAP;
		s->op.page = prng_below(&s->rng, s->pages);
		memset(&s->h[slot], 0, sizeof(s->h[slot]));
		s->h[slot].mapped = true;
		ask(s, slot, cpu);
	} else if (what < 25) {
		s->op.kind = EPH_OP_UNMAP;
		s->h[slot].mapped = false;
	} else if (what < 50 || !may_touch(s, slot, cpu)) {
		s->op.kind = EPH_OP_KVA;
		ask(s, slot, cpu);
	} else {
		s->op.kind = what < 75 ? EPH_OP_READ : EPH_OP_WRITE;
	}
}

static int
stream_next(
    void *arg, const struct eph_op **opsp, size_t *np, struct eph_err *err)
{
	struct stream *s = arg;
	const uint32_t what = prng_below(&s->rng, 1000);
	const unsigned cpu = prng_below(&s->rng, s->cpus);
	const uint32_t slot = prng_below(&s->rng, HANDLES);

	(void)err;
	*np = s->left > 0;
	*opsp = &s->op;
	if (s->left == 0)
		return (0);
	s->left--;
	s->op = (struct eph_op){ .cpu = (uint16_t)cpu, .slot = slot };
	if (what < 5) {
		s->op = (struct eph_op){ .kind = EPH_OP_DELAY, .page = 1000 };
	} else if (what < 150) {
		s->op.kind = EPH_OP_REF;
		s->op.page = prng_below(&s->rng, s->pages);
	} else {
		stream_handle_op(s, slot, cpu);
	}
	return (0);
}

static void
stream_where(void *arg, size_t i, char *buf, size_t size)
{
	(void)arg;
	(void)i;
	(void)snprintf(buf, size, "random operation");
}

static uint64_t
stream_line(void *arg, size_t i)
{
	(void)i;
	return (UINT64_MAX / 2 - ((const struct stream *)arg)->left);
}

static uint64_t
stream_page(void *arg, uint32_t page)
{
	(void)arg;
	return (page);
}

static uint64_t
stream_handle(void *arg, size_t i)
{
	(void)i;
	return (((const struct stream *)arg)->op.slot);
}

static void
check_at_end(void *arg, struct eph_machine *mc, void *state)
{
	const struct eph_design_ops *ops = arg;

	/* The gauge counts what is mapped; these have no extra references. */
	ops->check(state, mc->bufs.now);
}

static struct eph_run_result
run(const char *design, const char *tlb, unsigned cpus, size_t n, uint64_t seed)
{
	const struct eph_run_config cfg = {
		.design = eph_design_find(design),
		.machine = "i386-p4",
		.tlb = tlb,
		.cpus = cpus,
		.nbufs = HANDLES + 8,
		.touch = EPH_TOUCH_WRITE,
		.at_end = strcmp(design, "kvabio") != 0 ? check_at_end : NULL,
		.hook_arg = (void *)(uintptr_t)eph_design_find(design),
	};
	struct stream s = { .validity = cfg.design->validity,
		.cpus = cpus,
		.pages = 300,
		.left = n };
	struct eph_op_source src = { .next = stream_next,
		.where = stream_where,
		.line = stream_line,
		.page_name = stream_page,
		.handle_name = stream_handle,
		.arg = &s,
		.has_time = true };
	struct eph_run_result res;
	struct eph_err err = { "" };
	int error;

	eph__prng_init(&s.rng, seed, 0);
	error = eph_replay_run(&cfg, &src, &res, &err);
	if (error != 0 || res.violations_total != 0)
		(void)fprintf(stderr, "%s, %s, %u CPUs, seed %u: %s %s\n",
		    design, tlb != NULL ? tlb : "own TLB", cpus, (unsigned)seed,
		    err.text, res.violation[0].text);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return (res);
}

static const char *const designs[] = { "lwbuf.kvalist", "lwbuf.homecpu",
	"lwbuf.reserve", "lwbuf.objcache", "lwbuf.dmap", "lwbuf.pcpu",
	"lwbuf.pcpu-kva", "sf_buf.lwbuf", "kvabio" };
static const unsigned cpus[] = { 1, 2, 3, 8, 64, 65, 1000 };

static void
identities(const char *design, unsigned n, const struct eph_counters *c)
{
	CU_ASSERT_EQUAL(c->map_calls,
	    c->hit_active + c->hit_inactive + c->miss + c->map_fail);
	CU_ASSERT(c->evict <= c->miss);
	CU_ASSERT_EQUAL(c->stale_use, 0);
	CU_ASSERT_EQUAL(c->stale_possible, 0);
	CU_ASSERT(c->needless_invlpg <= c->invlpg_local + c->invlpg_remote);
	if (strcmp(design, "lwbuf.kvalist") == 0) {
		CU_ASSERT_EQUAL(c->pte_store, c->map_calls);
		CU_ASSERT(c->invlpg_local >= c->map_calls);
		CU_ASSERT_EQUAL(c->ipi_sent, 0);
	} else if (strcmp(design, "sf_buf.lwbuf") == 0) {
		CU_ASSERT_EQUAL(c->pte_store, c->map_calls);
		CU_ASSERT_EQUAL(c->invlpg_local, 2 * c->map_calls);
		CU_ASSERT_EQUAL(c->invlpg_remote, (n - 1) * c->map_calls);
		CU_ASSERT_EQUAL(c->ipi_sent, (n - 1) * c->map_calls);
	} else if (strcmp(design, "kvabio") == 0) {
		/* A sleeper may take a buffer that holds its page. */
		CU_ASSERT(c->pte_store >= c->miss + c->evict);
		CU_ASSERT(c->pte_store <= c->miss + c->evict + c->sleep);
		CU_ASSERT(c->invlpg_local >= c->miss);
		CU_ASSERT_EQUAL(c->ipi_sent, 0);
	} else if (strncmp(design, "lwbuf.pcpu", 10) == 0) {
		CU_ASSERT_EQUAL(c->pte_store, c->invlpg_local);
		CU_ASSERT(c->pte_store >= c->miss);
		CU_ASSERT_EQUAL(c->invlpg_remote, 0);
	}
}

static void
random_operations(size_t n)
{
	for (unsigned d = 0; d < sizeof(designs) / sizeof(designs[0]); d++) {
		for (unsigned k = 0; k < sizeof(cpus) / sizeof(cpus[0]); k++) {
			struct eph_run_result inf, fin;

			inf = run(designs[d], "infinite", cpus[k], n, 1);
			fin = run(designs[d], NULL, cpus[k], n, 1);
			identities(designs[d], cpus[k], &inf.counters);
			identities(designs[d], cpus[k], &fin.counters);
			/* The TLB changes what is missed and nothing else. */
			CU_ASSERT_EQUAL(inf.counters.invlpg_local,
			    fin.counters.invlpg_local);
			CU_ASSERT_EQUAL(
			    inf.counters.ipi_sent, fin.counters.ipi_sent);
			CU_ASSERT_EQUAL(inf.counters.needless_invlpg,
			    fin.counters.needless_invlpg);
		}
	}
}

static void
test_valid_operations_are_never_stale(void)
{
	random_operations(test_long ? 1000000 : 4000);
}

static CU_TestInfo tests[] = {
	TEST(test_valid_operations_are_never_stale),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ .pName = "lwbuf_replay", .pTests = tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * TLBs against lists: each set of each level is an array kept in order of
 * use, from which invalidated entries are taken out.  Random loads, invlpgs
 * and full flushes of both kinds, over global and other entries, long
 * enough for every generation number to wrap.
 */

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/sdk/shootdown.h"
#include "test_main.h"

enum { PAGES = 8192, ENTRIES = 4096, SETS = 256 };

struct level {
	unsigned sets;
	unsigned ways;
	unsigned n[SETS];
	uint32_t page[ENTRIES]; /* of set s: from s * ways, newest first */
};

struct naive {
	bool infinite;
	bool keeps_global; /* invlpg spares global pages */
	bool held[PAGES];  /* infinite */
	bool global[PAGES];
	struct level level[2];
};

static bool
level_take(struct level *l, uint32_t page)
{
	const unsigned set = page % l->sets;
	uint32_t *p = &l->page[set * l->ways];

	for (unsigned i = 0; i < l->n[set]; i++) {
		if (p[i] != page)
			continue;
		memmove(p + i, p + i + 1, (l->n[set] - i - 1) * sizeof(*p));
		l->n[set]--;
		return (true);
	}
	return (false);
}

static void
level_put(struct level *l, uint32_t page)
{
	const unsigned set = page % l->sets;
	uint32_t *p = &l->page[set * l->ways];

	if (l->n[set] < l->ways)
		l->n[set]++;
	memmove(p + 1, p, (l->n[set] - 1) * sizeof(*p));
	p[0] = page;
}

static void
level_flush(struct naive *v, struct level *l, bool all)
{
	for (unsigned s = 0; s < l->sets; s++) {
		uint32_t *p = &l->page[s * l->ways];
		unsigned out = 0;

		for (unsigned i = 0; i < l->n[s]; i++) {
			if (!all && v->global[p[i]])
				p[out++] = p[i];
		}
		l->n[s] = out;
	}
}

/* True if it was a hit. */
static bool
naive_use(struct naive *v, uint32_t page)
{
	bool hit = v->held[page];

	if (v->infinite) {
		v->held[page] = true;
		return (hit);
	}
	if (level_take(&v->level[0], page)) {
		level_put(&v->level[0], page);
		return (true);
	}
	hit = v->level[1].sets != 0 && level_take(&v->level[1], page);
	level_put(&v->level[0], page);
	if (v->level[1].sets != 0)
		level_put(&v->level[1], page);
	return (hit);
}

static void
naive_forget(struct naive *v, uint32_t page)
{
	if (v->keeps_global && v->global[page])
		return;
	v->held[page] = false;
	for (unsigned i = 0; i < 2; i++) {
		if (v->level[i].sets != 0)
			(void)level_take(&v->level[i], page);
	}
}

static void
naive_flush(struct naive *v, bool all)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		if (all || !v->global[i])
			v->held[i] = false;
	}
	level_flush(v, &v->level[0], all);
	level_flush(v, &v->level[1], all);
}

static void
naive_init(struct naive *v, const struct eph_tlb_model *model)
{
	memset(v, 0, sizeof(*v));
	v->infinite = model->infinite;
	v->keeps_global = model->keeps_global;
	v->level[0].sets = model->infinite ? 0 : model->l1.sets;
	v->level[0].ways = model->l1.ways;
	v->level[1].sets = model->infinite ? 0 : model->l2.sets;
	v->level[1].ways = model->l2.ways;
}

/* Pages near one another, so that sets fill, and some far away. */
static uint32_t
some_page(struct prng *r, const struct naive *v)
{
	const unsigned sets = v->level[1].sets != 0 ? v->level[1].sets : 64;

	switch (prng_below(r, 4)) {
	case 0:
		return (prng_below(r, PAGES));
	case 1:
		return (prng_below(r, PAGES / sets) * sets);
	default:
		return (prng_below(r, 80));
	}
}

static bool
tlb_equals_lists(const struct eph_tlb_model *model, unsigned nops)
{
	const struct eph_machine_config cfg = { .tlb = model->name,
		.ncpus = 1 };
	static struct naive v;
	struct eph_machine *mc;
	struct vm_page *m;
	struct prng r;
	uint32_t reached;
	eph_va_t base;
	bool same = true;

	naive_init(&v, model);
	eph__prng_init(&r, 5, 5);
	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &mc, NULL), 0);
	base = kva_alloc(mc, PAGES);
	m = vm_page_get(mc, 3);
	eph_cpu_enter(mc, 0);
	for (uint32_t i = 0; i < PAGES; i++) {
		v.global[i] = prng_below(&r, 2) != 0;
		pmap_pte_store(mc, base + eph_ptoa(i),
		    eph_ptoa(3) | EPH_PTE_V | EPH_PTE_RW |
			(v.global[i] ? EPH_PTE_G : 0u));
	}
	for (unsigned i = 0; i < nops && same; i++) {
		const uint64_t before = mc->cpus[0]->c.tlb_hit;
		const uint32_t page = some_page(&r, &v);
		const unsigned what = prng_below(&r, 1000);

		if (what < 5) {
			/* At times as many as there are generations. */
			for (int n = what == 4 ? 31 : 1; n > 0; n--)
				pmap_flush_local(mc, what < 2);
			naive_flush(&v, what < 2);
		} else if (what < 60) {
			pmap_invlpg(mc, base + eph_ptoa(page));
			naive_forget(&v, page);
		} else {
			(void)eph_machine_access(mc, base + eph_ptoa(page),
			    what < 500 ? EPH_TOUCH_READ : EPH_TOUCH_WRITE, m,
			    &reached);
			same = naive_use(&v, page) ==
			    (mc->cpus[0]->c.tlb_hit > before);
		}
	}
	kva_free(mc, base, PAGES);
	CU_ASSERT_EQUAL(eph_machine_destroy(mc), 0);
	return (same);
}

static void
every_preset_is_true_lru(void)
{
	const unsigned nops = test_long ? 10000000 : 100000;

	for (unsigned t = 0; eph_tlb_models[t] != NULL; t++) {
		if (!tlb_equals_lists(eph_tlb_models[t], nops)) {
			(void)printf("TLB %s\n", eph_tlb_models[t]->name);
			CU_FAIL("a hit or miss differs from the lists'");
		}
	}
}

static CU_TestInfo tests[] = {
	TEST(every_preset_is_true_lru),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "tlb", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include "rig_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Around 32, where the masks of 2004 end, and 64, where a word does. */
const unsigned pool_ncpus[] = { 1, 2, 8, 32, 33, 65, 0 };

void
pool_open(struct rig *f, const char *design, unsigned ncpus, uint32_t nbufs)
{
	struct eph_err err = { "" };

	CU_ASSERT_EQUAL_FATAL(rig_open(f, NULL, NULL, ncpus, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
	    sf_buf_pool_create(f->mc, design, nbufs, &f->pool, &err), 0);
	f->ops = sf_buf_pool_design(f->pool);
	f->state = sf_buf_pool_state(f->pool);
	rig_mark(f);
}

static struct vm_page *
pool_page(struct rig *f, uint32_t page)
{
	struct vm_page *m = vm_page_get(f->mc, page);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	return (m);
}

struct sf_buf *
pool_alloc(struct rig *f, unsigned cpu, uint32_t page, unsigned flags)
{
	eph_cpu_enter(f->mc, cpu);
	return (sf_buf_alloc(f->pool, pool_page(f, page), flags));
}

void
pool_free(struct rig *f, unsigned cpu, struct sf_buf *sf)
{
	eph_cpu_enter(f->mc, cpu);
	sf_buf_free(f->pool, sf);
}

static uint32_t
pool_touch(struct rig *f, unsigned cpu, struct sf_buf *sf, enum eph_touch touch)
{
	struct eph_mapping mp = { sf, 0 };
	uint32_t reached = EPH_NONE;

	eph_cpu_enter(f->mc, cpu);
	mp.va = sf_buf_kva(f->pool, sf);
	eph_curcpu(f->mc)->c.kva_calls--; /* ours, not the test's */
	CU_ASSERT_EQUAL(eph_machine_access(f->mc, mp.va, touch,
			    sf_buf_page(f->pool, sf), &reached),
	    0);
	return (reached);
}

void
pool_free_twice(void *arg)
{
	struct rig *f = arg;
	struct sf_buf *sf = pool_alloc(f, 0, 7, SFB_DEFAULT);

	pool_free(f, 0, sf);
	pool_free(f, 0, sf);
}

uint32_t
pool_read(struct rig *f, unsigned cpu, struct sf_buf *sf)
{
	return (pool_touch(f, cpu, sf, EPH_TOUCH_READ));
}

uint32_t
pool_write(struct rig *f, unsigned cpu, struct sf_buf *sf)
{
	return (pool_touch(f, cpu, sf, EPH_TOUCH_WRITE));
}

void
pool_private_everywhere(struct rig *f, uint32_t page, unsigned but)
{
	for (unsigned c = 0; c < f->mc->ncpus; c++) {
		if (c != but)
			pool_free(f, c, pool_alloc(f, c, page, SFB_CPUPRIVATE));
	}
}

static void
pool_sleeper_main(void *arg)
{
	struct pool_sleeper *sl = arg;

	sl->sf =
	    sf_buf_alloc(sl->f->pool, pool_page(sl->f, sl->page), sl->flags);
	sl->order = ++*sl->clock;
}

unsigned
pool_start(struct rig *f, struct pool_sleeper *sl, unsigned cpu)
{
	sl->f = f;
	sl->td = eph_thread_create(f->mc, cpu, pool_sleeper_main, sl);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sl->td);
	return (eph_run(f->mc));
}

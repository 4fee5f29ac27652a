/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/sdk/shootdown.h"
#include "ephmap/kernel/xio.h"
#include "ephmap/world.h"
#include "test_main.h"

struct fix {
	struct eph_world *world;
	struct eph_machine *mc; /* its */
	const struct eph_design_ops *ops;
	void *state;
	struct vm_pool *pool;
	struct uspace *us;
	struct eph_mapper mp;
};

#define PAGES 48u

static void
fix_open_on(struct fix *f, const char *design)
{
	const struct eph_world_config cfg = { .cpus = 2,
		.tlb = "infinite",
		.contents = EPH_CONTENTS_FULL,
		.design = eph_design_find(design),
		.nbufs = 8 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg.design);
	CU_ASSERT_EQUAL_FATAL(eph_world_create(&cfg, &f->world, NULL), 0);
	f->ops = cfg.design;
	f->mc = eph_world_machine(f->world);
	f->state = eph_world_state(f->world);
	CU_ASSERT_EQUAL_FATAL(vm_pool_create(f->mc, 0, PAGES, &f->pool), 0);
	CU_ASSERT_EQUAL_FATAL(uspace_create(f->pool, 64, &f->us), 0);
	CU_ASSERT_EQUAL_FATAL(uspace_map(f->us, EPH_UVA_BASE,
				  40 * EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE),
	    0);
	for (uint32_t i = 0; i < 40; i++)
		eph_page_fill(
		    f->mc, uspace_page(f->us, EPH_UVA_BASE + eph_ptoa(i)), i);
	eph_mapper_init(&f->mp, f->mc, f->ops, f->state);
}

static void
fix_open(struct fix *f)
{
	fix_open_on(f, "sf_buf.cpumask");
}

static void
fix_close(struct fix *f)
{
	CU_ASSERT_EQUAL(f->mp.held, 0);
	CU_ASSERT_EQUAL(vm_pool_held(f->pool), 0);
	CU_ASSERT_EQUAL(f->mc->nviolations, 0);
	uspace_destroy(f->us);
	CU_ASSERT_EQUAL(vm_pool_used(f->pool), 0);
	vm_pool_destroy(f->pool);
	CU_ASSERT_EQUAL(eph_world_destroy(f->world), 0);
}

static const eph_uva_t base = EPH_UVA_BASE;

static void
a_list_holds_pages_until_release_and_maps_nothing(void)
{
	struct fix f;
	struct xio x;

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    xio_init_ubuf(&x, f.us, base + 100, 8000, XIOF_READ), 0);
	CU_ASSERT_EQUAL(x.xio_npages, 2);
	CU_ASSERT_EQUAL(x.xio_offset, 100);
	CU_ASSERT_EQUAL(x.xio_bytes, 8000);
	CU_ASSERT_EQUAL(xio_remaining(&x, 7990), 10);
	CU_ASSERT_EQUAL(xio_remaining(&x, 8001), 0);
	CU_ASSERT_EQUAL(xio_kvaoffset(&x, 4000), 4100);
	CU_ASSERT_EQUAL(vm_pool_held(f.pool), 2);
	CU_ASSERT_EQUAL(f.mp.held_peak, 0);
	xio_release(&x);
	CU_ASSERT_EQUAL(x.xio_error, ENOBUFS);
	CU_ASSERT_EQUAL(x.xio_npages, 0);
	CU_ASSERT_EQUAL(x.xio_bytes, 0);
	CU_ASSERT_EQUAL(uspace_page(f.us, base)->dirty, 0);
	fix_close(&f);
}

static void
write_lists_dirty_their_pages_on_release(void)
{
	struct fix f;
	struct xio x;

	fix_open(&f);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 5000, XIOF_WRITE), 0);
	CU_ASSERT_EQUAL(uspace_page(f.us, base)->dirty, 0);
	xio_release(&x);
	CU_ASSERT_EQUAL(uspace_page(f.us, base)->dirty, 1);
	CU_ASSERT_EQUAL(uspace_page(f.us, base + 4096)->dirty, 1);
	CU_ASSERT_EQUAL(uspace_page(f.us, base + 8192)->dirty, 0);
	fix_close(&f);
}

static void
thirty_two_pages_are_the_most(void)
{
	struct fix f;
	struct xio x;

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    xio_init_ubuf(&x, f.us, base + 1, 40 * 4096 - 1, XIOF_READ), 0);
	CU_ASSERT_EQUAL(x.xio_npages, XIO_INTERNAL_PAGES);
	CU_ASSERT_EQUAL(x.xio_bytes, 32 * 4096 - 1);
	xio_release(&x);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 0, XIOF_READ), 0);
	CU_ASSERT_EQUAL(x.xio_npages, 0);
	xio_release(&x);
	fix_close(&f);
}

static void
a_partial_failure_holds_nothing(void)
{
	struct fix f;
	struct xio x;

	fix_open(&f);
	uspace_unmap(f.us, base + 3 * 4096, 4096);
	CU_ASSERT_EQUAL(
	    xio_init_ubuf(&x, f.us, base, 5 * 4096, XIOF_READ), EFAULT);
	CU_ASSERT_EQUAL(vm_pool_held(f.pool), 0);
	CU_ASSERT_EQUAL(x.xio_error, EFAULT);
	CU_ASSERT_EQUAL(x.xio_npages, 0);
	/* A failed write list has written nothing. */
	CU_ASSERT_EQUAL(
	    xio_init_ubuf(&x, f.us, base, 5 * 4096, XIOF_WRITE), EFAULT);
	CU_ASSERT_EQUAL(uspace_page(f.us, base)->dirty, 0);
	uspace_protect(f.us, base, 4096, UPROT_READ);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 1, XIOF_WRITE), EFAULT);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 1, XIOF_READ), 0);
	xio_release(&x);
	fix_close(&f);
}

static void
linear_lists_want_frames_in_a_row(void)
{
	struct fix f;
	struct xio x;
	struct vm_page *p[3] = { NULL };

	fix_open(&f);
	for (uint32_t i = 0; i < 3; i++)
		p[i] = vm_page_get(f.mc, i);
	CU_ASSERT_EQUAL(
	    xio_init_pages(&x, f.mc, p, 3, XIOF_READ | XIOF_VMLINEAR), 0);
	CU_ASSERT_EQUAL(x.xio_bytes, 3 * 4096);
	xio_release(&x);
	p[2] = vm_page_get(f.mc, 5);
	CU_ASSERT_EQUAL(
	    xio_init_pages(&x, f.mc, p, 3, XIOF_READ | XIOF_VMLINEAR), EFAULT);
	CU_ASSERT_EQUAL(vm_pool_held(f.pool), 0);
	CU_ASSERT_EQUAL(xio_init_pages(&x, f.mc, p, 33, 0), EINVAL);
	fix_close(&f);
}

static void
kernel_buffers_are_found_through_the_page_table(void)
{
	struct fix f;
	struct xio x;
	eph_va_t va;
	char a[200], *b;

	fix_open(&f);
	va = kva_alloc(f.mc, 2);
	pmap_kenter(f.mc, va, vm_page_to_phys(vm_page_get(f.mc, 7)));
	CU_ASSERT_EQUAL(xio_init_kbuf(&x, f.mc, va + 50, 200), 0);
	CU_ASSERT_EQUAL(x.xio_pages[0]->frame, 7);
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 0, a, 200), 0);
	b = vm_page_contents(f.mc, vm_page_get(f.mc, 7));
	CU_ASSERT_EQUAL(memcmp(a, b + 50, 200), 0);
	xio_release(&x);
	CU_ASSERT_EQUAL(xio_init_kbuf(&x, f.mc, va + 4000, 200), EFAULT);
	CU_ASSERT_EQUAL(vm_pool_held(f.pool), 0);
	pmap_kremove(f.mc, va);
	kva_free(f.mc, va, 2);
	fix_close(&f);
}

static void
copies_move_bytes_and_leave_the_list_as_it_was(void)
{
	struct fix f;
	struct xio x;
	char a[9000], b[9000];

	fix_open(&f);
	CU_ASSERT_EQUAL(copyin(f.us, base + 10, a, sizeof(a)), 0);
	CU_ASSERT_EQUAL(
	    xio_init_ubuf(&x, f.us, base + 10, sizeof(a), XIOF_WRITE), 0);
	for (int twice = 0; twice < 2; twice++) {
		memset(b, 0, sizeof(b));
		CU_ASSERT_EQUAL(
		    xio_copy_xtok(&x, &f.mp, 1234, b, 9000 - 1234), 0);
		CU_ASSERT_EQUAL(memcmp(a + 1234, b, 9000 - 1234), 0);
	}
	CU_ASSERT_EQUAL(x.xio_bytes, sizeof(a));
	memset(b, 'n', 100);
	CU_ASSERT_EQUAL(xio_copy_ktox(&x, &f.mp, 4000, b, 100), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + 4010, a, 100), 0);
	CU_ASSERT_EQUAL(memcmp(a, b, 100), 0);
	CU_ASSERT_EQUAL(
	    xio_copy_xtou(&x, &f.mp, 0, f.us, base + 20 * 4096 + 5, 9000), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + 10, a, 9000), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + 20 * 4096 + 5, b, 9000), 0);
	CU_ASSERT_EQUAL(memcmp(a, b, 9000), 0);
	CU_ASSERT_EQUAL(
	    xio_copy_utox(&x, &f.mp, 8999, f.us, base + 30 * 4096, 1), 0);
	xio_release(&x);
	fix_close(&f);
}

static void
a_copy_outside_the_list_is_efault_and_moves_nothing(void)
{
	struct fix f;
	struct xio x;
	char b[4] = "abc";

	fix_open(&f);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 100, XIOF_READ), 0);
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 98, b, 3), EFAULT);
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, SIZE_MAX, b, 2), EFAULT);
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 2, b, SIZE_MAX), EFAULT);
	CU_ASSERT_STRING_EQUAL(b, "abc");
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 100, b, 0), 0);
	xio_release(&x);
	CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 0, b, 1), EFAULT);
	fix_close(&f);
}

/* Kernels forgot to unmap the page whose copy faulted. */
static void
a_copy_that_faults_unmaps_its_page(void)
{
	struct fix f;
	struct xio x;

	fix_open(&f);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 8192, XIOF_READ), 0);
	uspace_unmap(f.us, base + 21 * 4096, 4096);
	CU_ASSERT_EQUAL(
	    xio_copy_xtou(&x, &f.mp, 0, f.us, base + 20 * 4096, 8192), EFAULT);
	CU_ASSERT_EQUAL(f.mp.held, 0);
	eph_machine_fail(f.mc, EPH_FAULT_COPY, 1);
	CU_ASSERT_EQUAL(xio_copy_utox(&x, &f.mp, 0, f.us, base, 10), EFAULT);
	CU_ASSERT_EQUAL(f.mp.held, 0);
	xio_release(&x);
	fix_close(&f);
}

static void
uio_copies_are_clipped_at_both_ends(void)
{
	struct fix f;
	struct xio x;
	char a[300];
	struct eph_iovec iov = { a, sizeof(a) };
	struct eph_uio *uio;
	size_t n = 99;

	fix_open(&f);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, 1000, XIOF_READ), 0);
	CU_ASSERT_EQUAL(iov_to_uio(f.mc, &iov, 1, EPH_UIO_READ, &uio), 0);
	CU_ASSERT_EQUAL(xio_uio_copy(&x, &f.mp, 900, uio, &n), 0);
	CU_ASSERT_EQUAL(n, 100);
	CU_ASSERT_EQUAL(uio->uio_resid, 200);
	CU_ASSERT_EQUAL(xio_uio_copy(&x, &f.mp, 0, uio, &n), 0);
	CU_ASSERT_EQUAL(n, 200);
	CU_ASSERT_EQUAL(xio_uio_copy(&x, &f.mp, 1001, uio, &n), EFAULT);
	CU_ASSERT_EQUAL(n, 0);
	uio_free(uio);
	xio_release(&x);
	fix_close(&f);
}

/* One private event row for each page: S2's on a new CPU, then nothing. */
static void
each_page_of_a_copy_is_one_private_mapping(void)
{
	struct fix f;
	struct xio x;
	struct eph_counters c;
	char b[3 * EPH_PAGE_SIZE];

	fix_open(&f);
	CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base, sizeof(b), XIOF_READ), 0);
	for (int twice = 0; twice < 2; twice++)
		CU_ASSERT_EQUAL(xio_copy_xtok(&x, &f.mp, 0, b, sizeof(b)), 0);
	eph_machine_counters(f.mc, &c);
	CU_ASSERT_EQUAL(c.map_calls, 6);
	CU_ASSERT_EQUAL(c.miss, 3);
	CU_ASSERT_EQUAL(c.hit_inactive, 3);
	CU_ASSERT_EQUAL(c.invlpg_local, 3);
	CU_ASSERT_EQUAL(c.ipi_sent, 0);
	CU_ASSERT_EQUAL(f.mp.held_peak, 1);
	xio_release(&x);
	fix_close(&f);
}

static void
every_design_copies_the_same_bytes(void)
{
	for (size_t i = 0; eph_designs[i] != NULL; i++) {
		struct fix f;
		struct xio x;
		char a[9000], b[9000] = { 0 };

		fix_open_on(&f, eph_designs[i]->name);
		for (unsigned cpu = 0; cpu < 2; cpu++) {
			eph_cpu_enter(f.mc, cpu);
			CU_ASSERT_EQUAL(xio_init_ubuf(&x, f.us, base + cpu,
					    9000, XIOF_READ),
			    0);
			CU_ASSERT_EQUAL(copyin(f.us, base + cpu, a, 9000), 0);
			CU_ASSERT_EQUAL(
			    xio_copy_xtok(&x, &f.mp, 0, b, 9000), 0);
			CU_ASSERT_EQUAL(memcmp(a, b, 9000), 0);
			xio_release(&x);
		}
		fix_close(&f);
	}
}

static CU_TestInfo xio_tests[] = {
	TEST(a_list_holds_pages_until_release_and_maps_nothing),
	TEST(write_lists_dirty_their_pages_on_release),
	TEST(thirty_two_pages_are_the_most),
	TEST(a_partial_failure_holds_nothing),
	TEST(linear_lists_want_frames_in_a_row),
	TEST(kernel_buffers_are_found_through_the_page_table),
	TEST(copies_move_bytes_and_leave_the_list_as_it_was),
	TEST(a_copy_outside_the_list_is_efault_and_moves_nothing),
	TEST(a_copy_that_faults_unmaps_its_page),
	TEST(uio_copies_are_clipped_at_both_ends),
	TEST(each_page_of_a_copy_is_one_private_mapping),
	TEST(every_design_copies_the_same_bytes),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "xio", NULL, NULL, NULL, NULL, xio_tests },
	CU_SUITE_INFO_NULL,
};

/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/machine.h"
#include "ephmap/kernel/uspace.h"
#include "test_main.h"

struct fix {
	struct eph_machine *mc;
	struct vm_pool *pool;
	struct uspace *us;
};

#define PAGES 8u

static void
fix_open(struct fix *f)
{
	const struct eph_machine_config cfg = { .ncpus = 2,
		.contents = EPH_CONTENTS_FULL };
	struct eph_err err;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &f->mc, &err), 0);
	CU_ASSERT_EQUAL_FATAL(vm_pool_create(f->mc, 10, PAGES, &f->pool), 0);
	CU_ASSERT_EQUAL_FATAL(uspace_create(f->pool, 16, &f->us), 0);
}

static void
fix_close(struct fix *f)
{
	uspace_destroy(f->us);
	CU_ASSERT_EQUAL(vm_pool_used(f->pool), 0);
	CU_ASSERT_EQUAL(vm_pool_held(f->pool), 0);
	vm_pool_destroy(f->pool);
	CU_ASSERT_EQUAL(eph_machine_destroy(f->mc), 0);
}

static const eph_uva_t base = EPH_UVA_BASE;

static void
copies_cross_pages_and_come_back(void)
{
	struct fix f;
	char out[6000], in[6000];

	fix_open(&f);
	memset(out, 'x', sizeof(out));
	out[0] = 'a';
	out[5999] = 'z';
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 3 * EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE),
	    0);
	CU_ASSERT_EQUAL(copyout(f.us, out, base + 1000, sizeof(out)), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + 1000, in, sizeof(in)), 0);
	CU_ASSERT_EQUAL(memcmp(out, in, sizeof(in)), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base, in, 1000), 0);
	CU_ASSERT_EQUAL(in[999], 0);
	CU_ASSERT_EQUAL(uspace_page(f.us, base)->dirty, 1);
	CU_ASSERT_EQUAL(uspace_page(f.us, base + 2 * EPH_PAGE_SIZE)->dirty, 0);
	fix_close(&f);
}

static void
holes_and_protections_are_efault(void)
{
	struct fix f;
	char c[10000] = { 1 };

	fix_open(&f);
	CU_ASSERT_EQUAL(uspace_map(f.us, base, EPH_PAGE_SIZE, UPROT_READ), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base, c, EPH_PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(copyout(f.us, c, base, 1), EFAULT);
	CU_ASSERT_EQUAL(copyin(f.us, base, c, EPH_PAGE_SIZE + 1), EFAULT);
	CU_ASSERT_EQUAL(copyin(f.us, 0, c, 1), EFAULT);
	CU_ASSERT_EQUAL(copyin(f.us, UINT64_MAX, c, 1), EFAULT);
	uspace_protect(f.us, base, EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE);
	CU_ASSERT_EQUAL(copyout(f.us, c, base, 1), 0);
	fix_close(&f);
}

static int
fault_maps(void *arg, struct uspace *us, eph_uva_t uva, unsigned prot)
{
	unsigned *calls = arg;

	(void)prot;
	++*calls;
	return (uspace_map(us, uva & ~(eph_uva_t)EPH_PAGE_MASK, EPH_PAGE_SIZE,
	    UPROT_READ | UPROT_WRITE));
}

static int
fault_lies(void *arg, struct uspace *us, eph_uva_t uva, unsigned prot)
{
	unsigned *calls = arg;

	(void)us;
	(void)uva;
	(void)prot;
	++*calls;
	return (0);
}

static void
a_fault_handler_is_asked_once_a_page(void)
{
	struct fix f;
	unsigned calls = 0;
	char c[3 * EPH_PAGE_SIZE] = { 0 };

	fix_open(&f);
	uspace_set_fault(f.us, fault_maps, &calls);
	CU_ASSERT_EQUAL(copyout(f.us, c, base, sizeof(c)), 0);
	CU_ASSERT_EQUAL(calls, 3);
	CU_ASSERT_EQUAL(copyin(f.us, base, c, sizeof(c)), 0);
	CU_ASSERT_EQUAL(calls, 3);
	uspace_set_fault(f.us, fault_lies, &calls);
	CU_ASSERT_EQUAL(copyin(f.us, base + 4 * EPH_PAGE_SIZE, c, 1), EFAULT);
	CU_ASSERT_EQUAL(calls, 3 + 4); /* it gives up */
	CU_ASSERT_EQUAL(copyin(f.us, base + 16 * EPH_PAGE_SIZE, c, 1), EFAULT);
	CU_ASSERT_EQUAL(copyin(f.us, base - 1, c, 1), EFAULT);
	CU_ASSERT_EQUAL(calls, 3 + 4); /* that is not inside the space */
	fix_close(&f);
}

static void
a_writer_gets_a_new_frame_while_the_page_is_held(void)
{
	struct fix f;
	struct vm_page *io, *now;
	char c = 'a', d = 'b', got;

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE), 0);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base, 1), 0);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base + EPH_PAGE_SIZE - 1, 1), 0);
	CU_ASSERT_EQUAL(uspace_hold(f.us, base, UPROT_READ, &io), 0);
	uspace_cow(f.us, base, 1);
	CU_ASSERT_EQUAL(copyout(f.us, &d, base, 1), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + EPH_PAGE_SIZE - 1, &got, 1), 0);
	CU_ASSERT_EQUAL(got, 'a');
	now = uspace_page(f.us, base);
	CU_ASSERT_PTR_NOT_EQUAL(now, io);
	CU_ASSERT_EQUAL(uspace_cow_copies(f.us), 1);
	CU_ASSERT_EQUAL(*(char *)vm_page_contents(f.mc, io), 'a');
	CU_ASSERT_EQUAL(copyin(f.us, base, &got, 1), 0);
	CU_ASSERT_EQUAL(got, 'b');
	/* The old frame is nobody's, and still not free. */
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 2);
	vm_page_unhold(f.mc, io);
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 1);
	fix_close(&f);
}

static void
with_the_io_over_the_writer_keeps_the_page(void)
{
	struct fix f;
	struct vm_page *before;
	char c = 'a';

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE), 0);
	before = uspace_page(f.us, base);
	uspace_cow(f.us, base, EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base, 1), 0);
	CU_ASSERT_PTR_EQUAL(uspace_page(f.us, base), before);
	CU_ASSERT_EQUAL(uspace_cow_copies(f.us), 0);
	fix_close(&f);
}

static void
no_page_for_the_copy_is_enomem_and_changes_nothing(void)
{
	struct fix f;
	struct vm_page *io;
	char c = 'a';

	fix_open(&f);
	CU_ASSERT_EQUAL(uspace_map(f.us, base, PAGES * EPH_PAGE_SIZE,
			    UPROT_READ | UPROT_WRITE),
	    0);
	CU_ASSERT_EQUAL(uspace_hold(f.us, base, UPROT_READ, &io), 0);
	uspace_cow(f.us, base, 1);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base, 1), ENOMEM);
	CU_ASSERT_PTR_EQUAL(uspace_page(f.us, base), io);
	vm_page_unhold(f.mc, io);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base, 1), 0);
	fix_close(&f);
}

static void
pages_are_given_and_stolen(void)
{
	struct fix f;
	struct vm_page *m;
	char c = 0;

	fix_open(&f);
	m = vm_pool_alloc(f.pool);
	*(char *)vm_page_contents(f.mc, m) = 'q';
	CU_ASSERT_EQUAL(uspace_give(f.us, base, m, UPROT_READ), 0);
	CU_ASSERT_EQUAL(uspace_give(f.us, base + 1, m, UPROT_READ), EINVAL);
	CU_ASSERT_EQUAL(copyin(f.us, base, &c, 1), 0);
	CU_ASSERT_EQUAL(c, 'q');
	CU_ASSERT_PTR_EQUAL(uspace_steal(f.us, base), m);
	CU_ASSERT_EQUAL(copyin(f.us, base, &c, 1), EFAULT);
	CU_ASSERT_EQUAL(uspace_enter(f.us, base, m, UPROT_READ), 0);
	CU_ASSERT_PTR_NULL(uspace_steal(f.us, base));
	vm_pool_free(f.pool, m);
	fix_close(&f);
}

/* Either of address and length in whole pages, inside the space. */
static void
ranges_are_of_whole_pages(void)
{
	const eph_uva_t end = base + 16 * EPH_PAGE_SIZE;
	struct fix f;

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base + 8, EPH_PAGE_SIZE, UPROT_READ), EINVAL);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, EPH_PAGE_SIZE + 8, UPROT_READ), EINVAL);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base - EPH_PAGE_SIZE, EPH_PAGE_SIZE, UPROT_READ),
	    EINVAL);
	CU_ASSERT_EQUAL(uspace_map(f.us, end - EPH_PAGE_SIZE, 2 * EPH_PAGE_SIZE,
			    UPROT_READ),
	    EINVAL);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 17 * EPH_PAGE_SIZE, UPROT_READ), EINVAL);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, end - EPH_PAGE_SIZE, EPH_PAGE_SIZE, UPROT_READ),
	    0);
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 1);
	uspace_unmap(f.us, end - EPH_PAGE_SIZE, EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 0);
	fix_close(&f);
}

static eph_uva_t
at(unsigned page)
{
	return (base + page * EPH_PAGE_SIZE);
}

/* What is done to a range is done to its pages, and to no other. */
static void
ranges_have_their_pages_only(void)
{
	struct vm_page *was[4], *held;
	const char c = 'c';
	char got = 1;
	struct fix f;

	fix_open(&f);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 4 * EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE),
	    0);
	for (unsigned k = 0; k < 4; k++) {
		was[k] = uspace_page(f.us, at(k));
		CU_ASSERT_EQUAL(uspace_hold(f.us, at(k), UPROT_READ, &held), 0);
		CU_ASSERT_PTR_EQUAL(held, was[k]);
	}
	uspace_cow(f.us, at(1), 2 * EPH_PAGE_SIZE);
	for (unsigned k = 0; k < 4; k++)
		CU_ASSERT_EQUAL(copyin(f.us, at(k), &got, 1), 0);
	CU_ASSERT_EQUAL(uspace_cow_copies(f.us), 0);
	for (unsigned k = 0; k < 4; k++)
		CU_ASSERT_EQUAL(copyout(f.us, &c, at(k), 1), 0);
	CU_ASSERT_EQUAL(uspace_cow_copies(f.us), 2);
	for (unsigned k = 0; k < 4; k++) {
		CU_ASSERT_EQUAL(
		    uspace_page(f.us, at(k)) == was[k], k == 0 || k == 3);
		vm_page_unhold(f.mc, was[k]);
	}
	uspace_protect(f.us, at(1), 2 * EPH_PAGE_SIZE, UPROT_READ);
	for (unsigned k = 0; k < 4; k++)
		CU_ASSERT_EQUAL(
		    copyout(f.us, &c, at(k), 1), k == 0 || k == 3 ? 0 : EFAULT);
	uspace_unmap(f.us, at(1), 2 * EPH_PAGE_SIZE);
	for (unsigned k = 0; k < 4; k++)
		CU_ASSERT_EQUAL(
		    uspace_page(f.us, at(k)) != NULL, k == 0 || k == 3);
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 2);
	/* Whatever they were, they come as zeroes. */
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, at(4), 6 * EPH_PAGE_SIZE, UPROT_READ), 0);
	for (unsigned k = 4; k < 10; k++) {
		got = 1;
		CU_ASSERT_EQUAL(copyin(f.us, at(k), &got, 1), 0);
		CU_ASSERT_EQUAL(got, 0);
	}
	/* More than there are, of a range that lies inside. */
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 16 * EPH_PAGE_SIZE, UPROT_READ), ENOMEM);
	CU_ASSERT_EQUAL(copyin(f.us, at(16), &got, 1), EFAULT);
	fix_close(&f);
}

/* A page that the space was lent is written where it is. */
static void
a_page_that_is_not_its_own_is_not_copied(void)
{
	struct vm_page *m;
	const char c = 'c';
	struct fix f;

	fix_open(&f);
	m = vm_page_get(f.mc, 100);
	CU_ASSERT_EQUAL(
	    uspace_enter(f.us, base, m, UPROT_READ | UPROT_WRITE), 0);
	vm_page_hold(f.mc, m);
	uspace_cow(f.us, base, EPH_PAGE_SIZE);
	CU_ASSERT_EQUAL(copyout(f.us, &c, base, 1), 0);
	CU_ASSERT_PTR_EQUAL(uspace_page(f.us, base), m);
	CU_ASSERT_EQUAL(uspace_cow_copies(f.us), 0);
	vm_page_unhold(f.mc, m);
	fix_close(&f);
}

/* Freed while it is wired or held: a page comes back when that is over. */
static void
pages_under_io_come_back_later(void)
{
	struct vm_page *m[PAGES];
	struct fix f;

	fix_open(&f);
	for (unsigned i = 0; i < PAGES; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(m[i] = vm_pool_alloc(f.pool));
	CU_ASSERT_PTR_NULL(vm_pool_alloc(f.pool));
	vm_page_wire(f.mc, m[1]);
	vm_page_hold(f.mc, m[2]);
	vm_pool_free(f.pool, m[1]);
	vm_pool_free(f.pool, m[2]);
	CU_ASSERT_PTR_NULL(vm_pool_alloc(f.pool));
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), PAGES);
	/* The frames behind are another's. */
	vm_page_wire(f.mc, vm_page_get(f.mc, 10 + PAGES));
	vm_page_hold(f.mc, vm_page_get(f.mc, 10 + PAGES));
	CU_ASSERT_EQUAL(vm_pool_wired(f.pool), 1);
	CU_ASSERT_EQUAL(vm_pool_held(f.pool), 1);
	vm_page_unwire(f.mc, vm_page_get(f.mc, 10 + PAGES));
	vm_page_unhold(f.mc, vm_page_get(f.mc, 10 + PAGES));
	vm_page_unhold(f.mc, m[2]);
	CU_ASSERT_PTR_EQUAL(vm_pool_alloc(f.pool), m[2]);
	CU_ASSERT_PTR_NULL(vm_pool_alloc(f.pool));
	vm_page_unwire(f.mc, m[1]);
	CU_ASSERT_PTR_EQUAL(vm_pool_alloc(f.pool), m[1]);
	for (unsigned i = 0; i < PAGES; i++)
		vm_pool_free(f.pool, m[i]);
	CU_ASSERT_EQUAL(vm_pool_used(f.pool), 0);
	fix_close(&f);
}

/* Of 8 bytes that stand for a page only the whole is copied. */
static void
a_stamp_is_copied_whole_or_not(void)
{
	const struct eph_machine_config cfg = { .ncpus = 1,
		.contents = EPH_CONTENTS_STAMP };
	const char out[16] = "stamp 1stamp 2";
	char in[16] = "";
	struct fix f;

	CU_ASSERT_EQUAL_FATAL(eph_machine_create(&cfg, &f.mc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(vm_pool_create(f.mc, 10, PAGES, &f.pool), 0);
	CU_ASSERT_EQUAL_FATAL(uspace_create(f.pool, 16, &f.us), 0);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, EPH_PAGE_SIZE, UPROT_READ | UPROT_WRITE), 0);
	CU_ASSERT_EQUAL(copyout(f.us, out, base, 16), 0);
	CU_ASSERT_EQUAL(copyout(f.us, out + 8, base + 8, 8), 0);
	CU_ASSERT_EQUAL(copyout(f.us, out + 8, base, 7), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base + 4, in, 12), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base, in, 7), 0);
	CU_ASSERT_EQUAL(in[0], 0);
	CU_ASSERT_EQUAL(copyin(f.us, base, in, 16), 0);
	CU_ASSERT_EQUAL(memcmp(in, out, 8), 0);
	CU_ASSERT_EQUAL(in[8], 0);
	CU_ASSERT_EQUAL(copyout(f.us, out + 8, base, 8), 0);
	CU_ASSERT_EQUAL(copyin(f.us, base, in, 8), 0);
	CU_ASSERT_EQUAL(memcmp(in, out + 8, 8), 0);
	fix_close(&f);
}

static void
faults_on_purpose_happen_once(void)
{
	struct fix f;
	char c = 0;

	fix_open(&f);
	eph_machine_fail(f.mc, EPH_FAULT_ALLOC, 2);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 2 * EPH_PAGE_SIZE, UPROT_READ), ENOMEM);
	CU_ASSERT_EQUAL(eph_machine_fault_seen(f.mc, EPH_FAULT_ALLOC), 2);
	CU_ASSERT_EQUAL(
	    uspace_map(f.us, base, 2 * EPH_PAGE_SIZE, UPROT_READ), 0);
	eph_machine_fail(f.mc, EPH_FAULT_COPY, 1);
	CU_ASSERT_EQUAL(copyin(f.us, base, &c, 1), EFAULT);
	CU_ASSERT_EQUAL(copyin(f.us, base, &c, 1), 0);
	fix_close(&f);
}

static CU_TestInfo uspace_tests[] = {
	TEST(copies_cross_pages_and_come_back),
	TEST(holes_and_protections_are_efault),
	TEST(a_fault_handler_is_asked_once_a_page),
	TEST(a_writer_gets_a_new_frame_while_the_page_is_held),
	TEST(with_the_io_over_the_writer_keeps_the_page),
	TEST(no_page_for_the_copy_is_enomem_and_changes_nothing),
	TEST(pages_are_given_and_stolen),
	TEST(ranges_are_of_whole_pages),
	TEST(ranges_have_their_pages_only),
	TEST(a_page_that_is_not_its_own_is_not_copied),
	TEST(pages_under_io_come_back_later),
	TEST(a_stamp_is_copied_whole_or_not),
	TEST(faults_on_purpose_happen_once),
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "uspace", NULL, NULL, NULL, NULL, uspace_tests },
	CU_SUITE_INFO_NULL,
};

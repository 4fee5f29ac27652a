/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * User address spaces: a flat table of entries under one lock.
 *
 * A fault is settled in rounds: look, and if the page does not do, mend
 * (the space's own copy on write) or ask the handler without the lock, and
 * look again.  A handler that says it has mended something and has not is
 * asked a few times, then the access gets EFAULT.
 */

#include "ephmap/kernel/uspace.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/mutex.h"

#define FAULT_ROUNDS 4

struct uspace_entry {
	struct vm_page *m; /* NULL: nothing there */
	uint8_t prot;
	bool own; /* of the pool, freed with the entry */
	bool cow;
};

struct uspace {
	struct eph_machine *mc;
	struct vm_pool *pool;
	struct eph_mutex mtx;
	uint32_t npages;	     /* (c) */
	uint64_t copies;	     /* (l) */
	uspace_fault_fn *fault;	     /* (c) */
	void *fault_arg;	     /* (c) */
	struct uspace_entry entry[]; /* (l) */
};

static size_t
uspace_bytes(uint32_t npages)
{
	return (sizeof(struct uspace) + npages * sizeof(struct uspace_entry));
}

int
uspace_create(struct vm_pool *pool, uint32_t npages, struct uspace **usp)
{
	struct eph_machine *mc = vm_pool_machine(pool);
	struct uspace *us = eph_machine_alloc(mc, uspace_bytes(npages));

	if (us == NULL)
		return (ENOMEM);
	us->mc = mc;
	us->pool = pool;
	us->npages = npages;
	mutex_init(&us->mtx, "vm_map");
	*usp = us;
	return (0);
}

/* Empty an entry; under the lock. */
static void
entry_clear(struct uspace *us, struct uspace_entry *e)
{
	if (e->own)
		vm_pool_free(us->pool, e->m);
	*e = (struct uspace_entry){ .m = NULL };
}

void
uspace_destroy(struct uspace *us)
{
	if (us == NULL)
		return;
	for (uint32_t i = 0; i < us->npages; i++)
		entry_clear(us, &us->entry[i]);
	eph_machine_free(us->mc, us, uspace_bytes(us->npages));
}

void
uspace_set_fault(struct uspace *us, uspace_fault_fn *fn, void *arg)
{
	us->fault = fn;
	us->fault_arg = arg;
}

struct eph_machine *
uspace_machine(const struct uspace *us)
{
	return (us->mc);
}

/* The entry of `uva`, NULL outside the space. */
static struct uspace_entry *
uspace_entry(struct uspace *us, eph_uva_t uva)
{
	if (uva < EPH_UVA_BASE || eph_atop(uva - EPH_UVA_BASE) >= us->npages)
		return (NULL);
	return (&us->entry[eph_atop(uva - EPH_UVA_BASE)]);
}

/* Index of the first page and number of pages; false if not inside. */
static bool
uspace_range(
    struct uspace *us, eph_uva_t uva, size_t n, uint32_t *ip, uint32_t *np)
{
	if ((uva & EPH_PAGE_MASK) != 0 || (n & EPH_PAGE_MASK) != 0 ||
	    uva < EPH_UVA_BASE || n > eph_ptoa(us->npages) ||
	    uva - EPH_UVA_BASE > eph_ptoa(us->npages) - n)
		return (false);
	*ip = (uint32_t)eph_atop(uva - EPH_UVA_BASE);
	*np = (uint32_t)eph_atop(n);
	return (true);
}

static void
page_zero(struct eph_machine *mc, struct vm_page *m)
{
	void *p = vm_page_contents(mc, m);

	if (p != NULL)
		memset(p, 0,
		    mc->contents_kind == EPH_CONTENTS_FULL ? EPH_PAGE_SIZE : 8);
}

int
uspace_map(struct uspace *us, eph_uva_t uva, size_t n, unsigned prot)
{
	uint32_t i, npages;

	if (!uspace_range(us, uva, n, &i, &npages))
		return (EINVAL);
	for (uint32_t k = 0; k < npages; k++) {
		struct vm_page *m = vm_pool_alloc(us->pool);

		if (m == NULL)
			return (ENOMEM);
		page_zero(us->mc, m);
		(void)uspace_give(us, uva + eph_ptoa(k), m, prot);
	}
	return (0);
}

static int
uspace_set(struct uspace *us, eph_uva_t uva, struct vm_page *m, unsigned prot,
    bool own)
{
	struct uspace_entry *e = uspace_entry(us, uva);

	if (e == NULL || (uva & EPH_PAGE_MASK) != 0)
		return (EINVAL);
	mutex_enter(us->mc, &us->mtx);
	entry_clear(us, e);
	*e = (struct uspace_entry){ m, (uint8_t)prot, own, false };
	mutex_exit(us->mc, &us->mtx);
	return (0);
}

int
uspace_enter(struct uspace *us, eph_uva_t uva, struct vm_page *m, unsigned prot)
{
	return (uspace_set(us, uva, m, prot, false));
}

int
uspace_give(struct uspace *us, eph_uva_t uva, struct vm_page *m, unsigned prot)
{
	return (uspace_set(us, uva, m, prot, true));
}

void
uspace_unmap(struct uspace *us, eph_uva_t uva, size_t n)
{
	uint32_t i, npages;

	if (!uspace_range(us, uva, n, &i, &npages))
		return;
	mutex_enter(us->mc, &us->mtx);
	for (uint32_t k = 0; k < npages; k++)
		entry_clear(us, &us->entry[i + k]);
	mutex_exit(us->mc, &us->mtx);
}

struct vm_page *
uspace_steal(struct uspace *us, eph_uva_t uva)
{
	struct uspace_entry *e = uspace_entry(us, uva);
	struct vm_page *m = NULL;

	if (e == NULL)
		return (NULL);
	mutex_enter(us->mc, &us->mtx);
	if (e->own) {
		m = e->m;
		*e = (struct uspace_entry){ .m = NULL };
	}
	mutex_exit(us->mc, &us->mtx);
	return (m);
}

void
uspace_protect(struct uspace *us, eph_uva_t uva, size_t n, unsigned prot)
{
	uint32_t i, npages;

	if (!uspace_range(us, uva, n, &i, &npages))
		return;
	mutex_enter(us->mc, &us->mtx);
	for (uint32_t k = 0; k < npages; k++)
		us->entry[i + k].prot = (uint8_t)prot;
	mutex_exit(us->mc, &us->mtx);
}

void
uspace_cow(struct uspace *us, eph_uva_t uva, size_t n)
{
	const eph_uva_t first = uva & ~(eph_uva_t)EPH_PAGE_MASK;

	mutex_enter(us->mc, &us->mtx);
	for (eph_uva_t a = first; a < uva + n; a += EPH_PAGE_SIZE) {
		struct uspace_entry *e = uspace_entry(us, a);

		if (e != NULL && e->own)
			e->cow = true;
	}
	mutex_exit(us->mc, &us->mtx);
}

struct vm_page *
uspace_page(struct uspace *us, eph_uva_t uva)
{
	const struct uspace_entry *e = uspace_entry(us, uva);
	struct vm_page *m;

	if (e == NULL)
		return (NULL);
	mutex_enter(us->mc, &us->mtx);
	m = e->m;
	mutex_exit(us->mc, &us->mtx);
	return (m);
}

uint64_t
uspace_cow_copies(const struct uspace *us)
{
	return (us->copies);
}

static void
page_copy(struct eph_machine *mc, struct vm_page *to, struct vm_page *from)
{
	void *p = vm_page_contents(mc, to);

	if (p != NULL)
		memcpy(p, vm_page_contents(mc, from),
		    mc->contents_kind == EPH_CONTENTS_FULL ? EPH_PAGE_SIZE : 8);
}

/*
 * A write to a page marked copy-on-write; under the lock.  Who wires or
 * holds the page keeps it; the pool gets it when they are done.
 */
static int
entry_copy(struct uspace *us, struct uspace_entry *e)
{
	struct vm_page *m;

	if (e->m->wire_count == 0 && e->m->hold_count == 0) {
		e->cow = false;
		return (0);
	}
	if ((m = vm_pool_alloc(us->pool)) == NULL)
		return (ENOMEM);
	page_copy(us->mc, m, e->m);
	vm_pool_free(us->pool, e->m);
	e->m = m;
	e->cow = false;
	us->copies++;
	return (0);
}

/* One look: 0 and the page held, EAGAIN to ask the handler, or an error. */
static int
uspace_look(struct uspace *us, struct uspace_entry *e, unsigned prot,
    struct vm_page **mp)
{
	int error = 0;

	mutex_enter(us->mc, &us->mtx);
	if (e->m == NULL || (e->prot & prot) != prot)
		error = EAGAIN;
	else if ((prot & UPROT_WRITE) != 0 && e->cow)
		error = entry_copy(us, e);
	if (error == 0) {
		vm_page_hold(us->mc, e->m);
		*mp = e->m;
	}
	mutex_exit(us->mc, &us->mtx);
	return (error);
}

int
uspace_hold(
    struct uspace *us, eph_uva_t uva, unsigned prot, struct vm_page **mp)
{
	struct uspace_entry *e = uspace_entry(us, uva);
	int error;

	if (e == NULL || eph_machine_fails(us->mc, EPH_FAULT_COPY))
		return (EFAULT);
	for (unsigned round = 0; round < FAULT_ROUNDS; round++) {
		error = uspace_look(us, e, prot, mp);
		if (error != EAGAIN)
			return (error);
		if (us->fault == NULL ||
		    us->fault(us->fault_arg, us, uva, prot) != 0)
			return (EFAULT);
	}
	return (EFAULT);
}

/* Between one page and the kernel; a stamp stands for the whole page. */
static void
page_move(struct eph_machine *mc, struct vm_page *m, size_t off, void *kbuf,
    size_t n, unsigned prot)
{
	char *p = vm_page_contents(mc, m);

	if (p == NULL)
		return;
	if (mc->contents_kind == EPH_CONTENTS_STAMP) {
		if (off != 0 || n < 8)
			return;
		n = 8;
	}
	if (prot == UPROT_WRITE) {
		memcpy(p + off, kbuf, n);
		vm_page_dirty(m);
	} else {
		memcpy(kbuf, p + off, n);
	}
}

static int
uspace_move(
    struct uspace *us, eph_uva_t uva, char *kbuf, size_t n, unsigned prot)
{
	while (n > 0) {
		const size_t off = uva & EPH_PAGE_MASK;
		const size_t here =
		    n < EPH_PAGE_SIZE - off ? n : EPH_PAGE_SIZE - off;
		struct vm_page *m;
		int error;

		if ((error = uspace_hold(us, uva, prot, &m)) != 0)
			return (error);
		eph_clock_copy(us->mc, here);
		page_move(us->mc, m, off, kbuf, here, prot);
		vm_page_unhold(us->mc, m);
		uva += here;
		kbuf += here;
		n -= here;
	}
	return (0);
}

int
copyin(struct uspace *us, eph_uva_t uva, void *kbuf, size_t n)
{
	return (uspace_move(us, uva, kbuf, n, UPROT_READ));
}

int
copyout(struct uspace *us, const void *kbuf, eph_uva_t uva, size_t n)
{
	/* The kernel's buffer is only read: see page_move(). */
	return (uspace_move(us, uva, (char *)(uintptr_t)kbuf, n, UPROT_WRITE));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Page lists.  All copies are one walk over the pages with one function for
 * a page's part of it; each page is mapped privately, used and unmapped
 * before the next, and unmapped when the use fails, which kernels forgot
 * (5ed411ff01).
 */

#include "ephmap/kernel/xio.h"

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/pmap.h"

void
xio_init(struct xio *x, struct eph_machine *mc)
{
	memset(x, 0, sizeof(*x));
	x->xio_mc = mc;
	x->xio_pages = x->xio_internal_pages;
}

void
xio_release(struct xio *x)
{
	for (unsigned i = 0; i < x->xio_npages; i++) {
		if ((x->xio_flags & XIOF_WRITE) != 0)
			vm_page_dirty(x->xio_pages[i]);
		vm_page_unhold(x->xio_mc, x->xio_pages[i]);
	}
	x->xio_npages = 0;
	x->xio_bytes = 0;
	x->xio_offset = 0;
	x->xio_error = ENOBUFS;
}

/* An init that failed in the middle: nothing was written, nothing is held. */
static int
xio_fail(struct xio *x, int error)
{
	x->xio_flags = 0;
	xio_release(x);
	x->xio_error = error;
	return (error);
}

/* Bytes and pages of a buffer that starts `off` bytes into a page. */
static unsigned
xio_size(struct xio *x, size_t off, size_t n)
{
	const size_t most = eph_ptoa(XIO_INTERNAL_PAGES) - off;

	x->xio_offset = off;
	x->xio_bytes = n < most ? n : most;
	if (n == 0)
		return (0);
	return ((unsigned)eph_atop(off + x->xio_bytes + EPH_PAGE_MASK));
}

/* Add a page that is held already. */
static int
xio_add(struct xio *x, struct vm_page *m)
{
	const unsigned n = x->xio_npages;

	if ((x->xio_flags & XIOF_VMLINEAR) != 0 && n > 0 &&
	    m->frame != x->xio_pages[n - 1]->frame + 1) {
		vm_page_unhold(x->xio_mc, m);
		return (EFAULT);
	}
	x->xio_pages[x->xio_npages++] = m;
	return (0);
}

int
xio_init_ubuf(
    struct xio *x, struct uspace *us, eph_uva_t ubase, size_t n, unsigned flags)
{
	const eph_uva_t first = ubase & ~(eph_uva_t)EPH_PAGE_MASK;
	const unsigned prot =
	    (flags & XIOF_WRITE) != 0 ? UPROT_WRITE : UPROT_READ;
	unsigned npages;
	int error;

	xio_init(x, uspace_machine(us));
	x->xio_flags = flags;
	npages = xio_size(x, ubase & EPH_PAGE_MASK, n);
	for (unsigned i = 0; i < npages; i++) {
		struct vm_page *m;

		error = uspace_hold(us, first + eph_ptoa(i), prot, &m);
		if (error == 0)
			error = xio_add(x, m);
		if (error != 0)
			return (xio_fail(x, error));
	}
	return (0);
}

int
xio_init_kbuf(struct xio *x, struct eph_machine *mc, eph_va_t kbase, size_t n)
{
	const eph_va_t first = kbase & ~(eph_va_t)EPH_PAGE_MASK;
	unsigned npages;

	xio_init(x, mc);
	npages = xio_size(x, kbase & EPH_PAGE_MASK, n);
	for (unsigned i = 0; i < npages; i++) {
		const uint32_t frame = pmap_kextract(mc, first + eph_ptoa(i));
		struct vm_page *m;

		if (frame == EPH_NONE || (m = vm_page_get(mc, frame)) == NULL)
			return (xio_fail(x, EFAULT));
		vm_page_hold(mc, m);
		(void)xio_add(x, m);
	}
	return (0);
}

int
xio_init_pages(struct xio *x, struct eph_machine *mc,
    struct vm_page *const *pages, unsigned npages, unsigned flags)
{
	xio_init(x, mc);
	x->xio_flags = flags;
	if (npages > XIO_INTERNAL_PAGES)
		return (xio_fail(x, EINVAL));
	x->xio_bytes = eph_ptoa(npages);
	for (unsigned i = 0; i < npages; i++) {
		vm_page_hold(mc, pages[i]);
		if (xio_add(x, pages[i]) != 0)
			return (xio_fail(x, EFAULT));
	}
	return (0);
}

/* Copies */

enum xio_side { XIO_KERNEL, XIO_USER, XIO_UIO };

/* The other end of a copy, and where it stands. */
struct xio_end {
	enum xio_side side;
	bool to_xio;
	char *k;
	struct uspace *us;
	eph_uva_t u;
	struct eph_uio *uio;
};

/* Get the next `n` bytes from the other end. */
static int
end_take(struct xio_end *e, char *buf, size_t n)
{
	switch (e->side) {
	case XIO_KERNEL:
		memcpy(buf, e->k, n);
		e->k += n;
		return (0);
	case XIO_USER:
		e->u += n;
		return (copyin(e->us, e->u - n, buf, n));
	case XIO_UIO:
		break;
	}
	return (uiomove(buf, n, e->uio) == n ? 0 : EFAULT);
}

static int
end_give(struct xio_end *e, char *buf, size_t n)
{
	switch (e->side) {
	case XIO_KERNEL:
		memcpy(e->k, buf, n);
		e->k += n;
		return (0);
	case XIO_USER:
		e->u += n;
		return (copyout(e->us, buf, e->u - n, n));
	case XIO_UIO:
		break;
	}
	return (uiomove(buf, n, e->uio) == n ? 0 : EFAULT);
}

/* One page's part of a copy, through a mapping of that page. */
static int
xio_copy_page(struct eph_mapper *mp, struct vm_page *m, size_t off, size_t n,
    struct xio_end *e)
{
	char buf[EPH_PAGE_SIZE] = { 0 };
	struct eph_mapped mapped;
	int error;

	if ((error = eph_mapper_map(mp, m, SFB_CPUPRIVATE, &mapped)) != 0)
		return (error);
	if (e->to_xio) {
		if ((error = end_take(e, buf, n)) == 0)
			error = eph_mapper_write(mp, &mapped, off, buf, n);
	} else if ((error = eph_mapper_read(mp, &mapped, off, buf, n)) == 0) {
		error = end_give(e, buf, n);
	}
	eph_mapper_unmap(mp, &mapped);
	return (error);
}

static int
xio_copy(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    size_t bytes, struct xio_end *e)
{
	size_t at = x->xio_offset + uoffset;
	int error;

	if (uoffset > x->xio_bytes || bytes > x->xio_bytes - uoffset)
		return (EFAULT);
	while (bytes > 0) {
		const size_t off = at & EPH_PAGE_MASK;
		const size_t n =
		    bytes < EPH_PAGE_SIZE - off ? bytes : EPH_PAGE_SIZE - off;

		error =
		    xio_copy_page(mp, x->xio_pages[eph_atop(at)], off, n, e);
		if (error != 0)
			return (error);
		at += n;
		bytes -= n;
	}
	return (0);
}

int
xio_uio_copy(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    struct eph_uio *uio, size_t *sizep)
{
	struct xio_end e = { .side = XIO_UIO,
		.to_xio = uio->uio_rw == EPH_UIO_WRITE,
		.uio = uio };
	size_t n = xio_remaining(x, uoffset);
	int error;

	if (n > uio->uio_resid)
		n = uio->uio_resid;
	error = xio_copy(x, mp, uoffset, n, &e);
	*sizep = error == 0 ? n : 0;
	return (error);
}

int
xio_copy_xtou(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    struct uspace *us, eph_uva_t to, size_t bytes)
{
	struct xio_end e = { .side = XIO_USER, .us = us, .u = to };

	return (xio_copy(x, mp, uoffset, bytes, &e));
}

int
xio_copy_xtok(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    void *to, size_t bytes)
{
	struct xio_end e = { .side = XIO_KERNEL, .k = to };

	return (xio_copy(x, mp, uoffset, bytes, &e));
}

int
xio_copy_utox(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    struct uspace *us, eph_uva_t from, size_t bytes)
{
	struct xio_end e = {
		.side = XIO_USER, .to_xio = true, .us = us, .u = from
	};

	return (xio_copy(x, mp, uoffset, bytes, &e));
}

int
xio_copy_ktox(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    const void *from, size_t bytes)
{
	/* The kernel's buffer is only read: see end_take(). */
	struct xio_end e = {
		.side = XIO_KERNEL, .to_xio = true, .k = (char *)(uintptr_t)from
	};

	return (xio_copy(x, mp, uoffset, bytes, &e));
}

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_XIO_H
#define EPHMAP_KERNEL_XIO_H

/*
 * XIO: a list of held pages, and not a mapping of them (DragonFly
 * 81ee925d51, 2004-03-31).
 *
 * Who makes one says where the data is; who gets it maps a page when and
 * where he needs to look, or hands the pages to a device.  Copies map one
 * page at a time, for the current CPU only.
 *
 * Immutable once made (03aa69bddd, 2005-03): every copy says where in the
 * list it starts, `uoffset`, and may be repeated.  Copies move all or, where
 * [uoffset, uoffset + bytes) is not inside the list, nothing and EFAULT;
 * user memory that cannot be had ends a copy in the middle with EFAULT.
 *
 * The owner of the struct releases it once; pages stay held until then.
 */

#include "ephmap/sdk/mapper.h"
#include "ephmap/kernel/uio.h"
#include "ephmap/kernel/uspace.h"

#define XIO_INTERNAL_PAGES 32u /* btoc(MAXPHYS) */

enum {
	XIOF_READ = 0x1,  /* the pages will be read */
	XIOF_WRITE = 0x2, /* written: faulted in for that, dirty at release */
	XIOF_VMLINEAR = 0x4, /* frames must follow one another */
};

struct xio {
	struct eph_machine *xio_mc;
	struct vm_page **xio_pages; /* xio_internal_pages */
	unsigned xio_npages;
	size_t xio_offset; /* of the data in the first page */
	size_t xio_bytes;  /* of data: less than asked if 32 pages were full */
	unsigned xio_flags;
	int xio_error; /* of the init, then ENOBUFS after the release */
	struct vm_page *xio_internal_pages[XIO_INTERNAL_PAGES];
};

/* An empty one. */
void eph_xio_init(struct xio *x, struct eph_machine *mc);

/*
 * The pages under [ubase, ubase + n), faulted in; at most 32 of them, the
 * rest is cut off silently and xio_bytes says so.  Returns 0, or EFAULT or
 * ENOMEM with nothing held.
 */
int eph_xio_init_ubuf(struct xio *x, struct uspace *us, eph_uva_t ubase,
    size_t n, unsigned flags);

/* The same for mapped kernel memory; EFAULT where there is no page. */
int eph_xio_init_kbuf(
    struct xio *x, struct eph_machine *mc, eph_va_t kbase, size_t n);

/* These pages, whole, from offset 0; EINVAL for more than 32. */
int eph_xio_init_pages(struct xio *x, struct eph_machine *mc,
    struct vm_page *const *pages, unsigned npages, unsigned flags);

/* Let go of the pages, dirty ones after XIOF_WRITE. */
void eph_xio_release(struct xio *x);

/*
 * Between the list and a uio, as uio_rw says, as much as both have from
 * there on.  Sets *sizep: 0 on error, although the uio may have advanced.
 */
int eph_xio_uio_copy(const struct xio *x, struct eph_mapper *mp, size_t uoffset,
    struct eph_uio *uio, size_t *sizep);

/* From the list to user memory or the kernel's, and the other way. */
int eph_xio_copy_xtou(const struct xio *x, struct eph_mapper *mp,
    size_t uoffset, struct uspace *us, eph_uva_t to, size_t bytes);
int eph_xio_copy_xtok(const struct xio *x, struct eph_mapper *mp,
    size_t uoffset, void *to, size_t bytes);
int eph_xio_copy_utox(const struct xio *x, struct eph_mapper *mp,
    size_t uoffset, struct uspace *us, eph_uva_t from, size_t bytes);
int eph_xio_copy_ktox(const struct xio *x, struct eph_mapper *mp,
    size_t uoffset, const void *from, size_t bytes);

/* Bytes from `uoffset` on; 0 past the end. */
static inline size_t
eph_xio_remaining(const struct xio *x, size_t uoffset)
{
	return (uoffset < x->xio_bytes ? x->xio_bytes - uoffset : 0);
}

/* Offset in a mapping of all the pages. */
static inline size_t
eph_xio_kvaoffset(const struct xio *x, size_t uoffset)
{
	return (x->xio_offset + uoffset);
}

#endif /* !EPHMAP_KERNEL_XIO_H */

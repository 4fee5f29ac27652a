/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/fromphys.h"

#include <errno.h>

/* One page's part, through a mapping of it. */
static int
uiomove_page(struct eph_mapper *mp, struct vm_page *m, size_t off, size_t n,
    struct eph_uio *uio)
{
	char buf[EPH_PAGE_SIZE] = { 0 };
	struct eph_mapped mapped;
	int error;

	if ((error = eph_mapper_map(mp, m, SFB_CPUPRIVATE, &mapped)) != 0)
		return (error);
	if (uio->uio_rw == EPH_UIO_READ) {
		error = eph_mapper_read(mp, &mapped, off, buf, n);
		if (error == 0 && uiomove(buf, n, uio) != n)
			error = EFAULT;
	} else if (uiomove(buf, n, uio) != n) {
		error = EFAULT;
	} else {
		error = eph_mapper_write(mp, &mapped, off, buf, n);
		vm_page_dirty(m);
	}
	eph_mapper_unmap(mp, &mapped);
	return (error);
}

int
uiomove_fromphys(struct eph_mapper *mp, struct vm_page *const *pages,
    size_t off, size_t n, struct eph_uio *uio)
{
	if (n > uio->uio_resid)
		n = uio->uio_resid;
	while (n > 0) {
		const size_t at = off & EPH_PAGE_MASK;
		const size_t here =
		    n < EPH_PAGE_SIZE - at ? n : EPH_PAGE_SIZE - at;
		const int error =
		    uiomove_page(mp, pages[eph_atop(off)], at, here, uio);

		if (error != 0)
			return (error);
		off += here;
		n -= here;
	}
	return (0);
}

/* One page of the target, held; through a mapping, to the caller's memory. */
static int
proc_rwpage(struct eph_mapper *mp, struct vm_page *m, size_t off,
    struct uspace *us, eph_uva_t own, size_t n, bool write)
{
	char buf[EPH_PAGE_SIZE] = { 0 };
	struct eph_mapped mapped;
	int error;

	if ((error = eph_mapper_map(mp, m, SFB_CPUPRIVATE, &mapped)) != 0)
		return (error);
	if (write) {
		if ((error = copyin(us, own, buf, n)) == 0)
			error = eph_mapper_write(mp, &mapped, off, buf, n);
		if (error == 0)
			vm_page_dirty(m);
	} else if ((error = eph_mapper_read(mp, &mapped, off, buf, n)) == 0) {
		error = copyout(us, buf, own, n);
	}
	eph_mapper_unmap(mp, &mapped);
	return (error);
}

int
proc_rwmem(struct eph_mapper *mp, struct uspace *target, eph_uva_t uva,
    struct uspace *us, eph_uva_t own, size_t n, bool write, size_t *donep)
{
	const unsigned prot = write ? UPROT_WRITE : UPROT_READ;
	int error = 0;

	for (*donep = 0; error == 0 && *donep < n;) {
		const size_t off = (uva + *donep) & EPH_PAGE_MASK;
		const size_t left = n - *donep;
		const size_t here =
		    left < EPH_PAGE_SIZE - off ? left : EPH_PAGE_SIZE - off;
		struct vm_page *m;

		error = uspace_hold(target, uva + *donep, prot, &m);
		if (error != 0)
			break;
		error = proc_rwpage(mp, m, off, us, own + *donep, here, write);
		vm_page_unhold(mp->mc, m);
		if (error == 0)
			*donep += here;
	}
	return (error);
}

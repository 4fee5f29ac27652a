/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/rawio.h"

#include <errno.h>
#include <string.h>

int
rawio_begin(struct rawio *rio, const struct rawio_disk *dk, struct uspace *us,
    eph_uva_t uva, size_t n, uint64_t off, bool write, bool cow)
{
	const uint64_t size = eph_ptoa(dk->npages);
	int error;

	memset(rio, 0, sizeof(*rio));
	if (off > size || n > size - off)
		return (EINVAL);
	rio->off = off;
	rio->write = write;
	error = xio_init_ubuf(
	    &rio->xio, us, uva, n, write ? XIOF_READ : XIOF_WRITE);
	if (error == 0 && write && cow)
		uspace_cow(us, uva, rio->xio.xio_bytes);
	return (error);
}

/* The medium's own bytes, by physical address; a stamp for a page. */
static void
medium_move(
    const struct rawio_disk *dk, uint64_t off, char *buf, size_t n, bool write)
{
	struct eph_machine *mc = dk->mp->mc;
	char *p = vm_page_contents(mc, dk->page[eph_atop(off)]);

	if (p == NULL)
		return;
	if (mc->contents_kind == EPH_CONTENTS_STAMP)
		n = 8;
	else
		p += off & EPH_PAGE_MASK;
	memcpy(write ? p : buf, write ? buf : p, n);
}

/* DMA: between the frames themselves. */
static int
rawio_dma(const struct rawio_disk *dk, struct rawio *rio, size_t at, size_t n)
{
	struct eph_machine *mc = dk->mp->mc;
	const size_t k = xio_kvaoffset(&rio->xio, at);
	char *p = vm_page_contents(mc, rio->xio.xio_pages[eph_atop(k)]);

	if (p != NULL && mc->contents_kind == EPH_CONTENTS_FULL)
		p += k & EPH_PAGE_MASK;
	medium_move(dk, rio->off + at, p, n, rio->write);
	return (0);
}

/* Programmed I/O: the CPU moves bytes through a mapping of the user's page. */
static int
rawio_pio(const struct rawio_disk *dk, struct rawio *rio, size_t at, size_t n)
{
	char buf[EPH_PAGE_SIZE] = { 0 };
	int error;

	if (!rio->write) {
		medium_move(dk, rio->off + at, buf, n, false);
		return (xio_copy_ktox(&rio->xio, dk->mp, at, buf, n));
	}
	error = xio_copy_xtok(&rio->xio, dk->mp, at, buf, n);
	if (error == 0)
		medium_move(dk, rio->off + at, buf, n, true);
	return (error);
}

/* A file system: both its page and the user's are mapped, one after one. */
static int
rawio_vfs(const struct rawio_disk *dk, struct rawio *rio, size_t at, size_t n)
{
	struct vm_page *d = dk->page[eph_atop(rio->off + at)];
	const size_t off = (rio->off + at) & EPH_PAGE_MASK;
	char buf[EPH_PAGE_SIZE] = { 0 };
	struct xio file;
	int error;

	error = xio_init_pages(&file, dk->mp->mc, &d, 1, XIOF_WRITE);
	if (error != 0)
		return (error);
	if (rio->write) {
		error = xio_copy_xtok(&rio->xio, dk->mp, at, buf, n);
		if (error == 0)
			error = xio_copy_ktox(&file, dk->mp, off, buf, n);
	} else {
		error = xio_copy_xtok(&file, dk->mp, off, buf, n);
		if (error == 0)
			error = xio_copy_ktox(&rio->xio, dk->mp, at, buf, n);
	}
	xio_release(&file);
	return (error);
}

int
rawio_strategy(const struct rawio_disk *dk, struct rawio *rio)
{
	static int (*const move[])(const struct rawio_disk *dk,
	    struct rawio *rio, size_t at,
	    size_t n) = { rawio_dma, rawio_pio, rawio_vfs };
	const size_t bytes = rio->xio.xio_bytes;

	for (size_t at = 0; at < bytes;) {
		const size_t u = xio_kvaoffset(&rio->xio, at) & EPH_PAGE_MASK;
		const size_t d = (rio->off + at) & EPH_PAGE_MASK;
		size_t n = EPH_PAGE_SIZE - (u > d ? u : d);
		int error;

		if (n > bytes - at)
			n = bytes - at;
		if ((error = move[dk->kind](dk, rio, at, n)) != 0)
			return (error);
		at += n;
	}
	return (0);
}

void
rawio_end(struct rawio *rio)
{
	xio_release(&rio->xio);
}

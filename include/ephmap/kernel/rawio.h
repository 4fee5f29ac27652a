/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_RAWIO_H
#define EPHMAP_KERNEL_RAWIO_H

/*
 * Raw and block I/O on page lists: a user buffer becomes an XIO, the XIO
 * goes to the device.  A device that does DMA takes the pages by their
 * physical addresses and nothing is mapped at all; one that wants addresses
 * (programmed I/O) maps where and when it works, a page at a time; a file
 * system's thread copies from and to its own pages.
 *
 * A process may go on while its buffer is under way: marked copy-on-write,
 * a write to it gets a new frame and the transfer keeps the old one.
 */

#include "ephmap/kernel/xio.h"

enum rawio_device { RAWIO_DMA, RAWIO_PIO, RAWIO_VFS };

struct rawio_disk {
	struct eph_mapper *mp;
	enum rawio_device kind;
	uint32_t npages;
	struct vm_page *const *page; /* the medium */
};

/* A transfer under way. */
struct rawio {
	struct xio xio;
	uint64_t off; /* on the medium */
	bool write;   /* to the medium */
};

/*
 * Begin: hold the user's pages, at most 32; with `cow` the process may
 * write its buffer meanwhile.  Sets rio->xio.xio_bytes.  Returns 0, EINVAL
 * outside the medium, EFAULT or ENOMEM.
 */
int eph_rawio_begin(struct rawio *rio, const struct rawio_disk *dk,
    struct uspace *us, eph_uva_t uva, size_t n, uint64_t off, bool write,
    bool cow);

/* The device's part, on its CPU.  0, or as eph_mapper_map(). */
int eph_rawio_strategy(const struct rawio_disk *dk, struct rawio *rio);

/* Let go of the pages. */
void eph_rawio_end(struct rawio *rio);

#endif /* !EPHMAP_KERNEL_RAWIO_H */

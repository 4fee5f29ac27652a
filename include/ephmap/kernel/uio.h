/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_UIO_H
#define EPHMAP_KERNEL_UIO_H

/*
 * A request to move bytes between one or more buffers and the kernel: the
 * part of uio(9) that the consumers need.  Buffers are the caller's, in
 * host memory.
 */

#include "ephmap/sdk/machine.h"

#define EPH_IOV_MAX 1024u

struct eph_iovec {
	void *iov_base;
	size_t iov_len;
};

/* Directions, seen from the owner of the buffers. */
enum eph_uio_rw { EPH_UIO_READ, EPH_UIO_WRITE };

struct eph_uio {
	struct eph_iovec *uio_iov; /* where to go on */
	unsigned uio_iovcnt;	   /* entries left */
	size_t uio_resid;	   /* bytes left */
	enum eph_uio_rw uio_rw;
	struct eph_machine *uio_mc; /* whom the memory below belongs to */
	unsigned uio_niov;	    /* entries in uio_copy */
	struct eph_iovec *uio_copy; /* the uio's own entries */
};

/*
 * A uio over a copy of `iov`; the buffers stay the caller's.  Returns 0 and
 * sets *uiop, for uio_free(), or leaves it alone and returns
 *	EINVAL	more than EPH_IOV_MAX entries, or more bytes than an int holds
 *	ENOMEM	the host is out of memory
 */
int eph_iov_to_uio(struct eph_machine *mc, const struct eph_iovec *iov,
    unsigned iovcnt, enum eph_uio_rw rw, struct eph_uio **uiop);

/* Give back a uio of iov_to_uio().  NULL is accepted. */
void eph_uio_free(struct eph_uio *uio);

/*
 * Move up to `n` bytes between `cp` and where the uio stands, and step on.
 * Returns how many were moved: less than `n` only at the end of the uio.
 */
size_t eph_uiomove(void *cp, size_t n, struct eph_uio *uio);

#endif /* !EPHMAP_KERNEL_UIO_H */

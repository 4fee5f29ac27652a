/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_SOCOW_H
#define EPHMAP_KERNEL_SOCOW_H

/*
 * Zero-copy socket writes (FreeBSD uipc_cow.c): a whole page of the user's
 * buffer goes out by reference, wired and mapped until it is acknowledged,
 * and copy-on-write meanwhile.  What is not a whole page, or cannot be
 * mapped, is copied into mbufs.
 */

#include "ephmap/kernel/sendfile.h"
#include "ephmap/kernel/uspace.h"

/*
 * Write [uva, uva + n) of `us` to the socket, sleeping for room.  Sets
 * *sentp to the bytes that went to the protocol, *copiedp to how many of
 * them were copied.  Returns 0, EINTR, EFAULT, ENOMEM or ENOBUFS.
 */
int eph_sosend_copyin(struct sendfile_env *env, struct sendfile_socket *so,
    struct uspace *us, eph_uva_t uva, size_t n, size_t *sentp, size_t *copiedp);

#endif /* !EPHMAP_KERNEL_SOCOW_H */

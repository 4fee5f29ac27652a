/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MALLOC_H
#define EPHMAP_KERNEL_MALLOC_H

/*
 * Flags of calls that may allocate or sleep.  The values are FreeBSD's and
 * DragonFly's, so that M_WAITOK and PCATCH of their <sys/malloc.h> and
 * <sys/param.h> mean the same here.  Where a host has other values for
 * these words (OpenBSD), pass the names below.
 */

enum {
	EPH_M_NOWAIT = 0x001, /* fail instead of sleeping */
	EPH_M_WAITOK = 0x002, /* sleep until there is one, or a limit */
	EPH_M_ZERO = 0x100,   /* zeroed */
	EPH_M_NULLOK = 0x400, /* with M_WAITOK: fail all the same at a limit */

	EPH_PCATCH = 0x100, /* of sleeps: a signal ends it with EINTR */
};

#endif /* !EPHMAP_KERNEL_MALLOC_H */

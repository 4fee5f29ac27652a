/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_PIPE_H
#define EPHMAP_KERNEL_PIPE_H

/*
 * Pipes, as FreeBSD's and DragonFly's sys_pipe.c: small writes are copied
 * through a ring buffer, large ones are direct: the reader copies from the
 * writer's pages, while the writer sleeps.  The modes differ in who maps
 * these pages, and how (kern.pipe.dwrite_sfbuf).
 *
 * One thread reads and one writes.  A signal to a writer in a direct write
 * copies what the reader has not taken into the ring, and counts it as
 * written.
 */

#include "ephmap/kernel/xio.h"

enum pipe_mode {
	PIPE_COPY,   /* no direct writes */
	PIPE_KMEM,   /* 0: the writer maps, every CPU is told */
	PIPE_SFBUF1, /* 1: the reader maps a page at a time, privately */
	PIPE_SFBUF2, /* 2: the reader maps all of it with pmap_qenter2 */
	PIPE_SFBUF3, /* 3: the same, invalidating whatever was cached */
};

#define PIPE_SIZE      16384u
#define BIG_PIPE_SIZE  65536u
#define PIPE_MINDIRECT 8192u
#define PIPE_KVA_PAGES 32u

struct eph_pipe;

/*
 * A pipe with a ring of `size` bytes; writes of `mindirect` and more are
 * direct, at most `size` of them at a time.  Returns 0 and sets *ppp, or
 * ENOMEM.
 */
int eph_pipe_create(struct eph_mapper *mp, enum pipe_mode mode, size_t size,
    size_t mindirect, struct eph_pipe **ppp);

/* Both ends are closed, and no thread is in a call.  NULL is accepted. */
void eph_pipe_destroy(struct eph_pipe *pp);

/*
 * Write from user memory.  Sets *donep to the bytes that count as written,
 * and returns 0, EINTR, EPIPE (no reader), EFAULT, ENOMEM.
 */
int eph_pipe_write(struct eph_pipe *pp, struct uspace *us, eph_uva_t from,
    size_t n, size_t *donep);

/*
 * Read what there is, up to `n` bytes; sleep only while there is nothing.
 * Sets *donep, 0 at the end.  Returns 0, EINTR or EFAULT.
 */
int eph_pipe_read(struct eph_pipe *pp, struct uspace *us, eph_uva_t to,
    size_t n, size_t *donep);

void eph_pipe_close_write(struct eph_pipe *pp);
void eph_pipe_close_read(struct eph_pipe *pp);

#endif /* !EPHMAP_KERNEL_PIPE_H */

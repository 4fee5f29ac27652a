/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_MSGPORT_H
#define EPHMAP_KERNEL_MSGPORT_H

/*
 * Messages that carry pages, not bytes.
 *
 * The sender's buffer becomes a page list and is copy-on-write until the
 * message is replied to; the receiver looks at as much of it as it wants,
 * on its own CPU, or passes it on.  With `copy`, the old way: the bytes go
 * into the kernel and out of it again.
 *
 * A message is the sender's, and lives until its reply.
 */

#include "ephmap/kernel/xio.h"

struct msgport;

struct pagemsg {
	struct pagemsg *pm_next;
	struct xio pm_xio;
	char *pm_copy; /* the bytes themselves; NULL: by reference */
	size_t pm_bytes;
	uint64_t pm_tag; /* the sender's */
	bool pm_done;
};

/* Returns 0 and sets *portp, or ENOMEM. */
int eph_msgport_create(struct eph_mapper *mp, struct msgport **portp);
void eph_msgport_destroy(struct msgport *port); /* NULL is accepted */

/*
 * Send [uva, uva + n), at most 32 pages of it (msg->pm_bytes), with a word
 * of one's own.  Returns 0, EFAULT or ENOMEM with nothing sent.
 */
int eph_msg_send(struct msgport *port, struct pagemsg *msg, struct uspace *us,
    eph_uva_t uva, size_t n, bool copy, uint64_t tag);

/* Wait for the reply, and let go of the pages. */
void eph_msg_wait(struct msgport *port, struct pagemsg *msg);

/* No more will be sent. */
void eph_msgport_close(struct msgport *port);

/* The next message; sleeps.  NULL when the port is closed and empty. */
struct pagemsg *eph_msg_receive(struct msgport *port);

/* Bytes [off, off + n) of a received message.  0, or as xio_copy_xtok(). */
int eph_msg_read(struct msgport *port, const struct pagemsg *msg, size_t off,
    void *to, size_t n);

void eph_msg_reply(struct msgport *port, struct pagemsg *msg);

#endif /* !EPHMAP_KERNEL_MSGPORT_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/msgport.h"

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"

struct msgport {
	struct eph_mapper *mp;
	struct eph_machine *mc;
	struct eph_mutex mtx;
	struct pagemsg *first; /* (l) oldest */
	struct pagemsg **last; /* (l) */
	bool closed;	       /* (l) */
};

int
msgport_create(struct eph_mapper *mp, struct msgport **portp)
{
	struct msgport *port;

	if (eph_machine_fails(mp->mc, EPH_FAULT_ALLOC) ||
	    (port = eph_machine_alloc(mp->mc, sizeof(*port))) == NULL)
		return (ENOMEM);
	port->mp = mp;
	port->mc = mp->mc;
	port->last = &port->first;
	mutex_init(&port->mtx, "msgport");
	*portp = port;
	return (0);
}

void
msgport_destroy(struct msgport *port)
{
	if (port != NULL)
		eph_machine_free(port->mc, port, sizeof(*port));
}

/* The bytes into the kernel; the pages are not needed any more. */
static int
msg_copyin(
    struct msgport *port, struct pagemsg *msg, struct uspace *us, eph_uva_t uva)
{
	int error;

	if (eph_machine_fails(port->mc, EPH_FAULT_ALLOC) ||
	    (msg->pm_copy = eph_machine_alloc(port->mc, msg->pm_bytes)) == NULL)
		return (ENOMEM);
	if ((error = copyin(us, uva, msg->pm_copy, msg->pm_bytes)) == 0)
		return (0);
	eph_machine_free(port->mc, msg->pm_copy, msg->pm_bytes);
	msg->pm_copy = NULL;
	return (error);
}

int
msg_send(struct msgport *port, struct pagemsg *msg, struct uspace *us,
    eph_uva_t uva, size_t n, bool copy, uint64_t tag)
{
	int error;

	memset(msg, 0, sizeof(*msg));
	msg->pm_tag = tag;
	error = xio_init_ubuf(&msg->pm_xio, us, uva, n, XIOF_READ);
	if (error != 0)
		return (error);
	msg->pm_bytes = msg->pm_xio.xio_bytes;
	if (copy && msg->pm_bytes > 0) {
		error = msg_copyin(port, msg, us, uva);
		if (error != 0) {
			xio_release(&msg->pm_xio);
			return (error);
		}
	} else {
		uspace_cow(us, uva, msg->pm_bytes);
	}
	mutex_enter(port->mc, &port->mtx);
	*port->last = msg;
	port->last = &msg->pm_next;
	wakeup(port->mc, port);
	mutex_exit(port->mc, &port->mtx);
	return (0);
}

void
msg_wait(struct msgport *port, struct pagemsg *msg)
{
	mutex_enter(port->mc, &port->mtx);
	while (!msg->pm_done)
		(void)msleep(port->mc, msg, &port->mtx, 0, "msgwait", 0);
	msleep_done(port->mc);
	mutex_exit(port->mc, &port->mtx);
	if (msg->pm_copy != NULL)
		eph_machine_free(port->mc, msg->pm_copy, msg->pm_bytes);
	xio_release(&msg->pm_xio);
}

void
msgport_close(struct msgport *port)
{
	mutex_enter(port->mc, &port->mtx);
	port->closed = true;
	wakeup(port->mc, port);
	mutex_exit(port->mc, &port->mtx);
}

struct pagemsg *
msg_receive(struct msgport *port)
{
	struct pagemsg *msg;

	mutex_enter(port->mc, &port->mtx);
	while ((msg = port->first) == NULL && !port->closed)
		(void)msleep(port->mc, port, &port->mtx, 0, "msgport", 0);
	msleep_done(port->mc);
	if (msg != NULL && (port->first = msg->pm_next) == NULL)
		port->last = &port->first;
	mutex_exit(port->mc, &port->mtx);
	return (msg);
}

int
msg_read(struct msgport *port, const struct pagemsg *msg, size_t off, void *to,
    size_t n)
{
	if (msg->pm_copy == NULL)
		return (xio_copy_xtok(&msg->pm_xio, port->mp, off, to, n));
	if (off > msg->pm_bytes || n > msg->pm_bytes - off)
		return (EFAULT);
	memcpy(to, msg->pm_copy + off, n);
	return (0);
}

void
msg_reply(struct msgport *port, struct pagemsg *msg)
{
	mutex_enter(port->mc, &port->mtx);
	msg->pm_done = true;
	wakeup(port->mc, msg);
	mutex_exit(port->mc, &port->mtx);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * msg: processes send buffers to a server on another CPU, by reference or
 * by copy.  The server looks at all of each, at its first page, or at
 * nothing; the sender makes its next bytes without waiting.
 */

#include <errno.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/msgport.h"
#include "workload/work.h"

enum { P_BY, P_LOOK, P_MSGS, P_SENDERS, P_BS, P_SERVER };

static const char *const bys[] = { "refs", "copy", NULL };
static const char *const looks[] = { "all", "first", "none", NULL };

static const struct eph_work_param msg_params[] = {
	{ "by", "refs", "pages go by reference, or bytes are copied", 0, 0,
	    bys },
	{ "look", "all", "what the server reads of each message", 0, 0, looks },
	{ "msgs", "100", "messages of each sender", 1, 1u << 20, NULL },
	{ "senders", "3", "processes that send, on CPUs in turn", 1, 512,
	    NULL },
	{ "bs", "32768", "bytes a message", 1, 1u << 17, NULL },
	{ "server", "0", "CPU of the server", 0, EPH_CPUS_MAX - 1, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct msg_work {
	struct msgport *port;
	struct uspace **us;
	_Atomic(uint32_t) senders; /* that have not ended */
	_Atomic(uint64_t) moved;   /* bytes copied on the way */
};

#define MSG_SHIFT 40 /* pm_tag: the sender, and where its stream stands */

static uint32_t
msg_pages(const struct eph_work *w, unsigned *needs)
{
	*needs = EPH_WORK_FULL;
	/* A buffer, and its copy while the message is under way. */
	return ((uint32_t)w->value[P_SENDERS] * 2 * work_pages(w->value[P_BS]));
}

static int
msg_fill(struct eph_work *w, unsigned id, uint64_t pos)
{
	struct msg_work *mw = w->state;
	const size_t n = w->value[P_BS];

	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;
		char buf[EPH_PAGE_SIZE];
		int error;

		eph_stream_bytes(w->seed + id, pos + k, buf, here);
		error = copyout(mw->us[id], buf, EPH_UVA_BASE + k, here);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Send, make the next bytes in the same buffer, and wait for the reply. */
static void
msg_sender(struct eph_work *w, unsigned id)
{
	struct msg_work *mw = w->state;
	const size_t bs = w->value[P_BS];
	bool filled = false;

	for (uint64_t i = 0; i < w->value[P_MSGS]; i++) {
		struct pagemsg msg;
		int error = filled ? 0 : msg_fill(w, id, i * bs);

		if (error == 0)
			error = msg_send(mw->port, &msg, mw->us[id],
			    EPH_UVA_BASE, bs, w->value[P_BY] == 1,
			    (uint64_t)id << MSG_SHIFT | i * bs);
		filled = false;
		if (error == 0) {
			filled = msg_fill(w, id, (i + 1) * bs) == 0;
			msg_wait(mw->port, &msg);
		}
		eph_work_operation(w, error);
	}
	/* Relaxed: the port's lock orders the rest. */
	if (atomic_fetch_sub_explicit(&mw->senders, 1, memory_order_relaxed) ==
	    1)
		msgport_close(mw->port);
}

/* A piece, looked at; the pieces of a message must be its stream. */
static int
msg_piece(struct eph_work *w, const struct pagemsg *msg, size_t off, size_t n,
    struct eph_digest *arrived)
{
	struct msg_work *mw = w->state;
	char buf[EPH_PAGE_SIZE];
	const int error = msg_read(mw->port, msg, off, buf, n);

	if (error != 0)
		return (error);
	eph_digest_add(arrived, w->mc, buf, 0, n);
	(void)atomic_fetch_add_explicit(
	    &mw->moved, msg->pm_copy != NULL ? 2 * n : n, memory_order_relaxed);
	return (0);
}

/* Look, and compare with what sender `id` has at `pos` of its stream. */
static void
msg_serve(
    struct eph_work *w, const struct pagemsg *msg, unsigned id, uint64_t pos)
{
	static const size_t most[] = { SIZE_MAX, EPH_PAGE_SIZE, 0 };
	struct eph_digest sent = { 0 }, arrived = { 0 };
	size_t n = most[w->value[P_LOOK]];
	int error = 0;

	if (n > msg->pm_bytes)
		n = msg->pm_bytes;
	for (size_t k = 0; error == 0 && k < n; k += EPH_PAGE_SIZE)
		error = msg_piece(w, msg, k,
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE, &arrived);
	if (error != 0) {
		eph_work_operation(w, error);
		return;
	}
	eph_digest_stream(&sent, w->mc, w->seed + id, pos, 0, n);
	eph_work_compare(w, &sent, &arrived);
}

static void
msg_server(struct eph_work *w, unsigned n)
{
	struct msg_work *mw = w->state;
	struct pagemsg *msg;

	(void)n;
	while ((msg = msg_receive(mw->port)) != NULL) {
		msg_serve(w, msg, (unsigned)(msg->pm_tag >> MSG_SHIFT),
		    msg->pm_tag & (((uint64_t)1 << MSG_SHIFT) - 1));
		msg_reply(mw->port, msg);
	}
}

static void
msg_finish(struct eph_work *w)
{
	struct msg_work *mw = w->state;
	const uint64_t n = w->value[P_SENDERS];
	uint64_t copies = 0;

	if (mw == NULL)
		return;
	for (uint64_t i = 0; mw->us != NULL && i < n; i++) {
		if (mw->us[i] != NULL)
			copies += uspace_cow_copies(mw->us[i]);
		uspace_destroy(mw->us[i]);
	}
	eph_work_fact(w, "bytes_copied", mw->moved);
	eph_work_fact(w, "cow_copies", copies);
	eph_machine_free(w->mc, mw->us, n * sizeof(*mw->us));
	msgport_destroy(mw->port);
	eph_machine_free(w->mc, mw, sizeof(*mw));
}

static int
msg_start(struct eph_work *w)
{
	struct msg_work *mw = w->state = eph_work_alloc(w, sizeof(*mw));
	const uint64_t n = w->value[P_SENDERS];
	const size_t room = eph_ptoa(work_pages(w->value[P_BS]));
	int error;

	if (mw == NULL)
		return (ENOMEM);
	mw->senders = (uint32_t)n;
	if ((error = msgport_create(&w->map, &mw->port)) != 0)
		return (error);
	if ((mw->us = eph_work_alloc(w, n * sizeof(*mw->us))) == NULL)
		return (ENOMEM);
	for (uint64_t i = 0; i < n; i++) {
		if ((error = uspace_create(w->pool, work_pages(w->value[P_BS]),
			 &mw->us[i])) != 0 ||
		    (error = uspace_map(mw->us[i], EPH_UVA_BASE, room,
			 UPROT_READ | UPROT_WRITE)) != 0)
			return (error);
	}
	error = eph_work_thread(w, (unsigned)w->value[P_SERVER], msg_server, 0);
	for (unsigned i = 0; error == 0 && i < n; i++)
		error = eph_work_thread(w, 1 + i, msg_sender, i);
	return (error);
}

const struct eph_workload_ops eph__work_msg = {
	.abi = EPHMAP_ABI,
	.name = "msg",
	.summary = "messages that carry pages; an operation is a message",
	.origin = "DragonFly's plan for XIO, 2004: messages pass page lists "
		  "between threads",
	.params = msg_params,
	.cpus = 2,
	.pages = msg_pages,
	.start = msg_start,
	.finish = msg_finish,
};

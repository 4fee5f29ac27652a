/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * zerocopy: processes write a buffer to a socket and at once make the next
 * one in the same place, whatever is still under way.
 */

#include <errno.h>

#include "ephmap/kernel/socow.h"
#include "workload/work.h"
#include "workload/work_net.h"

enum { P_CONNS, P_WRITES, P_BS, P_SNDBUF, P_CSUM };

static const char *const csums[] = { "cpu", "dma", NULL };

static const struct eph_work_param zerocopy_params[] = {
	{ "conns", "4", "processes with a connection, on all CPUs but the last",
	    1, 4096, NULL },
	{ "writes", "50", "of each", 1, 1u << 20, NULL },
	{ "bs", "16384", "bytes a write", 1, 1u << 20, NULL },
	{ "sndbuf", "32768", "bytes of a socket's send buffer", 4096, 1u << 24,
	    NULL },
	{ "csum", "cpu", "a CPU reads the data, or the device alone", 0, 0,
	    csums },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct zerocopy_work {
	struct sendfile_env env;
	struct mbuf_pool *mbufs;
	struct work_net *net;
	struct uspace **us;
	_Atomic(uint64_t) copied;
};

static uint32_t
zerocopy_pages(const struct eph_work *w, unsigned *needs)
{
	const uint64_t *v = w->value;

	*needs = EPH_WORK_FULL | EPH_WORK_REMOTE | EPH_WORK_MANY;
	/* Each page, and as many copies as the socket buffers keep busy. */
	return ((uint32_t)v[P_CONNS] *
	    (2 * work_pages(v[P_BS]) + 2 * work_pages(v[P_SNDBUF]) + 4));
}

/* The process makes its bytes, by stores that may fault. */
static int
process_writes(
    struct eph_work *w, struct uspace *us, unsigned id, uint64_t pos, size_t n)
{
	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;
		char buf[EPH_PAGE_SIZE];
		int error;

		eph_stream_bytes(w->seed + id, pos + k, buf, here);
		error = copyout(us, buf, EPH_UVA_BASE + k, here);
		if (error != 0)
			return (error);
	}
	return (0);
}

static void
zerocopy_process(struct eph_work *w, unsigned id)
{
	struct zerocopy_work *zw = w->state;
	struct net_conn *conn = &zw->net->conn[id];
	const size_t bs = w->value[P_BS];
	uint64_t pos = 0;

	for (uint64_t i = 0; i < w->value[P_WRITES]; i++) {
		size_t sent, copied;
		int error = process_writes(w, zw->us[id], id, pos, bs);

		if (error == 0) {
			error = sosend_copyin(&zw->env, &conn->so, zw->us[id],
			    EPH_UVA_BASE, bs, &sent, &copied);
			eph_digest_stream(
			    &conn->sent, w->mc, w->seed + id, pos, 0, sent);
			pos += sent;
			/* Relaxed: a statistic. */
			(void)atomic_fetch_add_explicit(
			    &zw->copied, copied, memory_order_relaxed);
		}
		eph_work_operation(w, error);
	}
	eph__work_net_leave(zw->net);
}

static void
zerocopy_net(struct eph_work *w, unsigned n)
{
	(void)n;
	eph__work_net_run(((struct zerocopy_work *)w->state)->net);
}

static void
zerocopy_finish(struct eph_work *w)
{
	struct zerocopy_work *zw = w->state;
	const uint64_t n = w->value[P_CONNS];
	uint64_t copies = 0;

	if (zw == NULL)
		return;
	eph__work_net_destroy(zw->net);
	w->res->mbufs_left = mbuf_pool_destroy(zw->mbufs);
	for (uint64_t i = 0; zw->us != NULL && i < n; i++) {
		if (zw->us[i] != NULL)
			copies += uspace_cow_copies(zw->us[i]);
		uspace_destroy(zw->us[i]);
	}
	eph_work_fact(w, "cow_copies", copies);
	eph_work_fact(w, "bytes_copied", zw->copied);
	eph_machine_free(w->mc, zw->us, n * sizeof(*zw->us));
	eph_machine_free(w->mc, zw, sizeof(*zw));
}

static int
zerocopy_make(struct eph_work *w, struct zerocopy_work *zw)
{
	const struct mbuf_config cfg = { .allocator = NULL };
	const struct work_net_config net = { .nconns =
						 (unsigned)w->value[P_CONNS],
		.sndbuf = (int)w->value[P_SNDBUF],
		.dma = w->value[P_CSUM] == 1 };
	const uint64_t n = w->value[P_CONNS];
	const uint32_t pages = work_pages(w->value[P_BS]);
	int error;

	if ((error = mbuf_pool_create(w->mc, &cfg, &zw->mbufs, w->err)) != 0)
		return (error);
	mbuf_pool_set_design(zw->mbufs, &w->map.shim, &w->map);
	zw->env.mp = &w->map;
	zw->env.mbufs = zw->mbufs;
	zw->env.form = SENDFILE_FREEBSD;
	if ((zw->us = eph_work_alloc(w, n * sizeof(*zw->us))) == NULL)
		return (ENOMEM);
	for (uint64_t i = 0; i < n; i++) {
		if ((error = uspace_create(w->pool, pages, &zw->us[i])) != 0 ||
		    (error = uspace_map(zw->us[i], EPH_UVA_BASE,
			 eph_ptoa(pages), UPROT_READ | UPROT_WRITE)) != 0)
			return (error);
	}
	return (eph__work_net_create(w, zw->mbufs, &net, &zw->net));
}

static int
zerocopy_start(struct eph_work *w)
{
	struct zerocopy_work *zw = w->state = eph_work_alloc(w, sizeof(*zw));
	const unsigned last = w->mc->ncpus - 1;
	int error;

	if (zw == NULL)
		return (ENOMEM);
	error = zerocopy_make(w, zw);
	for (unsigned i = 0; error == 0 && i < w->value[P_CONNS]; i++)
		error = eph_work_thread(
		    w, last > 0 ? i % last : 0, zerocopy_process, i);
	return (error != 0 ? error : eph_work_thread(w, last, zerocopy_net, 0));
}

const struct eph_workload_ops eph__work_zerocopy = {
	.abi = EPHMAP_ABI,
	.name = "zerocopy",
	.summary = "socket writes by reference, copy-on-write; an operation is "
		   "a write",
	.origin = "FreeBSD uipc_cow.c, ZERO_COPY_SOCKETS",
	.params = zerocopy_params,
	.cpus = 4,
	.pages = zerocopy_pages,
	.start = zerocopy_start,
	.finish = zerocopy_finish,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * md: `dd' to and from a memory disk: readers on several CPUs, one worker
 * that maps.  The disk is written once, then read again and again; every
 * block is checked.
 */

#include <errno.h>

#include "base/prng.h"
#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/md.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/sleepq.h"
#include "workload/work.h"

enum { P_SIZE, P_BS, P_PASSES, P_READERS, P_ORDER, P_WORKER };

static const char *const orders[] = { "scan", "random", NULL };

static const struct eph_work_param md_params[] = {
	{ "size", "4M", "bytes of the disk", 4096, 1u << 30, NULL },
	{ "bs", "65536", "bytes a request", 512, 1u << 20, NULL },
	{ "passes", "2", "times that each reader reads as much as the disk", 0,
	    1000, NULL },
	{ "readers", "1", "processes that read, on CPUs 1 and up", 1, 512,
	    NULL },
	{ "order", "scan", "of the blocks read", 0, 0, orders },
	{ "worker", "0", "CPU of the disk's worker", 0, EPH_CPUS_MAX - 1,
	    NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct md_work {
	struct md_disk *md;
	struct work_server *server;
	struct eph_mutex mtx;
	bool done;    /* (mtx) nothing more is written */
	bool written; /* (mtx) the whole disk was */
};

struct md_request {
	struct md_disk *md;
	bool write;
	uint64_t off;
	void *buf;
	size_t n;
};

static uint32_t
md_pages(const struct eph_work *w, unsigned *needs)
{
	const uint64_t *v = w->value;

	*needs = EPH_WORK_STORES;
	if (v[P_BS] % EPH_PAGE_SIZE != 0 || v[P_SIZE] % v[P_BS] != 0)
		*needs |= EPH_WORK_FULL;
	return (work_pages(v[P_SIZE]));
}

static int
md_serve(void *arg)
{
	const struct md_request *rq = arg;

	return (md_strategy(rq->md, rq->write, rq->off, rq->buf, rq->n));
}

static void
md_worker(struct eph_work *w, unsigned n)
{
	const struct md_work *mw = w->state;

	(void)n;
	eph__work_server_run(mw->server);
}

/* A block's bytes, page by page so that a stamp stands where it should. */
static void
block_fill(struct eph_work *w, char *buf, uint64_t off, size_t n)
{
	const bool full = w->mc->contents_kind == EPH_CONTENTS_FULL;

	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;

		eph_stream_bytes(w->seed, off + k, buf + k, full ? here : 8);
	}
}

static void
block_check(struct eph_work *w, const char *buf, uint64_t off, size_t n)
{
	struct eph_digest sent = { 0 }, arrived = { 0 };

	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;

		eph_digest_stream(&sent, w->mc, w->seed, off + k, 0, here);
		eph_digest_add(&arrived, w->mc, buf + k, 0, here);
	}
	eph_work_compare(w, &sent, &arrived);
}

/* dd if=/dev/zero of=/dev/md0, with something better than zeros. */
static bool
md_write_all(struct eph_work *w, struct md_work *mw, char *buf)
{
	const uint64_t bs = w->value[P_BS];

	for (uint64_t off = 0; off + bs <= w->value[P_SIZE]; off += bs) {
		struct md_request rq = { mw->md, true, off, buf, bs };
		int error;

		block_fill(w, buf, off, bs);
		/* Once more: a fault on purpose comes once. */
		if ((error = eph__work_server_call(
			 mw->server, md_serve, &rq)) != 0)
			eph_work_operation(w, error);
		if (error != 0 &&
		    eph__work_server_call(mw->server, md_serve, &rq) != 0)
			return (false);
	}
	return (true);
}

static void
md_read_pass(
    struct eph_work *w, struct md_work *mw, struct prng *rng, char *buf)
{
	const uint64_t bs = w->value[P_BS];
	const uint64_t blocks = w->value[P_SIZE] / bs;

	for (uint64_t i = 0; i < blocks; i++) {
		const uint64_t block = w->value[P_ORDER] == 0
		    ? i
		    : prng_below(rng, (uint32_t)blocks);
		struct md_request rq = { mw->md, false, block * bs, buf, bs };
		const int error =
		    eph__work_server_call(mw->server, md_serve, &rq);

		eph_work_operation(w, error);
		if (error == 0)
			block_check(w, buf, block * bs, bs);
	}
}

static void
md_set_written(struct eph_work *w, struct md_work *mw, bool written)
{
	mutex_enter(w->mc, &mw->mtx);
	mw->done = true;
	mw->written = written;
	wakeup(w->mc, mw);
	mutex_exit(w->mc, &mw->mtx);
}

static bool
md_wait_written(struct eph_work *w, struct md_work *mw)
{
	bool written;

	mutex_enter(w->mc, &mw->mtx);
	while (!mw->done)
		(void)msleep(w->mc, mw, &mw->mtx, 0, "mdwrite", 0);
	msleep_done(w->mc);
	written = mw->written;
	mutex_exit(w->mc, &mw->mtx);
	return (written);
}

/* Reader 0 writes the disk, then all read it. */
static void
md_reader(struct eph_work *w, unsigned id)
{
	struct md_work *mw = w->state;
	const size_t bs = w->value[P_BS];
	char *buf = eph_work_alloc(w, bs);
	struct prng rng;

	eph__prng_init(&rng, w->seed, id);
	if (buf == NULL)
		eph_work_operation(w, ENOMEM);
	if (id == 0)
		md_set_written(w, mw, buf != NULL && md_write_all(w, mw, buf));
	if (md_wait_written(w, mw) && buf != NULL) {
		for (uint64_t p = 0; p < w->value[P_PASSES]; p++)
			md_read_pass(w, mw, &rng, buf);
	}
	if (buf != NULL)
		eph_machine_free(w->mc, buf, bs);
	eph__work_server_leave(mw->server);
}

static void
md_finish(struct eph_work *w)
{
	struct md_work *mw = w->state;

	if (mw == NULL)
		return;
	md_destroy(mw->md);
	eph__work_server_destroy(mw->server);
	eph_machine_free(w->mc, mw, sizeof(*mw));
}

static int
md_start(struct eph_work *w)
{
	struct md_work *mw = w->state = eph_work_alloc(w, sizeof(*mw));
	int error;

	if (mw == NULL)
		return (ENOMEM);
	mutex_init(&mw->mtx, "mdwrite");
	if ((error = md_create(&w->map, w->pool, work_pages(w->value[P_SIZE]),
		 &mw->md)) != 0 ||
	    (error = eph__work_server_create(
		 w, (unsigned)w->value[P_READERS], &mw->server)) != 0)
		return (error);
	if ((error = eph_work_thread(
		 w, (unsigned)w->value[P_WORKER], md_worker, 0)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < w->value[P_READERS]; i++)
		error = eph_work_thread(w, 1 + i, md_reader, i);
	return (error);
}

const struct eph_workload_ops eph__work_md = {
	.abi = EPHMAP_ABI,
	.name = "md",
	.summary = "dd from a memory disk; an operation is a request",
	.origin =
	    "FreeBSD md.c, mdstart_swap; USENIX ATC 2005: 64 KB blocks of "
	    "a 128 MB and a 512 MB disk",
	.params = md_params,
	.cpus = 2,
	.pages = md_pages,
	.start = md_start,
	.finish = md_finish,
	.tap = &eph_work_private_tap,
};

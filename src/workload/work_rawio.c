/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rawio: processes write blocks to a raw device and read them back.  With
 * `overwrite' a process does not wait: it makes its next block in the same
 * buffer while the one before is still under way.
 */

#include <errno.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/rawio.h"
#include "ephmap/kernel/sleepq.h"
#include "workload/work.h"

enum { P_DEVICE, P_BS, P_BLOCKS, P_PROCS, P_OVERWRITE, P_CPU };

static const char *const devices[] = { "dma", "pio", "vfs", NULL };
static const char *const yes[] = { "no", "yes", NULL };

static const struct eph_work_param rawio_params[] = {
	{ "device", "dma",
	    "takes frames; wants addresses; a file system's thread", 0, 0,
	    devices },
	{ "bs", "65536", "bytes a transfer", 512, 1u << 17, NULL },
	{ "blocks", "64", "of each process, written and read", 1, 65536, NULL },
	{ "procs", "2", "processes, on CPUs 1 and up", 1, 64, NULL },
	{ "overwrite", "no", "the buffer is written while it is under way", 0,
	    0, yes },
	{ "cpu", "0", "CPU of the device", 0, EPH_CPUS_MAX - 1, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct rawio_work {
	struct rawio_disk dk;
	struct vm_page **page;
	struct work_server *device;
	struct uspace **us;
	uint64_t copies; /* frames that overwriting took */
};

static uint32_t
disk_pages(const struct eph_work *w)
{
	return (work_pages(
	    w->value[P_BS] * w->value[P_BLOCKS] * w->value[P_PROCS]));
}

static uint32_t
rawio_pages(const struct eph_work *w, unsigned *needs)
{
	const uint32_t buffers =
	    (uint32_t)w->value[P_PROCS] * work_pages(w->value[P_BS]);

	*needs = w->value[P_DEVICE] == RAWIO_DMA ? 0 : EPH_WORK_STORES;
	if (w->value[P_BS] % EPH_PAGE_SIZE != 0)
		*needs |= EPH_WORK_FULL;
	return (disk_pages(w) + 2 * buffers);
}

static void
rawio_device(struct eph_work *w, unsigned n)
{
	(void)n;
	eph__work_server_run(((struct rawio_work *)w->state)->device);
}

struct transfer {
	struct rawio_work *rw;
	struct rawio rio;
	struct eph_work *w;
	struct uspace *us;
	uint64_t next; /* position of the block made meanwhile */
	size_t n;
	unsigned id;
	bool overwrite;
};

static void
buffer_fill(
    struct eph_work *w, struct uspace *us, unsigned id, uint64_t pos, size_t n)
{
	for (size_t k = 0; k < n; k += EPH_PAGE_SIZE) {
		const size_t here =
		    n - k < EPH_PAGE_SIZE ? n - k : EPH_PAGE_SIZE;
		char buf[EPH_PAGE_SIZE];

		eph_stream_bytes(w->seed + id, pos + k, buf, here);
		/* A process that gets a signal for it stores again. */
		for (unsigned tries = 0; tries < 4; tries++) {
			if (copyout(us, buf, EPH_UVA_BASE + k, here) == 0)
				break;
		}
	}
}

/* The device works; before it does, the process writes its buffer. */
static int
device_serve(void *arg)
{
	struct transfer *t = arg;

	if (t->overwrite)
		buffer_fill(t->w, t->us, t->id, t->next, t->n);
	return (rawio_strategy(&t->rw->dk, &t->rio));
}

static int
rawio_one(struct eph_work *w, unsigned id, uint64_t block, bool write)
{
	struct rawio_work *rw = w->state;
	const uint64_t bs = w->value[P_BS];
	struct transfer t = { .rw = rw,
		.w = w,
		.us = rw->us[id],
		.next = (block + 1) * bs,
		.n = bs,
		.id = id,
		.overwrite = write && w->value[P_OVERWRITE] == 1 };
	int error;

	error = rawio_begin(&t.rio, &rw->dk, rw->us[id], EPH_UVA_BASE, bs,
	    (id * w->value[P_BLOCKS] + block) * bs, write, t.overwrite);
	if (error != 0)
		return (error);
	error = eph__work_server_call(rw->device, device_serve, &t);
	rawio_end(&t.rio);
	return (error);
}

static void
rawio_check(struct eph_work *w, unsigned id, uint64_t block)
{
	struct rawio_work *rw = w->state;
	const uint64_t bs = w->value[P_BS];
	struct eph_digest sent = { 0 }, arrived = { 0 };

	for (size_t k = 0; k < bs; k += EPH_PAGE_SIZE) {
		const size_t here =
		    bs - k < EPH_PAGE_SIZE ? bs - k : EPH_PAGE_SIZE;

		eph_digest_stream(
		    &sent, w->mc, w->seed + id, block * bs + k, 0, here);
		eph_digest_page(&arrived, w->mc,
		    uspace_page(rw->us[id], EPH_UVA_BASE + k), 0, here);
	}
	eph_work_compare(w, &sent, &arrived);
}

static void
rawio_process(struct eph_work *w, unsigned id)
{
	struct rawio_work *rw = w->state;
	const bool overwrite = w->value[P_OVERWRITE] == 1;
	int error;

	for (uint64_t b = 0; b < w->value[P_BLOCKS]; b++) {
		do {
			if (b == 0 || !overwrite)
				buffer_fill(w, rw->us[id], id,
				    b * w->value[P_BS], w->value[P_BS]);
			error = rawio_one(w, id, b, true);
			eph_work_operation(w, error);
		} while (error != 0 && error != EINVAL);
	}
	for (uint64_t b = 0; b < w->value[P_BLOCKS]; b++) {
		error = rawio_one(w, id, b, false);
		eph_work_operation(w, error);
		if (error == 0)
			rawio_check(w, id, b);
	}
	eph__work_server_leave(rw->device);
}

static void
rawio_finish(struct eph_work *w)
{
	struct rawio_work *rw = w->state;
	const uint64_t n = w->value[P_PROCS];
	uint64_t copies = 0;

	if (rw == NULL)
		return;
	for (uint64_t i = 0; rw->us != NULL && i < n; i++) {
		if (rw->us[i] != NULL)
			copies += uspace_cow_copies(rw->us[i]);
		uspace_destroy(rw->us[i]);
	}
	for (uint32_t i = 0; rw->page != NULL && i < disk_pages(w); i++) {
		if (rw->page[i] != NULL)
			vm_pool_free(w->pool, rw->page[i]);
	}
	eph_work_fact(w, "cow_copies", copies);
	eph_machine_free(w->mc, rw->us, n * sizeof(*rw->us));
	eph_machine_free(w->mc, rw->page, disk_pages(w) * sizeof(*rw->page));
	eph__work_server_destroy(rw->device);
	eph_machine_free(w->mc, rw, sizeof(*rw));
}

static int
rawio_make(struct eph_work *w, struct rawio_work *rw)
{
	const uint32_t npages = disk_pages(w);
	const uint32_t bpages = work_pages(w->value[P_BS]);
	int error;

	rw->page = eph_work_alloc(w, npages * sizeof(*rw->page));
	rw->us = eph_work_alloc(w, w->value[P_PROCS] * sizeof(*rw->us));
	if (rw->page == NULL || rw->us == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < npages; i++) {
		if ((rw->page[i] = vm_pool_alloc(w->pool)) == NULL)
			return (ENOMEM);
	}
	for (uint64_t i = 0; i < w->value[P_PROCS]; i++) {
		if ((error = uspace_create(w->pool, bpages, &rw->us[i])) != 0 ||
		    (error = uspace_map(rw->us[i], EPH_UVA_BASE,
			 eph_ptoa(bpages), UPROT_READ | UPROT_WRITE)) != 0)
			return (error);
	}
	rw->dk = (struct rawio_disk){ &w->map,
		(enum rawio_device)w->value[P_DEVICE], npages, rw->page };
	return (0);
}

static int
rawio_start(struct eph_work *w)
{
	struct rawio_work *rw = w->state = eph_work_alloc(w, sizeof(*rw));
	int error;

	if (rw == NULL)
		return (ENOMEM);
	if ((error = rawio_make(w, rw)) != 0 ||
	    (error = eph__work_server_create(
		 w, (unsigned)w->value[P_PROCS], &rw->device)) != 0 ||
	    (error = eph_work_thread(
		 w, (unsigned)w->value[P_CPU], rawio_device, 0)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = eph_work_thread(w, 1 + i, rawio_process, i);
	return (error);
}

const struct eph_workload_ops eph__work_rawio = {
	.abi = EPHMAP_ABI,
	.name = "rawio",
	.summary = "a raw device on page lists; an operation is a transfer",
	.origin = "DragonFly's plan for XIO, 2004: pages to the device, and "
		  "mapped only when asked",
	.params = rawio_params,
	.cpus = 2,
	.pages = rawio_pages,
	.start = rawio_start,
	.finish = rawio_finish,
};

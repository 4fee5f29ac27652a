/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pager: processes fault in the pages of a file on a small-block file
 * system; the driver puts each block into the mapped page, on its own CPU.
 */

#include <errno.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/vnode_pager.h"
#include "workload/work.h"

enum { P_PAGES, P_PROCS, P_BSIZE, P_TAIL, P_DRIVER };

static const struct eph_work_param pager_params[] = {
	{ "pages", "128", "of the file, for each process", 1, 65536, NULL },
	{ "procs", "2", "processes that fault, on CPUs 1 and up", 1, 64, NULL },
	{ "bsize", "1024", "bytes a block", 512, 4096, NULL },
	{ "tail", "1500", "bytes in the last page of each process", 1, 4096,
	    NULL },
	{ "driver", "0", "CPU of the driver", 0, EPH_CPUS_MAX - 1, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct pager_work {
	struct work_server *driver;
};

/* What the driver is asked to do. */
struct pager_block {
	struct eph_work *w;
	unsigned id;
	const struct eph_mapped *mapped;
	uint64_t block;
	size_t off;
	size_t bsize;
};

static uint32_t
pager_pages(const struct eph_work *w, unsigned *needs)
{
	*needs =
	    EPH_WORK_FULL | EPH_WORK_REMOTE | EPH_WORK_STORES | EPH_WORK_MANY;
	return ((uint32_t)w->value[P_PROCS]);
}

static void
pager_driver(struct eph_work *w, unsigned n)
{
	(void)n;
	eph__work_server_run(((struct pager_work *)w->state)->driver);
}

static int
driver_read(void *arg)
{
	struct pager_block *pb = arg;
	char buf[EPH_PAGE_SIZE];

	eph_stream_bytes(
	    pb->w->seed + pb->id, pb->block * pb->bsize, buf, pb->bsize);
	return (
	    eph_mapper_write(&pb->w->map, pb->mapped, pb->off, buf, pb->bsize));
}

static int
pager_read(void *arg, const struct eph_mapped *mapped, uint64_t block,
    size_t off, size_t bsize)
{
	struct pager_block pb = *(struct pager_block *)arg;
	const struct pager_work *pw = pb.w->state;

	pb.mapped = mapped;
	pb.block = block;
	pb.off = off;
	pb.bsize = bsize;
	if (eph_machine_fails(pb.w->mc, EPH_FAULT_COPY))
		return (EIO);
	return (eph__work_server_call(pw->driver, driver_read, &pb));
}

/* A page as it must be: the file, then zeros. */
static void
pager_check(struct eph_work *w, unsigned id, struct vm_page *m, uint64_t pindex,
    uint64_t size)
{
	const uint64_t left = size - eph_ptoa(pindex);
	const size_t valid = left < EPH_PAGE_SIZE ? left : EPH_PAGE_SIZE;
	struct eph_digest sent = { 0 }, arrived = { 0 };
	static const char zero;

	eph_digest_stream(
	    &sent, w->mc, w->seed + id, eph_ptoa(pindex), 0, valid);
	for (size_t k = valid; k < EPH_PAGE_SIZE; k++)
		eph_digest_add(&sent, w->mc, &zero, k, 1);
	eph_digest_page(&arrived, w->mc, m, 0, EPH_PAGE_SIZE);
	eph_work_compare(w, &sent, &arrived);
}

/* One page of memory, used again for each page of the file. */
static void
pager_process(struct eph_work *w, unsigned id)
{
	const struct pager_work *pw = w->state;
	const uint64_t size =
	    eph_ptoa(w->value[P_PAGES] - 1) + w->value[P_TAIL];
	struct pager_block pb = { .w = w, .id = id };
	struct vm_page *m = vm_pool_alloc(w->pool);

	if (m == NULL)
		eph_work_operation(w, ENOMEM);
	for (uint64_t i = 0; m != NULL && i < w->value[P_PAGES]; i++) {
		int error;

		eph_page_fill(w->mc, m, i); /* what was there before */
		error = vnode_pager_input_smlfs(
		    &w->map, m, i, size, w->value[P_BSIZE], pager_read, &pb);
		if (error == 0)
			pager_check(w, id, m, i, size);
		eph_work_operation(w, error);
	}
	if (m != NULL)
		vm_pool_free(w->pool, m);
	eph__work_server_leave(pw->driver);
}

static void
pager_finish(struct eph_work *w)
{
	struct pager_work *pw = w->state;

	if (pw == NULL)
		return;
	eph__work_server_destroy(pw->driver);
	eph_machine_free(w->mc, pw, sizeof(*pw));
}

static int
pager_start(struct eph_work *w)
{
	struct pager_work *pw = w->state = eph_work_alloc(w, sizeof(*pw));
	int error;

	if (EPH_PAGE_SIZE % w->value[P_BSIZE] != 0)
		return (eph_err_set(w->err, EINVAL,
		    "pager: bsize: expected 512, 1024, 2048 or 4096"));
	if (pw == NULL)
		return (ENOMEM);
	if ((error = eph__work_server_create(
		 w, (unsigned)w->value[P_PROCS], &pw->driver)) != 0 ||
	    (error = eph_work_thread(
		 w, (unsigned)w->value[P_DRIVER], pager_driver, 0)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = eph_work_thread(w, 1 + i, pager_process, i);
	return (error);
}

const struct eph_workload_ops eph__work_pager = {
	.abi = EPHMAP_ABI,
	.name = "pager",
	.summary = "pages of a file are faulted in; an operation is a page",
	.origin = "FreeBSD vnode_pager_input_smlfs and vnode_pager_input_old",
	.params = pager_params,
	.cpus = 2,
	.pages = pager_pages,
	.start = pager_start,
	.finish = pager_finish,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cluster: `cp a b' here, of files that are on another machine.
 *
 * By data, blocks come over the wire into this machine's pages, through the
 * process's buffer by read(2) and write(2), and go back.  By references,
 * read gives the process names of pages of the other machine, write gives
 * them back, and the other machine's file system does the rest: no byte of
 * the file is moved here.
 *
 * The other machine is a machine of its own, with its own page table and
 * frames, in this one's memory.  It plays its part inside the calls that
 * reach it, one at a time.
 */

#include <errno.h>
#include <string.h>

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/mutex.h"
#include "ephmap/kernel/xio.h"
#include "workload/work.h"

enum { P_BY, P_SIZE, P_PROCS, P_BLOCK, P_LOOK };

static const char *const bys[] = { "refs", "data", NULL };
static const char *const looks[] = { "no", "yes", NULL };

static const struct eph_work_param cluster_params[] = {
	{ "by", "refs", "the machines pass page references, or data", 0, 0,
	    bys },
	{ "size", "1M", "bytes of each file", 1, 1u << 28, NULL },
	{ "procs", "2", "processes that copy, each a file of its own", 1, 64,
	    NULL },
	{ "block", "131072", "bytes a read and a write, at most 128K", 4096,
	    1u << 17, NULL },
	{ "look", "no", "each process reads its copy afterwards", 0, 0, looks },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

/* The name of a page of the other machine. */
struct page_ref {
	uint32_t frame;
	uint32_t bytes;
};

struct cluster_work {
	struct eph_machine *server;
	struct eph_mutex mtx;	 /* calls to the server, one at a time */
	struct vm_pool *pool;	 /* the server's pages */
	struct vm_page **a;	 /* files to copy from, one after another */
	struct vm_page **b;	 /* and to; NULL: not written yet */
	struct uspace **us;	 /* buffers of the processes here */
	struct vm_page **kernel; /* a block's pages in the kernel here */
	_Atomic(uint64_t) moved_here;
	_Atomic(uint64_t) moved_there;
	_Atomic(uint64_t) on_wire;
	_Atomic(uint64_t) refs;
};

static uint32_t
pages_of_file(const struct eph_work *w)
{
	return (work_pages(w->value[P_SIZE]));
}

static uint32_t
pages_of_block(const struct eph_work *w)
{
	return (work_pages(w->value[P_BLOCK]));
}

static uint32_t
cluster_pages(const struct eph_work *w, unsigned *needs)
{
	*needs = EPH_WORK_FULL;
	if (w->value[P_BY] == 1)
		*needs |= EPH_WORK_STORES;
	return ((uint32_t)w->value[P_PROCS] * 2 * pages_of_block(w));
}

/* Relaxed: statistics. */
static void
count(_Atomic(uint64_t) *counter, uint64_t n)
{
	(void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* The server's calls.  The lock is held: a machine is played by one. */

/* Write page number `i` of file b: a new page, and its bytes. */
static char *
server_page(struct cluster_work *cw, uint32_t i)
{
	if (cw->b[i] == NULL)
		cw->b[i] = vm_pool_alloc(cw->pool);
	return (
	    cw->b[i] != NULL ? vm_page_contents(cw->server, cw->b[i]) : NULL);
}

static int
server_write(struct eph_work *w, uint32_t i, const char *from, size_t n)
{
	struct cluster_work *cw = w->state;
	char *to;

	if (eph_machine_fails(w->mc, EPH_FAULT_ALLOC) ||
	    (to = server_page(cw, i)) == NULL)
		return (ENOSPC);
	memcpy(to, from, n);
	count(&cw->moved_there, n);
	return (0);
}

/* Bytes of page number `i` of a file, in a block that starts at `off`. */
static size_t
page_bytes(const struct eph_work *w, uint32_t i)
{
	const uint64_t left = w->value[P_SIZE] - eph_ptoa(i);

	return (left < EPH_PAGE_SIZE ? (size_t)left : EPH_PAGE_SIZE);
}

/* By references: names of pages come, and go back. */
static int
copy_refs(struct eph_work *w, unsigned id, uint32_t first, uint32_t npages)
{
	struct cluster_work *cw = w->state;
	const uint32_t base = id * pages_of_file(w);
	struct page_ref ref[XIO_INTERNAL_PAGES];
	int error = 0;

	mutex_enter(w->mc, &cw->mtx);
	for (uint32_t k = 0; k < npages; k++) {
		ref[k].frame = cw->a[base + first + k]->frame;
		ref[k].bytes = (uint32_t)page_bytes(w, first + k);
	}
	mutex_exit(w->mc, &cw->mtx);
	count(&cw->refs, 2 * (uint64_t)npages);
	count(&cw->on_wire, 2 * npages * sizeof(ref[0]));
	mutex_enter(w->mc, &cw->mtx);
	for (uint32_t k = 0; error == 0 && k < npages; k++)
		error = server_write(w, base + first + k,
		    vm_page_contents(
			cw->server, vm_page_get(cw->server, ref[k].frame)),
		    ref[k].bytes);
	mutex_exit(w->mc, &cw->mtx);
	return (error);
}

/* The device here puts what came over the wire into the kernel's pages. */
static void
wire_in(struct eph_work *w, struct vm_page *const *file, unsigned id,
    uint32_t first, uint32_t npages)
{
	struct cluster_work *cw = w->state;
	struct vm_page **kernel = cw->kernel + id * pages_of_block(w);

	mutex_enter(w->mc, &cw->mtx);
	for (uint32_t k = 0; k < npages; k++) {
		const size_t n = page_bytes(w, first + k);

		memcpy(vm_page_contents(w->mc, kernel[k]),
		    vm_page_contents(
			cw->server, file[id * pages_of_file(w) + first + k]),
		    n);
		count(&cw->on_wire, n);
		count(&cw->moved_here, n);
	}
	mutex_exit(w->mc, &cw->mtx);
}

static int
wire_out(struct eph_work *w, unsigned id, uint32_t first, uint32_t npages)
{
	struct cluster_work *cw = w->state;
	struct vm_page **kernel = cw->kernel + id * pages_of_block(w);
	int error = 0;

	mutex_enter(w->mc, &cw->mtx);
	for (uint32_t k = 0; error == 0 && k < npages; k++) {
		const size_t n = page_bytes(w, first + k);

		error = server_write(w, id * pages_of_file(w) + first + k,
		    vm_page_contents(w->mc, kernel[k]), n);
		count(&cw->on_wire, n);
		count(&cw->moved_here, n);
	}
	mutex_exit(w->mc, &cw->mtx);
	return (error);
}

/* Bytes of a block of `npages` that starts at page number `first`. */
static size_t
block_bytes(const struct eph_work *w, uint32_t first, uint32_t npages)
{
	const uint64_t left = w->value[P_SIZE] - eph_ptoa(first);

	return (left < eph_ptoa(npages) ? (size_t)left : eph_ptoa(npages));
}

/* By data: wire, read(2), write(2), wire. */
static int
copy_data(struct eph_work *w, unsigned id, uint32_t first, uint32_t npages)
{
	struct cluster_work *cw = w->state;
	struct vm_page **kernel = cw->kernel + id * pages_of_block(w);
	const size_t n = block_bytes(w, first, npages);
	struct xio x;
	int error;

	wire_in(w, cw->a, id, first, npages);
	error = xio_init_pages(&x, w->mc, kernel, npages, XIOF_WRITE);
	if (error != 0)
		return (error);
	error = xio_copy_xtou(&x, &w->map, 0, cw->us[id], EPH_UVA_BASE, n);
	if (error == 0)
		error =
		    xio_copy_utox(&x, &w->map, 0, cw->us[id], EPH_UVA_BASE, n);
	xio_release(&x);
	if (error != 0)
		return (error);
	count(&cw->moved_here, 2 * n);
	return (wire_out(w, id, first, npages));
}

/* Read a block of b: wire, read(2); the process sees what a is made of. */
static int
look_block(struct eph_work *w, unsigned id, uint32_t first, uint32_t npages)
{
	struct cluster_work *cw = w->state;
	struct vm_page **kernel = cw->kernel + id * pages_of_block(w);
	const size_t n = block_bytes(w, first, npages);
	struct eph_digest sent = { 0 }, arrived = { 0 };
	struct xio x;
	int error;

	wire_in(w, cw->b, id, first, npages);
	error = xio_init_pages(&x, w->mc, kernel, npages, XIOF_READ);
	if (error != 0)
		return (error);
	error = xio_copy_xtou(&x, &w->map, 0, cw->us[id], EPH_UVA_BASE, n);
	xio_release(&x);
	for (size_t off = 0; error == 0 && off < n; off += EPH_PAGE_SIZE) {
		const size_t here =
		    n - off < EPH_PAGE_SIZE ? n - off : EPH_PAGE_SIZE;
		char buf[EPH_PAGE_SIZE];

		error = copyin(cw->us[id], EPH_UVA_BASE + off, buf, here);
		eph_digest_add(&arrived, w->mc, buf, 0, here);
	}
	if (error != 0)
		return (error);
	count(&cw->moved_here, n);
	eph_digest_stream(&sent, w->mc, w->seed + id, eph_ptoa(first), 0, n);
	eph_work_compare(w, &sent, &arrived);
	return (0);
}

typedef int cluster_block(
    struct eph_work *w, unsigned id, uint32_t first, uint32_t npages);

/* Block after block of a file; false: it made no progress for too long. */
static bool
cluster_blocks(struct eph_work *w, unsigned id, cluster_block *fn)
{
	const uint32_t pages = pages_of_file(w);
	const uint32_t most = pages_of_block(w);
	unsigned failed = 0;

	for (uint32_t at = 0; at < pages && failed < 100;) {
		const uint32_t n = pages - at < most ? pages - at : most;
		const int error = fn(w, id, at, n);

		eph_work_operation(w, error);
		if (error == 0)
			at += n;
		else
			failed++;
	}
	return (failed < 100);
}

/* cp a b */
static void
cluster_cp(struct eph_work *w, unsigned id)
{
	if (cluster_blocks(
		w, id, w->value[P_BY] == 0 ? copy_refs : copy_data) &&
	    w->value[P_LOOK] == 1)
		(void)cluster_blocks(w, id, look_block);
}

/* File b on the other machine against what file a was made of. */
static void
cluster_check(struct eph_work *w, struct cluster_work *cw, unsigned id)
{
	struct eph_digest sent = { 0 }, arrived = { 0 };

	for (uint32_t k = 0; k < pages_of_file(w); k++) {
		struct vm_page *m = cw->b[id * pages_of_file(w) + k];
		const size_t n = page_bytes(w, k);

		eph_digest_stream(
		    &sent, w->mc, w->seed + id, eph_ptoa(k), 0, n);
		if (m != NULL)
			eph_digest_page(&arrived, cw->server, m, 0, n);
	}
	eph_work_compare(w, &sent, &arrived);
}

static void
server_destroy(struct eph_work *w, struct cluster_work *cw)
{
	const uint32_t n = (uint32_t)w->value[P_PROCS] * pages_of_file(w);

	for (uint32_t i = 0; cw->a != NULL && cw->b != NULL && i < n; i++) {
		if (cw->a[i] != NULL)
			vm_pool_free(cw->pool, cw->a[i]);
		if (cw->b[i] != NULL)
			vm_pool_free(cw->pool, cw->b[i]);
	}
	if (cw->pool != NULL)
		w->res->pages_left += vm_pool_used(cw->pool);
	vm_pool_destroy(cw->pool);
	/* What it does not give back is missing here. */
	(void)eph_machine_destroy(cw->server);
	eph_machine_free(w->mc, cw->a, n * sizeof(*cw->a));
	eph_machine_free(w->mc, cw->b, n * sizeof(*cw->b));
}

static void
cluster_finish(struct eph_work *w)
{
	struct cluster_work *cw = w->state;
	const uint64_t n = w->value[P_PROCS];
	const uint64_t kpages = n * pages_of_block(w);

	if (cw == NULL)
		return;
	for (unsigned i = 0; cw->us != NULL && i < n; i++) {
		if (cw->b != NULL && w->operations > 0)
			cluster_check(w, cw, i);
		uspace_destroy(cw->us[i]);
	}
	for (uint64_t i = 0; cw->kernel != NULL && i < kpages; i++) {
		if (cw->kernel[i] != NULL)
			vm_pool_free(w->pool, cw->kernel[i]);
	}
	eph_work_fact(w, "bytes_moved_here", cw->moved_here);
	eph_work_fact(w, "bytes_moved_there", cw->moved_there);
	eph_work_fact(w, "bytes_on_wire", cw->on_wire);
	eph_work_fact(w, "page_references", cw->refs);
	server_destroy(w, cw);
	eph_machine_free(w->mc, cw->us, n * sizeof(*cw->us));
	eph_machine_free(w->mc, cw->kernel, kpages * sizeof(*cw->kernel));
	eph_machine_free(w->mc, cw, sizeof(*cw));
}

static int
server_create(struct eph_work *w, struct cluster_work *cw)
{
	const struct eph_machine_config cfg = {
		.ncpus = 1,
		.contents = EPH_CONTENTS_FULL,
		.seed = w->seed + 1,
		.within = w->mc,
	};
	const uint32_t per = pages_of_file(w);
	const uint32_t n = (uint32_t)w->value[P_PROCS] * per;
	int error;

	if ((error = eph_machine_create(&cfg, &cw->server, w->err)) != 0 ||
	    (error = vm_pool_create(cw->server, 0, 2 * n, &cw->pool)) != 0)
		return (error);
	cw->a = eph_work_alloc(w, n * sizeof(*cw->a));
	cw->b = eph_work_alloc(w, n * sizeof(*cw->b));
	if (cw->a == NULL || cw->b == NULL)
		return (ENOMEM);
	for (uint32_t i = 0; i < n; i++) {
		cw->a[i] = vm_pool_alloc(cw->pool);
		eph_page_stream(cw->server, cw->a[i], 0, w->seed + i / per,
		    eph_ptoa(i % per), EPH_PAGE_SIZE);
	}
	return (0);
}

static int
client_create(struct eph_work *w, struct cluster_work *cw)
{
	const uint64_t n = w->value[P_PROCS];
	const uint64_t kpages = n * pages_of_block(w);
	int error;

	cw->us = eph_work_alloc(w, n * sizeof(*cw->us));
	cw->kernel = eph_work_alloc(w, kpages * sizeof(*cw->kernel));
	if (cw->us == NULL || cw->kernel == NULL)
		return (ENOMEM);
	for (uint64_t i = 0; i < kpages; i++) {
		if ((cw->kernel[i] = vm_pool_alloc(w->pool)) == NULL)
			return (ENOMEM);
	}
	for (uint64_t i = 0; i < n; i++) {
		if ((error = uspace_create(
			 w->pool, pages_of_block(w), &cw->us[i])) != 0 ||
		    (error = uspace_map(cw->us[i], EPH_UVA_BASE,
			 eph_ptoa(pages_of_block(w)),
			 UPROT_READ | UPROT_WRITE)) != 0)
			return (error);
	}
	return (0);
}

static int
cluster_start(struct eph_work *w)
{
	struct cluster_work *cw = w->state = eph_work_alloc(w, sizeof(*cw));
	int error;

	if (cw == NULL)
		return (ENOMEM);
	mutex_init(&cw->mtx, "rpc");
	if ((error = server_create(w, cw)) != 0 ||
	    (error = client_create(w, cw)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = eph_work_thread(w, i, cluster_cp, i);
	return (error);
}

const struct eph_workload_ops eph__work_cluster = {
	.abi = EPHMAP_ABI,
	.name = "cluster",
	.summary = "cp of another machine's files; an operation is a block",
	.origin = "Dillon, 2004: references instead of data between machines",
	.params = cluster_params,
	.cpus = 2,
	.pages = cluster_pages,
	.start = cluster_start,
	.finish = cluster_finish,
};

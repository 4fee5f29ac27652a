/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Pipes.
 *
 * A direct write is one page list that the writer makes and releases; the
 * reader takes bytes from it and steps `taken`.  The pipe's address space,
 * for the modes that have one, is allocated with the first direct write,
 * kept for the pipe's life, and emptied before it is freed: the kernels
 * freed it with entries in it (910cc6927b).
 *
 * Copies are made without the lock: `copying` keeps the writer from taking
 * the list away under the reader, and ring bytes belong to one end each.
 *
 * Key: (l) mtx.
 */

#include "ephmap/kernel/pipe.h"

#include <errno.h>
#include <string.h>

#include "base/kassert.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sleepq.h"

struct eph_pipe {
	struct eph_machine *mc;
	struct eph_mapper *mp;
	struct eph_mutex mtx;
	enum pipe_mode mode; /* (c) */
	size_t size;	     /* (c) */
	size_t mindirect;    /* (c) */
	char *ring;
	size_t in;	/* (l) where the writer goes on */
	size_t out;	/* (l) where the reader goes on */
	size_t count;	/* (l) bytes in the ring */
	struct xio xio; /* of a direct write */
	size_t taken;	/* (l) of it */
	bool direct;	/* (l) there is one to read from */
	bool copying;	/* (l) the reader is at it */
	bool no_reader; /* (l) */
	bool no_writer; /* (l) */
	eph_va_t kva;
	eph_cpuword_t *mask; /* CPUs that have it, for pmap_qenter2 */
};

int
pipe_create(struct eph_mapper *mp, enum pipe_mode mode, size_t size,
    size_t mindirect, struct eph_pipe **ppp)
{
	struct eph_machine *mc = mp->mc;
	struct eph_pipe *pp;

	if (eph_machine_fails(mc, EPH_FAULT_ALLOC) ||
	    (pp = eph_machine_alloc(mc, sizeof(*pp))) == NULL)
		return (ENOMEM);
	pp->mc = mc;
	pp->mp = mp;
	pp->mode = mode;
	pp->size = size;
	pp->mindirect = mindirect;
	mutex_init(&pp->mtx, "pipe");
	pp->ring = eph_machine_alloc(mc, size);
	pp->mask = eph_machine_alloc(mc, mc->cpuwords * sizeof(*pp->mask));
	if (pp->ring == NULL || pp->mask == NULL) {
		pipe_destroy(pp);
		return (ENOMEM);
	}
	*ppp = pp;
	return (0);
}

void
pipe_destroy(struct eph_pipe *pp)
{
	struct eph_machine *mc;

	if (pp == NULL)
		return;
	mc = pp->mc;
	KASSERT(!pp->direct, "a direct write is under way");
	if (pp->kva != 0) {
		pmap_qremove(mc, pp->kva, PIPE_KVA_PAGES);
		kva_free(mc, pp->kva, PIPE_KVA_PAGES);
	}
	eph_machine_free(mc, pp->ring, pp->size);
	eph_machine_free(mc, pp->mask, mc->cpuwords * sizeof(*pp->mask));
	eph_machine_free(mc, pp, sizeof(*pp));
}

/* The ring */

/* Bytes from `at` on that are in a row. */
static size_t
ring_run(const struct eph_pipe *pp, size_t at, size_t n)
{
	return (n < pp->size - at ? n : pp->size - at);
}

/* Wait for room; the lock is held. */
static int
ring_wait(struct eph_pipe *pp)
{
	int error = 0;

	while (error == 0 && pp->count == pp->size && !pp->no_reader)
		error = msleep(pp->mc, &pp->in, &pp->mtx, PCATCH, "pipewr", 0);
	msleep_done(pp->mc);
	return (pp->no_reader ? EPIPE : error);
}

static int
pipe_ring_write(struct eph_pipe *pp, struct uspace *us, eph_uva_t from,
    size_t n, size_t *donep)
{
	while (*donep < n) {
		size_t here;
		int error;

		mutex_enter(pp->mc, &pp->mtx);
		error = ring_wait(pp);
		here = n - *donep < pp->size - pp->count ? n - *donep
							 : pp->size - pp->count;
		mutex_exit(pp->mc, &pp->mtx);
		if (error != 0)
			return (error);
		here = ring_run(pp, pp->in, here);
		error = copyin(us, from + *donep, pp->ring + pp->in, here);
		if (error != 0)
			return (error);
		mutex_enter(pp->mc, &pp->mtx);
		pp->in = (pp->in + here) % pp->size;
		pp->count += here;
		wakeup(pp->mc, &pp->out);
		mutex_exit(pp->mc, &pp->mtx);
		*donep += here;
	}
	return (0);
}

/* Take up to `n` bytes of the ring; the lock is held, and let go. */
static int
pipe_ring_read(struct eph_pipe *pp, struct uspace *us, eph_uva_t to, size_t n,
    size_t *donep)
{
	size_t here = n < pp->count ? n : pp->count;
	int error;

	here = ring_run(pp, pp->out, here);
	mutex_exit(pp->mc, &pp->mtx);
	error = copyout(us, pp->ring + pp->out, to, here);
	mutex_enter(pp->mc, &pp->mtx);
	if (error != 0)
		return (error);
	pp->out = (pp->out + here) % pp->size;
	pp->count -= here;
	*donep += here;
	wakeup(pp->mc, &pp->in);
	return (0);
}

/* Direct writes, the writer's side */

/* The writer's own mapping of the list, where the mode has one. */
static int
pipe_map(struct eph_pipe *pp)
{
	if (pp->mode == PIPE_SFBUF1)
		return (0);
	if (pp->kva == 0 && !eph_machine_fails(pp->mc, EPH_FAULT_MAP))
		pp->kva = kva_alloc(pp->mc, PIPE_KVA_PAGES);
	if (pp->kva == 0)
		return (ENOMEM);
	if (pp->mode == PIPE_KMEM)
		pmap_qenter(
		    pp->mc, pp->kva, pp->xio.xio_pages, pp->xio.xio_npages);
	return (0);
}

/*
 * The writer leaves before the reader has taken everything: the rest goes
 * into the ring, which is empty, because it was when the write began.
 */
static int
pipe_clone(struct eph_pipe *pp)
{
	const size_t n = pp->xio.xio_bytes - pp->taken;
	int error;

	KASSERT(pp->count == 0 && n <= pp->size, "room for the rest");
	error = xio_copy_xtok(&pp->xio, pp->mp, pp->taken, pp->ring, n);
	if (error != 0)
		return (error);
	pp->taken = pp->xio.xio_bytes;
	pp->out = 0;
	pp->in = n % pp->size;
	pp->count = n;
	return (0);
}

/* The ring must be empty before there is something to read beside it. */
static int
pipe_drain(struct eph_pipe *pp)
{
	int error = 0;

	while (error == 0 && pp->count > 0 && !pp->no_reader)
		error = msleep(pp->mc, &pp->in, &pp->mtx, PCATCH, "pipdww", 0);
	msleep_done(pp->mc);
	return (pp->no_reader ? EPIPE : error);
}

/* Offer the list, and sleep until it was taken; the lock is held. */
static int
pipe_offer(struct eph_pipe *pp)
{
	int error;

	if ((error = pipe_drain(pp)) != 0)
		return (error);
	pp->direct = true;
	wakeup(pp->mc, &pp->out);
	while (error == 0 && pp->direct && !pp->no_reader)
		error = msleep(pp->mc, &pp->in, &pp->mtx, PCATCH, "pipdwt", 0);
	while (pp->copying)
		(void)msleep(pp->mc, &pp->in, &pp->mtx, 0, "pipdwc", 0);
	msleep_done(pp->mc);
	if (!pp->direct)
		return (0);
	pp->direct = false;
	if (pp->no_reader)
		return (EPIPE);
	/* The ring is full of it, and the reader must look again. */
	if (pipe_clone(pp) == 0)
		wakeup(pp->mc, &pp->out);
	return (error);
}

static int
pipe_direct_write(struct eph_pipe *pp, struct uspace *us, eph_uva_t from,
    size_t n, size_t *donep)
{
	int error;

	error = xio_init_ubuf(&pp->xio, us, from + *donep,
	    n - *donep < pp->size ? n - *donep : pp->size, XIOF_READ);
	if (error != 0)
		return (error);
	pp->taken = 0;
	if ((error = pipe_map(pp)) == 0) {
		mutex_enter(pp->mc, &pp->mtx);
		error = pipe_offer(pp);
		*donep += pp->taken;
		mutex_exit(pp->mc, &pp->mtx);
	}
	xio_release(&pp->xio);
	return (error);
}

int
pipe_write(struct eph_pipe *pp, struct uspace *us, eph_uva_t from, size_t n,
    size_t *donep)
{
	int error = 0;

	*donep = 0;
	while (error == 0 && *donep < n) {
		if (pp->mode != PIPE_COPY && n - *donep >= pp->mindirect)
			error = pipe_direct_write(pp, us, from, n, donep);
		else
			error = pipe_ring_write(pp, us, from, n, donep);
	}
	return (error);
}

/* Direct writes, the reader's side */

/* From the pipe's own addresses, page by page. */
static int
pipe_kva_read(
    struct eph_pipe *pp, size_t at, struct uspace *us, eph_uva_t to, size_t n)
{
	char buf[EPH_PAGE_SIZE] = { 0 };

	for (size_t k = xio_kvaoffset(&pp->xio, at); n > 0;) {
		const size_t off = k & EPH_PAGE_MASK;
		const size_t here =
		    n < EPH_PAGE_SIZE - off ? n : EPH_PAGE_SIZE - off;
		int error;

		error = eph_page_load(pp->mc, pp->kva + (k - off),
		    pp->xio.xio_pages[eph_atop(k)], off, buf, here);
		if (error == 0)
			error = copyout(us, buf, to, here);
		if (error != 0)
			return (error);
		k += here;
		to += here;
		n -= here;
	}
	return (0);
}

static int
pipe_direct_copy(struct eph_pipe *pp, struct uspace *us, eph_uva_t to, size_t n)
{
	if (pp->mode == PIPE_SFBUF1)
		return (xio_copy_xtou(&pp->xio, pp->mp, pp->taken, us, to, n));
	if (pp->mode == PIPE_SFBUF3)
		memset(pp->mask, 0, pp->mc->cpuwords * sizeof(*pp->mask));
	if (pp->mode != PIPE_KMEM)
		pmap_qenter2(pp->mc, pp->kva, pp->xio.xio_pages,
		    pp->xio.xio_npages, pp->mask);
	return (pipe_kva_read(pp, pp->taken, us, to, n));
}

/* Take up to `n` bytes of a direct write; the lock is held, and let go. */
static int
pipe_direct_read(struct eph_pipe *pp, struct uspace *us, eph_uva_t to, size_t n,
    size_t *donep)
{
	const size_t left = pp->xio.xio_bytes - pp->taken;
	const size_t here = n < left ? n : left;
	int error;

	pp->copying = true;
	mutex_exit(pp->mc, &pp->mtx);
	error = pipe_direct_copy(pp, us, to, here);
	mutex_enter(pp->mc, &pp->mtx);
	pp->copying = false;
	if (error == 0) {
		pp->taken += here;
		*donep += here;
		if (pp->taken == pp->xio.xio_bytes)
			pp->direct = false;
	}
	wakeup(pp->mc, &pp->in);
	return (error);
}

int
pipe_read(struct eph_pipe *pp, struct uspace *us, eph_uva_t to, size_t n,
    size_t *donep)
{
	int error = 0;

	*donep = 0;
	mutex_enter(pp->mc, &pp->mtx);
	while (error == 0 && *donep < n) {
		if (pp->count > 0)
			error = pipe_ring_read(
			    pp, us, to + *donep, n - *donep, donep);
		else if (pp->direct)
			error = pipe_direct_read(
			    pp, us, to + *donep, n - *donep, donep);
		else if (*donep > 0 || pp->no_writer)
			break;
		else
			error = msleep(
			    pp->mc, &pp->out, &pp->mtx, PCATCH, "piperd", 0);
	}
	msleep_done(pp->mc);
	mutex_exit(pp->mc, &pp->mtx);
	return (error);
}

void
pipe_close_write(struct eph_pipe *pp)
{
	mutex_enter(pp->mc, &pp->mtx);
	pp->no_writer = true;
	wakeup(pp->mc, &pp->out);
	mutex_exit(pp->mc, &pp->mtx);
}

void
pipe_close_read(struct eph_pipe *pp)
{
	mutex_enter(pp->mc, &pp->mtx);
	pp->no_reader = true;
	wakeup(pp->mc, &pp->in);
	mutex_exit(pp->mc, &pp->mtx);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ptrace: debuggers read and patch the memory of one process, in pieces
 * that cross pages, from all CPUs.  Each debugger patches words of its own
 * and reads them again later, with the rest of what is there.
 */

#include <errno.h>

#include "base/prng.h"
#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/fromphys.h"
#include "workload/work.h"

enum { P_CALLS, P_DEBUGGERS, P_PAGES, P_BYTES, P_WRITES };

static const struct eph_work_param ptrace_params[] = {
	{ "calls", "500", "reads and writes of each debugger", 1, 1u << 24,
	    NULL },
	{ "debuggers", "2", "debuggers, on CPUs in turn", 1, 64, NULL },
	{ "pages", "64", "of the traced process, for each debugger", 2, 65536,
	    NULL },
	{ "bytes", "6000", "bytes a call, at most", 1, 1u << 20, NULL },
	{ "writes", "20", "of a hundred calls, those that write", 0, 100,
	    NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct ptrace_work {
	struct uspace *target;
	struct uspace *own[]; /* of the debuggers */
};

static size_t
ptrace_bytes(const struct eph_work *w)
{
	return (sizeof(struct ptrace_work) +
	    w->value[P_DEBUGGERS] * sizeof(struct uspace *));
}

static uint32_t
own_pages(const struct eph_work *w)
{
	return (work_pages(w->value[P_BYTES]) + 1);
}

static uint32_t
ptrace_pages(const struct eph_work *w, unsigned *needs)
{
	*needs = EPH_WORK_FULL;
	if (w->value[P_WRITES] > 0)
		*needs |= EPH_WORK_STORES;
	return ((uint32_t)w->value[P_DEBUGGERS] *
	    ((uint32_t)w->value[P_PAGES] + own_pages(w)));
}

/* The traced process touches a page for the first time. */
static int
target_fault(void *arg, struct uspace *us, eph_uva_t uva, unsigned prot)
{
	struct eph_work *w = arg;
	const eph_uva_t page = uva & ~(eph_uva_t)EPH_PAGE_MASK;
	struct vm_page *m = vm_pool_alloc(w->pool);

	(void)prot;
	if (m == NULL)
		return (ENOMEM);
	eph_page_stream(
	    w->mc, m, 0, w->seed, page - EPH_UVA_BASE, EPH_PAGE_SIZE);
	return (uspace_give(us, page, m, UPROT_READ | UPROT_WRITE));
}

/*
 * One call, compared with the stream: a patch writes the bytes that are
 * there, so that every later read must find them.
 */
static int
ptrace_call(struct eph_work *w, unsigned id, struct prng *rng)
{
	struct ptrace_work *pw = w->state;
	const uint64_t room = eph_ptoa(w->value[P_PAGES]);
	const uint32_t most =
	    (uint32_t)(w->value[P_BYTES] < room ? w->value[P_BYTES] : room);
	const size_t n = 1 + prng_below(rng, most);
	const uint64_t pos =
	    id * room + prng_below(rng, (uint32_t)(room - n + 1));
	const bool write = prng_below(rng, 100) < w->value[P_WRITES];
	const eph_uva_t own = EPH_UVA_BASE + prng_below(rng, 100);
	struct eph_digest sent = { 0 }, arrived = { 0 };
	char buf[EPH_PAGE_SIZE];
	size_t done;
	int error;

	for (size_t k = 0; write && k < n; k += sizeof(buf)) {
		const size_t here = n - k < sizeof(buf) ? n - k : sizeof(buf);

		eph_stream_bytes(w->seed, pos + k, buf, here);
		if ((error = copyout(pw->own[id], buf, own + k, here)) != 0)
			return (error);
	}
	error = proc_rwmem(&w->map, pw->target, EPH_UVA_BASE + pos, pw->own[id],
	    own, n, write, &done);
	for (size_t k = 0; k < done; k += sizeof(buf)) {
		const size_t here =
		    done - k < sizeof(buf) ? done - k : sizeof(buf);

		if (copyin(pw->own[id], own + k, buf, here) != 0)
			return (error);
		eph_digest_add(&arrived, w->mc, buf, 0, here);
	}
	eph_digest_stream(&sent, w->mc, w->seed, pos, 0, done);
	eph_work_compare(w, &sent, &arrived);
	return (error);
}

static void
ptrace_debugger(struct eph_work *w, unsigned id)
{
	struct prng rng;

	eph__prng_init(&rng, w->seed, id);
	for (uint64_t i = 0; i < w->value[P_CALLS]; i++)
		eph_work_operation(w, ptrace_call(w, id, &rng));
}

static void
ptrace_finish(struct eph_work *w)
{
	struct ptrace_work *pw = w->state;

	if (pw == NULL)
		return;
	uspace_destroy(pw->target);
	for (uint64_t i = 0; i < w->value[P_DEBUGGERS]; i++)
		uspace_destroy(pw->own[i]);
	eph_machine_free(w->mc, pw, ptrace_bytes(w));
}

static int
ptrace_start(struct eph_work *w)
{
	struct ptrace_work *pw = w->state = eph_work_alloc(w, ptrace_bytes(w));
	const uint64_t n = w->value[P_DEBUGGERS];
	int error;

	if (pw == NULL)
		return (ENOMEM);
	error = uspace_create(
	    w->pool, (uint32_t)(n * w->value[P_PAGES]), &pw->target);
	if (error != 0)
		return (error);
	uspace_set_fault(pw->target, target_fault, w);
	for (uint64_t i = 0; i < n; i++) {
		if ((error = uspace_create(
			 w->pool, own_pages(w), &pw->own[i])) != 0 ||
		    (error = uspace_map(pw->own[i], EPH_UVA_BASE,
			 eph_ptoa(own_pages(w)), UPROT_READ | UPROT_WRITE)) !=
			0)
			return (error);
	}
	for (unsigned i = 0; error == 0 && i < n; i++)
		error = eph_work_thread(w, i, ptrace_debugger, i);
	return (error);
}

const struct eph_workload_ops eph__work_ptrace = {
	.abi = EPHMAP_ABI,
	.name = "ptrace",
	.summary = "debuggers in another process's memory; an operation is a "
		   "call",
	.origin = "FreeBSD proc_rwmem and uiomove_fromphys; DragonFly "
		  "76099f4cb8",
	.params = ptrace_params,
	.cpus = 2,
	.pages = ptrace_pages,
	.start = ptrace_start,
	.finish = ptrace_finish,
	.tap = &eph_work_private_tap,
};

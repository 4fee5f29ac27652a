/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A workload of one's own: readers that look at a page of theirs again and
 * again, by a mapping for each look; what they see is compared.
 */

#include <ephmap/ephmap.h>
#include <ephmap/sdk/digest.h>
#include <ephmap/sdk/workload.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { CPUS = 2, READERS = 4, LOOKS = 100 };

static void
reader(struct eph_work *w, unsigned n)
{
	struct vm_page *m = eph_vm_pool_alloc(w->pool);
	struct eph_mapped mapped;
	char buf[EPH_PAGE_SIZE];
	int error;

	eph_page_fill(w->mc, m, n);
	for (unsigned i = 0; i < LOOKS; i++) {
		error = eph_mapper_map(&w->map, m, SFB_DEFAULT, &mapped);
		if (error == 0) {
			error = eph_mapper_read(
			    &w->map, &mapped, 0, buf, sizeof(buf));
			eph_mapper_unmap(&w->map, &mapped);
			eph_work_compare_page(w, m, buf);
		}
		eph_work_operation(w, error);
	}
	eph_vm_pool_free(w->pool, m);
}

static uint32_t
pages(const struct eph_work *w, unsigned *needs)
{
	(void)w, (void)needs;
	return (READERS);
}

static int
start(struct eph_work *w)
{
	for (unsigned n = 0; n < READERS; n++)
		if (eph_work_thread(w, n, reader, n) != 0)
			return (ENOMEM);
	return (0);
}

static void
finish(struct eph_work *w)
{
	eph_work_fact(w, "readers", READERS);
}

static const struct eph_workload_ops readers = { .abi = EPHMAP_ABI,
	.name = "readers",
	.summary = "pages that are looked at; an operation is one look",
	.origin = "example",
	.params = (const struct eph_work_param[]){ { .name = NULL } },
	.cpus = CPUS,
	.pages = pages,
	.start = start,
	.finish = finish };

int
main(void)
{
	struct eph_workload wl = { .ops = &readers };
	struct eph_run_config cfg = {
		.cpus = CPUS, .nbufs = 2, .contents = EPH_CONTENTS_FULL
	};
	struct eph_run_result res;
	struct eph_work_result work;
	struct eph_err err;

	cfg.design = eph_design_find("sf_buf.accessed");
	if (eph_workload_run(&cfg, &wl, &res, &work, NULL, NULL, &err) != 0 ||
	    !eph_workload_sound(&wl, &work, &err)) {
		(void)puts(err.text);
		return (1);
	}
	(void)printf("%" PRIu64 " looks, %" PRIu64 " misses\n", work.operations,
	    res.counters.miss);
	return (0);
}

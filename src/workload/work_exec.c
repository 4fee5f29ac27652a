/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exec: processes on all CPUs activate images.  While one reads from disk,
 * others run on its CPU: many first pages are mapped at once.
 */

#include <errno.h>
#include <string.h>

#include "base/prng.h"
#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/imgact.h"
#include "workload/work.h"

enum { P_EXECS, P_PROCS, P_IMAGES, P_FORM, P_READS };

static const char *const forms[] = { "freebsd", "dragonfly", NULL };

static const struct eph_work_param exec_params[] = {
	{ "execs", "200", "images that each process activates", 1, 1u << 20,
	    NULL },
	{ "procs", "4", "processes, on CPUs in turn", 1, 512, NULL },
	{ "images", "16", "different images", 1, 1u << 16, NULL },
	{ "form", "dragonfly",
	    "freebsd maps shared, dragonfly for its CPU only", 0, 0, forms },
	{ "reads", "2", "disk reads while the page is mapped", 0, 64, NULL },
	{ NULL, NULL, NULL, 0, 0, NULL },
};

struct exec_work {
	struct work_server *disk;
	struct vm_page **image;
};

static uint32_t
exec_pages(const struct eph_work *w, unsigned *needs)
{
	/* A thread that sleeps lets others map and unmap on its CPU. */
	*needs = EPH_WORK_MANY;
	return ((uint32_t)w->value[P_IMAGES]);
}

static void
exec_disk(struct eph_work *w, unsigned n)
{
	(void)n;
	eph__work_server_run(((struct exec_work *)w->state)->disk);
}

static int
disk_read(void *arg)
{
	(void)arg;
	return (0);
}

/* Interpreter, notes, segments: the header is looked at between reads. */
static int
exec_activate(struct eph_work *w, struct image_params *ip)
{
	struct exec_work *ew = w->state;
	struct eph_digest sent = { 0 }, arrived = { 0 };
	char buf[EPH_PAGE_SIZE] = { 0 };
	int error = exec_check_header(ip);

	for (uint64_t i = 0; error == 0 && i < w->value[P_READS]; i++) {
		(void)eph__work_server_call(ew->disk, disk_read, NULL);
		error = exec_check_header(ip);
	}
	if (error != 0)
		return (error);
	error = eph_mapper_read(ip->mp, &ip->mapped, 0, buf, sizeof(buf));
	eph_digest_add(&arrived, w->mc, buf, 0, sizeof(buf));
	eph_digest_page(&sent, w->mc, ip->firstpage, 0, sizeof(buf));
	eph_work_compare(w, &sent, &arrived);
	return (error);
}

static void
exec_process(struct eph_work *w, unsigned id)
{
	struct exec_work *ew = w->state;
	const unsigned flags =
	    w->value[P_FORM] == 0 ? SFB_DEFAULT : SFB_CPUPRIVATE;
	struct prng rng;

	eph__prng_init(&rng, w->seed, id);
	for (uint64_t i = 0; i < w->value[P_EXECS]; i++) {
		const uint32_t image =
		    prng_below(&rng, (uint32_t)w->value[P_IMAGES]);
		struct image_params ip;
		int error;

		error =
		    exec_map_first_page(&ip, &w->map, ew->image[image], flags);
		if (error == 0)
			error = exec_activate(w, &ip);
		exec_unmap_first_page(&ip);
		eph_work_operation(w, error);
	}
	eph__work_server_leave(ew->disk);
}

static void
exec_finish(struct eph_work *w)
{
	struct exec_work *ew = w->state;

	if (ew == NULL)
		return;
	for (uint64_t i = 0; ew->image != NULL && i < w->value[P_IMAGES]; i++) {
		if (ew->image[i] != NULL)
			vm_pool_free(w->pool, ew->image[i]);
	}
	eph_machine_free(
	    w->mc, ew->image, w->value[P_IMAGES] * sizeof(*ew->image));
	eph__work_server_destroy(ew->disk);
	eph_machine_free(w->mc, ew, sizeof(*ew));
}

static int
exec_images(struct eph_work *w, struct exec_work *ew)
{
	static const unsigned char magic[4] = { 0x7f, 'E', 'L', 'F' };

	ew->image = eph_work_alloc(w, w->value[P_IMAGES] * sizeof(*ew->image));
	if (ew->image == NULL)
		return (ENOMEM);
	for (uint64_t i = 0; i < w->value[P_IMAGES]; i++) {
		ew->image[i] = vm_pool_alloc(w->pool);
		if (ew->image[i] == NULL)
			return (ENOMEM);
		eph_page_fill(w->mc, ew->image[i], w->seed + i);
		memcpy(vm_page_contents(w->mc, ew->image[i]), &magic,
		    sizeof(magic));
	}
	return (0);
}

static int
exec_start(struct eph_work *w)
{
	struct exec_work *ew = w->state = eph_work_alloc(w, sizeof(*ew));
	int error;

	if (ew == NULL)
		return (ENOMEM);
	if ((error = exec_images(w, ew)) != 0 ||
	    (error = eph__work_server_create(
		 w, (unsigned)w->value[P_PROCS], &ew->disk)) != 0 ||
	    (error = eph_work_thread(w, 0, exec_disk, 0)) != 0)
		return (error);
	for (unsigned i = 0; error == 0 && i < w->value[P_PROCS]; i++)
		error = eph_work_thread(w, i, exec_process, i);
	return (error);
}

const struct eph_workload_ops eph__work_exec = {
	.abi = EPHMAP_ABI,
	.name = "exec",
	.summary = "first pages of images that are executed; an operation is "
		   "an exec",
	.origin = "FreeBSD kern_exec.c; DragonFly 18f40545f6 (2004-04-11)",
	.params = exec_params,
	.cpus = 2,
	.pages = exec_pages,
	.start = exec_start,
	.finish = exec_finish,
};

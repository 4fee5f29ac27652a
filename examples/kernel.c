/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Kernel code of one's own on a simulated machine: it speaks the kernels'
 * words, and has a panic() of its own beside the library's.
 */

#include <ephmap/ephmap.h>
#include <ephmap/kernel/names.h>
#include <ephmap/kernel/sf_buf.h>
#include <ephmap/kernel/vm_page.h>
#include <ephmap/sdk/access.h>
#include <stdio.h>
#include <stdlib.h>

#undef panic
static void
panic(const char *why)
{
	(void)fprintf(stderr, "kernel: %s\n", why);
	exit(1);
}

/* What is to be tried: read a page through a mapping for a moment. */
static void
peek(struct eph_machine *mc, struct sf_buf_pool *pool, struct vm_page *m)
{
	struct sf_buf *sf = sf_buf_alloc(pool, m, SFB_CPUPRIVATE);
	uint32_t frame;

	if (sf == NULL)
		panic("no sf_buf");
	(void)eph_machine_access(
	    mc, sf_buf_kva(pool, sf), EPH_TOUCH_READ, m, &frame);
	if (frame != m->frame)
		panic("another page");
	sf_buf_free(pool, sf);
}

int
main(void)
{
	const struct eph_world_config cfg = { .cpus = 2 };
	struct sf_buf_pool *pool;
	struct eph_world *w;
	struct eph_err err;
	const char *why;

	if (eph_world_create(&cfg, &w, &err) != 0)
		panic(err.text);
	if (sf_buf_pool_create(
		eph_world_machine(w), "sf_buf.cpumask", 16, &pool, &err) != 0)
		panic(err.text);
	for (uint32_t i = 0; i < 200; i++) {
		eph_world_cpu(w, i % 2);
		peek(eph_world_machine(w), pool,
		    vm_page_get(eph_world_machine(w), i % 20));
	}
	if (eph_world_violations(w, &why) != 0)
		panic(why);
	sf_buf_pool_destroy(pool);
	(void)printf("200 peeks, every one at its page\n");
	return (eph_world_destroy(w) == 0 ? 0 : 1);
}

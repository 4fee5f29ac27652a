/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef RIG_POOL_H
#define RIG_POOL_H

/*
 * A rig whose mappings are handed out by the kernels' own calls: one pool of
 * sf_bufs.
 */

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sf_buf.h"
#include "rig.h"

/* With infinite TLBs; closed by rig_close(). */
void pool_open(
    struct rig *f, const char *design, unsigned ncpus, uint32_t nbufs);

/* The machines that event tables are checked on; 0 ends the list. */
extern const unsigned pool_ncpus[];

#define POOL_FOREACH_N(n)                                                      \
	for (unsigned n##_i = 0, n; (n = pool_ncpus[n##_i]) != 0; n##_i++)

struct sf_buf *pool_alloc(
    struct rig *f, unsigned cpu, uint32_t page, unsigned flags);
void pool_free(struct rig *f, unsigned cpu, struct sf_buf *sf);

/* A mistake, for test_dies(): `arg` is the fixture. */
void pool_free_twice(void *arg);

/* The frame that a load or store by `cpu` reaches through `sf`. */
uint32_t pool_read(struct rig *f, unsigned cpu, struct sf_buf *sf);
uint32_t pool_write(struct rig *f, unsigned cpu, struct sf_buf *sf);

/*
 * Map and free `page` on every CPU but `but`, privately: how masks fill.
 */
void pool_private_everywhere(struct rig *f, uint32_t page, unsigned but);

/* A thread that maps a page, perhaps asleep for a while. */
struct pool_sleeper {
	struct rig *f;
	uint32_t page;
	unsigned flags;
	unsigned order; /* of returning, from 1; 0: not yet */
	unsigned *clock;
	struct sf_buf *sf;
	struct eph_thread *td;
};

/* Start it on `cpu` and run until nothing can; returns how many sleep. */
unsigned pool_start(struct rig *f, struct pool_sleeper *sl, unsigned cpu);

#endif /* !RIG_POOL_H */

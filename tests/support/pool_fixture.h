/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POOL_FIXTURE_H
#define POOL_FIXTURE_H

/*
 * A machine with one pool of sf_bufs, and a look at what each step did.
 *
 * row() compares everything that was counted since the last row() with what
 * is expected, every counter but the locks, the walk's length and the
 * price; what is not named is expected to be 0.
 */

#include "ephmap/sdk/exec.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/pmap.h"
#include "ephmap/kernel/sf_buf.h"
#include "test_main.h"

struct pool_fixture {
	struct eph_machine *mc;
	struct sf_buf_pool *pool;
	struct eph_counters last;
};

void pool_open(
    struct pool_fixture *f, const char *design, unsigned ncpus, uint32_t nbufs);

/* Asserts that all memory came back. */
void pool_close(struct pool_fixture *f);

/* What happened since the last call; true if it is what is expected. */
bool pool_row(struct pool_fixture *f, const struct eph_counters *expect,
    const char *file, int line);

#define ROW(f, ...)                                                            \
	CU_ASSERT_TRUE(pool_row(                                               \
	    (f), &(struct eph_counters){ __VA_ARGS__ }, __FILE__, __LINE__))

/* The machines that event tables are checked on; 0 ends the list. */
extern const unsigned pool_ncpus[];

#define POOL_FOREACH_N(n)                                                      \
	for (unsigned n##_i = 0, n; (n = pool_ncpus[n##_i]) != 0; n##_i++)

/* Forget what happened. */
void pool_skip(struct pool_fixture *f);

struct sf_buf *pool_alloc(
    struct pool_fixture *f, unsigned cpu, uint32_t page, unsigned flags);
void pool_free(struct pool_fixture *f, unsigned cpu, struct sf_buf *sf);

/* A mistake, for test_dies(): `arg` is the fixture. */
void pool_free_twice(void *arg);

/* The frame that a load or store by `cpu` reaches through `sf`. */
uint32_t pool_read(struct pool_fixture *f, unsigned cpu, struct sf_buf *sf);
uint32_t pool_write(struct pool_fixture *f, unsigned cpu, struct sf_buf *sf);

/*
 * Map and free `page` on every CPU but `but`, privately: how masks fill.
 */
void pool_private_everywhere(
    struct pool_fixture *f, uint32_t page, unsigned but);

/* A thread that maps a page, perhaps asleep for a while. */
struct pool_sleeper {
	struct pool_fixture *f;
	uint32_t page;
	unsigned flags;
	unsigned order; /* of returning, from 1; 0: not yet */
	unsigned *clock;
	struct sf_buf *sf;
	struct eph_thread *td;
};

/* Start it on `cpu` and run until nothing can; returns how many sleep. */
unsigned pool_start(
    struct pool_fixture *f, struct pool_sleeper *sl, unsigned cpu);

#endif /* !POOL_FIXTURE_H */

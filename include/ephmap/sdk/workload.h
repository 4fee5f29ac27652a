/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_WORKLOAD_H
#define EPHMAP_SDK_WORKLOAD_H

/*
 * For those who write a workload: its row, its taps, and what it calls.
 */

#include "ephmap/kernel/vm_pool.h"
#include "ephmap/sdk/mapper.h"
#include "ephmap/version.h"
#include "ephmap/workload.h"

struct eph_digest;

/* How mappings are used; decides on which designs it can run. */
enum {
	EPH_WORK_REMOTE = 0x1, /* used or unmapped on another CPU */
	EPH_WORK_MANY = 0x2,   /* several at once, unmapped in any order */
	EPH_WORK_STORES = 0x4, /* stores through them */
	EPH_WORK_FULL = 0x8,   /* needs frames with real bytes */
};

/* What a workload's functions are given. */
struct eph_work {
	struct eph_machine *mc;
	const struct eph_workload_ops *ops;
	struct eph_mapper map;
	struct vm_pool *pool;		 /* as many pages as pages() said */
	uint64_t value[EPH_WORK_PARAMS]; /* number, or index of the choice */
	uint64_t seed;
	void *state; /* the workload's own */
	struct eph_err *err;
	struct eph_work_result *res;

	/* Any CPU; summed into the result. */
	_Atomic(uint64_t) operations;
	_Atomic(uint64_t) failures;
	_Atomic(uint64_t) bytes;
	_Atomic(uint64_t) checked;
	_Atomic(uint64_t) corrupt;
};

/* One use of a page by a consumer that a trace drives. */
struct eph_work_use {
	struct eph_mapped mapped;
	void *own; /* the consumer's */
	struct eph_work_use *next;
};

/*
 * A consumer seen from a trace: begin() makes one use of page `m`, whose
 * bytes are stream number m->frame, and fills `use`; end() ends it, on any
 * CPU.  begin() returns as a design's map().
 */
struct eph_work_tap {
	int (*open)(struct eph_work *w); /* 0 or ENOMEM */
	int (*begin)(struct eph_work *w, struct vm_page *m, unsigned flags,
	    struct eph_work_use *use);
	void (*end)(struct eph_work *w, struct eph_work_use *use);
	void (*close)(struct eph_work *w);
};

struct eph_workload_ops {
	unsigned abi; /* EPHMAP_ABI; first, whatever else changes */
	const char *name;
	const char *summary; /* one line; says what an operation is */
	const char *origin;
	const struct eph_work_param *params;
	unsigned cpus;	/* by default */
	unsigned needs; /* EPH_WORK_* */

	/*
	 * Frames it wants; may set *needs to what these parameters need.
	 * Only w->ops and w->value are there.
	 */
	uint32_t (*pages)(const struct eph_work *w, unsigned *needs);

	/*
	 * Allocate, then create threads.  Returns 0 or an errno value; what
	 * was allocated is finish()'s to free all the same.
	 */
	int (*start)(struct eph_work *w);

	/* All threads have ended: give back, and say facts. */
	void (*finish)(struct eph_work *w);

	const struct eph_work_tap *tap; /* NULL: not by a trace */
};

/* A tap for consumers that map one page, privately, and read it. */
extern const struct eph_work_tap eph_work_private_tap;

/* Compare a page as it was read with what a tap's page holds. */
void eph_work_compare_page(
    struct eph_work *w, const struct vm_page *m, const void *buf);

/* Start fn(w, n) as a thread of CPU `cpu` (modulo those there are). */
int eph_work_thread(struct eph_work *w, unsigned cpu,
    void (*fn)(struct eph_work *w, unsigned n), unsigned n);

/* One operation ended; its error. */
void eph_work_operation(struct eph_work *w, int error);

/* A stream's two ends: count, compare. */
void eph_work_compare(struct eph_work *w, const struct eph_digest *sent,
    const struct eph_digest *arrived);

void eph_work_fact(struct eph_work *w, const char *name, uint64_t value);

/* eph_machine_alloc() that can be made to fail. */
void *eph_work_alloc(struct eph_work *w, size_t bytes);

/*
 * The same step by step, on a machine and a design that exist, for
 * explorations: eph_work_open(), the workload's start(), its threads, its
 * finish(), eph_work_close().
 */
int eph_work_open(struct eph_work *w, const struct eph_workload *wl,
    struct eph_machine *mc, const struct eph_design_ops *design, void *state,
    uint32_t first_frame, struct eph_work_result *res, struct eph_err *err);
void eph_work_close(struct eph_work *w);

#endif /* !EPHMAP_SDK_WORKLOAD_H */

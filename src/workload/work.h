/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_WORK_H
#define WORKLOAD_WORK_H

/* The rows of eph_workloads[], one file each, and what they share. */

#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

extern const struct eph_workload_ops eph__work_bufcache;
extern const struct eph_workload_ops eph__work_cluster;
extern const struct eph_workload_ops eph__work_exec;
extern const struct eph_workload_ops eph__work_md;
extern const struct eph_workload_ops eph__work_msg;
extern const struct eph_workload_ops eph__work_pager;
extern const struct eph_workload_ops eph__work_pipe;
extern const struct eph_workload_ops eph__work_ptrace;
extern const struct eph_workload_ops eph__work_rawio;
extern const struct eph_workload_ops eph__work_sendfile;
extern const struct eph_workload_ops eph__work_zerocopy;

/*
 * A thread that does what others ask of it, one job after another, as a
 * device's or a file system's: the caller sleeps until fn(arg) has run
 * there.  It ends when its clients have left.
 */
struct work_server;

int eph__work_server_create(
    struct eph_work *w, unsigned clients, struct work_server **sp);
void eph__work_server_destroy(struct work_server *s); /* NULL is accepted */

/* The body of its thread. */
void eph__work_server_run(struct work_server *s);

/* Returns what fn returned. */
int eph__work_server_call(
    struct work_server *s, int (*fn)(void *arg), void *arg);
void eph__work_server_leave(struct work_server *s);

/* Put what was counted so far into the result. */
void eph__work_sum(struct eph_work *w);

/* eph_workload_run() for one that a trace drives. */
int eph__workload_tap_run(const struct eph_run_config *cfg,
    const struct eph_workload *wl, struct eph_run_result *res,
    struct eph_work_result *wres, struct eph_err *err);

/* Pages for `n` bytes. */
static inline uint32_t
work_pages(uint64_t n)
{
	return ((uint32_t)eph_atop(n + EPH_PAGE_MASK));
}

#endif /* !WORKLOAD_WORK_H */

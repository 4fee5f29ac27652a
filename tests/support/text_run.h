/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TEXT_RUN_H
#define TEXT_RUN_H

/* Replay a trace that stands in the test as text. */

#include "ephmap/run.h"
#include "test_main.h"

/*
 * Run `design` on `lines` (without the first line of the file) on `cpus`
 * CPUs with `nbufs` buffers and the TLB `tlb`.  Returns as eph_replay_run().
 */
int text_run(const char *design, unsigned cpus, uint32_t nbufs, const char *tlb,
    const char *lines, struct eph_run_result *res);

/* The same, with all that a run can be told but design and CPUs. */
int text_run_config(const char *design, const struct eph_run_config *cfg,
    const char *lines, struct eph_run_result *res, struct eph_err *err);

#endif /* !TEXT_RUN_H */

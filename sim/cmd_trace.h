/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_CMD_TRACE_H
#define SIM_CMD_TRACE_H

/* What the files of `ephmap trace' share. */

#include "ephmap/trace.h"

/* Say what is wrong; returns EXIT_BAD. */
int trace_refuse(const struct eph_err *err);

/* Commit, or after an error throw away, and say what went wrong. */
int trace_finish(struct eph_trace_writer *w, int error, struct eph_err *err);

/* A progress bar, which `arg' is. */
void trace_progress(void *arg, uint64_t done, uint64_t total);

#endif /* !SIM_CMD_TRACE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_WORK_H
#define WORKLOAD_WORK_H

/* The rows of eph_workloads[], one file each. */

#include "ephmap/workload.h"

extern const struct eph_workload_ops work_pipe;

#endif /* !WORKLOAD_WORK_H */

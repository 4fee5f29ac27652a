/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_EPHMAP_H
#define EPHMAP_EPHMAP_H

/*
 * The front door: everything for a program that measures.  C11 and C++17.
 *
 * Two more doors stand beside it: ephmap/sdk/ for those who write a design,
 * policy, protocol, importer, workload, scenario or executor, and
 * ephmap/kernel/ for those who bring kernel code.
 */

#include "ephmap/claims.h"
#include "ephmap/counters.h"
#include "ephmap/explore.h"
#include "ephmap/generate.h"
#include "ephmap/import.h"
#include "ephmap/list.h"
#include "ephmap/model.h"
#include "ephmap/mrc.h"
#include "ephmap/native.h"
#include "ephmap/panic.h"
#include "ephmap/policy_check.h"
#include "ephmap/run.h"
#include "ephmap/tlb_record.h"
#include "ephmap/trace.h"
#include "ephmap/trace_stats.h"
#include "ephmap/trace_tools.h"
#include "ephmap/types.h"
#include "ephmap/version.h"
#include "ephmap/workload.h"
#include "ephmap/world.h"

#endif /* !EPHMAP_EPHMAP_H */

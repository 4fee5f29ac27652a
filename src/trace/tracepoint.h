/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TRACEPOINT_H
#define TRACE_TRACEPOINT_H

/* Lines of Linux tracepoints, as perf script and ftrace print them. */

#include "ephmap/types.h"

/*
 * What stands before the event's name, which begins at `end`:
 * "comm-4321 [001] ..... 6659.313656: ", "comm  4321 [001]  6659.3: ".  False:
 * it cannot be read.
 */
bool eph__tracepoint_head(const char *line, const char *end, uint64_t *taskp,
    uint64_t *cpup, uint64_t *nsp);

/* A number in a base of 10 or 16; what follows in *pp. */
bool eph__tracepoint_number(const char **pp, unsigned base, uint64_t *out);

#endif /* !TRACE_TRACEPOINT_H */

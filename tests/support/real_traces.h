/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef REAL_TRACES_H
#define REAL_TRACES_H

/*
 * Public traces as streams.  They may not be copied here: EPHMAP_TRACES
 * names the folder that has them (public/arc, public/lirs).
 */

#include <stdbool.h>
#include <stddef.h>

#include "ephmap/mrc.h"

#define REAL_TRACES 7u

struct real_trace {
	const char *name;
	const char *path;
	const char *from;
	uint64_t block_bytes;
	bool slow; /* with --long only */
};

extern const struct real_trace real_traces[REAL_TRACES];

/*
 * Read trace `t`, next uses known.  False, and `r` empty, where it is not
 * at hand or not to be tested now.
 */
bool real_trace_load(size_t t, struct eph_refs *r);

#endif /* !REAL_TRACES_H */

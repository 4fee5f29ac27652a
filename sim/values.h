/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_VALUES_H
#define SIM_VALUES_H

/* The values of every axis that a command line asks for. */

#include "axis.h"
#include "setup.h"
#include "words.h"

/* Each list has at least one value, names at least none: the default. */
struct axis_values {
	struct profile **profile; /* by machine: of a file; NULL: built in */
	size_t ndesigns;
	const struct eph_design_ops **design;
	struct words rows[AXES]; /* names, checked; n 0: the default */
	size_t npolicies;	 /* 0: the design's own */
	struct eph_policy_choice *policy;
	size_t ncpus;
	unsigned *cpus;
	size_t nnbufs;
	uint32_t *nbufs;
	size_t ntouches;
	unsigned *touch;
	size_t nholds;
	struct hold *hold;
	size_t nflags;
	unsigned *flags;
	size_t nseeds;
	uint64_t *seed;
};

/*
 * Find them, for a trace that `meta' describes.  Returns OPTIONS_OK, or
 * OPTIONS_BAD with a message printed; values_free() follows either.
 */
int values_find(const struct setup *s, const struct eph_trace_meta *meta,
    struct axis_values *v);
void values_free(struct axis_values *v);

#endif /* !SIM_VALUES_H */

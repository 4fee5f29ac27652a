/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_POLICY_CHECK_H
#define EPHMAP_POLICY_CHECK_H

/*
 * Conformance of a replacement policy, shipped or plug-in.
 *
 * A check plays random references, holds and lost pages and watches what
 * policy.h promises.  With a reference, another policy that is simple
 * enough to be seen right, both get the same calls and every victim must be
 * the same.
 */

#include "ephmap/types.h"

struct eph_policy_ops;

#ifdef __cplusplus
extern "C" {
#endif

struct eph_policy_check {
	const struct eph_policy_ops *policy;
	const struct eph_policy_ops *reference; /* NULL: rules only */
	const char *params;
	uint32_t nslots; /* at least 1 */
	uint32_t npages;
	uint32_t steps;
	uint64_t seed;

	/* Of 1,000 steps, how many are of this kind; the rest reference. */
	unsigned hold;	 /* reference, and keep holding */
	unsigned unhold; /* end one hold */
	unsigned forget; /* a cached page goes away */

	bool priced; /* give the policy a price for each slot */
};

/*
 * Returns 0, or EINVAL with `err` saying which rule was broken at which
 * step (a seed and a step name the case), or as the policy's create().  A
 * policy that finds itself inconsistent panics.
 *
 *	- a victim is cached and not pinned
 *	- none is found exactly when all are pinned, and asking changes
 *	  nothing
 *	- the same seed gives the same victims
 *	- replay() hits as the calls do
 *	- everything allocated is given back, also when create() is refused
 *	  memory at any point
 *	- create() refuses a parameter that the policy has not, by EINVAL
 */
int eph_policy_check(const struct eph_policy_check *c, struct eph_err *err);

#ifdef __cplusplus
}
#endif

#endif /* !EPHMAP_POLICY_CHECK_H */

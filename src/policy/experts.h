/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef POLICY_EXPERTS_H
#define POLICY_EXPERTS_H

/*
 * Two experts, LRU and LFU, and the weight of LRU; LFU has the rest.  Each
 * keeps at least a hundredth, as in the authors' programs.
 */

#include <math.h>
#include <stdbool.h>

#define EXPERT_WEIGHT_MAX 0.99

/* The expert that was wrong keeps the share exp(-rate) of its weight. */
static inline double
experts_blame(double weight, bool lru, double rate)
{
	const double loss = exp(-rate);

	weight = lru ? weight * loss / (weight * loss + 1 - weight)
		     : weight / (weight + (1 - weight) * loss);
	if (weight > EXPERT_WEIGHT_MAX)
		weight = EXPERT_WEIGHT_MAX;
	if (weight < 1 - EXPERT_WEIGHT_MAX)
		weight = 1 - EXPERT_WEIGHT_MAX;
	return (weight);
}

#endif /* !POLICY_EXPERTS_H */

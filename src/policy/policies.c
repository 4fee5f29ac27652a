/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of policies. */

#include "policy/policies.h"
#include "base/find.h"

const struct eph_policy_ops *const eph_policies[] = {
	&eph_policy_lru,
	&eph_policy_lazy,
	&eph_policy_mru,
	&eph_policy_fifo,
	&eph_policy_random,
	&eph_policy_clock,
	&eph_policy_clock2,
	&eph_policy_delay_fr,
	&eph_policy_age,
	&eph_policy_slru,
	&eph_policy_lruk,
	&eph_policy_2q,
	&eph_policy_mq,
	&eph_policy_arc,
	&eph_policy_car,
	&eph_policy_lirs,
	&eph_policy_clockpro,
	&eph_policy_lfu,
	&eph_policy_lfu_aging,
	&eph_policy_hyperbolic,
	&eph_policy_lecar,
	&eph_policy_cacheus,
	&eph_policy_wtinylfu,
	&eph_policy_s3fifo,
	&eph_policy_s4fifo,
	&eph_policy_clock2qplus,
	&eph_policy_merlin,
	&eph_policy_sieve,
	&eph_policy_lhd,
	&eph_policy_opt,
	&eph_policy_price_aware,
	&eph_policy_price_sieve,
	NULL,
};

const struct eph_policy_ops *
eph_policy_find(const char *name)
{
	return (FIND_ROW(eph_policies, name));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The slots of a policy's row that carry the names POLICY(fn), so that a
 * file writes out only what is its own.
 */

#ifndef POLICY_OPS_ROW_H
#define POLICY_OPS_ROW_H

#define POLICY_CALLS                                                           \
	.abi = EPHMAP_ABI, .create = POLICY(create),                           \
	.destroy = POLICY(destroy), .insert = POLICY(insert),                  \
	.hit = POLICY(hit), .pin = POLICY(pin), .release = POLICY(release),    \
	.forget = POLICY(forget), .victim = POLICY(victim),                    \
	.promotions = eph__policy_promotions, .check = POLICY(check),          \
	.replay = POLICY(replay)

#endif /* !POLICY_OPS_ROW_H */

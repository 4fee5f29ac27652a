/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The table of protocols: one line here for each file in this folder that
 * defines a row, in the order `ephmap list shootdowns` prints.
 */

#include "ephmap/sdk/shootdown.h"
#include "base/find.h"

/* clang-format off */
#define SHOOTDOWNS(X)							\
	X(eph__shootdown_acked_invlpg)					\
	X(eph__shootdown_rendezvous)						\
	X(eph__shootdown_unacked_flush)					\
	X(eph__shootdown_early_ack)						\
	X(eph__shootdown_broadcast)						\
	X(eph__shootdown_mach_queue)						\
	X(eph__shootdown_idle_skip)						\
	X(eph__shootdown_batched)						\
	X(eph__shootdown_latr)						\
	X(eph__shootdown_overlap)					\
	X(eph__shootdown_at_receipt)					\
	X(eph__shootdown_pm_gen)					\
	X(eph__shootdown_lazy)						\
	X(eph__shootdown_rar)						\
	X(eph__shootdown_invlpgb)					\
	X(eph__shootdown_tlbclock)

#define SHOOTDOWN_ROW(row)     extern const struct eph_shootdown_ops row;
#define SHOOTDOWN_POINTER(row) &row,

SHOOTDOWNS(SHOOTDOWN_ROW)

const struct eph_shootdown_ops *const eph_shootdowns[] = {
	SHOOTDOWNS(SHOOTDOWN_POINTER)
	NULL,
};
/* clang-format on */

const struct eph_shootdown_ops *
eph_shootdown_find(const char *name)
{
	return (FIND_ROW(eph_shootdowns, name));
}

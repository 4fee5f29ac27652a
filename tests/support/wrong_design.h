/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WRONG_DESIGN_H
#define WRONG_DESIGN_H

/*
 * Designs that are wrong on purpose, for any consumer and executor: what a
 * test of bytes and uses must see.
 *
 *	wrong_stale	 stores the entry and tells no TLB
 *	wrong_neighbour	 maps the frame next to the page's
 */

#include "ephmap/sdk/design.h"

extern const struct eph_design_ops wrong_stale;
extern const struct eph_design_ops wrong_neighbour;

#endif /* !WRONG_DESIGN_H */

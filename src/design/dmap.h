/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_DMAP_H
#define DESIGN_DMAP_H

/* The direct map for its two users: dmap and lwbuf.dmap. */

#include "ephmap/design.h"

int dmap_create(struct eph_machine *mc, const struct eph_design_config *cfg,
    void **statep, struct eph_err *err);
void dmap_destroy(void *state);
int dmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp);
int dmap_unmap(void *state, void *obj);
eph_va_t dmap_kva(void *state, void *obj);
struct vm_page *dmap_page(void *state, void *obj);
void dmap_check(void *state, uint64_t held);

#endif /* !DESIGN_DMAP_H */

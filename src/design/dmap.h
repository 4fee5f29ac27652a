/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_DMAP_H
#define DESIGN_DMAP_H

/* The direct map for its two users: dmap and lwbuf.dmap. */

#include "ephmap/sdk/design.h"

int eph__dmap_create(struct eph_machine *mc,
    const struct eph_design_config *cfg, void **statep, struct eph_err *err);
void eph__dmap_destroy(void *state);
int eph__dmap_map(
    void *state, struct vm_page *m, unsigned flags, struct eph_mapping *mp);
int eph__dmap_unmap(void *state, void *obj);
eph_va_t eph__dmap_kva(void *state, void *obj);
struct vm_page *eph__dmap_page(void *state, void *obj);
void eph__dmap_check(void *state, uint64_t held);

#endif /* !DESIGN_DMAP_H */

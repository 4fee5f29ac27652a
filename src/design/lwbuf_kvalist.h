/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef DESIGN_LWBUF_KVALIST_H
#define DESIGN_LWBUF_KVALIST_H

/* lwbuf v1 for its two users: lwbuf.kvalist and sf_buf.lwbuf. */

#include "design/lwbuf_core.h"
#include "ephmap/kernel/objcache.h"

struct lwbuf_kvalist_cpu;

struct lwbuf_kvalist {
	struct lwbuf_common lc;
	struct objcache *cache;		/* (c) lwbufs without an address */
	struct lwbuf_kvalist_cpu *cpus; /* (c) addresses, by CPU */
};

/* Returns 0 or ENOMEM; eph__lwbuf_kvalist_fini() in either case. */
int eph__lwbuf_kvalist_init(struct lwbuf_kvalist *lk, struct eph_machine *mc);
void eph__lwbuf_kvalist_fini(struct lwbuf_kvalist *lk);

/* lwbuf_alloc() and lwbuf_free(); count nothing but their events. */
struct lwbuf *eph__lwbuf_kvalist_alloc(
    struct lwbuf_kvalist *lk, struct vm_page *m);
void eph__lwbuf_kvalist_free(struct lwbuf_kvalist *lk, struct lwbuf *lwb);

/* As eph_design_ops.check, with `held` lwbufs out. */
void eph__lwbuf_kvalist_check(struct lwbuf_kvalist *lk, uint64_t held);

/* Pages on the lists of all CPUs, and on one's. */
uint64_t eph__lwbuf_kvalist_count(const struct lwbuf_kvalist *lk);
uint32_t eph__lwbuf_kvalist_count_cpu(
    const struct lwbuf_kvalist *lk, unsigned cpu);

#endif /* !DESIGN_LWBUF_KVALIST_H */

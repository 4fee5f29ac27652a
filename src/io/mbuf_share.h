/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef IO_MBUF_SHARE_H
#define IO_MBUF_SHARE_H

/* What the ways of sharing storage have in common. */

#include "io/mbuf_impl.h"

extern const struct mb_share_ops eph__mb_share_ring;
extern const struct mb_share_ops eph__mb_share_ring_unlocked;
extern const struct mb_share_ops eph__mb_share_dec_cmpset;
extern const struct mb_share_ops eph__mb_share_cmpset;
extern const struct mb_share_ops eph__mb_share_fetchadd;
extern const struct mb_share_ops eph__mb_share_fetchadd_inverted;
extern const struct mb_share_ops eph__mb_share_lock_in_object;
extern const struct mb_share_ops eph__mb_share_embedded;

/* No mbuf has to outlive another. */
struct mbuf *eph__mb_share_no_owner(struct mbuf *m);

/* The line that a counter is on. */
struct mb_line *eph__mb_share_line(struct mbuf *m);

/*
 * The counter of m's storage, about to be touched.  Panics when the object
 * it is in was freed: what ASan says of the original.
 */
_Atomic(uint32_t) *eph__mb_share_count(struct mbuf *m);

/* An atomic write of the counter, for statistics. */
void eph__mb_share_wrote(struct mbuf *m);

/* first, join and sole of everything that counts. */
void eph__mb_share_count_first(struct mbuf *m);
void eph__mb_share_count_join(struct mbuf *n, struct mbuf *m);
bool eph__mb_share_count_sole(struct mbuf *m);

#endif /* !IO_MBUF_SHARE_H */

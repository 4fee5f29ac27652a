/* SPDX-License-Identifier: BSD-2-Clause */

/* The table of ways to share external storage. */

#include "io/mbuf_share.h"

const struct mb_share_ops *const eph__mb_shares[] = {
	&eph__mb_share_ring,
	&eph__mb_share_cmpset,
	&eph__mb_share_fetchadd,
	&eph__mb_share_embedded,
	&eph__mb_share_ring_unlocked,
	&eph__mb_share_dec_cmpset,
	&eph__mb_share_fetchadd_inverted,
	&eph__mb_share_lock_in_object,
	NULL,
};

const struct mbuf_choice *
mbuf_sharing(unsigned i)
{
	if (i >= sizeof(eph__mb_shares) / sizeof(eph__mb_shares[0]) - 1)
		return (NULL);
	return (&eph__mb_shares[i]->choice);
}

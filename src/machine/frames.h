/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MACHINE_FRAMES_H
#define MACHINE_FRAMES_H

/* The page array of a machine; see vm_page.c. */

#include "ephmap/sdk/machine.h"

#define FRAME_CHUNK_SHIFT 12
#define FRAME_CHUNK	  (1u << FRAME_CHUNK_SHIFT)
#define FRAME_CHUNK_MASK  (FRAME_CHUNK - 1u)
#define FRAME_DATA_SHIFT  4 /* 64 KiB of contents at a time */
#define FRAME_DATA_MASK	  ((1u << FRAME_DATA_SHIFT) - 1u)

struct eph_frames {
	struct vm_page **chunks; /* (m) */
	uint32_t nchunks;	 /* (m) in the table, some NULL */
	uint32_t ndata;		 /* (m) */
	char **data;		 /* (m) contents */
};

struct vm_page *eph__vm_page_make(struct eph_machine *mc, uint32_t frame);
void eph__frames_destroy(struct eph_machine *mc);

EPH_PREFETCHER void
vm_page_prefetch(const struct eph_machine *mc, uint32_t frame)
{
	const struct eph_frames *fr = mc->frames;
	const uint32_t c = frame >> FRAME_CHUNK_SHIFT;

	if (eph_likely(c < fr->nchunks && fr->chunks[c] != NULL))
		eph_prefetch(fr->chunks[c] + (frame & FRAME_CHUNK_MASK));
}

static inline struct vm_page *
vm_page_get_inline(struct eph_machine *mc, uint32_t frame)
{
	const struct eph_frames *fr = mc->frames;
	const uint32_t c = frame >> FRAME_CHUNK_SHIFT;

	if (eph_unlikely(c >= fr->nchunks || fr->chunks[c] == NULL))
		return (eph__vm_page_make(mc, frame));
	return (&fr->chunks[c][frame & FRAME_CHUNK_MASK]);
}

#endif /* !MACHINE_FRAMES_H */

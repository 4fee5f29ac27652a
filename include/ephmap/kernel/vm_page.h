/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_VM_PAGE_H
#define EPHMAP_KERNEL_VM_PAGE_H

/*
 * Page frames of the simulated machine.
 *
 * A vm_page is one frame.  Frames are handed out densely from 0 in the
 * order in which vm_page_get() first sees them, and stay until the machine
 * is destroyed, so `m - vm_page_array` of the kernels is m->frame here.
 * The machine owns all of them; callers borrow.
 */

#include <stdatomic.h>

#include "ephmap/types.h"

struct eph_machine;

struct vm_page {
	uint32_t frame;		      /* (c) frame number, dense from 0 */
	uint32_t hint;		      /* (d) the design's: its index by page */
	_Atomic(uint32_t) wire_count; /* (a) wirings */
	_Atomic(uint16_t) hold_count; /* (a) holds, as XIO takes them */
	uint8_t dirty;		      /* (a) told so by vm_page_dirty() */
	uint8_t owned; /* (a) has an object: not freed with its last wire */
};

/*
 * The page with frame number `frame`, made if this is its first sight.
 * Never sleeps.  Returns NULL when `frame` is EPH_FRAMES_MAX or above or
 * the host is out of memory.
 */
struct vm_page *eph_vm_page_get(struct eph_machine *mc, uint32_t frame);

/* Wire and unwire; unwiring a page that is not wired is a panic. */
void eph_vm_page_wire(struct eph_machine *mc, struct vm_page *m);
void eph_vm_page_unwire(struct eph_machine *mc, struct vm_page *m);

/* Hold and unhold, as XIO does; unholding a page not held is a panic. */
void eph_vm_page_hold(struct eph_machine *mc, struct vm_page *m);
void eph_vm_page_unhold(struct eph_machine *mc, struct vm_page *m);

static inline void
eph_vm_page_dirty(struct vm_page *m)
{
	m->dirty = 1;
}

static inline eph_pa_t
eph_vm_page_to_phys(const struct vm_page *m)
{
	return (eph_ptoa(m->frame));
}

/* Sum of all wire counts of the machine. */
uint64_t eph_vm_pages_wired(const struct eph_machine *mc);

/*
 * Contents of the frame: EPH_PAGE_SIZE bytes on a machine with `full`
 * frames, 8 bytes with `stamp`, NULL with `none`.  Zeroed at first sight.
 */
void *eph_vm_page_contents(struct eph_machine *mc, const struct vm_page *m);

/* The colour of a page in a cache of `ncolours`. */
static inline uint32_t
eph_vm_page_colour(const struct vm_page *m, uint32_t ncolours)
{
	return (m->frame % ncolours);
}

#endif /* !EPHMAP_KERNEL_VM_PAGE_H */

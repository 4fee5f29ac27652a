/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_IMGACT_H
#define EPHMAP_KERNEL_IMGACT_H

/*
 * execve(): the first page of an image stays mapped while it is activated,
 * disk reads in between.  FreeBSD maps it shared, because the thread may
 * block and go on on another CPU; DragonFly privately, its threads stay.
 */

#include "ephmap/sdk/mapper.h"

#define IMAGE_MAGIC 0x464c457fu /* "\177ELF" */

struct image_params {
	struct eph_mapper *mp;
	struct vm_page *firstpage;
	struct eph_mapped mapped; /* valid while `header` */
	bool is_mapped;
};

/*
 * Wire and map the first page, with SFB_CPUPRIVATE or not.  Returns 0, or
 * as eph_mapper_map() with nothing wired.
 */
int eph_exec_map_first_page(struct image_params *ip, struct eph_mapper *mp,
    struct vm_page *m, unsigned flags);

/* Unmap and unwire it, if it is mapped. */
void eph_exec_unmap_first_page(struct image_params *ip);

/* Look at the header: 0, ENOEXEC, or as eph_mapper_read(). */
int eph_exec_check_header(struct image_params *ip);

#endif /* !EPHMAP_KERNEL_IMGACT_H */

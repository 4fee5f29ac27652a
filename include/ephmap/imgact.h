/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_IMGACT_H
#define EPHMAP_IMGACT_H

/*
 * execve(): the first page of an image stays mapped while it is activated,
 * disk reads in between.  FreeBSD maps it shared, because the thread may
 * block and go on on another CPU; DragonFly privately, its threads stay.
 */

#include "ephmap/mapper.h"

#define IMAGE_MAGIC 0x464c457fu /* "\177ELF" */

struct image_params {
	struct eph_mapper *mp;
	struct vm_page *firstpage;
	struct eph_mapped mapped; /* valid while `header` */
	bool is_mapped;
};

/*
 * Wire and map the first page, with SFB_CPUPRIVATE or not.  Returns 0, or
 * as mapper_map() with nothing wired.
 */
int exec_map_first_page(struct image_params *ip, struct eph_mapper *mp,
    struct vm_page *m, unsigned flags);

/* Unmap and unwire it, if it is mapped. */
void exec_unmap_first_page(struct image_params *ip);

/* Look at the header: 0, ENOEXEC, or as mapper_read(). */
int exec_check_header(struct image_params *ip);

#endif /* !EPHMAP_IMGACT_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/imgact.h"

#include <errno.h>
#include <string.h>

int
exec_map_first_page(struct image_params *ip, struct eph_mapper *mp,
    struct vm_page *m, unsigned flags)
{
	int error;

	memset(ip, 0, sizeof(*ip));
	ip->mp = mp;
	ip->firstpage = m;
	eph_mapper_page_wire(mp, m);
	if ((error = eph_mapper_map(mp, m, flags, &ip->mapped)) != 0) {
		eph_mapper_page_unwire(mp, m);
		return (error);
	}
	ip->is_mapped = true;
	return (0);
}

void
exec_unmap_first_page(struct image_params *ip)
{
	if (!ip->is_mapped)
		return;
	eph_mapper_unmap(ip->mp, &ip->mapped);
	eph_mapper_page_unwire(ip->mp, ip->firstpage);
	ip->is_mapped = false;
}

int
exec_check_header(struct image_params *ip)
{
	unsigned char h[8] = { 0 };
	int error = eph_mapper_read(ip->mp, &ip->mapped, 0, h, sizeof(h));

	if (error != 0)
		return (error);
	if (((uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 |
		(uint32_t)h[3] << 24) != IMAGE_MAGIC)
		return (ENOEXEC);
	return (0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/vnode_pager.h"

int
vnode_pager_zero_tail(struct eph_mapper *mp, struct vm_page *m, size_t off)
{
	static const char zeros[EPH_PAGE_SIZE];
	struct eph_mapped mapped;
	int error;

	if (off >= EPH_PAGE_SIZE)
		return (0);
	if ((error = eph_mapper_map(mp, m, SFB_CPUPRIVATE, &mapped)) != 0)
		return (error);
	error = eph_mapper_write(mp, &mapped, off, zeros, EPH_PAGE_SIZE - off);
	eph_mapper_unmap(mp, &mapped);
	return (error);
}

int
vnode_pager_input_smlfs(struct eph_mapper *mp, struct vm_page *m,
    uint64_t pindex, uint64_t size, size_t bsize, vnode_pager_read *fn,
    void *arg)
{
	const uint64_t base = eph_ptoa(pindex);
	const uint64_t left = size > base ? size - base : 0;
	const size_t valid =
	    left < EPH_PAGE_SIZE ? (size_t)left : EPH_PAGE_SIZE;
	struct eph_mapped mapped;
	int error;

	if ((error = eph_mapper_map(mp, m, SFB_DEFAULT, &mapped)) != 0)
		return (error);
	for (size_t off = 0; error == 0 && off < valid; off += bsize)
		error = fn(arg, &mapped, (base + off) / bsize, off, bsize);
	eph_mapper_unmap(mp, &mapped);
	return (error != 0 ? error : vnode_pager_zero_tail(mp, m, valid));
}

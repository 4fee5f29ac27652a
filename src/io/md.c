/* SPDX-License-Identifier: BSD-2-Clause */

/* The memory disk: a table of pages, filled by the first write of each. */

#include "ephmap/kernel/md.h"

#include <errno.h>
#include <string.h>

struct md_disk {
	struct eph_mapper *mp;
	struct vm_pool *pool;
	uint32_t npages;
	struct vm_page *page[]; /* NULL: never written */
};

static size_t
md_bytes(uint32_t npages)
{
	return (sizeof(struct md_disk) + npages * sizeof(struct vm_page *));
}

int
md_create(struct eph_mapper *mp, struct vm_pool *pool, uint32_t npages,
    struct md_disk **mdp)
{
	struct md_disk *md;

	if (eph_machine_fails(mp->mc, EPH_FAULT_ALLOC) ||
	    (md = eph_machine_alloc(mp->mc, md_bytes(npages))) == NULL)
		return (ENOMEM);
	md->mp = mp;
	md->pool = pool;
	md->npages = npages;
	*mdp = md;
	return (0);
}

void
md_destroy(struct md_disk *md)
{
	if (md == NULL)
		return;
	for (uint32_t i = 0; i < md->npages; i++) {
		if (md->page[i] != NULL)
			vm_pool_free(md->pool, md->page[i]);
	}
	eph_machine_free(md->mp->mc, md, md_bytes(md->npages));
}

/* The page for a write; a new one is zero where the write leaves it. */
static struct vm_page *
md_page(struct md_disk *md, uint32_t i)
{
	struct vm_page *m = md->page[i];
	struct eph_machine *mc = md->mp->mc;

	if (m != NULL || (m = vm_pool_alloc(md->pool)) == NULL)
		return (m);
	if (mc->contents_kind == EPH_CONTENTS_FULL)
		memset(vm_page_contents(mc, m), 0, EPH_PAGE_SIZE);
	md->page[i] = m;
	return (m);
}

/* One page's part of a request. */
static int
md_one(
    struct md_disk *md, bool write, uint32_t i, size_t off, char *buf, size_t n)
{
	struct vm_page *m = write ? md_page(md, i) : md->page[i];
	struct eph_mapped mapped;
	int error;

	if (m == NULL && write)
		return (ENOSPC);
	if (m == NULL) {
		memset(buf, 0, n);
		return (0);
	}
	if ((error = eph_mapper_map(md->mp, m, SFB_CPUPRIVATE, &mapped)) != 0)
		return (error);
	if (write) {
		error = eph_mapper_write(md->mp, &mapped, off, buf, n);
		vm_page_dirty(m);
	} else {
		error = eph_mapper_read(md->mp, &mapped, off, buf, n);
	}
	eph_mapper_unmap(md->mp, &mapped);
	return (error);
}

int
md_strategy(struct md_disk *md, bool write, uint64_t off, void *buf, size_t n)
{
	const uint64_t size = eph_ptoa(md->npages);
	char *p = buf;

	if (off % MD_SECTOR != 0 || n % MD_SECTOR != 0 || off > size ||
	    n > size - off)
		return (EINVAL);
	while (n > 0) {
		const size_t at = off & EPH_PAGE_MASK;
		const size_t here =
		    n < EPH_PAGE_SIZE - at ? n : EPH_PAGE_SIZE - at;
		const int error =
		    md_one(md, write, (uint32_t)eph_atop(off), at, p, here);

		if (error != 0)
			return (error);
		off += here;
		p += here;
		n -= here;
	}
	return (0);
}

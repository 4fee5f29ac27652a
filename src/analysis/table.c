/* SPDX-License-Identifier: BSD-2-Clause */

#include "analysis/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)
#define LINE_BYTES ((size_t)64)

void *
eph__table_alloc(size_t n, size_t size)
{
	const size_t align = n > HUGE_BYTES / size ? HUGE_BYTES : LINE_BYTES;
	size_t bytes;
	void *t;

	if (n > SIZE_MAX / 2 / size)
		return (NULL);
	bytes = (n * size + align - 1) & ~(align - 1);
	t = aligned_alloc(align, bytes == 0 ? align : bytes);
#ifdef MADV_HUGEPAGE
	/* A wish: without huge pages everything works, slower. */
	if (t != NULL && align == HUGE_BYTES)
		(void)madvise(t, bytes, MADV_HUGEPAGE);
#endif
	return (t);
}

uint32_t *
eph__table_alloc_none(size_t n)
{
	uint32_t *t = eph__table_alloc(n, sizeof(*t));

	if (t != NULL)
		memset(t, 0xff, n * sizeof(*t));
	return (t);
}

void
eph__table_free(void *t)
{
	free(t);
}

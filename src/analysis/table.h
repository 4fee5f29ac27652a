/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef ANALYSIS_TABLE_H
#define ANALYSIS_TABLE_H

/*
 * Tables by page or by position, which are probed at random: cache-line
 * aligned, and in huge pages from 2 MiB up where the host has them.
 */

#include <stddef.h>
#include <stdint.h>

/* Not zeroed.  NULL when out of memory; eph__table_free() accepts that. */
void *eph__table_alloc(size_t n, size_t size);
void eph__table_free(void *t);

/* `n` entries of EPH_NONE. */
uint32_t *eph__table_alloc_none(size_t n);

/* Tables beyond this are larger than the caches near a CPU. */
#define TABLE_FAR_BYTES ((size_t)512 << 10)

#endif /* !ANALYSIS_TABLE_H */

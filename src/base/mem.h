/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_MEM_H
#define BASE_MEM_H

/*
 * Memory of one owner, counted exactly.
 *
 * With jemalloc each owner has an arena of its own, which goes away in one
 * piece; without it, and in sanitizer builds, blocks come from malloc.
 * Every block is returned with its size.  Safe to use from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eph_mem;

/* NULL when out of memory.  `heap` asks for malloc in any case. */
struct eph_mem *eph__mem_create(bool heap);

/*
 * The same for who has a lot and reads it at random: in huge pages where the
 * host has them.
 */
struct eph_mem *eph__mem_create_huge(void);

/*
 * The same in one region of at most `bytes`, whose state can be brought
 * back.  Nothing that is given back is handed out again.
 */
struct eph_mem *eph__mem_create_region(size_t bytes);

/*
 * The same out of another's memory, which must outlive it and is rewound
 * with all that is in it.  What it leaks the other one misses too.
 */
struct eph_mem *eph__mem_create_within(struct eph_mem *outer);

/*
 * Remember all contents of a region; bring them back.  What was allocated
 * since is gone.  eph__mem_mark() returns 0 or ENOMEM.
 */
int eph__mem_mark(struct eph_mem *mem);
void eph__mem_rewind(struct eph_mem *mem);

/*
 * A promise, before eph__mem_mark(): these bytes will not be written, so that
 * eph__mem_rewind() can leave them out.  Later ranges lie behind earlier ones.
 */
void eph__mem_cold(struct eph_mem *mem, const void *p, size_t bytes);

/*
 * A region's memory, and the bytes of it that were handed out; say how many
 * were.  For who keeps states of a region himself.
 */
char *eph__mem_region(const struct eph_mem *mem, size_t *used);
void eph__mem_set_used(struct eph_mem *mem, size_t used);

/*
 * Said before the first allocation: large blocks will be read at random, and
 * all of them, so they should be in huge pages where the host has them.
 */
void eph__mem_probed(struct eph_mem *mem);

/* Free everything; returns the bytes that had not been given back. */
size_t eph__mem_destroy(struct eph_mem *mem);

/* Zeroed, aligned to 64 bytes.  NULL when out of memory or told to fail. */
void *eph_mem_alloc(struct eph_mem *mem, size_t bytes);

/* `bytes` as asked for; NULL is accepted. */
void eph_mem_free(struct eph_mem *mem, void *p, size_t bytes);

/* Grow to `to` bytes, the new part zeroed; NULL leaves the old block. */
void *eph_mem_grow(struct eph_mem *mem, void *p, size_t from, size_t to);

/* Bytes in use. */
size_t eph__mem_bytes(const struct eph_mem *mem);

/*
 * Have gone(arg, p, bytes) called before a block is given back, from the
 * thread that does so; NULL: no more.  One at a time.
 */
typedef void eph__mem_gone_fn(void *arg, const void *p, size_t bytes);
void eph__mem_on_free(struct eph_mem *mem, eph__mem_gone_fn *gone, void *arg);

/* Make the `n`th allocation from now fail, once; 0: none. */
void eph__mem_fail_after(struct eph_mem *mem, uint64_t n);

#endif /* !BASE_MEM_H */

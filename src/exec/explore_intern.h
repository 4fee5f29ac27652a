/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EXEC_EXPLORE_INTERN_H
#define EXEC_EXPLORE_INTERN_H

/*
 * Pieces of memory, each kept once and known by a number from then on.
 * Equal pieces have equal numbers: contents are compared, not hashes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern {
	char *data;
	size_t used;
	size_t room;
	size_t *at;	/* piece's offset; its length is up to the next */
	uint32_t *hash; /* piece's */
	uint32_t n;
	uint32_t n_room;
	uint32_t *table; /* 1 + piece, 0: empty */
	uint32_t mask;
};

/* Returns 0 or ENOMEM. */
int eph__intern_create(struct intern *in);
void eph__intern_destroy(struct intern *in);
void eph__intern_clear(struct intern *in);

/* The number of a piece; UINT32_MAX when out of memory. */
uint32_t eph__intern(struct intern *in, const void *p, size_t bytes);

static inline const void *
intern_piece(const struct intern *in, uint32_t id, size_t *bytes)
{
	*bytes = in->at[id + 1] - in->at[id];
	return (in->data + in->at[id]);
}

size_t eph__intern_bytes(const struct intern *in);

/* A hash of words; `bytes` is a multiple of 4. */
uint64_t eph__intern_hash(const void *p, size_t bytes);

#endif /* !EXEC_EXPLORE_INTERN_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Rows: each state once, in the order in which they were found.
 */

#include "exec/explore_space_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"

static bool
space_table_grow(struct ex_space *sp)
{
	const uint32_t mask = sp->mask * 2 + 1;
	const unsigned width = sp->npieces + 2;
	uint32_t *table = calloc((size_t)mask + 1, sizeof(*table));

	if (table == NULL)
		return (false);
	for (uint32_t id = 0; id < sp->n; id++) {
		const uint64_t h = eph__intern_hash(
		    &sp->row[(size_t)id * width], sp->npieces * 4);
		uint32_t i = (uint32_t)h & mask;

		while (table[i] != 0)
			i = (i + 1) & mask;
		table[i] = (uint32_t)(h >> 59 << SPACE_TAG) | (id + 1);
	}
	free(sp->table);
	sp->table = table;
	sp->mask = mask;
	return (true);
}

static bool
space_room(struct ex_space *sp)
{
	const unsigned width = sp->npieces + 2;

	if (sp->n == sp->row_room) {
		const uint32_t room = sp->row_room + sp->row_room / 2 + 1024;
		uint32_t *row =
		    realloc(sp->row, (size_t)room * width * sizeof(*row));

		if (row == NULL)
			return (false);
		sp->row = row;
		sp->row_room = room;
	}
	if (sp->n + 2 >= 1u << SPACE_TAG)
		return (false);
	return (sp->n < sp->mask / 4 * 3 || space_table_grow(sp));
}

static bool
space_row_equal(const uint32_t *a, const uint32_t *b, unsigned n)
{
	uint32_t differ = 0;

	for (unsigned i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return (differ == 0);
}

/*
 * A row that is new or known; see eph__space_save().  Its place in the table
 * is far away from anything in a cache, as is the row that may be there: so
 * rows wait in `batch' while both are fetched.
 */
static int
space_insert(struct ex_space *sp, const uint32_t *now, uint64_t h,
    uint32_t parent, struct ex_choice choice, uint32_t *idp)
{
	const unsigned width = sp->npieces + 2;
	uint32_t i, *row;

	if (!space_room(sp))
		return (-1);
	for (i = (uint32_t)h & sp->mask; sp->table[i] != 0;
	     i = (i + 1) & sp->mask) {
		if (sp->table[i] >> SPACE_TAG != h >> 59)
			continue;
		*idp = (sp->table[i] & ((1u << SPACE_TAG) - 1)) - 1;
		if (space_row_equal(
			&sp->row[(size_t)*idp * width], now, sp->npieces))
			return (0);
	}
	*idp = sp->n++;
	sp->table[i] = (uint32_t)(h >> 59 << SPACE_TAG) | (*idp + 1);
	row = &sp->row[(size_t)*idp * width];
	memcpy(row, now, sp->npieces * 4);
	row[sp->npieces] = parent;
	memcpy(&row[sp->npieces + 1], &choice, 4);
	return (1);
}

int
eph__space_queue(struct ex_space *sp, const uint32_t *now, uint32_t parent,
    struct ex_choice choice)
{
	struct space_waiting *w;

	if (sp->nbatch == SPACE_BATCH && eph__space_flush(sp) != 0)
		return (-1);
	w = &sp->batch[sp->nbatch++];
	memcpy(w->row, now, sp->npieces * 4);
	w->hash = eph__intern_hash(now, sp->npieces * 4);
	w->parent = parent;
	w->choice = choice;
	__builtin_prefetch(&sp->table[(uint32_t)w->hash & sp->mask]);
	return (0);
}

int
eph__space_flush(struct ex_space *sp)
{
	for (unsigned i = 0; i < sp->nbatch; i++) {
		const uint32_t slot =
		    sp->table[(uint32_t)sp->batch[i].hash & sp->mask];
		const uint32_t id = (slot & ((1u << SPACE_TAG) - 1)) - 1;

		if (slot != 0)
			__builtin_prefetch(
			    &sp->row[(size_t)id * (sp->npieces + 2)]);
	}
	for (unsigned i = 0; i < sp->nbatch; i++) {
		const struct space_waiting *w = &sp->batch[i];

		if (space_insert(sp, w->row, w->hash, w->parent, w->choice,
			&sp->last) < 0)
			return (-1);
	}
	sp->nbatch = 0;
	return (0);
}

uint32_t
eph__space_last(const struct ex_space *sp)
{
	return (sp->last);
}

uint32_t
eph__space_parent(const struct ex_space *sp, uint32_t id)
{
	return (sp->row[(size_t)id * (sp->npieces + 2) + sp->npieces]);
}

struct ex_choice
eph__space_choice(const struct ex_space *sp, uint32_t id)
{
	struct ex_choice c;

	memcpy(
	    &c, &sp->row[(size_t)id * (sp->npieces + 2) + sp->npieces + 1], 4);
	return (c);
}

uint32_t
eph__space_states(const struct ex_space *sp)
{
	return (sp->n);
}

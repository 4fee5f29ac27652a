/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Rows: each state once, in the order in which they were found.
 *
 * A row is the numbers of a state's pieces, each in as many bits as the
 * number of that piece's contents so far needs (field[]), so that a state
 * takes two or three words.  When a piece has more contents than its field
 * has numbers, all rows are packed anew.  Rows are compared in full; the hash
 * only says where to look.
 */

#include "exec/explore_space_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/kassert.h"

#define ROWS_MASK 0xffffu /* of the first table */
#define ROWS_HUGE ((size_t)2 << 20)
#define ROWS_IN	  ((1u << SPACE_CHUNK) - 1)

/*
 * Memory that is looked at here and there: in large pages, where the system
 * has them, because a translation would be missing nearly every time.
 */
void *
eph__space_memory(size_t bytes)
{
	void *p;

	bytes = (bytes + ROWS_HUGE - 1) & ~(ROWS_HUGE - 1);
	if ((p = aligned_alloc(ROWS_HUGE, bytes)) == NULL)
		return (NULL);
#ifdef MADV_HUGEPAGE
	(void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return (p);
}

static inline uint64_t *
rows_row(const struct ex_space *sp, uint32_t id)
{
	return (&sp->chunk[id >> SPACE_CHUNK]
		     .row[(size_t)(id & ROWS_IN) * sp->width]);
}

static inline uint32_t
rows_get(const uint64_t *row, struct space_field f)
{
	return ((uint32_t)(row[f.word] >> f.shift) &
	    (uint32_t)(((uint64_t)1 << f.bits) - 1));
}

static inline void
rows_put(uint64_t *row, struct space_field f, uint32_t old, uint32_t id)
{
	row[f.word] ^= (uint64_t)(old ^ id) << f.shift;
}

static unsigned
rows_bits(uint32_t n)
{
	unsigned bits = 1;

	while (bits < 32 && n >> bits != 0)
		bits++;
	return (bits);
}

/* Places for fields of `bits` that each piece needs; how many words. */
static unsigned
rows_layout(struct ex_space *sp)
{
	unsigned word = 0, used = 0;

	for (unsigned k = 0; k < sp->npieces; k++) {
		struct space_field *f = &sp->field[k];

		if (used + f->bits > 64) {
			word++;
			used = 0;
		}
		f->word = (uint16_t)word;
		f->shift = (uint8_t)used;
		used += f->bits;
	}
	return (word + 1);
}

/* Pack a row that was packed by `old`. */
static void
rows_again(const struct ex_space *sp, const struct space_field *old,
    const uint64_t *from, uint64_t *to)
{
	for (unsigned i = 0; i < sp->width; i++)
		to[i] = 0;
	for (unsigned k = 0; k < sp->npieces; k++)
		rows_put(to, sp->field[k], 0, rows_get(from, old[k]));
}

static void
rows_prefetch(const struct ex_space *sp, uint64_t hash)
{
	eph_prefetch(&sp->table[(uint32_t)hash & sp->mask]);
}

/* What a place of the table holds of a state. */
static uint32_t
rows_tag(const struct ex_space *sp, uint64_t hash)
{
	return ((uint32_t)(hash >> (32 + sp->id_bits)) << sp->id_bits);
}

static void
rows_table_fill(struct ex_space *sp)
{
	for (uint32_t id = 0; id < sp->n; id++) {
		const uint64_t h =
		    eph__intern_hash(rows_row(sp, id), sp->width * 8);
		uint32_t i = (uint32_t)h & sp->mask;

		while (sp->table[i] != 0)
			i = (i + 1) & sp->mask;
		sp->table[i] = rows_tag(sp, h) | (id + 1);
	}
}

static bool
rows_table(struct ex_space *sp, uint32_t mask)
{
	const size_t bytes = ((size_t)mask + 1) * sizeof(*sp->table);
	uint32_t *table = eph__space_memory(bytes);

	if (table == NULL)
		return (false);
	memset(table, 0, bytes);
	free(sp->table);
	sp->table = table;
	sp->mask = mask;
	sp->id_bits = rows_bits(mask);
	rows_table_fill(sp);
	return (true);
}

/* Room for one more chunk of states. */
static bool
rows_grow(struct ex_space *sp)
{
	const size_t n = (size_t)1 << SPACE_CHUNK;
	struct space_chunk *c = &sp->chunk[sp->row_room >> SPACE_CHUNK];

	if (sp->row_room >> SPACE_CHUNK == SPACE_CHUNKS)
		return (false);
	c->row = eph__space_memory(n * sp->width * sizeof(*c->row));
	c->parent = malloc(n * sizeof(*c->parent));
	c->mark = malloc(n * sizeof(*c->mark));
	c->choice = malloc(n * sizeof(*c->choice));
	sp->row_room += (uint32_t)n;
	return (c->row != NULL && c->parent != NULL && c->mark != NULL &&
	    c->choice != NULL);
}

static bool
rows_room(struct ex_space *sp)
{
	if (sp->n == sp->row_room && !rows_grow(sp))
		return (false);
	if (sp->n < sp->mask / 4 * 3)
		return (true);
	return (sp->mask < UINT32_MAX / 2 && rows_table(sp, sp->mask * 2 + 1));
}

/* The same of a chunk whose rows were `was` words. */
static bool
rows_chunk_again(struct ex_space *sp, uint32_t i, const struct space_field *old,
    unsigned was)
{
	const uint32_t first = i << SPACE_CHUNK;
	const size_t n = (size_t)1 << SPACE_CHUNK;
	struct space_chunk *c = &sp->chunk[i];
	uint64_t *row = eph__space_memory(n * sp->width * sizeof(*row));

	if (row == NULL)
		return (false);
	for (size_t k = 0; k < n && first + k < sp->n; k++)
		rows_again(sp, old, &c->row[k * was], &row[k * sp->width]);
	free(c->row);
	c->row = row;
	return (true);
}

/* Wider fields for piece `k` and for who will be next to need one. */
static void
rows_bits_more(struct ex_space *sp, unsigned k)
{
	for (unsigned i = 0; i < sp->npieces; i++) {
		const unsigned bits = rows_bits(sp->piece[i].n) + 2;

		if (i != k && bits < sp->field[i].bits + 2u)
			continue;
		if (sp->piece[i].n > 1)
			sp->field[i].bits = (uint8_t)(bits < 32 ? bits : 32);
	}
}

/*
 * Piece `k` has more contents than its field has numbers: all rows are packed
 * anew, with room for four times as many.
 */
static bool
rows_widen(struct ex_space *sp, unsigned k)
{
	struct space_field old[SPACE_PIECES];
	const unsigned was = sp->width;
	uint64_t *queued;

	if (eph__space_flush(sp) != 0)
		return (false);
	memcpy(old, sp->field, sizeof(old));
	rows_bits_more(sp, k);
	sp->width = rows_layout(sp);
	if (sp->width < was)
		sp->width = was;
	queued = realloc(sp->queued, SPACE_BATCH * sp->width * sizeof(*queued));
	if (queued == NULL)
		return (false);
	sp->queued = queued;
	for (uint32_t i = 0; i < sp->row_room >> SPACE_CHUNK; i++) {
		if (!rows_chunk_again(sp, i, old, was))
			return (false);
	}
	memset(sp->table, 0, ((size_t)sp->mask + 1) * sizeof(*sp->table));
	rows_table_fill(sp);
	return (true);
}

static bool
rows_equal(const uint64_t *a, const uint64_t *b, unsigned n)
{
	uint64_t differ = 0;

	for (unsigned i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return (differ == 0);
}

/* A state is reached again, in as many steps. */
static void
rows_mark(const struct ex_space *sp, uint32_t *mark, uint32_t more)
{
	if (sp->late)
		*mark &= more;
	else
		*mark |= more;
}

/* A row that is new or known. */
static int
rows_insert(struct ex_space *sp, const struct space_waiting *w,
    const uint64_t *row, uint32_t *idp)
{
	const uint32_t tag = rows_tag(sp, w->hash);
	const uint32_t low = (uint32_t)(((uint64_t)1 << sp->id_bits) - 1);
	uint32_t i;

	for (i = (uint32_t)w->hash & sp->mask; sp->table[i] != 0;
	     i = (i + 1) & sp->mask) {
		if ((sp->table[i] & ~low) != tag)
			continue;
		*idp = (sp->table[i] & low) - 1;
		if (!rows_equal(rows_row(sp, *idp), row, sp->width))
			continue;
		if (*idp >= sp->next_level)
			rows_mark(sp,
			    &sp->chunk[*idp >> SPACE_CHUNK]
				 .mark[*idp & ROWS_IN],
			    w->mark);
		return (0);
	}
	if (!rows_room(sp))
		return (-1);
	/* The table may be another one now. */
	i = (uint32_t)w->hash & sp->mask;
	while (sp->table[i] != 0)
		i = (i + 1) & sp->mask;
	*idp = sp->n++;
	sp->table[i] = rows_tag(sp, w->hash) | (*idp + 1);
	memcpy(rows_row(sp, *idp), row, sp->width * 8);
	sp->chunk[*idp >> SPACE_CHUNK].parent[*idp & ROWS_IN] = w->parent;
	sp->chunk[*idp >> SPACE_CHUNK].mark[*idp & ROWS_IN] = w->mark;
	sp->chunk[*idp >> SPACE_CHUNK].choice[*idp & ROWS_IN] = w->choice;
	return (0);
}

/*
 * A row's place in the table is far away from anything in a cache, as is the
 * row that may be there: so rows wait in `batch' while both are fetched.
 */
int
eph__space_queue(struct ex_space *sp, const struct space_delta *delta,
    struct ex_choice choice)
{
	uint64_t *row;
	struct space_waiting *w;

	for (unsigned i = 0; i < delta->n; i++) {
		const unsigned k = delta->piece[i];

		while ((uint64_t)delta->becomes[i] >> sp->field[k].bits != 0) {
			if (!rows_widen(sp, k))
				return (-1);
		}
	}
	if (sp->nbatch == SPACE_BATCH && eph__space_flush(sp) != 0)
		return (-1);
	w = &sp->batch[sp->nbatch];
	row = &sp->queued[sp->nbatch++ * sp->width];
	if (sp->n == 0)
		memset(row, 0, sp->width * sizeof(*row));
	else
		memcpy(
		    row, rows_row(sp, sp->base_id), sp->width * sizeof(*row));
	for (unsigned i = 0; i < delta->n; i++) {
		const unsigned k = delta->piece[i];

		rows_put(row, sp->field[k], sp->n == 0 ? 0 : sp->base[k],
		    delta->becomes[i]);
	}
	w->hash = eph__intern_hash(row, sp->width * sizeof(*row));
	w->parent = sp->n == 0 ? 0 : sp->base_id;
	w->mark = sp->marks;
	w->choice = choice;
	rows_prefetch(sp, w->hash);
	return (0);
}

int
eph__space_flush(struct ex_space *sp)
{
	const uint32_t low = (uint32_t)(((uint64_t)1 << sp->id_bits) - 1);

	for (unsigned i = 0; i < sp->nbatch; i++) {
		const uint32_t slot =
		    sp->table[(uint32_t)sp->batch[i].hash & sp->mask];

		if (slot != 0)
			eph_prefetch(rows_row(sp, (slot & low) - 1));
	}
	for (unsigned i = 0; i < sp->nbatch; i++) {
		if (rows_insert(sp, &sp->batch[i], &sp->queued[i * sp->width],
			&sp->last) != 0)
			return (-1);
	}
	sp->nbatch = 0;
	return (0);
}

void
eph__space_unpack(struct ex_space *sp, uint32_t id)
{
	const uint64_t *row;

	if (id == sp->base_id)
		return;
	sp->base_id = id;
	row = rows_row(sp, id);
	for (unsigned k = 0; k < sp->npieces; k++)
		sp->base[k] = rows_get(row, sp->field[k]);
}

/* Life */

void
eph__space_rows_free(struct ex_space *sp)
{
	for (uint32_t i = 0; i < sp->row_room >> SPACE_CHUNK; i++) {
		free(sp->chunk[i].row);
		free(sp->chunk[i].parent);
		free(sp->chunk[i].mark);
		free(sp->chunk[i].choice);
	}
	free(sp->table);
	free(sp->queued);
	sp->queued = NULL;
	sp->table = NULL;
	sp->n = sp->row_room = 0;
}

int
eph__space_rows_clear(struct ex_space *sp)
{
	eph__space_rows_free(sp);
	for (unsigned k = 0; k < sp->npieces; k++)
		sp->field[k].bits = 1;
	sp->width = rows_layout(sp);
	sp->nbatch = 0;
	sp->base_id = UINT32_MAX;
	sp->queued = malloc(SPACE_BATCH * sp->width * sizeof(*sp->queued));
	return (sp->queued != NULL && rows_table(sp, ROWS_MASK) ? 0 : ENOMEM);
}

uint32_t
eph__space_last(const struct ex_space *sp)
{
	return (sp->last);
}

uint32_t
eph__space_parent(const struct ex_space *sp, uint32_t id)
{
	return (sp->chunk[id >> SPACE_CHUNK].parent[id & ROWS_IN]);
}

uint32_t
eph__space_row_mark(const struct ex_space *sp, uint32_t id)
{
	return (sp->chunk[id >> SPACE_CHUNK].mark[id & ROWS_IN]);
}

struct ex_choice
eph__space_choice(const struct ex_space *sp, uint32_t id)
{
	return (sp->chunk[id >> SPACE_CHUNK].choice[id & ROWS_IN]);
}

uint32_t
eph__space_states(const struct ex_space *sp)
{
	return (sp->n);
}

size_t
eph__space_row_bytes(const struct ex_space *sp)
{
	const size_t each = sp->width * sizeof(*sp->chunk[0].row) +
	    sizeof(*sp->chunk[0].parent) + sizeof(*sp->chunk[0].mark) +
	    sizeof(*sp->chunk[0].choice);

	return (sp->n * each + ((size_t)sp->mask + 1) * sizeof(*sp->table));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * See cells.h.
 *
 * Pieces of memory, sized by the CPUs, are cut into blocks of 512 << k bytes,
 * each aligned to its size within the piece.  A free block is on the ring of
 * its order k, and its piece notes 1 + k where it begins.
 */

#include "machine/cells.h"

#include <string.h>

#include "base/kassert.h"

#define UNIT	    512u
#define ORDERS	    13u /* the largest block is a piece of 2 MiB */
#define ORDER_LEAST 5u	/* of a piece */

struct block {
	struct block *next;
	struct block *prev;
};

struct piece {
	struct piece *next;
	char *base;
	uint8_t note[]; /* by unit */
};

struct eph_cells {
	struct piece *pieces;
	unsigned order; /* (c) of a piece */
	struct block ring[ORDERS];
};

static size_t
block_bytes(unsigned order)
{
	return ((size_t)UNIT << order);
}

static unsigned
order_of(size_t bytes)
{
	unsigned order = 0;

	while (block_bytes(order) < bytes)
		order++;
	KASSERT(block_bytes(order) == bytes, "cells.h: a power of two");
	return (order);
}

static size_t
piece_bytes(unsigned order)
{
	return (sizeof(struct piece) + ((size_t)1 << order));
}

static struct eph_cells *
cells_make(struct eph_machine *mc)
{
	struct eph_cells *cl = eph_machine_alloc(mc, sizeof(*cl));

	if (cl == NULL)
		return (NULL);
	/* 1 to 2 KiB a CPU. */
	cl->order = ORDER_LEAST;
	while (cl->order + 1 < ORDERS && (1u << cl->order) < 2 * mc->ncpus)
		cl->order++;
	for (unsigned k = 0; k < ORDERS; k++)
		cl->ring[k].next = cl->ring[k].prev = &cl->ring[k];
	return (cl);
}

static struct piece *
piece_of(const struct eph_cells *cl, const void *p)
{
	struct piece *pc = cl->pieces;

	while ((uintptr_t)p - (uintptr_t)pc->base >= block_bytes(cl->order))
		pc = pc->next;
	return (pc);
}

/* The block `at` bytes into the piece is free. */
static void
block_put(struct eph_cells *cl, struct piece *pc, size_t at, unsigned order)
{
	struct block *b = (struct block *)(void *)(pc->base + at);
	struct block *ring = &cl->ring[order];

	b->next = ring->next;
	b->prev = ring;
	ring->next->prev = b;
	ring->next = b;
	pc->note[at / UNIT] = (uint8_t)(1 + order);
}

static void
block_take(struct piece *pc, struct block *b)
{
	b->next->prev = b->prev;
	b->prev->next = b->next;
	pc->note[(size_t)((char *)b - pc->base) / UNIT] = 0;
}

static bool
piece_make(struct eph_machine *mc, struct eph_cells *cl)
{
	struct piece *pc = eph_machine_alloc(mc, piece_bytes(cl->order));

	if (pc == NULL)
		return (false);
	pc->base = eph_machine_alloc(mc, block_bytes(cl->order));
	if (pc->base == NULL) {
		eph_machine_free(mc, pc, piece_bytes(cl->order));
		return (false);
	}
	pc->next = cl->pieces;
	cl->pieces = pc;
	block_put(cl, pc, 0, cl->order);
	return (true);
}

void *
eph__cells_alloc(struct eph_machine *mc, size_t bytes)
{
	const unsigned want = order_of(bytes);
	struct eph_cells *cl = mc->cells;
	struct piece *pc;
	struct block *b;
	unsigned k = want;

	if (cl == NULL && (mc->cells = cl = cells_make(mc)) == NULL)
		return (NULL);
	if (want > cl->order)
		return (eph_machine_alloc(mc, bytes));
	while (k <= cl->order && cl->ring[k].next == &cl->ring[k])
		k++;
	if (k > cl->order) {
		if (!piece_make(mc, cl))
			return (NULL);
		k = cl->order;
	}
	b = cl->ring[k].next;
	pc = piece_of(cl, b);
	block_take(pc, b);
	while (k-- > want)
		block_put(
		    cl, pc, (size_t)((char *)b - pc->base) + block_bytes(k), k);
	return (memset(b, 0, bytes));
}

void
eph__cells_free(struct eph_machine *mc, void *p, size_t bytes)
{
	struct eph_cells *cl = mc->cells;
	unsigned order = order_of(bytes);
	struct piece *pc;
	size_t at;

	if (order > cl->order) {
		eph_machine_free(mc, p, bytes);
		return;
	}
	pc = piece_of(cl, p);
	at = (size_t)((char *)p - pc->base);
	for (; order < cl->order; order++) {
		const size_t other = at ^ block_bytes(order);

		if (pc->note[other / UNIT] != 1 + order)
			break;
		block_take(pc, (struct block *)(void *)(pc->base + other));
		at &= ~block_bytes(order);
	}
	block_put(cl, pc, at, order);
}

void
eph__cells_destroy(struct eph_machine *mc)
{
	struct eph_cells *cl = mc->cells;

	while (cl != NULL && cl->pieces != NULL) {
		struct piece *pc = cl->pieces;

		KASSERT(pc->note[0] == 1 + cl->order,
		    "one of the oracle's tables was not given back");
		cl->pieces = pc->next;
		eph_machine_free(mc, pc->base, block_bytes(cl->order));
		eph_machine_free(mc, pc, piece_bytes(cl->order));
	}
	eph_machine_free(mc, cl, sizeof(*cl));
	mc->cells = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/refs.h"
#include "analysis/table.h"
#include "ephmap/mrc.h"
#include "ephmap/run.h"

#define ROOM_AT_FIRST ((size_t)64 << 10)

void
eph_refs_init(struct eph_refs *r)
{
	memset(r, 0, sizeof(*r));
}

void
eph_refs_free(struct eph_refs *r)
{
	free(r->page);
	eph__table_free(r->next);
	eph_refs_init(r);
}

static int
refs_no_memory(struct eph_err *err)
{
	return (eph_err_set(err, ENOMEM, "out of memory for the references"));
}

static int
refs_make_room(struct eph_refs *r, size_t n, struct eph_err *err)
{
	size_t room = r->room == 0 ? ROOM_AT_FIRST : r->room;
	uint32_t *page;

	if (n > EPH_REFS_MAX - r->n)
		return (eph_err_set(err, EFBIG,
		    "the trace has more than %u references",
		    (unsigned)EPH_REFS_MAX));
	while (room < r->n + n)
		room *= 2;
	if (room == r->room)
		return (0);
	/* realloc and not a table: it moves large blocks without a copy. */
	page = realloc(r->page, room * sizeof(*page));
	if (page == NULL)
		return (refs_no_memory(err));
	r->page = page;
	r->room = room;
	return (0);
}

static inline void
refs_add(struct eph_refs *r, uint32_t page)
{
	r->page[r->n++] = page;
	if (page >= r->npages)
		r->npages = page + 1;
}

int
eph_refs_append(
    struct eph_refs *r, const uint32_t *pages, size_t n, struct eph_err *err)
{
	const int error = refs_make_room(r, n, err);

	if (error != 0)
		return (error);
	for (size_t i = 0; i < n; i++)
		refs_add(r, pages[i]);
	return (0);
}

int
eph_refs_read(
    struct eph_refs *r, struct eph_op_source *src, struct eph_err *err)
{
	const struct eph_op *ops;
	size_t n;
	int error;

	for (;;) {
		if ((error = src->next(src->arg, &ops, &n, err)) != 0 || n == 0)
			return (error);
		if ((error = refs_make_room(r, n, err)) != 0)
			return (error);
		for (size_t i = 0; i < n; i++) {
			if (ops[i].kind == EPH_OP_MAP ||
			    ops[i].kind == EPH_OP_REF)
				refs_add(r, ops[i].page);
		}
	}
}

int
eph_refs_future(struct eph_refs *r, struct eph_err *err)
{
	uint32_t *seen;

	if (r->next != NULL)
		return (0);
	seen = eph__table_alloc_none(r->npages);
	r->next = eph__table_alloc(r->n, sizeof(*r->next));
	if (seen == NULL || r->next == NULL) {
		eph__table_free(seen);
		eph__table_free(r->next);
		r->next = NULL;
		return (refs_no_memory(err));
	}
	for (size_t i = r->n; i-- > 0;) {
		r->next[i] = seen[r->page[i]];
		seen[r->page[i]] = (uint32_t)i;
	}
	eph__table_free(seen);
	return (0);
}

bool
eph_refs_sampled(uint32_t page, double rate, uint64_t seed)
{
	return (refs_hash(page, seed) < refs_threshold(rate));
}

int
eph__refs_choose(const struct eph_refs *r, uint64_t from, uint64_t to,
    uint64_t seed, struct eph_refs *out, struct eph_err *err)
{
	uint32_t *dense = eph__table_alloc_none(r->npages);
	uint32_t npages = 0;
	int error = 0;

	eph_refs_init(out);
	if (dense == NULL)
		return (refs_no_memory(err));
	for (size_t i = 0; i < r->n && error == 0; i++) {
		const uint32_t page = r->page[i];
		const uint32_t hash = refs_hash(page, seed);

		if (hash < from || hash >= to)
			continue;
		if (dense[page] == EPH_NONE)
			dense[page] = npages++;
		error = eph_refs_append(out, &dense[page], 1, err);
	}
	eph__table_free(dense);
	if (error != 0)
		eph_refs_free(out);
	return (error);
}

int
eph_refs_sample(const struct eph_refs *r, double rate, uint64_t seed,
    struct eph_refs *out, struct eph_err *err)
{
	return (eph__refs_choose(r, 0, refs_threshold(rate), seed, out, err));
}

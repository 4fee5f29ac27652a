/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What TLBs do unasked.
 *
 * A load or an eviction reads and writes an entry, a cell of the shadow, and
 * its CPU's own words, so that it is a function of the pieces these are in.
 * It is made once for each combination of them; after that it is a look-up.
 */

#include "exec/explore_space_impl.h"

#include <stddef.h>
#include <string.h>

static struct space_memo *
space_memo(struct ex_space *sp, const struct space_memo *key)
{
	const uint64_t h =
	    eph__intern_hash(key, offsetof(struct space_memo, kind));
	struct space_memo *m;

	for (uint32_t i = (uint32_t)h & (SPACE_MEMOS - 1);;
	     i = (i + 1) & (SPACE_MEMOS - 1)) {
		m = &sp->memo[i];
		if (!m->full ||
		    memcmp(m, key, offsetof(struct space_memo, kind)) == 0)
			return (m);
	}
}

/* Make the action in the machine; what it changes, into *m. */
static bool
space_act_make(
    struct ex_space *sp, uint32_t id, unsigned i, struct space_memo *m)
{
	struct ex_choice c = { EX_FILL, (uint8_t)m->cpu,
		(uint16_t)sp->ex->page[i] };

	eph__space_load(sp, id);
	if (!eph__explore_can_act(sp->ex, c))
		c.kind = EX_DROP;
	m->kind = c.kind;
	m->possible = eph__explore_can_act(sp->ex, c);
	if (!m->possible)
		return (true);
	eph__ex_tlb_acts(sp->ex, c);
	if (!eph__space_capture(sp))
		return (false);
	m->nchanged = (uint16_t)sp->delta.n;
	for (unsigned k = 0; k < sp->delta.n && k < SPACE_ACT; k++) {
		m->change[k].piece = sp->delta.piece[k];
		m->change[k].becomes = sp->delta.becomes[k];
	}
	return (true);
}

int
eph__space_tlb(struct ex_space *sp, uint32_t id, unsigned c, unsigned i,
    struct ex_choice *choice)
{
	const struct space_act *act = &sp->act[c * EX_PAGES + i];
	struct space_memo key = { .cpu = c, .page = i }, *m;
	struct space_delta delta;
	const unsigned label = c * sp->npages + i;

	if (label < SPACE_LABELS && (sp->acts >> label & 1) == 0)
		return (1);
	sp->marks = sp->late ? eph__space_late_mark(sp, c, i)
	    : sp->sleeps     ? eph__space_sleep_mark(sp, c, i)
			     : 0;
	eph__space_unpack(sp, id);
	for (unsigned j = 0; j < act->n; j++)
		key.piece[j] = sp->base[act->piece[j]];
	m = space_memo(sp, &key);
	if (!m->full || act->many) {
		if (!space_act_make(sp, id, i, &key))
			return (-1);
		if (key.nchanged <= SPACE_ACT && !act->many &&
		    sp->nmemos < SPACE_MEMOS / 2) {
			key.full = true;
			*m = key;
			sp->nmemos++;
		}
		m = &key;
	}
	*choice = (struct ex_choice){ m->kind, (uint8_t)c,
		(uint16_t)sp->ex->page[i] };
	if (!m->possible)
		return (1);
	if (m->nchanged > SPACE_ACT)
		return (eph__space_queue(sp, &sp->delta, *choice));
	delta.n = m->nchanged;
	for (unsigned j = 0; j < m->nchanged; j++) {
		delta.piece[j] = (uint16_t)m->change[j].piece;
		delta.becomes[j] = m->change[j].becomes;
	}
	return (eph__space_queue(sp, &delta, *choice));
}

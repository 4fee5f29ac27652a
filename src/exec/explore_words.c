/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The memory of a state: which words steps change, in which groups, and the
 * form in which equal states are equal.  See explore_space.c.
 */

#include "exec/explore_space_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/fiber.h"
#include "base/mem.h"
#include "ephmap/kernel/kva.h"
#include "ephmap/kernel/vm_page.h"
#include "machine/access.h"

/* Areas */

static void
space_add(struct ex_space *sp, void *p, size_t bytes)
{
	struct space_area *a = &sp->area[sp->nareas];
	const struct space_area *before = a - 1;

	KASSERT(sp->nareas < SPACE_AREAS, "too many areas");
	KASSERT(((uintptr_t)p | bytes) % 8 == 0, "areas are words");
	a->p = p;
	a->bytes = bytes;
	a->image = sp->nareas == 0 ? 0 : before->image + before->bytes;
	sp->nareas++;
}

static void
space_skip(struct ex_space *sp, void *p, size_t bytes)
{
	struct space_area *a = &sp->skip[sp->nskip++];

	KASSERT(sp->nskip <= SPACE_SKIP, "too much to skip");
	a->p = (char *)((uintptr_t)p & ~(uintptr_t)7);
	a->bytes = (size_t)((char *)p + bytes - a->p);
	a->bytes = (a->bytes + 7) & ~(size_t)7;
}

/* What no program can decide by. */
static void
space_skips(struct ex_space *sp)
{
	struct eph_machine *mc = sp->ex->mc;

	space_skip(sp, &mc->cur, sizeof(mc->cur));
	space_skip(sp, &mc->step, sizeof(mc->step));
	space_skip(sp, &mc->op, sizeof(mc->op));
	space_skip(sp, &mc->bufs.peak, sizeof(mc->bufs.peak));
	space_skip(sp, mc->fault, sizeof(mc->fault));
	/* The first one ends the program. */
	space_skip(sp, mc->violations, sizeof(mc->violations));
	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct eph_cpu *cpu = mc->cpus[c];

		space_skip(sp, &cpu->c, sizeof(cpu->c));
	}
}

void
eph__space_areas(struct ex_space *sp)
{
	struct explore *ex = sp->ex;
	size_t used;
	char *region = eph__mem_region(ex->mc->mem, &used);

	sp->used = sp->most = used;
	memset(region + used, 0, SPACE_SLACK);
	space_add(sp, region, (used + SPACE_SLACK) & ~(size_t)7);
	space_add(sp, ex->entity, ex->nthreads * sizeof(ex->entity[0]));
	space_add(
	    sp, &ex->entity[EX_INTR(0)], ex->mc->ncpus * sizeof(ex->entity[0]));
	space_add(sp, ex->cpu, ex->mc->ncpus * sizeof(ex->cpu[0]));
	space_add(sp, &ex->ready,
	    offsetof(struct explore, entities) -
		offsetof(struct explore, ready));
	space_skips(sp);
}

static bool
space_skipped(const struct ex_space *sp, const void *p)
{
	const struct eph_machine *mc = sp->ex->mc;
	const char *at = p;

	for (unsigned i = 0; i < sp->nskip; i++) {
		if (at >= sp->skip[i].p &&
		    at < sp->skip[i].p + sp->skip[i].bytes)
			return (true);
	}
	for (uint32_t i = 0; i << EPH_PTP_SHIFT < mc->kva_pages; i++) {
		const struct eph_ptp *ptp;

		if (!kva_has_entry(mc, i << EPH_PTP_SHIFT))
			break;
		ptp = mc->ptp[i];
		if (at >= (const char *)ptp->origin &&
		    at < (const char *)(ptp->origin + EPH_PTP_ENTRIES))
			return (true);
	}
	return (false);
}

/* The TLB's shadow of a CPU that has cells, or NULL. */
static struct eph_shadow *
space_shadow(const struct eph_cpu *cpu, size_t *np)
{
	*np = ((size_t)~0u >> cpu->shadow_shift) + 1;
	return (cpu->shadow != cpu->mc->none ? cpu->shadow : NULL);
}

static bool
space_within(const void *p, const void *first, size_t bytes)
{
	return ((const char *)p >= (const char *)first &&
	    (const char *)p < (const char *)first + bytes);
}

/* Is it a cell of a TLB's shadow?  Then remember that. */
static bool
space_cell(struct ex_space *sp, uint64_t *p)
{
	struct eph_machine *mc = sp->ex->mc;

	for (unsigned c = 0; c < mc->ncpus; c++) {
		struct eph_shadow *sh;
		size_t n;

		sh = space_shadow(mc->cpus[c], &n);
		if (sh == NULL || !space_within(p, sh, n * sizeof(*sh)))
			continue;
		sh += ((char *)p - (char *)sh) / (ptrdiff_t)sizeof(*sh);
		for (size_t i = 0; i < sp->ncells; i++) {
			if (sp->cell[i].sh == sh)
				return (true);
		}
		if (sp->ncells == sp->cell_room) {
			const size_t room = sp->cell_room * 2 + 32;
			struct space_cell *cell =
			    realloc(sp->cell, room * sizeof(*cell));

			if (cell == NULL)
				return (false);
			sp->cell = cell;
			sp->cell_room = room;
		}
		sp->cell[sp->ncells++] = (struct space_cell){ mc->cpus[c], sh };
		return (true);
	}
	return (true);
}

/* Room for one more of `size` bytes at `i` of a list.  False: no memory. */
static bool
space_open(void *listp, size_t n, size_t *roomp, size_t i, size_t size)
{
	char *list;

	memcpy(&list, listp, sizeof(list));
	if (n == *roomp) {
		*roomp = n * 2 + 64;
		if ((list = realloc(list, *roomp * size)) == NULL)
			return (false);
		memcpy(listp, &list, sizeof(list));
	}
	memmove(list + (i + 1) * size, list + i * size, (n - i) * size);
	return (true);
}

/* Where in word[] is it, or does it belong? */
static size_t
space_word_at(const struct ex_space *sp, const uint64_t *p)
{
	size_t low = 0, n = sp->nwords;

	while (low < n) {
		const size_t mid = low + (n - low) / 2;

		if (sp->word[mid] < p)
			low = mid + 1;
		else
			n = mid;
	}
	return (low);
}

static size_t
space_dead_at(const struct ex_space *sp, const uint64_t *p)
{
	size_t low = 0, n = sp->ndead;

	while (low < n) {
		const size_t mid = low + (n - low) / 2;

		if (sp->dead[mid].p < p)
			low = mid + 1;
		else
			n = mid;
	}
	return (low);
}

/* This word has another value than at the start: 1 if that is news. */
static size_t
space_learn_word(struct ex_space *sp, uint64_t *p, uint64_t start)
{
	size_t i = space_word_at(sp, p);

	if (i < sp->nwords && sp->word[i] == p)
		return (0);
	if (space_skipped(sp, p)) {
		i = space_dead_at(sp, p);
		if (i < sp->ndead && sp->dead[i].p == p)
			return (0);
		if (!space_open(&sp->dead, sp->ndead, &sp->dead_room, i,
			sizeof(*sp->dead)))
			PANIC("out of memory for a state's words");
		sp->dead[i] = (struct space_dead){ p, start };
		sp->ndead++;
		return (1);
	}
	if (!space_cell(sp, p) ||
	    !space_open(
		&sp->word, sp->nwords, &sp->word_room, i, sizeof(*sp->word)))
		PANIC("out of memory for a state's words");
	sp->word[i] = p;
	sp->nwords++;
	return (1);
}

bool
eph__space_has(const struct ex_space *sp, const uint64_t *p)
{
	const size_t i = space_word_at(sp, p);

	return ((i < sp->nwords && sp->word[i] == p) || space_skipped(sp, p));
}

/* A line of memory: is it as it was?  In a form that compilers make wide. */
static bool
space_line_equal(const uint64_t *p, const uint64_t *start)
{
	uint64_t differ = 0;

	for (unsigned i = 0; i < SPACE_LINE; i++)
		differ |= p[i] ^ start[i];
	return (differ == 0);
}

/* Nothing was ever written to beyond what was handed out of the region. */
static size_t
space_written(const struct ex_space *sp, const struct space_area *a)
{
	return (a == &sp->area[0] && sp->most < a->bytes
		? (sp->most + 7) & ~(size_t)7
		: a->bytes);
}

/* Compare an area with the start; learn what changed.  How many words. */
static size_t
space_learn_area(struct ex_space *sp, const struct space_area *a)
{
	const uint64_t *first = (const uint64_t *)(const void *)a->p;
	const uint64_t *image =
	    (const uint64_t *)(const void *)(sp->image + a->image);
	const size_t n = space_written(sp, a) / 8;
	size_t found = 0;

	for (size_t at = 0; at < n; at += SPACE_LINE) {
		/* Most pages are as they were. */
		while (at % SPACE_PAGE == 0 && at + SPACE_PAGE <= n &&
		    memcmp(first + at, image + at, SPACE_PAGE * 8) == 0)
			at += SPACE_PAGE;
		if (at == n)
			break;
		const size_t end = at + SPACE_LINE < n ? at + SPACE_LINE : n;

		if (end - at == SPACE_LINE &&
		    space_line_equal(first + at, image + at))
			continue;
		for (size_t i = at; i < end; i++) {
			if (first[i] != image[i])
				found += space_learn_word(
				    sp, (uint64_t *)(void *)a->p + i, image[i]);
		}
	}
	return (found);
}

/* These words are part of a state, whether or not they were seen to change. */
static void
space_take(struct ex_space *sp, void *p, size_t bytes)
{
	uint64_t *word = (uint64_t *)((uintptr_t)p & ~(uintptr_t)7);

	for (; (char *)word < (char *)p + bytes; word++)
		(void)space_learn_word(sp, word, *word);
}

/* What the scheduler itself follows: it must never be another state's. */
void
eph__space_take_scheduler(struct ex_space *sp)
{
	struct explore *ex = sp->ex;

	for (uint64_t w = ex->entities; w != 0; w &= w - 1) {
		struct ex_entity *e = &ex->entity[eph_cpuword_first(w)];

		space_take(sp, &e->status, sizeof(e->status));
		space_take(sp, &e->waits_for, sizeof(e->waits_for));
		space_take(sp, &e->acks, sizeof(e->acks));
	}
	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		struct ex_cpu *ec = &ex->cpu[c];

		space_take(sp, ec, offsetof(struct ex_cpu, mask));
		space_take(sp, &ec->npending, sizeof(ec->npending));
	}
}

size_t
eph__space_learn(struct ex_space *sp)
{
	size_t found = 0;

	for (unsigned i = 0; i < sp->nareas; i++)
		found += space_learn_area(sp, &sp->area[i]);
	return (found);
}

/* The canonical form */

/* Only whether something changed since it looked counts. */
static void
canonical_progress(struct explore *ex)
{
	for (uint64_t w = ex->entities; w != 0; w &= w - 1) {
		struct ex_entity *e = &ex->entity[eph_cpuword_first(w)];

		e->seen = ex->progress - e->own == e->seen ? 2 : 1;
		e->own = 0;
		e->td.nsleeps = e->td.nspurious = 0;
		if (e->status != EX_ON_MUTEX)
			e->waits_for = NULL;
		if (e->status == EX_OFF)
			e->op = (struct ex_op){ 0 };
	}
	ex->progress = 2;
}

static void
canonical_cpu(struct explore *ex, unsigned c)
{
	struct ex_cpu *ec = &ex->cpu[c];
	struct ex_entity *intr = &ex->entity[EX_INTR(c)];

	if (ec->first != 0) {
		struct ex_pending ring[EX_PENDING] = { 0 };

		for (unsigned i = 0; i < ec->npending; i++)
			ring[i] = ec->pending[(ec->first + i) % EX_PENDING];
		memcpy(ec->pending, ring, sizeof(ring));
		ec->first = 0;
	}
	/* Whose critical section it is: nobody's. */
	if (ex->mc->cpus[c]->crit == 0)
		ec->last = intr;
}

/* Generations count up; what lives is loaded in this one. */
static void
canonical_tlb(struct ex_space *sp)
{
	struct eph_machine *mc = sp->ex->mc;
	const uint64_t rest = ((uint64_t)1 << EPH_SHADOW_GEN_SHIFT) - 1;

	for (size_t i = 0; i < sp->ncells; i++) {
		const struct eph_cpu *cpu = sp->cell[i].cpu;
		struct eph_shadow *sh = sp->cell[i].sh;

		if (sh->word == 0)
			continue;
		sh->when = 0;
		if (shadow_live(cpu, sh))
			sh->word &= rest;
		else
			sh->word = 0;
		sh->key &= ~(sh->word == 0 ? (uint32_t)EPH_SHADOW_FLAGS : 0);
		/* A cell that is not free stays so, where it is. */
		sh->word |= (uint64_t)EPH_GEN_FIRST(sh->key & EPH_SHADOW_G)
		    << EPH_SHADOW_GEN_SHIFT;
	}
	for (unsigned c = 0; c < mc->ncpus; c++) {
		mc->cpus[c]->loaded = false; /* lockstep's */
		mc->cpus[c]->gen[0] = EPH_GEN_FIRST(0);
		mc->cpus[c]->gen[1] = EPH_GEN_FIRST(1);
	}
}

/* A handler that ended begins the next time at its top. */
void
eph__space_handlers(struct ex_space *sp)
{
	struct explore *ex = sp->ex;

	for (unsigned c = 0; c < ex->mc->ncpus; c++) {
		struct ex_entity *intr = &ex->entity[EX_INTR(c)];

		if (intr->status != EX_OFF)
			continue;
		ex->cpu[c].interrupted = NULL;
		eph__fiber_reset(intr->fiber, eph__ex_intr_main, intr);
	}
}

void
eph__canonical(struct ex_space *sp)
{
	struct explore *ex = sp->ex;
	size_t used;

	(void)eph__mem_region(ex->mc->mem, &used);
	if (used > sp->most)
		sp->most = used;
	canonical_progress(ex);
	eph__space_handlers(sp);
	for (unsigned c = 0; c < ex->mc->ncpus; c++)
		canonical_cpu(ex, c);
	canonical_tlb(sp);
	for (size_t i = 0; i < sp->ndead; i++)
		*sp->dead[i].p = sp->dead[i].start;
	ex->mc->step = 0;
	ex->nchoices = 0;
}

/* The start, and the groups of words */

/* The memory of the start, in a moment when nothing runs. */
void
eph__space_start(struct ex_space *sp)
{
	struct explore *ex = sp->ex;

	const unsigned npages = ex->npages;

	eph_machine_rewind(ex->mc);
	eph__ex_reset(ex);
	ex->npages = npages;
	eph__mem_set_used(ex->mc->mem, sp->used);
	for (unsigned i = 0; i < sp->nareas && sp->image != NULL; i++)
		memcpy(sp->area[i].p, sp->image + sp->area[i].image,
		    space_written(sp, &sp->area[i]));
	ex->mc->cur = ex->mc->cpus[0];
}

bool
eph__space_image(struct ex_space *sp)
{
	const struct space_area *last = &sp->area[sp->nareas - 1];
	/* Zero, as memory that was not handed out is. */
	char *image = calloc(1, last->image + last->bytes);

	if (image == NULL)
		return (false);
	for (unsigned i = 0; i < sp->nareas; i++)
		memcpy(image + sp->area[i].image, sp->area[i].p,
		    space_written(sp, &sp->area[i]));
	sp->image = image;
	return (true);
}

/* The pages that TLBs act on are no part of a state: all of them, sorted. */
void
eph__space_pages(struct ex_space *sp)
{
	struct explore *ex = sp->ex;

	sp->npages = ex->npages;
	for (unsigned i = 1; i < ex->npages; i++) {
		for (unsigned k = i; k > 0 && ex->page[k - 1] > ex->page[k];
		     k--) {
			const uint32_t page = ex->page[k];
			const void *slot = ex->slot[k];

			ex->page[k] = ex->page[k - 1];
			ex->slot[k] = ex->slot[k - 1];
			ex->page[k - 1] = page;
			ex->slot[k - 1] = slot;
		}
	}
}

/* The first addresses have their cells from the start: these do not move. */
void
eph__space_shadows(struct eph_machine *mc)
{
	for (unsigned c = 0; c < mc->ncpus; c++) {
		for (uint32_t i = 1; i <= SPACE_CELLS; i++) {
			struct eph_shadow *sh =
			    eph__shadow_cell_make(mc->cpus[c], i);

			if (sh->word != 0)
				continue;
			sh->key = i << EPH_SHADOW_KEY_SHIFT;
			sh->word = (uint64_t)EPH_GEN_FIRST(0)
			    << EPH_SHADOW_GEN_SHIFT;
		}
	}
}

/* The page of entries that a word is in, or NULL. */
static const void *
space_table(const struct eph_machine *mc, const uint64_t *p)
{
	for (uint32_t i = 0; kva_has_entry(mc, i); i += EPH_PTP_ENTRIES) {
		const void *first = mc->ptp[i >> EPH_PTP_SHIFT]->pte;

		if (space_within(p, first, EPH_PTP_ENTRIES * sizeof(eph_pte_t)))
			return (first);
	}
	return (NULL);
}

bool
eph__space_is_entry(const struct eph_machine *mc, const uint64_t *p)
{
	return (space_table(mc, p) != NULL);
}

/* What a word belongs to: a CPU's TLB, page-table entries, anything else. */
static const void *
space_kind(const struct ex_space *sp, const uint64_t *p, uint8_t *of)
{
	const struct eph_machine *mc = sp->ex->mc;
	const void *table;

	for (unsigned c = 0; c < mc->ncpus; c++) {
		size_t n;
		const struct eph_shadow *sh = space_shadow(mc->cpus[c], &n);

		*of = (uint8_t)c;
		if (sh != NULL && space_within(p, sh, n * sizeof(*sh)))
			return (sh);
	}
	*of = SPACE_OF_PTES;
	if ((table = space_table(mc, p)) != NULL)
		return (table);
	*of = SPACE_OF_OTHER;
	return (NULL);
}

/* Does a word go on where a run ends, or a little behind? */
static bool
space_continues(
    const struct ex_space *sp, const struct space_run *r, const uint64_t *p)
{
	const uint64_t *end = r->p + r->n;

	if ((size_t)(p - end) > SPACE_GAP)
		return (false);
	for (unsigned i = 0; i < sp->nareas; i++) {
		if (space_within(p, sp->area[i].p, sp->area[i].bytes))
			return (space_within(
			    r->p, sp->area[i].p, sp->area[i].bytes));
	}
	return (false);
}

/*
 * Words of one kind, a few of them, are a piece.  What lies between two of
 * them that are close never changes, and may as well be part of it.
 */
int
eph__space_groups(struct ex_space *sp)
{
	const size_t most = sp->nwords / SPACE_GROUPS + SPACE_GROUP;
	const void *kind = sp, *next;
	struct space_run *r = NULL;
	uint32_t nruns = 0, words = 0, at = 0;
	uint8_t of;

	free(sp->run);
	free(sp->held);
	sp->run = malloc((sp->nwords + 1) * sizeof(*sp->run));
	sp->held =
	    malloc((sp->nwords * (SPACE_GAP + 1) + 1) * sizeof(*sp->held));
	if (sp->run == NULL || sp->held == NULL)
		return (ENOMEM);
	sp->ngroups = 0;
	memset(sp->of, SPACE_OF_OTHER, sizeof(sp->of));
	for (size_t i = 0; i < sp->nwords; i++, kind = next) {
		uint64_t *p = sp->word[i];

		next = space_kind(sp, p, &of);
		if (next != kind || words >= most) {
			if (sp->ngroups + sp->nentities + 1 == SPACE_PIECES)
				return (ENOMEM);
			sp->of[sp->ngroups] = of;
			sp->first[sp->ngroups++] = nruns;
			words = 0;
			r = NULL;
		}
		if (r != NULL && space_continues(sp, r, p)) {
			const uint32_t n = (uint32_t)(p - r->p) + 1;

			words += n - r->n;
			at += n - r->n;
			r->n = n;
		} else {
			r = &sp->run[nruns++];
			*r = (struct space_run){ p, 1, at++ };
			words++;
		}
		sp->bytes[sp->ngroups - 1] = words * 8;
	}
	sp->first[sp->ngroups] = nruns;
	return (0);
}

static void
space_act_piece(
    struct ex_space *sp, struct space_act *act, const void *p, size_t bytes)
{
	const char *first = p;

	for (unsigned k = 0; k < sp->ngroups; k++) {
		bool there = false;

		for (uint32_t i = sp->first[k]; i < sp->first[k + 1]; i++) {
			const struct space_run *r = &sp->run[i];
			const char *at = (const char *)r->p;

			there |=
			    at + 8 * (size_t)r->n > first && at < first + bytes;
		}
		for (unsigned j = 0; j < act->n; j++)
			there &= act->piece[j] != k;
		if (there && act->n < SPACE_ACT)
			act->piece[act->n++] = (uint16_t)k;
		else if (there)
			act->many = true;
	}
}

/* Which pieces does the TLB of `c` need for page[i]? */
void
eph__space_act_find(struct ex_space *sp, unsigned c, unsigned i)
{
	const struct explore *ex = sp->ex;
	const struct eph_cpu *cpu = ex->mc->cpus[c];
	struct space_act *act = &sp->act[c * EX_PAGES + i];
	const struct eph_shadow *sh;
	size_t n;

	/* An address whose page-table page is made later has no place yet. */
	*act =
	    (struct space_act){ .many = !kva_has_entry(ex->mc, ex->page[i]) };
	if (act->many)
		return;
	/* All cells: others may be looked at on the way to the one. */
	sh = space_shadow(cpu, &n);
	if (sh != NULL)
		space_act_piece(sp, act, sh, n * sizeof(*sh));
	space_act_piece(sp, act, machine_pte(ex->mc, cpu, ex->page[i]), 8);
	space_act_piece(sp, act, &cpu->shadow, sizeof(cpu->shadow));
	space_act_piece(sp, act, &cpu->shadow_shift, sizeof(cpu->shadow_shift));
	space_act_piece(sp, act, &cpu->shadow_used, sizeof(cpu->shadow_used));
}

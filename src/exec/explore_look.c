/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Is memory that is no part of states as it was at the start?
 *
 * It has to be after each step, or two states that are taken for one could
 * differ in it.  Once in many steps is not enough: a word that one step
 * changes and a later one sets back would not be met.  Pages of the region
 * that no step writes to are write-protected (base/writes.h), so that they
 * need no look; of the others, and of the scheduler, all is compared: zeros
 * by reading them, the rest with what it should be.
 */

#include "exec/explore_space_impl.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/kassert.h"
#include "base/writes.h"

/* Room for one more of `size` bytes behind `n`.  False: no memory. */
static bool
look_room(void *listp, size_t n, size_t *roomp, size_t size)
{
	char *list;

	if (n < *roomp)
		return (true);
	memcpy(&list, listp, sizeof(list));
	if ((list = realloc(list, (n * 2 + 64) * size)) == NULL)
		return (false);
	*roomp = n * 2 + 64;
	memcpy(listp, &list, sizeof(list));
	return (true);
}

/* A line that no state has any word of. */
static bool
look_add_whole(struct ex_space *sp, uint64_t *p, const uint64_t *want)
{
	struct space_same *last =
	    sp->nsame > 0 ? &sp->same[sp->nsame - 1] : NULL;
	bool zero = true;

	for (unsigned i = 0; i < SPACE_CACHED; i++)
		zero &= want[i] == 0;
	if (last != NULL && last->p + last->n == p &&
	    (last->want == NULL) == zero) {
		last->n += SPACE_CACHED;
		return (true);
	}
	if (!look_room(&sp->same, sp->nsame, &sp->same_room, sizeof(*sp->same)))
		return (false);
	sp->same[sp->nsame++] =
	    (struct space_same){ p, zero ? NULL : want, SPACE_CACHED };
	return (true);
}

/* A line of memory, which is `want` where no state has it. */
static bool
look_add(struct ex_space *sp, uint64_t *p, const uint64_t *want)
{
	struct space_line *line;
	unsigned others = 0;

	if (!look_room(
		&sp->line, sp->nlines, &sp->line_room, sizeof(*sp->line)))
		return (false);
	line = &sp->line[sp->nlines];
	line->p = p;
	for (unsigned i = 0; i < SPACE_CACHED; i++) {
		const bool has = eph__space_has(sp, p + i);

		line->want[i] = want[i];
		line->mask[i] = has ? 0 : ~(uint64_t)0;
		others += !has;
	}
	if (others == SPACE_CACHED)
		return (look_add_whole(sp, p, want));
	sp->nlines += others > 0;
	return (true);
}

/* Bytes from `at` on that were never written to: pages, or of a ring. */
static size_t
look_untouched(const struct ex_space *sp, const struct space_area *a, size_t at)
{
	const struct explore *ex = sp->ex;
	const size_t in = at % sizeof(ex->cpu[0]);
	const size_t first = offsetof(struct ex_cpu, pending) +
	    ex->pending_used * sizeof(ex->cpu[0].pending[0]);
	const size_t page = eph__writes_page(sp->writes);

	if (a == &sp->area[0])
		return (eph__writes_to(sp->writes, a->p + at)
			? 0
			: page - at % page);
	if (a->p != (const char *)ex->cpu || in < first ||
	    in >= offsetof(struct ex_cpu, stores))
		return (0);
	return (offsetof(struct ex_cpu, stores) - in);
}

/* The lines of an area; the last one may reach back into the one before. */
static bool
look_add_area(struct ex_space *sp, const struct space_area *a)
{
	const size_t line = SPACE_CACHED * sizeof(uint64_t);
	size_t untouched;

	for (size_t at = 0; at < a->bytes; at += line) {
		if (at > a->bytes - line)
			at = a->bytes - line;
		/* Whole lines of it are left out. */
		untouched = look_untouched(sp, a, at) & ~(line - 1);
		if (untouched > 0)
			at += untouched - line;
		else if (!look_add(sp, (uint64_t *)(void *)(a->p + at),
			     (const uint64_t *)(const void *)(sp->image +
				 a->image + at)))
			return (false);
	}
	return (true);
}

/* It grows when that is less. */
static uint32_t
look_seen(const struct ex_space *sp)
{
	return (eph__writes_seen(sp->writes) + sp->ex->pending_used);
}

static bool
look_lines(struct ex_space *sp)
{
	sp->seen = look_seen(sp);
	sp->nsame = sp->nlines = 0;
	for (unsigned i = 0; i < sp->nareas; i++) {
		if (!look_add_area(sp, &sp->area[i]))
			return (false);
	}
	return (true);
}

/* In forms that compilers make wide. */
static inline void
look_same(const struct space_same *s, uint64_t *differ)
{
	const uint64_t *const end = s->p + s->n;
	const uint64_t *want = s->want;

	if (want == NULL) {
		for (const uint64_t *p = s->p; p < end; p += SPACE_CACHED) {
			for (unsigned k = 0; k < SPACE_CACHED; k++)
				differ[k] |= p[k];
		}
		return;
	}
	for (const uint64_t *p = s->p; p < end; p += SPACE_CACHED) {
		for (unsigned k = 0; k < SPACE_CACHED; k++)
			differ[k] |= p[k] ^ want[k];
		want += SPACE_CACHED;
	}
}

static bool
look_differs(const struct ex_space *sp)
{
	const struct space_same *const same = &sp->same[sp->nsame];
	const struct space_line *const lines = &sp->line[sp->nlines];
	uint64_t differ[SPACE_CACHED] = { 0 }, any = 0;

	for (const struct space_same *s = sp->same; s < same; s++)
		look_same(s, differ);
	for (const struct space_line *l = sp->line; l < lines; l++) {
		for (unsigned k = 0; k < SPACE_CACHED; k++)
			differ[k] |= (l->p[k] ^ l->want[k]) & l->mask[k];
	}
	for (unsigned k = 0; k < SPACE_CACHED; k++)
		any |= differ[k];
	return (any != 0);
}

/* Pages that were written to for the first time have lines, too. */
static void
look_again(struct ex_space *sp)
{
	if (look_seen(sp) != sp->seen && !look_lines(sp))
		PANIC("out of memory for a state's words");
}

bool
eph__space_intact(struct ex_space *sp, bool now)
{
	if (sp->breaks && (sp->late || sp->sleeps))
		return (false);
	if (!sp->stepped_since && !now)
		return (true);
	sp->stepped_since = false;
	look_again(sp);
	if (sp->ex->npages == sp->npages && !now && !look_differs(sp))
		return (true);
	return (eph__space_learn(sp) + sp->ex->npages - sp->npages == 0);
}

void
eph__space_ended(struct ex_space *sp)
{
	eph__canonical(sp);
	look_again(sp);
	for (size_t i = 0; i < sp->nsame; i++) {
		const struct space_same *s = &sp->same[i];

		if (s->want != NULL)
			memcpy(s->p, s->want, s->n * sizeof(uint64_t));
		else
			memset(s->p, 0, s->n * sizeof(uint64_t));
	}
	for (size_t i = 0; i < sp->nlines; i++) {
		const struct space_line *l = &sp->line[i];

		for (unsigned k = 0; k < SPACE_CACHED; k++)
			l->p[k] =
			    (l->p[k] & ~l->mask[k]) | (l->want[k] & l->mask[k]);
	}
}

void
eph__space_look_away(struct ex_space *sp)
{
	eph__writes_watch(sp->writes, false);
}

/* A word that steps are known to change. */
static void
look_expect(struct ex_space *sp, const void *p)
{
	const struct space_area *region = &sp->area[0];

	if ((const char *)p >= region->p &&
	    (const char *)p < region->p + region->bytes)
		eph__writes_expect(sp->writes, p);
}

int
eph__space_look_on(struct ex_space *sp)
{
	for (size_t i = 0; i < sp->nwords; i++)
		look_expect(sp, sp->word[i]);
	for (size_t i = 0; i < sp->ndead; i++)
		look_expect(sp, sp->dead[i].p);
	eph__writes_watch(sp->writes, true);
	return (look_lines(sp) ? 0 : ENOMEM);
}

void
eph__space_look_free(struct ex_space *sp)
{
	eph__writes_destroy(sp->writes);
	free(sp->same);
	free(sp->line);
}

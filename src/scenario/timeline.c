/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Timelines: one column per CPU, time downward, one line an event.
 *
 *	CPU 0                 | CPU 1
 *	----------------------|----------------------
 *	dec ref_cnt (2 -> 1)  |
 *	                      | dec ref_cnt (1 -> 0)
 *
 * Where a CPU runs several threads, a line begins with the thread's letter
 * (the same as in the schedule), and "intr" for an interrupt handler.  Where
 * there is no room for columns, each line names its CPU.
 *
 * An address is a number in the kernel's mapping space, a frame is the page of
 * memory behind it: no other word stands for either.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/search.h"

#define TL_WIDTH     22u /* of a column, if there is room */
#define TL_WIDTH_MIN 16u /* of a column; else lines name their CPU */
#define TL_FOLD	     16u /* lines of a round that is drawn once */
#define TL_AGAIN     3u	 /* times that it must come again */
#define TL_COLUMNS   80u /* of the whole, unless said */

struct tl_line {
	unsigned cpu;
	char text[160];
};

struct timeline {
	struct search *s;
	struct tl_line *line;
	size_t n;
	size_t room;
	bool failed; /* out of memory */
};

static uint32_t
tl_address(const struct timeline *tl, eph_va_t va)
{
	return ((uint32_t)eph_atop(va - tl->s->mc->kva_base));
}

static void
tl_pte(const struct timeline *tl, const struct eph_event *ev, char *p, size_t n)
{
	const uint32_t at = tl_address(tl, ev->va);

	if ((ev->new &EPH_PTE_V) == 0)
		(void)snprintf(p, n, "address %" PRIu32 ": unmap", at);
	else
		(void)snprintf(p, n, "address %" PRIu32 ": map frame %" PRIu32,
		    at, EPH_PTE_FRAME(ev->new));
}

static void
tl_atomic(const struct eph_event *ev, char *p, size_t n)
{
	if (ev->old == ev->new)
		(void)snprintf(p, n, "%s (%" PRIu64 ")", ev->text, ev->old);
	else
		(void)snprintf(p, n, "%s (%" PRIu64 " -> %" PRIu64 ")",
		    ev->text, ev->old, ev->new);
}

/* What an event is called; false: it has no line. */
static bool
tl_text(
    const struct timeline *tl, const struct eph_event *ev, char *p, size_t n)
{
	switch (ev->kind) {
	case EPH_EV_NOTE:
		(void)snprintf(p, n, "%s", ev->text);
		break;
	case EPH_EV_PTE:
		tl_pte(tl, ev, p, n);
		break;
	case EPH_EV_INVLPG:
		(void)snprintf(p, n, "address %" PRIu32 ": invlpg",
		    tl_address(tl, ev->va));
		break;
	case EPH_EV_FLUSH:
		(void)snprintf(p, n, "flush the TLB");
		break;
	case EPH_EV_IPI:
		(void)snprintf(p, n, "%s CPU %u",
		    ev->old != 0 ? "tell by hardware" : "interrupt",
		    ev->target);
		break;
	case EPH_EV_WALK:
		(void)snprintf(p, n,
		    "address %" PRIu32 ": walk to frame %" PRIu32,
		    tl_address(tl, ev->va), EPH_PTE_FRAME(ev->new));
		break;
	case EPH_EV_HIT:
		(void)snprintf(p, n,
		    "address %" PRIu32 ": TLB hit, frame %" PRIu64,
		    tl_address(tl, ev->va), ev->new);
		break;
	case EPH_EV_SLEEP:
		(void)snprintf(p, n, "sleep on \"%s\"", ev->text);
		break;
	case EPH_EV_WAKEUP:
		(void)snprintf(
		    p, n, "wake \"%s\" on CPU %u", ev->text, ev->target);
		break;
	case EPH_EV_LOCK:
		(void)snprintf(
		    p, n, "%s %s", ev->new != 0 ? "lock" : "unlock", ev->text);
		break;
	case EPH_EV_ATOMIC:
		tl_atomic(ev, p, n);
		break;
	case EPH_EV_FAULT: /* a violation follows */
	case EPH_EV_VIOLATION:
		return (false);
	}
	return (true);
}

/* Who does it, where that is not clear from the column. */
static size_t
tl_who(const struct timeline *tl, unsigned cpu, char *p, size_t n)
{
	const struct explore *ex = tl->s->ex;

	if (ex->cur == NULL || ex->cur->cpu != cpu)
		return (0);
	if (ex->cur->id >= EX_INTR(0))
		return ((size_t)snprintf(p, n, "intr: "));
	if (ex->cpu[cpu].nthreads > 1)
		return ((size_t)snprintf(p, n, "%c: ", 'a' + (int)ex->cur->id));
	return (0);
}

static void
tl_watch(const struct timeline *tl, const struct eph_event *ev)
{
	const struct ex_entity *cur = tl->s->ex->cur;
	const bool thread = cur != NULL && cur->id < EX_INTR(0);

	if (tl->s->cfg.watch != NULL)
		tl->s->cfg.watch(tl->s->cfg.watch_arg, ev,
		    thread ? (unsigned)cur->id : EPH_NO_THREAD);
}

static void
tl_observe(void *arg, const struct eph_event *ev)
{
	struct timeline *tl = arg;
	struct tl_line *l;
	size_t used;

	tl_watch(tl, ev);
	if (tl->n == tl->room) {
		const size_t room = tl->room == 0 ? 64 : tl->room * 2;

		l = realloc(tl->line, room * sizeof(*l));
		if (l == NULL) {
			tl->failed = true;
			return;
		}
		tl->line = l;
		tl->room = room;
	}
	l = &tl->line[tl->n];
	l->cpu = ev->cpu;
	used = tl_who(tl, ev->cpu, l->text, sizeof(l->text));
	if (tl_text(tl, ev, l->text + used, sizeof(l->text) - used))
		tl->n++;
}

/* Drawing */

static unsigned
tl_columns(const struct timeline *tl)
{
	return (tl->s->cfg.columns != 0 ? tl->s->cfg.columns : TL_COLUMNS);
}

/* The most that a column may have, so that all stand side by side. */
static unsigned
tl_width_max(const struct timeline *tl)
{
	const unsigned all = tl_columns(tl);
	const unsigned ncpus = tl->s->x->ncpus;

	return (all > ncpus ? (all - (ncpus - 1)) / ncpus : 1);
}

static unsigned
tl_width(const struct timeline *tl)
{
	const unsigned most = tl_width_max(tl);
	size_t width = TL_WIDTH;

	for (size_t i = 0; i < tl->n; i++) {
		const size_t w = strlen(tl->line[i].text) + 2;

		if (w > width)
			width = w;
	}
	return (width > most ? most : (unsigned)width);
}

/* One row: `text` in the column of `cpu`, nothing after it. */
static void
tl_row(FILE *f, unsigned cpu, unsigned ncpus, unsigned width, const char *text,
    size_t len)
{
	for (unsigned c = 0; c < ncpus; c++) {
		const unsigned w = c == 0 ? width : width - 1;

		if (c > 0)
			(void)fprintf(f, c == cpu ? "| " : "|");
		if (c == cpu && c + 1 == ncpus)
			(void)fprintf(f, "%.*s", (int)len, text);
		else if (c == cpu)
			(void)fprintf(
			    f, "%.*s%*s", (int)len, text, (int)(w - len), "");
		else if (c + 1 < ncpus)
			(void)fprintf(f, "%*s", (int)width, "");
	}
	(void)fprintf(f, "\n");
}

/* A line, folded at blanks where it is longer than its column. */
static void
tl_line(
    const struct timeline *tl, FILE *f, const struct tl_line *l, unsigned width)
{
	const bool beside = width >= TL_WIDTH_MIN;
	const size_t max = beside ? width - 2 : tl_columns(tl) - 10;
	const char *p = l->text;

	while (*p != '\0') {
		size_t len = strlen(p);

		if (len > max) {
			for (len = max; len > 0 && p[len] != ' '; len--)
				continue;
			if (len == 0)
				len = max;
		}
		if (beside)
			tl_row(f, l->cpu, tl->s->x->ncpus, width, p, len);
		else if (p == l->text)
			(void)fprintf(
			    f, "CPU %-4u %.*s\n", l->cpu, (int)len, p);
		else
			(void)fprintf(f, "%*s%.*s\n", 9, "", (int)len, p);
		p += len;
		while (*p == ' ')
			p++;
	}
}

static void
tl_head(FILE *f, unsigned ncpus, unsigned width)
{
	char name[16];

	for (unsigned c = 0; c < ncpus; c++) {
		(void)snprintf(name, sizeof(name), "CPU %u", c);
		if (c + 1 == ncpus)
			(void)fprintf(f, "%s%s\n", c > 0 ? " " : "", name);
		else
			(void)fprintf(f, "%s%-*s|", c > 0 ? " " : "",
			    (int)(c > 0 ? width - 1 : width), name);
	}
	for (unsigned c = 0; c < ncpus; c++) {
		for (unsigned i = 0; i < width; i++)
			(void)fputc('-', f);
		(void)fputc(c + 1 == ncpus ? '\n' : '|', f);
	}
}

/* How often do the `n` lines at `i` come again at once? */
static size_t
tl_repeats(const struct timeline *tl, size_t i, size_t n)
{
	size_t k = i + n;

	while (k < tl->n && tl->line[k].cpu == tl->line[k - n].cpu &&
	    strcmp(tl->line[k].text, tl->line[k - n].text) == 0)
		k++;
	return ((k - i - n) / n);
}

/* Lines that come again and again are drawn once. */
static void
tl_fold(const struct timeline *tl, FILE *f, unsigned width)
{
	size_t again, n;

	for (size_t i = 0; i < tl->n; i += n * (again + 1)) {
		n = 1;
		again = tl_repeats(tl, i, n);
		while (again < TL_AGAIN && n < TL_FOLD)
			again = tl_repeats(tl, i, ++n);
		if (again < TL_AGAIN) {
			n = 1;
			again = 0;
		}
		for (size_t k = 0; k < n; k++)
			tl_line(tl, f, &tl->line[i + k], width);
		if (again > 0 && n == 1)
			(void)fprintf(f, "(this %zu times more)\n", again);
		else if (again > 0)
			(void)fprintf(
			    f, "(these %zu lines %zu times more)\n", n, again);
	}
}

static void
tl_draw(const struct timeline *tl, FILE *f)
{
	const unsigned width = tl_width(tl);

	if (width >= TL_WIDTH_MIN)
		tl_head(f, tl->s->x->ncpus, width);
	tl_fold(tl, f, width);
	if (tl->s->failure != EPH_FAIL_NONE)
		(void)fprintf(f, "=> %s\n", tl->s->what);
}

char *
eph__search_timeline(struct search *s, struct ex_schedule *schedule)
{
	struct timeline tl = { .s = s };
	char *text = NULL;
	size_t bytes = 0;
	FILE *f;

	s->observer = tl_observe;
	s->observer_arg = &tl;
	(void)eph__search_replay(s, schedule);
	s->observer = NULL;
	s->observer_arg = NULL;
	f = open_memstream(&text, &bytes);
	if (f != NULL) {
		tl_draw(&tl, f);
		if (fclose(f) != 0 || tl.failed) {
			free(text);
			text = NULL;
		}
	}
	free(tl.line);
	return (text);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define DRAW_EVERY_NS 100000000u
#define BAR_WIDTH     40

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

void
progress_start(struct progress *p, const char *what, uint64_t total)
{
	p->what = isatty(STDERR_FILENO) ? what : NULL;
	p->total = total;
	p->started_ns = p->drawn_ns = p->what != NULL ? now_ns() : 0;
}

void
progress_step(struct progress *p, uint64_t done)
{
	uint64_t now;
	int filled;

	if (p->what == NULL || (now = now_ns()) - p->drawn_ns < DRAW_EVERY_NS)
		return;
	p->drawn_ns = now;
	if (p->total == 0) {
		(void)fprintf(stderr, "\r%s %" PRIu64 "\033[K", p->what, done);
		return;
	}
	if (done > p->total)
		done = p->total;
	filled = (int)((double)done / (double)p->total * BAR_WIDTH);
	(void)fprintf(stderr, "\r%s [%.*s%*s] %3d%%\033[K", p->what, filled,
	    "########################################", BAR_WIDTH - filled, "",
	    (int)((double)done / (double)p->total * 100));
}

void
progress_note(struct progress *p, uint64_t done, const char *note)
{
	uint64_t now;
	double left;

	if (p->what == NULL || done == 0 || p->total == 0 ||
	    (now = now_ns()) - p->drawn_ns < DRAW_EVERY_NS)
		return;
	p->drawn_ns = now;
	left = (double)(now - p->started_ns) / 1e9 / (double)done *
	    (double)(p->total > done ? p->total - done : 0);
	(void)fprintf(stderr,
	    "\r%s %" PRIu64 "/%" PRIu64 ", %.0f s left%s%.40s\033[K", p->what,
	    done, p->total, left, *note != '\0' ? ", best " : "", note);
}

void
progress_end(struct progress *p)
{
	if (p->what != NULL && p->drawn_ns != p->started_ns)
		(void)fputs("\r\033[K", stderr);
	p->what = NULL;
}

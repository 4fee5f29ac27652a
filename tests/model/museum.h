/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef MUSEUM_H
#define MUSEUM_H

/*
 * Naive models of the designs beyond the BSDs, a file for each family, and
 * what their traces may hold; see naive_machine.h.
 */

#include "naive_machine.h"

enum { OBJECTS = MAX_VAS, PAGE_NONE = -1 };

/*
 * What a trace must be for the naive model to follow: anything; on an infinite
 * TLB; with more buffers than handles; of mappings of one CPU only; with few
 * CPUs and lines; with a power of two of buffers.
 */
struct exhibit {
	const struct naive_design *design;
	unsigned most;	/* mappings of a CPU at once; 0: on any CPU */
	bool any_order; /* unmapped in any order */
	bool alone;	/* one at a time, on all CPUs */
	enum { X_ANY, X_INFINITE, X_ROOMY, X_LOCAL, X_FEW, X_POWER } traces;
};

/* Rows of a family, up to one without a design. */
extern const struct exhibit exhibits_xen[];
extern const struct exhibit exhibits_others[];

/* What every family keeps of an object, which is an address. */
struct object {
	unsigned cpu;
	unsigned refs;
	int page;
};
extern struct object objects[OBJECTS];

/* Forget all objects. */
void objects_init(void);

/* A miss: the address with page number `vpage`, for the page of `l`. */
int use(struct sim *s, const struct line *l, unsigned vpage);

/* It is used again, by who may be another; counted. */
void use_again(struct sim *s, const struct line *l, int va);

/* True if that was the last user. */
bool leave(struct sim *s, int va);

/* Mappings of one CPU. */
bool own(struct sim *s, unsigned cpu, int va);
bool own_touch(struct sim *s, unsigned cpu, int va, bool write);

/* A full flush of all CPUs for `n` addresses from `first`, acknowledged. */
void flush_everywhere(struct sim *s, unsigned me, int first, unsigned n);

#endif /* !MUSEUM_H */

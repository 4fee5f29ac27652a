/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_SDK_EVENT_H
#define EPHMAP_SDK_EVENT_H

/*
 * What happens on a machine, as an observer is told it, and what can be
 * made to fail there on purpose.
 */

#include "ephmap/types.h"

/* What happened, for --log, timelines and tests; see eph_machine_set_observer. */
enum eph_event_kind {
	EPH_EV_NOTE,	  /* text: words of a design */
	EPH_EV_PTE,	  /* va, old and new entry */
	EPH_EV_INVLPG,	  /* va, target: whose TLB; old: 1 without execution */
	EPH_EV_FLUSH,	  /* the same; new: 1 if global entries go too */
	EPH_EV_IPI,	  /* cpu interrupts target; old: 1 by hardware alone */
	EPH_EV_WALK,	  /* va, old: enum eph_access, new: the entry loaded */
	EPH_EV_HIT,	  /* va, old: enum eph_access, new: the frame reached */
	EPH_EV_FAULT,	  /* va, old: enum eph_access; a violation follows */
	EPH_EV_SLEEP,	  /* text: wmesg */
	EPH_EV_WAKEUP,	  /* target: the CPU of the sleeper */
	EPH_EV_LOCK,	  /* text: name; new: 1 taken, 0 released */
	EPH_EV_ATOMIC,	  /* text: operation and variable; old and new value */
	EPH_EV_VIOLATION, /* text: the explanation */
};

/* What an access was, in `old'. */
enum eph_access {
	EPH_ACCESS_LOAD,
	EPH_ACCESS_STORE,
	/* A store through a clean translation that was outdated: once more. */
	EPH_ACCESS_STORE_AGAIN,
};

struct eph_event {
	enum eph_event_kind kind;
	unsigned cpu;	 /* where it happened */
	unsigned target; /* for or to whom */
	eph_va_t va;
	uint64_t old;
	uint64_t new;
	const char *text; /* valid during the call only */
};

/*
 * Faults on purpose.  Of each kind the machine counts the opportunities:
 * places where a kernel must expect a failure.
 */
enum eph_fault {
	EPH_FAULT_ALLOC, /* memory or a page frame is asked for */
	EPH_FAULT_SLEEP, /* a sleep that a signal may end */
	EPH_FAULT_MAP,	 /* a mapping that may be refused: no KVA */
	EPH_FAULT_COPY,	 /* user memory is touched: the page cannot be had */
	EPH_FAULTS
};

typedef void eph_observer(void *arg, const struct eph_event *ev);

#endif /* !EPHMAP_SDK_EVENT_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_AXIS_H
#define SIM_AXIS_H

/*
 * The axes a person chooses names on.  Each has a table in the library
 * whose rows begin with a name; here the tables look alike, so that lists,
 * hints and messages are written once.
 */

#include <stddef.h>

#include "words.h"

struct axis {
	const char *option; /* "design", for --design */
	const char *plural; /* "designs", for `ephmap list designs` */
	const char *(*name)(unsigned row); /* NULL past the last */
};

enum axis_id {
	AXIS_DESIGN,
	AXIS_POLICY,
	AXIS_SHOOTDOWN,
	AXIS_MACHINE,
	AXIS_TLB,
	AXES,
};

extern const struct axis axes[AXES];

/*
 * The row called `name`, or -1 after "COMMAND: unknown ..." on standard
 * error, with the nearest known name.
 */
int axis_find(enum axis_id id, const char *name, const char *command);

/*
 * Say that `name` is unknown, and which of the n `known` ones is near;
 * `where` says how to see them all.  Returns the exit status.
 */
int refuse_unknown(const char *command, const char *what, const char *name,
    const char *const *known, size_t n, const char *where);

/* In a list, `all' alone stands for every name of the axis. */
void axis_expand(enum axis_id a, struct words *w);

#endif /* !SIM_AXIS_H */

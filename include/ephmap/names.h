/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_NAMES_H
#define EPHMAP_NAMES_H

/*
 * Names that people type, and what they may have meant.  Every table of
 * names in the library and in the program answers through these.
 *
 * All of them only read what they are given, never sleep, and may be called
 * by any number of host threads at once.
 */

#include "ephmap/types.h"

/*
 * The known name nearest to `name`, or NULL where none is near.  `names`
 * ends with NULL.  In this order: the same letters in another case, the
 * first part of a name before a dot or a dash ("sf_buf"), at most a third
 * of the letters wrong, a part of a name of three letters or more.
 */
const char *eph_nearest_name(const char *name, const char *const *names);

/*
 * The same over a table: row(i) is the name of row `i`, NULL past the last.
 */
const char *eph_nearest_row(const char *name, const char *(*row)(unsigned i));

/*
 * Say in `err` that there is no `what` called `name`, which name was
 * `near` (NULL: none), and where all are shown: a whole clause like
 * "`ephmap list designs` shows them".  Returns EINVAL.
 */
int eph_err_unknown(struct eph_err *err, const char *what, const char *name,
    const char *near, const char *where);

#endif /* !EPHMAP_NAMES_H */

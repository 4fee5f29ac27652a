/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_WHOLE_FILE_H
#define SIM_WHOLE_FILE_H

/*
 * A file that is the old one or the whole new one: it is written beside its
 * place, and renamed at the end.
 */

#include <stdbool.h>
#include <stdio.h>

#include "ephmap/types.h"

struct whole_file {
	FILE *f;	  /* to write to */
	const char *path; /* as it was given */
	char *place;	  /* where that leads: symbolic links stay */
	char *tmp;
};

/*
 * Begin the file `path', which is free or a regular file: a device or a pipe
 * is not replaced.  The name stays the caller's, who keeps it until the end.
 * Returns 0, or an errno value with `err' set.
 */
int whole_file_open(
    struct whole_file *w, const char *path, struct eph_err *err);

/*
 * End it, in its place where `keep' says so and nothing failed, else as if it
 * had never been; `error' is that of who wrote, or 0.  Returns as above.
 */
int whole_file_close(
    struct whole_file *w, bool keep, int error, struct eph_err *err);

#endif /* !SIM_WHOLE_FILE_H */

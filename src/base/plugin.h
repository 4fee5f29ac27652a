/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef BASE_PLUGIN_H
#define BASE_PLUGIN_H

/*
 * Rows from outside: a plug-in's, or a program's own.  Each begins with the
 * number of the interface it was built for (EPHMAP_ABI), and nothing behind
 * that number means anything when it is another one.
 */

#include "ephmap/types.h"

/* 0, or EINVAL with `err` set to "WHAT: built for interface N, ...". */
int eph__abi_check(const char *what, unsigned abi, struct eph_err *err);

/* What a plug-in may export. */
struct plugin_row {
	const char *symbol; /* "ephmap_policy" */
	const char *type;   /* "struct eph_policy_ops" */
	const char *noun;   /* "policy" */

	/* The first slot that must be set and is not, or NULL. */
	const char *(*missing)(const void *row);
};

/*
 * Load the row from the shared object `path`.  Returns 0 and sets *rowp,
 * which stays until the process ends; or ENOENT (it cannot be loaded), ESRCH
 * (it exports no such row), EINVAL (interface, slots), with `err` set and
 * nothing left loaded.
 */
int eph__plugin_load(const struct plugin_row *p, const char *path,
    const void **rowp, struct eph_err *err);

#endif /* !BASE_PLUGIN_H */

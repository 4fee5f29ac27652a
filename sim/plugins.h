/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_PLUGINS_H
#define SIM_PLUGINS_H

/*
 * Shared objects of --plugin: designs, policies, importers.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ephmap/sdk/importer.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/policy.h"
#include "options.h"

struct plugins {
	bool loaded;
	size_t ndesigns, npolicies;
	const struct eph_design_ops *design[OPT_WORDS_MAX];
	const struct eph_policy_ops *policy[OPT_WORDS_MAX + 1]; /* NULL ends */
};

/*
 * Load what the files have, a design, a policy or both of each, once.
 * OPTIONS_OK, or OPTIONS_BAD with a message printed: a file has neither, or
 * a name is there twice.
 */
int plugins_load(
    const char *command, const struct opt_words *files, struct plugins *p);

/* The design of that name; or NULL. */
const struct eph_design_ops *plugins_design(
    const struct plugins *p, const char *name);

/* The names of all policies, by comma, for free(); NULL: there is none. */
char *plugins_policies(const struct plugins *p);

/* The files, by comma, for free(); NULL: there is none. */
char *plugins_files(const struct opt_words *files);

/* Load an importer.  OPTIONS_OK, or OPTIONS_BAD with a message printed. */
int load_importer(const char *command, const char *file,
    const struct eph_import_format **formatp);

#endif /* !SIM_PLUGINS_H */

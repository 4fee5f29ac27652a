/* SPDX-License-Identifier: BSD-2-Clause */

#include "plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

/* A name without a slash is a file here, not one of the system's. */
static char *
plugin_path(const char *file)
{
	const size_t n = strlen(file) + sizeof("./");
	char *path = must_alloc(NULL, n, 1);

	(void)snprintf(
	    path, n, "%s%s", strchr(file, '/') != NULL ? "" : "./", file);
	return (path);
}

int
load_importer(const char *command, const char *file,
    const struct eph_import_format **formatp)
{
	struct eph_err err;
	char *path = plugin_path(file);
	const int error = eph_import_load(path, formatp, &err);

	free(path);
	return (
	    error == 0 ? OPTIONS_OK : options_refuse(command, "%s", err.text));
}

static int
refuse_twice(
    const char *command, const char *file, const char *what, const char *name)
{
	return (options_refuse(command,
	    "--plugin: %s: %s %s is a plug-in's before it", file, what, name));
}

static int
add_design(const char *command, const char *file,
    const struct eph_design_ops *d, struct plugins *p)
{
	if (plugins_design(p, d->name) != NULL)
		return (refuse_twice(command, file, "design", d->name));
	p->design[p->ndesigns++] = d;
	return (OPTIONS_OK);
}

static int
add_policy(const char *command, const char *file,
    const struct eph_policy_ops *policy, struct plugins *p)
{
	for (size_t i = 0; i < p->npolicies; i++) {
		if (strcmp(p->policy[i]->name, policy->name) == 0)
			return (refuse_twice(
			    command, file, "policy", policy->name));
	}
	p->policy[p->npolicies++] = policy;
	return (OPTIONS_OK);
}

static int
load_file(const char *command, const char *file, struct plugins *p)
{
	const struct eph_design_ops *design;
	const struct eph_policy_ops *policy;
	struct eph_err err, policy_err;
	char *path = plugin_path(file);
	const int error = eph_design_load(path, &design, &err);
	int policy_error = ESRCH, status = OPTIONS_OK;

	if (error == 0 || error == ESRCH)
		policy_error = eph_policy_load(path, &policy, &policy_err);
	free(path);
	if (error == ESRCH && policy_error == ESRCH)
		return (options_refuse(command,
		    "%s: exports neither ephmap_plugin, a design, nor "
		    "ephmap_policy",
		    file));
	if (error != 0 && error != ESRCH)
		return (options_refuse(command, "%s", err.text));
	if (policy_error != 0 && policy_error != ESRCH)
		return (options_refuse(command, "%s", policy_err.text));
	if (error == 0)
		status = add_design(command, file, design, p);
	if (policy_error == 0 && status == OPTIONS_OK)
		status = add_policy(command, file, policy, p);
	return (status);
}

int
plugins_load(
    const char *command, const struct opt_words *files, struct plugins *p)
{
	int status = OPTIONS_OK;

	if (p->loaded)
		return (OPTIONS_OK);
	for (unsigned i = 0; i < files->n && status == OPTIONS_OK; i++)
		status = load_file(command, files->word[i], p);
	p->loaded = status == OPTIONS_OK;
	return (status);
}

const struct eph_design_ops *
plugins_design(const struct plugins *p, const char *name)
{
	for (size_t i = 0; i < p->ndesigns; i++) {
		if (strcmp(p->design[i]->name, name) == 0)
			return (p->design[i]);
	}
	return (NULL);
}

char *
plugins_policies(const struct plugins *p)
{
	struct text t;
	FILE *f;

	if (p->npolicies == 0)
		return (NULL);
	f = text_begin(&t);
	for (size_t i = 0; i < p->npolicies; i++)
		(void)fprintf(f, "%s%s", i > 0 ? "," : "", p->policy[i]->name);
	return (text_take(&t));
}

char *
plugins_files(const struct opt_words *files)
{
	struct text t;
	FILE *f;

	if (files->n == 0)
		return (NULL);
	f = text_begin(&t);
	for (unsigned i = 0; i < files->n; i++)
		(void)fprintf(f, "%s%s", i > 0 ? "," : "", files->word[i]);
	return (text_take(&t));
}

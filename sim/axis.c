/* SPDX-License-Identifier: BSD-2-Clause */

#include "axis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "table.h"

#include "ephmap/names.h"
#include "ephmap/sdk/design.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/sdk/policy.h"
#include "ephmap/sdk/shootdown.h"

#define AXIS_NAME(function, rows)                                              \
	static const char *function(unsigned row)                              \
	{                                                                      \
		return ((rows)[row] != NULL ? (rows)[row]->name : NULL);       \
	}

AXIS_NAME(design_name, eph_designs)
AXIS_NAME(policy_name, eph_policies)
AXIS_NAME(shootdown_name, eph_shootdowns)
AXIS_NAME(machine_name, eph_machine_models)
AXIS_NAME(tlb_name, eph_tlb_models)

const struct axis axes[AXES] = {
	[AXIS_DESIGN] = { "design", "designs", design_name },
	[AXIS_POLICY] = { "policy", "policies", policy_name },
	[AXIS_SHOOTDOWN] = { "shootdown", "shootdowns", shootdown_name },
	[AXIS_MACHINE] = { "machine", "machines", machine_name },
	[AXIS_TLB] = { "tlb", "tlbs", tlb_name },
};

int
refuse_unknown(const char *command, const char *what, const char *name,
    const char *const *known, size_t n, const char *where)
{
	const char **names = must_alloc(NULL, n + 1, sizeof(*names));
	const char *near;
	int status;

	memcpy(names, known, n * sizeof(*names));
	names[n] = NULL;
	near = eph_nearest_name(name, names);
	if (near != NULL)
		status = options_refuse(command,
		    "unknown %s \"%s\"; did you mean %s? (%s)", what, name,
		    near, where);
	else
		status = options_refuse(
		    command, "unknown %s \"%s\"; %s", what, name, where);
	free(names);
	return (status);
}

int
axis_find(enum axis_id id, const char *name, const char *command)
{
	const struct axis *a = &axes[id];
	const char **names;
	char where[64];
	unsigned n = 0;

	for (; a->name(n) != NULL; n++) {
		if (strcmp(a->name(n), name) == 0)
			return ((int)n);
	}
	names = must_alloc(NULL, n, sizeof(*names));
	for (unsigned i = 0; i < n; i++)
		names[i] = a->name(i);
	(void)snprintf(
	    where, sizeof(where), "`ephmap list %s` shows them", a->plural);
	(void)refuse_unknown(command, a->option, name, names, n, where);
	free(names);
	return (-1);
}

void
axis_expand(enum axis_id a, struct words *w)
{
	if (w->n != 1 || strcmp(w->word[0], "all") != 0)
		return;
	words_free(w);
	for (unsigned row = 0; axes[a].name(row) != NULL; row++) {
		const char *name = axes[a].name(row);

		w->word = must_alloc(w->word, w->n + 1, sizeof(*w->word));
		w->word[w->n++] = must_copy(name, strlen(name));
	}
}

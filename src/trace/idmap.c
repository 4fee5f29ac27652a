/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 1024u

int
eph__idmap_init(struct idmap *m)
{
	m->n = 0;
	m->cap = FIRST_CAP;
	m->mask = 2 * FIRST_CAP - 1;
	m->slots = malloc((m->mask + 1) * sizeof(m->slots[0]));
	m->names = malloc(m->cap * sizeof(m->names[0]));
	if (m->slots == NULL || m->names == NULL) {
		eph__idmap_destroy(m);
		return (ENOMEM);
	}
	memset(m->slots, 0xff, (m->mask + 1) * sizeof(m->slots[0]));
	return (0);
}

void
eph__idmap_destroy(struct idmap *m)
{
	free(m->slots);
	free(m->names);
	memset(m, 0, sizeof(*m));
}

static bool
idmap_grow(struct idmap *m)
{
	const uint64_t nslots = 2 * (m->mask + 1);
	uint64_t *names;
	uint32_t *slots;

	if (m->cap >= 1u << 31)
		return (false);
	names = realloc(m->names, 2 * (size_t)m->cap * sizeof(names[0]));
	if (names == NULL)
		return (false);
	m->names = names;
	slots = malloc(nslots * sizeof(slots[0]));
	if (slots == NULL)
		return (false);
	memset(slots, 0xff, nslots * sizeof(slots[0]));
	free(m->slots);
	m->slots = slots;
	m->mask = nslots - 1;
	m->cap *= 2;
	for (uint32_t id = 0; id < m->n; id++) {
		uint64_t i = idmap_home(m, names[id]);

		while (slots[i] != EPH_NONE)
			i = (i + 1) & m->mask;
		slots[i] = id;
	}
	return (true);
}

uint32_t
eph__idmap_find(const struct idmap *m, uint64_t name)
{
	uint64_t i = idmap_home(m, name);
	uint32_t id;

	while ((id = m->slots[i]) != EPH_NONE && m->names[id] != name)
		i = (i + 1) & m->mask;
	return (id);
}

uint32_t
eph__idmap_get(struct idmap *m, uint64_t name)
{
	uint64_t i = idmap_home(m, name);
	uint32_t id;

	while ((id = m->slots[i]) != EPH_NONE) {
		if (m->names[id] == name)
			return (id);
		i = (i + 1) & m->mask;
	}
	if (m->n == m->cap) {
		if (!idmap_grow(m))
			return (EPH_NONE);
		return (eph__idmap_get(m, name));
	}
	id = m->n++;
	m->names[id] = name;
	m->slots[i] = id;
	return (id);
}

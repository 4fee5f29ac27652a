/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256u

uint64_t
eph__names_hash(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return (h);
}

static bool
names_resize(struct names *t, uint32_t cap)
{
	uint64_t *hashes = realloc(t->hashes, cap * sizeof(hashes[0]));
	uint32_t *slots;
	char **strings;

	if (hashes == NULL)
		return (false);
	t->hashes = hashes;
	strings = realloc(t->strings, cap * sizeof(strings[0]));
	if (strings == NULL)
		return (false);
	t->strings = strings;
	slots = malloc(2 * (size_t)cap * sizeof(slots[0]));
	if (slots == NULL)
		return (false);
	memset(slots, 0xff, 2 * (size_t)cap * sizeof(slots[0]));
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	t->mask = 2 * cap - 1;
	for (uint32_t id = 0; id < t->n; id++) {
		uint32_t i = (uint32_t)hashes[id] & t->mask;

		while (slots[i] != EPH_NONE)
			i = (i + 1) & t->mask;
		slots[i] = id;
	}
	return (true);
}

int
eph__names_init(struct names *t)
{
	memset(t, 0, sizeof(*t));
	if (names_resize(t, FIRST_CAP))
		return (0);
	eph__names_destroy(t);
	return (ENOMEM);
}

void
eph__names_destroy(struct names *t)
{
	for (uint32_t id = 0; id < t->n; id++)
		free(t->strings[id]);
	free(t->strings);
	free(t->hashes);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

uint32_t
eph__names_get(struct names *t, const char *s, size_t len)
{
	const uint64_t hash = eph__names_hash(s, len);
	uint32_t i = (uint32_t)hash & t->mask, id;
	char *copy;

	while ((id = t->slots[i]) != EPH_NONE) {
		if (t->hashes[id] == hash && strlen(t->strings[id]) == len &&
		    memcmp(t->strings[id], s, len) == 0)
			return (id);
		i = (i + 1) & t->mask;
	}
	if (t->n == t->cap) {
		if (t->cap >= 1u << 30 || !names_resize(t, 2 * t->cap))
			return (EPH_NONE);
		return (eph__names_get(t, s, len));
	}
	if ((copy = malloc(len + 1)) == NULL)
		return (EPH_NONE);
	memcpy(copy, s, len);
	copy[len] = '\0';
	id = t->n++;
	t->hashes[id] = hash;
	t->strings[id] = copy;
	t->slots[i] = id;
	return (id);
}

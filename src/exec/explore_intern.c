/* SPDX-License-Identifier: BSD-2-Clause */

#include "exec/explore_intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTERN_FIRST 1024u

#define INTERN_MUL 0xff51afd7ed558ccdu

static inline uint64_t
intern_turn(uint64_t h, uint64_t w)
{
	h = (h << 29 | h >> 35) ^ w;
	return (h * INTERN_MUL);
}

/* Four chains at once: a multiplication waits for the one before it. */
static uint64_t
intern_long(const unsigned char **bp, size_t *bytesp)
{
	const unsigned char *b = *bp;
	size_t bytes = *bytesp;
	uint64_t h[4] = { 0, 0x3c6ef372fe94f82au, 0xdaa66d2c7ddf743fu,
		0x78dde6e5fd29f054u };
	uint64_t w[4];

	for (; bytes >= 32; bytes -= 32, b += 32) {
		memcpy(w, b, 32);
		for (unsigned i = 0; i < 4; i++)
			h[i] = intern_turn(h[i], w[i]);
	}
	*bp = b;
	*bytesp = bytes;
	h[0] ^= h[1] ^ h[1] >> 31;
	h[2] ^= h[3] ^ h[3] >> 29;
	return (intern_turn(h[0] ^ h[0] >> 32, h[2] ^ h[2] >> 32));
}

uint64_t
eph__intern_hash(const void *p, size_t bytes)
{
	const unsigned char *b = p;
	uint64_t h = 0x9e3779b97f4a7c15u ^ bytes;
	uint64_t w;

	if (bytes >= 64)
		h ^= intern_long(&b, &bytes);
	for (; bytes >= 8; bytes -= 8, b += 8) {
		memcpy(&w, b, 8);
		h = intern_turn(h, w);
	}
	if (bytes >= 4) {
		uint32_t half;

		memcpy(&half, b, 4);
		h = intern_turn(h, half);
	}
	h ^= h >> 32;
	h *= 0xc4ceb9fe1a85ec53u;
	return (h ^ h >> 29);
}

int
eph__intern_create(struct intern *in)
{
	*in = (struct intern){ 0 };
	in->n_room = INTERN_FIRST;
	in->room = (size_t)INTERN_FIRST * 64;
	in->mask = 2 * INTERN_FIRST - 1;
	in->data = malloc(in->room);
	in->at = malloc((in->n_room + 1) * sizeof(*in->at));
	in->hash = malloc(in->n_room * sizeof(*in->hash));
	in->table = calloc(in->mask + 1, sizeof(*in->table));
	if (in->data == NULL || in->at == NULL || in->hash == NULL ||
	    in->table == NULL)
		return (ENOMEM);
	in->at[0] = 0;
	return (0);
}

void
eph__intern_destroy(struct intern *in)
{
	free(in->data);
	free(in->at);
	free(in->hash);
	free(in->table);
	*in = (struct intern){ 0 };
}

void
eph__intern_clear(struct intern *in)
{
	in->n = 0;
	in->used = 0;
	memset(in->table, 0, (in->mask + 1) * sizeof(*in->table));
}

static bool
intern_grow_table(struct intern *in)
{
	const uint32_t mask = in->mask * 2 + 1;
	uint32_t *table = calloc((size_t)mask + 1, sizeof(*table));

	if (table == NULL)
		return (false);
	for (uint32_t id = 0; id < in->n; id++) {
		uint32_t i = in->hash[id] & mask;

		while (table[i] != 0)
			i = (i + 1) & mask;
		table[i] = id + 1;
	}
	free(in->table);
	in->table = table;
	in->mask = mask;
	return (true);
}

static bool
intern_grow(struct intern *in, size_t bytes)
{
	if (in->n == in->n_room) {
		const uint32_t n = in->n_room * 2;
		size_t *at = realloc(in->at, ((size_t)n + 1) * sizeof(*at));
		uint32_t *hash;

		if (at == NULL)
			return (false);
		in->at = at;
		hash = realloc(in->hash, (size_t)n * sizeof(*hash));
		if (hash == NULL)
			return (false);
		in->hash = hash;
		in->n_room = n;
	}
	if (bytes > in->room - in->used) {
		const size_t room = in->room * 2 + bytes;
		char *data = realloc(in->data, room);

		if (data == NULL)
			return (false);
		in->data = data;
		in->room = room;
	}
	return (in->n < in->mask / 4 * 3 || intern_grow_table(in));
}

uint32_t
eph__intern(struct intern *in, const void *p, size_t bytes)
{
	const uint32_t hash = (uint32_t)eph__intern_hash(p, bytes);
	uint32_t i = hash & in->mask;

	for (; in->table[i] != 0; i = (i + 1) & in->mask) {
		const uint32_t id = in->table[i] - 1;

		if (in->hash[id] == hash &&
		    in->at[id + 1] - in->at[id] == bytes &&
		    memcmp(in->data + in->at[id], p, bytes) == 0)
			return (id);
	}
	if (!intern_grow(in, bytes))
		return (UINT32_MAX);
	i = hash & in->mask;
	while (in->table[i] != 0)
		i = (i + 1) & in->mask;
	if (bytes > 0)
		memcpy(in->data + in->used, p, bytes);
	in->used += bytes;
	in->hash[in->n] = hash;
	in->table[i] = in->n + 1;
	in->at[++in->n] = in->used;
	return (in->n - 1);
}

size_t
eph__intern_bytes(const struct intern *in)
{
	return (in->room + in->n_room * (sizeof(*in->at) + sizeof(*in->hash)) +
	    ((size_t)in->mask + 1) * sizeof(*in->table));
}

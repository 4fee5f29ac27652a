/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Files and their names.
 *
 * A name is not a file: rename(2) gives a file another name, unlink(2) takes
 * it away, and what is created there next is another file.  Paths have ids;
 * each is bound to a file, or to none.  A descriptor keeps its file whatever
 * becomes of the name.
 */

#include <string.h>

#include "trace/calls.h"

#define DELETED	       "\001deleted" /* follows the path of a file that is unlinked */
#define PATH_MAX_BYTES 4096u

/* Note the directories above a path that becomes known. */
static bool
note_dirs(struct calls *c, const char *path, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (path[i] == '/' &&
		    eph__idmap_get(&c->dirs, eph__names_hash(path, i)) ==
			EPH_NONE)
			return (false);
	}
	return (true);
}

uint32_t
eph__calls_path(struct calls *c, const char *path, size_t len)
{
	const uint32_t known = c->im->own->files.n;
	const uint32_t id = eph__names_get(&c->im->own->files, path, len);

	if (id == EPH_NONE)
		return (id);
	while (c->nfile_at <= id) {
		if (!eph__calls_grow(&c->file_at, &c->cap_file_at, c->nfile_at,
			sizeof(c->file_at[0])))
			return (EPH_NONE);
		c->file_at[c->nfile_at++] = 0;
	}
	if (id >= known && !note_dirs(c, path, len))
		return (EPH_NONE);
	return (id);
}

uint32_t
eph__calls_file_new(struct calls *c)
{
	return (c->nfiles < EPH_NONE - 1 ? c->nfiles++ : EPH_NONE);
}

uint32_t
eph__calls_file(struct calls *c, uint32_t path)
{
	uint32_t file;

	if (c->file_at[path] == 0) {
		if ((file = eph__calls_file_new(c)) == EPH_NONE)
			return (EPH_NONE);
		c->file_at[path] = file + 1;
	}
	return (c->file_at[path] - 1);
}

void
eph__calls_create(struct calls *c, uint32_t path)
{
	c->file_at[path] = 0;
}

/* The id of a path once it is unlinked. */
static uint32_t
deleted_path(struct calls *c, const char *path, size_t len)
{
	char text[PATH_MAX_BYTES + sizeof(DELETED)];

	if (len > PATH_MAX_BYTES)
		len = PATH_MAX_BYTES;
	memcpy(text, path, len);
	memcpy(text + len, DELETED, sizeof(DELETED) - 1);
	return (eph__calls_path(c, text, len + sizeof(DELETED) - 1));
}

uint32_t
eph__calls_deleted(struct calls *c, const char *path, size_t len)
{
	const uint32_t id = deleted_path(c, path, len);

	return (id == EPH_NONE ? EPH_NONE : eph__calls_file(c, id));
}

int
eph__calls_unlink(struct calls *c, uint32_t path)
{
	const char *name = c->im->own->files.strings[path];
	const uint32_t file = c->file_at[path];
	uint32_t id;

	if (file == 0)
		return (0);
	if ((id = deleted_path(c, name, strlen(name))) == EPH_NONE)
		return (eph__calls_no_memory(c));
	c->file_at[id] = file;
	c->file_at[path] = 0;
	return (0);
}

/* A directory moves, and what is known below it. */
static int
rename_below(struct calls *c, uint32_t from, uint32_t to)
{
	const size_t len = strlen(c->im->own->files.strings[from]);
	const uint32_t n = c->im->own->files.n;
	char text[PATH_MAX_BYTES];

	for (uint32_t id = 0; id < n && id < c->nfile_at; id++) {
		const char *below = c->im->own->files.strings[id];
		const char *there = c->im->own->files.strings[to];
		uint32_t moved;

		if (c->file_at[id] == 0 || strlen(below) <= len ||
		    strncmp(below, c->im->own->files.strings[from], len) != 0 ||
		    below[len] != '/' ||
		    strlen(there) + strlen(below + len) >= sizeof(text))
			continue;
		memcpy(text, there, strlen(there));
		memcpy(
		    text + strlen(there), below + len, strlen(below + len) + 1);
		moved = eph__calls_path(c, text, strlen(text));
		if (moved == EPH_NONE)
			return (eph__calls_no_memory(c));
		c->file_at[moved] = c->file_at[id];
		c->file_at[id] = 0;
	}
	return (0);
}

/* Is the path a directory that holds known files? */
static bool
is_dir(const struct calls *c, uint32_t path)
{
	const char *name = c->im->own->files.strings[path];

	return (eph__idmap_find(
		    &c->dirs, eph__names_hash(name, strlen(name))) != EPH_NONE);
}

int
eph__calls_rename(struct calls *c, uint32_t from, uint32_t to, bool exchange)
{
	const uint32_t file = c->file_at[from], there = c->file_at[to];
	int error;

	if (from == to)
		return (0);
	if (exchange) {
		c->file_at[to] = file;
		c->file_at[from] = there;
		return (0);
	}
	if (file == 0 && is_dir(c, from))
		return (rename_below(c, from, to));
	/* What had the name is gone; its descriptors show it as deleted. */
	if ((error = eph__calls_unlink(c, to)) != 0)
		return (error);
	c->file_at[to] = file;
	c->file_at[from] = 0;
	return (0);
}

int
eph__calls_link(struct calls *c, uint32_t from, uint32_t to)
{
	const uint32_t file = eph__calls_file(c, from);

	if (file == EPH_NONE)
		return (eph__calls_no_memory(c));
	c->file_at[to] = file + 1;
	return (0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Transfers from files.
 *
 * A call says where it reads, or it reads at the file's position.  The
 * position is known where the opening is in the log, and each read, seek and
 * transfer since.  Where the opening is not in the log it is taken to be the
 * start of the file, and to be that again when something says that the file
 * was opened again: another receiver, a return of 0 (the end of the file)
 * before, or a transfer that was complete.  Such calls are counted, and said.
 *
 * Results.  -1 EAGAIN and ? ERESTART... are no calls: they are made again; ?
 * alone is a call that was killed.  Any other -1 is a call
 * that failed.  Both map nothing: a BSD kernel maps page by page and may
 * have mapped the first one, but the log cannot say so.  0 is the end of the
 * file: a call, no pages.  Less than asked is partial.
 */

#define _GNU_SOURCE /* memmem */

#include <string.h>

#include "trace/calls.h"

bool
eph__calls_failed(struct calls *c, const struct words *w, enum calls_kind kind)
{
	const bool counts = (c->mask & 1u << kind) != 0;

	if (w->result[0] != '?' && w->result[0] != '-')
		return (false);
	if (strstr(w->result, "EAGAIN") != NULL ||
	    strstr(w->result, "ERESTART") != NULL) {
		c->im->res->again += counts;
	} else if (w->result[0] == '?') {
		c->im->res->unfinished += counts;
	} else {
		c->im->res->calls += counts;
		c->im->res->failed += counts;
	}
	return (true);
}

bool
eph__calls_is_file_name(const char *name, size_t len)
{
	static const char *const others[] = { "/dev/", "/proc/", "/sys/" };

	if (len == 0 || name[0] != '/')
		return (false);
	if (len > 9 && strncmp(name, "/dev/shm/", 9) == 0)
		return (true);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(name, others[i], strlen(others[i])) == 0)
			return (false);
	}
	/* -yy: "/x<char 1:3>" */
	return (name[len - 1] != '>' ||
	    (memmem(name, len, "<char ", 6) == NULL &&
		memmem(name, len, "<block ", 7) == NULL));
}

/* A descriptor that the log shows neither with a name nor being opened. */
static int
unnamed_file(struct calls *c, uint32_t task, uint32_t fd)
{
	struct open_file of = { .kind = FILE_OTHER, .path = EPH_NONE };

	if ((of.file = eph__calls_file_new(c)) == EPH_NONE)
		return (eph__calls_no_memory(c));
	c->untold_name++;
	return (eph__calls_fd_open(c, task, fd, &of, false, false));
}

/* Is this the path that a descriptor shows? */
static bool
path_is(const struct calls *c, uint32_t path, const struct fd_word *fd)
{
	return (path != EPH_NONE &&
	    strncmp(c->im->own->files.strings[path], fd->name, fd->len) == 0 &&
	    c->im->own->files.strings[path][fd->len] == '\0');
}

int
eph__calls_open_file(struct calls *c, uint32_t task, const struct fd_word *fd,
    struct open_file **ofp)
{
	struct open_file *of = eph__calls_fd(c, task, fd);
	struct open_file fresh = { .kind = FILE_OTHER };
	uint32_t path, file;
	int error = 0;

	if (fd->name == NULL) {
		if (of == NULL)
			error = unnamed_file(c, task, fd->fd);
		if (of == NULL || error != 0)
			of = error == 0 ? eph__calls_fd(c, task, fd) : NULL;
		if (of != NULL && of->file == EPH_NONE) {
			if ((of->file = eph__calls_file_new(c)) == EPH_NONE)
				return (eph__calls_no_memory(c));
			c->untold_name++; /* cut, or not a string */
		}
		*ofp = of;
		return (error);
	}
	path = of != NULL && path_is(c, of->path, fd)
	    ? of->path
	    : eph__calls_path(c, fd->name, fd->len);
	if (path == EPH_NONE)
		return (eph__calls_no_memory(c));
	/* The same name: the file it was, unless the name is another's now. */
	if (of != NULL && of->path == path &&
	    (of->seen || fd->deleted || c->file_at[path] == of->file + 1)) {
		*ofp = of;
		return (0);
	}
	file = fd->deleted ? eph__calls_deleted(c, fd->name, fd->len)
			   : eph__calls_file(c, path);
	if (file == EPH_NONE)
		return (eph__calls_no_memory(c));
	/*
	 * Another name, and it was not closed: renamed, or unlinked, by what
	 * the log does not show or names by a link.
	 */
	if (of != NULL && of->file != file && of->seen && c->close_seen) {
		file = of->file;
		if (!fd->deleted)
			c->file_at[path] = file + 1;
	}
	if (of != NULL && of->file == file) {
		of->path = path;
		*ofp = of;
		return (0);
	}
	fresh.file = file;
	fresh.path = path;
	error = eph__calls_fd_open(c, task, fd->fd, &fresh, false, false);
	if (error == 0)
		*ofp = eph__calls_fd(c, task, fd);
	return (error);
}

/* Was an unseen file opened again since the last transfer? */
static bool
looks_reopened(
    const struct open_file *of, const struct transfer *t, uint64_t out)
{
	if (of->ended)
		return (t->got > 0);
	if (of->seen)
		return (false);
	if (of->last_asked == 0)
		return (false);
	if (of->last_out == 0)
		return (false); /* it was read from: goes on */
	if (out != 0 && out != of->last_out)
		return (true);
	if (of->last_got < of->last_asked)
		return (false); /* the receiver was full: it goes on */
	/*
	 * Pieces of pages are parts of one transfer.  A receiver without a
	 * name may be another each time or the same: nothing is known.
	 */
	return (t->out != NULL && memchr(t->out, '<', t->out_len) != NULL &&
	    (of->last_asked % EPH_PAGE_SIZE != 0 || t->asked > of->last_asked));
}

/* Where a transfer at the position starts; the position moves. */
static uint64_t
take_position(struct calls *c, struct open_file *of, const struct transfer *t,
    bool counts)
{
	const uint64_t out =
	    t->out != NULL ? eph__names_hash(t->out, t->out_len) : 0;
	uint64_t offset;

	if (looks_reopened(of, t, out)) {
		of->position = 0;
		of->seen = false;
	}
	if (counts && t->got > 0) {
		c->from_position++;
		c->unseen_position += !of->seen;
	}
	offset = of->position;
	of->position += t->got;
	of->ended = t->got == 0 && t->asked > 0;
	of->last_out = out;
	of->last_asked = t->asked;
	of->last_got = t->got;
	return (offset);
}

/* Can the source be told to be a file? */
static bool
is_file(struct calls *c, const struct words *w, const struct transfer *t)
{
	const struct open_file *of;

	if (t->from.name != NULL)
		return (eph__calls_is_file_name(t->from.name, t->from.len));
	of = eph__calls_fd(c, w->task, &t->from);
	if (of != NULL)
		return (of->kind == FILE_OTHER);
	/* These have files only. */
	return (t->kind == CALLS_SENDFILE || t->kind == CALLS_PREAD ||
	    t->kind == CALLS_COPY || t->kind == CALLS_MMAP);
}

int
eph__calls_transfer(
    struct calls *c, const struct words *w, const struct transfer *t)
{
	const bool counts = (c->mask & 1u << t->kind) != 0;
	struct open_file *of = NULL;
	uint64_t offset = t->offset;
	int error;

	if (!is_file(c, w, t))
		return (0);
	if ((error = eph__calls_open_file(c, w->task, &t->from, &of)) != 0)
		return (error);
	if (of == NULL)
		return (0);
	if (t->at_position)
		offset = take_position(c, of, t, counts);
	if (!counts) {
		c->other[t->kind]++;
		return (0);
	}
	if (t->untold) {
		c->untold_offset++;
		return (0);
	}
	if (t->kind == CALLS_MMAP)
		c->mapped += (t->got + EPH_PAGE_SIZE - 1) / EPH_PAGE_SIZE;
	eph_import_count(c->im, t->got, t->asked);
	eph__calls_done(c, w, of->file, offset, t->got);
	return (0);
}

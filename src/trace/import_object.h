/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_IMPORT_OBJECT_H
#define TRACE_IMPORT_OBJECT_H

/*
 * Requests for objects and for parts of disks, as cache simulators and
 * block tracers have them: what their importers share.
 */

#include "trace/importer.h"

#define NS_PER_S  ((uint64_t)1000000000)
#define NS_PER_US ((uint64_t)1000)

/*
 * One request: for an object of `bytes', or for bytes [offset, offset +
 * bytes) of a disk.
 */
struct object {
	uint64_t ns;
	uint64_t id; /* of the object or, on_disk, of the disk */
	uint64_t bytes;
	uint64_t offset;
	uint64_t times; /* as often as that; 0: once */
	bool timed;	/* ns is known */
	bool on_disk;
};

/*
 * An object is the page, as in the simulators, so that results can be
 * compared.  With --split it is `bytes' of pages of its own; with --split
 * --block B its id counts blocks of B bytes of one disk, and the pages are
 * the disk's.  Disks are numbered in order of first sight.
 */
int eph__import_object(struct import *im, const struct object *ob);

/* Leave out a request that deletes, which reaches no data. */
void eph__import_delete(struct import *im);

/* Is this a word for that?  Capitals or not. */
bool eph__import_is_delete(const char *s, size_t n);

#endif /* !TRACE_IMPORT_OBJECT_H */

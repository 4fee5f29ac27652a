/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/importer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define OBJECT_MAX (UINT64_MAX / 2)
#define TIMES_MAX  ((uint64_t)1 << 32)

void
eph__import_delete(struct eph_import *im)
{
	eph_import_left_out(im, "with operation delete", 1);
}

bool
eph__import_is_delete(const char *s, size_t n)
{
	static const char *const words[] = { "delete", "del", "remove", "trim",
		"discard", "unmap", "purge" };

	/* Most operations are read, write, get or set. */
	if (n < 3 || strchr("dDrRtTuUpP", s[0]) == NULL)
		return (false);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == n && strncasecmp(words[i], s, n) == 0)
			return (true);
	}
	return (false);
}

/* The number of an object's own file of pages, or of a disk. */
static int
object_file(struct eph_import *im, uint64_t id, uint64_t *filep)
{
	/* im->own->pids is free: these formats know no processes. */
	const uint32_t file = eph__idmap_get(&im->own->pids, id);

	if (file == EPH_NONE)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	*filep = file;
	return (0);
}

static int
object_pages(
    struct eph_import *im, const struct eph_import_object *ob, unsigned cpu)
{
	const uint64_t bytes = ob->bytes > 0 ? ob->bytes : 1;
	uint64_t file = 0;
	int error;

	if (!ob->on_disk && !im->o->split)
		return (eph_import_ref(im, cpu, ob->id));
	if (!ob->on_disk && im->block_given) {
		if (ob->id > OBJECT_MAX / im->block_bytes)
			return (eph_import_refuse(im,
			    "block %" PRIu64 " is beyond 2^63 bytes", ob->id));
		return (
		    eph_import_range(im, cpu, ob->id * im->block_bytes, bytes));
	}
	if ((error = object_file(im, ob->id, &file)) != 0)
		return (error);
	return (eph_import_file_range(im, cpu, file, ob->offset, bytes));
}

int
eph_import_object(struct eph_import *im, const struct eph_import_object *ob)
{
	unsigned cpu;
	int error;

	if (ob->on_disk && ob->bytes == 0) {
		eph_import_left_out(im, "of no bytes", 1);
		return (0);
	}
	if (ob->times > TIMES_MAX)
		return (eph_import_refuse(im,
		    "a request that came %" PRIu64 " times; expected at most "
		    "2^32",
		    ob->times));
	if ((error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0 ||
	    (ob->timed && (error = eph_import_clock(im, ob->ns)) != 0))
		return (error);
	for (uint64_t i = ob->times > 0 ? ob->times : 1; i > 0; i--) {
		im->res->calls++;
		if ((error = object_pages(im, ob, cpu)) != 0)
			return (error);
	}
	return (0);
}

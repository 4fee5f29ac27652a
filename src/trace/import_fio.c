/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fio's I/O logs (write_iolog), versions 2 and 3:
 *
 *	fio version 2 iolog		fio version 3 iolog
 *	FILE add|open|close		TIME FILE add|open|close
 *	FILE read|write OFFSET LENGTH	TIME FILE read|write OFFSET LENGTH
 *	FILE wait MICROSECONDS
 *
 * Version 3's time counts microseconds, as version 2's waits do; its manual
 * names no unit.  Reads and writes count.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "trace/importer.h"

#define FIO_FIELDS 6

struct fio {
	unsigned version;
	uint64_t us;
};

static int
fio_transfer(
    struct eph_import *im, const char *file, uint64_t offset, uint64_t length)
{
	unsigned cpu;
	uint32_t id;
	int error;

	if ((error = eph_import_name(im, file, strlen(file), &id)) != 0)
		return (error);
	im->res->calls++;
	if ((error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0)
		return (error);
	return (eph_import_file_range(im, cpu, id, offset, length));
}

/* "FILE ACTION [NUMBER [NUMBER]]", the time being known. */
static int
fio_action(struct eph_import *im, struct fio *fio, char **f, size_t n)
{
	uint64_t offset = 0, length = 0;
	int error = 0;

	if (n == 2 || strcmp(f[1], "sync") == 0 ||
	    strcmp(f[1], "datasync") == 0 ||
	    strcmp(f[1], "sync_file_range") == 0) {
		if (n == 2 && strcmp(f[1], "add") != 0 &&
		    strcmp(f[1], "open") != 0 && strcmp(f[1], "close") != 0)
			eph_import_skip(im);
		return (0);
	}
	error = eph_import_number(im, f[2], "an offset", INT64_MAX, &offset);
	if (error == 0 && n > 3)
		error =
		    eph_import_number(im, f[3], "a length", INT64_MAX, &length);
	if (error != 0)
		return (error);
	if (strcmp(f[1], "wait") == 0) {
		if (offset > (uint64_t)INT64_MAX / NS_PER_US / 2 - fio->us)
			return (eph_import_refuse(im, "a wait beyond 2^62 ns"));
		fio->us += offset;
		return (eph_import_clock(im, fio->us * NS_PER_US));
	}
	if (eph__import_is_delete(f[1], strlen(f[1]))) {
		eph__import_delete(im);
		return (0);
	}
	if (n < 4 ||
	    (strcmp(f[1], "read") != 0 && strcmp(f[1], "write") != 0)) {
		eph_import_skip(im);
		return (0);
	}
	return (fio_transfer(im, f[0], offset, length));
}

static int
fio_line(struct eph_import *im, struct fio *fio, char *line)
{
	char *f[FIO_FIELDS];
	const size_t n = eph_import_fields(line, ' ', f, FIO_FIELDS);
	const size_t timed = fio->version == 3;
	int error;

	if (n == 0)
		return (0);
	if (n < 2 + timed || n > 4 + timed)
		return (eph_import_refuse(im,
		    "expected %sa file, an action, an offset and a length",
		    timed ? "a time, " : ""));
	if (timed) {
		error = eph_import_number(im, f[0], "a time in microseconds",
		    (uint64_t)INT64_MAX / NS_PER_US / 2, &fio->us);
		if (error != 0)
			return (error);
		error = eph_import_clock(im, fio->us * NS_PER_US);
		if (error != 0)
			return (error);
	} else if (!im->started) {
		(void)eph_import_clock(im, 0);
	}
	return (fio_action(im, fio, f + timed, n - timed));
}

/* 2, 3, or 0 when it is none. */
static unsigned
fio_version(const char *line)
{
	static const char *const first[] = { "fio version 2 iolog",
		"fio version 3 iolog" };

	for (unsigned i = 0; i < 2; i++) {
		if (strncmp(line, first[i], strlen(first[i])) == 0)
			return (i + 2);
	}
	return (0);
}

static int
fio_run(struct eph_import *im)
{
	struct fio fio = { 0, 0 };
	char *line;
	size_t len;
	int error;

	if ((error = eph_import_line(im, &line, &len)) != 0)
		return (error);
	if (line == NULL || (fio.version = fio_version(line)) == 0)
		return (eph_import_refuse(
		    im, "expected fio version 2 iolog or fio version 3 iolog"));
	eph_import_found(im, "version %u", fio.version);
	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph_import_refuse(im, "NUL byte; expected text"));
		if ((error = fio_line(im, &fio, line)) != 0)
			break;
	}
	return (error);
}

static bool
fio_guess(const char *p, size_t n)
{
	return (n > 19 && fio_version(p) != 0);
}

const struct eph_import_format eph__import_fio_iolog = {
	.abi = EPHMAP_ABI,
	.name = "fio-iolog",
	.desc = "fio's write_iolog, versions 2 and 3",
	.unit = "reads and writes",
	.guess = fio_guess,
	.run = fio_run,
};

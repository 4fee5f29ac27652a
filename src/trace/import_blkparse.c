/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * blkparse's text, as it is by default:
 *
 *	8,0  3  1  0.000000000  697  Q  W 223490 + 8 [kjournald]
 *
 * device, CPU, sequence, seconds, pid, action, RWBS, sector + sectors of
 * 512 bytes.  A request shows several actions; what was asked for is Q,
 * before requests are merged; where the log has none, D (issued) counts, or
 * else C (completed).  Reads and writes with data count, on the CPU that
 * asked.  A stack of devices (dm over sd) shows a request once for each.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "trace/importer.h"
#include "trace/numeral.h"

#define SECTOR	   512u
#define BLK_FIELDS 11
#define BLK_MIN	   10 /* up to the number of sectors */

enum {
	B_DEVICE,
	B_CPU,
	B_SEQUENCE,
	B_TIME,
	B_PID,
	B_ACTION,
	B_RWBS,
	B_SECTOR,
	B_PLUS,
	B_SECTORS
};

/* Is it a line of an event, with a transfer? */
static bool
blk_event(char **f, size_t n)
{
	const char *comma = n > 0 ? strchr(f[B_DEVICE], ',') : NULL;
	uint64_t v;

	return (n >= BLK_MIN && comma != NULL &&
	    eph__digits(f[B_DEVICE], (size_t)(comma - f[B_DEVICE]), &v) &&
	    eph__digits(comma + 1, strlen(comma + 1), &v) &&
	    strchr(f[B_TIME], '.') != NULL && strlen(f[B_ACTION]) <= 2 &&
	    strcmp(f[B_PLUS], "+") == 0);
}

static int
blk_request(struct eph_import *im, char **f)
{
	uint64_t ns, column, pid, sector, sectors;
	uint32_t disk;
	unsigned cpu;
	int error;

	if (!eph__decimal(f[B_TIME], strlen(f[B_TIME]), 9, &ns))
		return (eph_import_refuse(
		    im, "expected a time, got \"%.40s\"", f[B_TIME]));
	if ((error = eph_import_number(
		 im, f[B_CPU], "a CPU", EPH_CPUS_MAX - 1, &column)) != 0 ||
	    (error = eph_import_number(
		 im, f[B_PID], "a pid", UINT32_MAX, &pid)) != 0 ||
	    (error = eph_import_number(im, f[B_SECTOR], "a sector",
		 INT64_MAX / SECTOR, &sector)) != 0 ||
	    (error = eph_import_number(
		 im, f[B_SECTORS], "sectors", UINT32_MAX, &sectors)) != 0)
		return (error);
	if (strchr(f[B_RWBS], 'D') != NULL) {
		eph__import_delete(im);
		return (0);
	}
	if (sectors == 0 || strpbrk(f[B_RWBS], "RW") == NULL) {
		eph_import_left_out(im, "of no bytes", 1);
		return (0);
	}
	error = eph_import_name(im, f[B_DEVICE], strlen(f[B_DEVICE]), &disk);
	if (error != 0)
		return (error);
	im->res->calls++;
	if ((error = eph_import_cpu_of(im, pid, column, &cpu)) != 0 ||
	    (error = eph_import_clock(im, ns)) != 0)
		return (error);
	return (eph_import_file_range(
	    im, cpu, disk, sector * SECTOR, sectors * SECTOR));
}

/* Which action tells of each request once: 'Q', 'D' or 'C'. */
static int
blk_action(struct eph_import *im, char *action)
{
	bool issued = false, queued = false;
	char *line, *f[BLK_FIELDS];
	size_t len;
	int error;

	for (int i = 0; i < 10000 && !queued; i++) {
		error = eph_import_line(im, &line, &len);
		if (error != 0)
			return (error);
		if (line == NULL)
			break;
		if (!blk_event(f, eph_import_fields(line, ' ', f, BLK_FIELDS)))
			continue;
		queued = f[B_ACTION][0] == 'Q';
		issued = issued || f[B_ACTION][0] == 'D';
	}
	*action = "CDQ"[queued ? 2 : issued];
	eph_import_found(im, "%s count (action %c)",
	    queued	 ? "requests as they were asked for"
		: issued ? "requests as they were issued"
			 : "requests as they were completed",
	    *action);
	return (eph_import_rewind(im));
}

static int
blk_run(struct eph_import *im)
{
	char *line, *f[BLK_FIELDS], action;
	size_t len;
	int error;

	if ((error = blk_action(im, &action)) != 0)
		return (error);
	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph_import_refuse(im, "NUL byte; expected text"));
		/* Other events, and the summary at the end, are no requests. */
		if (!blk_event(
			f, eph_import_fields(line, ' ', f, BLK_FIELDS)) ||
		    f[B_ACTION][0] != action || f[B_ACTION][1] != '\0')
			continue;
		if ((error = blk_request(im, f)) != 0)
			return (error);
	}
	if (error == 0 && im->own->files.n > 1)
		eph_import_found(im, "%" PRIu32 " devices", im->own->files.n);
	return (error);
}

static bool
blk_guess_line(char *line, size_t i)
{
	char *f[BLK_FIELDS];
	size_t n;

	/* The summary comes soon in a short log. */
	if (i > 0 &&
	    (*line == '\0' || strncmp(line, "CPU", 3) == 0 ||
		strncmp(line, "Total (", 7) == 0 || strstr(line, ": ") != NULL))
		return (true);
	n = eph_import_fields(line, ' ', f, BLK_FIELDS);
	/* Plugs, messages and the like have no sectors. */
	return (n >= 6 && strchr(f[B_DEVICE], ',') != NULL &&
	    strspn(f[B_DEVICE], "0123456789,") == strlen(f[B_DEVICE]) &&
	    strchr(f[B_TIME], '.') != NULL && strlen(f[B_ACTION]) <= 2);
}

static bool
blk_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, blk_guess_line));
}

const struct eph_import_format eph__import_blkparse = {
	.abi = EPHMAP_ABI,
	.name = "blkparse",
	.desc = "blktrace as blkparse prints it: device CPU ... sector + n",
	.unit = "requests",
	.options = EPH_IMPORT_COLUMN | EPH_IMPORT_PID,
	.guess = blk_guess,
	.run = blk_run,
};

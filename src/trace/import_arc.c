/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The ARC paper's traces (Megiddo and Modha, 2003), .lis: a request a line,
 * "start count ignored sequence", in blocks.
 *
 * Blocks are `--block` bytes; the default of 4096 makes each block a page,
 * which is what the paper's tables count.  Its P traces have 512-byte
 * blocks: with `--block 512` the blocks of one request that lie in one page
 * are one reference.
 *
 * The third field is 0 throughout; in webcachesim's tables of as many
 * columns it is a size.
 */

#include "trace/importer.h"

#include <string.h>

static int
arc_line(struct eph_import *im, char *line, unsigned cpu)
{
	uint64_t start, count, skip;
	char *f[5];
	size_t n = eph_import_fields(line, ' ', f, 5);
	int error;

	if (n == 0)
		return (0);
	if (n != 4)
		return (eph_import_refuse(im,
		    "expected \"start count ignored sequence\", got %zu%s "
		    "fields",
		    n, n == 5 ? " or more" : ""));
	if ((error = eph_import_number(im, f[0], "a start block",
		 UINT64_MAX / im->block_bytes / 2, &start)) != 0 ||
	    (error = eph_import_number(im, f[1], "a number of blocks",
		 UINT32_MAX / im->block_bytes, &count)) != 0 ||
	    (error = eph_import_number(
		 im, f[2], "the third field", UINT64_MAX, &skip)) != 0 ||
	    (error = eph_import_number(
		 im, f[3], "a sequence number", UINT64_MAX, &skip)) != 0)
		return (error);
	im->res->calls++;
	return (eph_import_range(
	    im, cpu, start * im->block_bytes, count * im->block_bytes));
}

static int
arc_run(struct eph_import *im)
{
	unsigned cpu;
	size_t len;
	char *line;
	int error;

	if ((error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0)
		return (error);
	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph_import_refuse(im, "NUL byte; expected text"));
		if ((error = arc_line(im, line, cpu)) != 0)
			return (error);
	}
	return (error);
}

static bool
arc_guess_line(char *line, size_t i)
{
	char *f[5];
	uint64_t v;

	(void)i;
	if (strchr(line, '\t') != NULL ||
	    eph_import_fields(line, ' ', f, 5) != 4)
		return (false);
	for (int k = 0; k < 4; k++) {
		if (!eph_import_digits(f[k], UINT64_MAX, &v) ||
		    (k == 2 && v != 0))
			return (false);
	}
	return (true);
}

static bool
arc_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, arc_guess_line));
}

const struct eph_import_format eph__import_arc = {
	.abi = EPHMAP_ABI,
	.name = "arc",
	.desc = "traces of the ARC paper (.lis): start, count, -, sequence",
	.options = EPH_IMPORT_BLOCK,
	.guess = arc_guess,
	.run = arc_run,
};

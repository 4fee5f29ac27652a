/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * An importer of one's own, for lines of "MICROSECONDS PAGE":
 *
 *	cc -shared -fPIC -o importer.so importer.c $(pkg-config --cflags ephmap)
 *	ephmap trace import --plugin ./importer.so LOG -o trace.ept
 */

#include <ephmap/sdk/importer.h>

#define FIELDS 2

static int
run(struct eph_import *im)
{
	char *line, *f[FIELDS + 1];
	uint64_t us, page;
	unsigned cpu;
	size_t len;
	int error;

	while (
	    (error = eph_import_line(im, &line, &len)) == 0 && line != NULL) {
		if (eph_import_fields(line, ' ', f, FIELDS + 1) != FIELDS ||
		    !eph_import_digits(f[0], INT64_MAX / 1000, &us) ||
		    !eph_import_digits(f[1], INT64_MAX, &page)) {
			eph_import_skip(im); /* which is said in the end */
			continue;
		}
		eph_import_count(im, 1, 1);
		if ((error = eph_import_clock(im, us * 1000)) != 0 ||
		    (error = eph_import_cpu_of(im, 0, 0, &cpu)) != 0 ||
		    (error = eph_import_ref(im, cpu, page)) != 0)
			break;
	}
	return (error);
}

extern const struct eph_import_format ephmap_import;
const struct eph_import_format ephmap_import = {
	.abi = EPHMAP_ABI,
	.name = "example",
	.desc = "a time in microseconds and a page on each line",
	.unit = "looks",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * `ephmap calibrate': a profile of this host.  What could not be measured is
 * left to the machine that it is like, and said.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "calibrate.h"
#include "command.h"
#include "options.h"
#include "table.h"
#include "text.h"
#include "whole_file.h"

struct row {
	const char *price;
	double ns;
	const char *kind;
	const char *source;
	const char *why; /* it is not there */
};

enum { ROWS = 12 };

/* Prices from what was measured. */
static void
make_rows(const struct calibration *c, struct row row[ROWS])
{
	static const char measured[] = "measured";
	static const char flight[] =
	    "half of what another CPU adds to an unmapping, less its handler "
	    "and a line";
	const double rest =
	    c->remote.ns - c->handler.ns - c->line.ns > 0 && c->handler.ns > 0
	    ? (c->remote.ns - c->handler.ns - c->line.ns) / 2
	    : 0;
	const char *no_rest = c->remote.why != NULL ? c->remote.why
	    : c->handler.why != NULL
	    ? c->handler.why
	    : "its handler takes all of the time that it adds";
	const double handle =
	    c->handler.ns > c->invlpg.ns ? c->handler.ns - c->invlpg.ns : 0;
	const struct row rows[ROWS] = {
		{ "invlpg_local", c->invlpg.ns, measured,
		    "mprotect of 1 to 33 pages less that of 34 to 64",
		    c->invlpg.why },
		{ "invlpg_remote", c->invlpg.ns, "assumed", "as invlpg_local",
		    c->invlpg.why },
		{ "flush_local", c->flush.ns, measured,
		    "mprotect of 34 pages less that of 1", c->flush.why },
		{ "flush_remote", c->flush.ns, "assumed", "as flush_local",
		    c->flush.why },
		{ "ipi_send", rest, "fitted", flight, no_rest },
		{ "ipi_deliver", rest, "fitted", flight, no_rest },
		{ "ipi_handle", handle, measured,
		    "holes in another CPU's time at an unmapping, less invlpg",
		    c->handler.why },
		{ "walk_step", c->walk.ns / 4, measured,
		    "a load in one of 8192 pages less one in 512 KiB, by 4",
		    c->walk.why },
		{ "lock_acquire", c->lock.ns, measured,
		    "an atomic exchange and a store", c->lock.why },
		{ "line_transfer", c->line.ns, measured,
		    "half a round trip of a ball between two CPUs",
		    c->line.why },
		{ "touch", c->load.ns, measured,
		    "a load that waits for the one before", c->load.why },
		{ "copy_page", c->copy.ns / 2, measured, "half a copy of 4 KiB",
		    c->copy.why },
	};

	memcpy(row, rows, sizeof(rows));
}

/* "model name" of /proc/cpuinfo, as far as it is there. */
static void
cpu_name(char *name, size_t size)
{
	FILE *fp = fopen("/proc/cpuinfo", "r");
	char line[256];

	(void)snprintf(name, size, "unknown CPU");
	while (fp != NULL && fgets(line, sizeof(line), fp) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		(void)snprintf(name, size, "%.60s", colon + 2);
		name[strcspn(name, "\n;")] = '\0';
		break;
	}
	if (fp != NULL)
		(void)fclose(fp);
}

static void
print_profile(const struct calibration *c, FILE *out)
{
	struct row row[ROWS];
	char name[80], day[32];
	const time_t now = time(NULL);
	struct tm tm;

	make_rows(c, row);
	cpu_name(name, sizeof(name));
	(void)strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&now, &tm));
	(void)fprintf(out,
	    "; Made by ephmap calibrate; use it with --machine FILE.ini\n"
	    "[machine]\nlike = amd64-skylake\nsummary = %s\n"
	    "origin = ephmap calibrate, %s, on %u CPUs\nmhz = %.0f\n\n"
	    "[costs]\n",
	    name, day, c->cpus, c->mhz);
	for (unsigned i = 0; i < ROWS; i++) {
		const double cycles = row[i].ns * c->mhz / 1000;

		if (cycles >= 0.5)
			(void)fprintf(out, "%s = %.0f %s %s\n", row[i].price,
			    cycles, row[i].kind, row[i].source);
		else
			(void)fprintf(out, "; %s: %s\n", row[i].price,
			    row[i].why != NULL ? row[i].why
					       : "less than a cycle");
	}
}

static void
say_missing(const struct calibration *c)
{
	struct row row[ROWS];
	struct text t;
	FILE *f = text_begin(&t);
	unsigned n = 0;

	make_rows(c, row);
	for (unsigned i = 0; i < ROWS; i++) {
		if (row[i].ns * c->mhz / 1000 < 0.5)
			(void)fprintf(f, "%s%s",
			    n++ == 0 ? "ephmap calibrate: not measured, as "
				       "amd64-skylake: "
				     : ", ",
			    row[i].price);
	}
	text_end_note(&t);
}

int
cmd_calibrate(const struct opts *o, int n, char **operands)
{
	const char *to = o->profile_out;
	const bool file = to != NULL && strcmp(to, "-") != 0;
	struct calibration c;
	struct whole_file w;
	struct eph_err err;
	int error;

	(void)n;
	(void)operands;
	/* Refused before it is measured, not after. */
	if (file && whole_file_open(&w, to, &err) != 0)
		return (options_refuse("ephmap calibrate", "%s", err.text));
	if ((error = calibrate(&c)) == 0)
		print_profile(&c, file ? w.f : stdout);
	if (file && whole_file_close(&w, error == 0, 0, &err) != 0)
		return (options_refuse("ephmap calibrate", "%s", err.text));
	if (error != 0)
		return (
		    options_refuse("ephmap calibrate", "%s", strerror(error)));
	say_missing(&c);
	return (EXIT_OK);
}

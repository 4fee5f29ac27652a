/* SPDX-License-Identifier: BSD-2-Clause */

/* options.def and commands.def, expanded into tables. */

#include "options.h"

#include "ephmap/generate.h"
#include "ephmap/import.h"
#include "ephmap/sdk/machine.h"
#include "ephmap/trace.h"

/* The commands as bits, by the names that the rows use. */
enum {
#define COMMAND(id, ...) id = 1 << CMD_##id,
#include "commands.def"
#undef COMMAND
};

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct opt opt_table[OPT_IDS] = {
#define OPTION(member, kind_, where_, ...)                                     \
	[OPT_ID_##member] = { .kind = OPT_##kind_,                             \
		.where = (where_),                                             \
		.offset = offsetof(struct opts, member),                       \
		__VA_ARGS__ },
#include "options.def"
#undef OPTION
};

const struct term list_kinds[] = {
	{ "designs", "data structures that hand out addresses" },
	{ "policies", "which unreferenced mapping is recycled" },
	{ "shootdowns", "how other CPUs are told to invalidate" },
	{ "machines", "page tables, TLB and prices of the CPUs" },
	{ "workloads", "kernel consumers, and what drives them" },
	{ "tlbs", "TLB geometries" },
	{ "scenarios", "small programs that explore plays" },
	{ "bugs", "exhibits of the museum" },
	{ "claims", "what the authors said, for `ephmap claims'" },
	{ NULL, NULL },
};

const struct term generate_kinds[] = {
	{ "zipf", "page k (from 0) with probability ~ 1/(k+1)^A" },
	{ "scan", "one pass in order, each page REFS/PAGES times in a row" },
	{ "loop", "all pages in order, again and again" },
	{ "uniform", "every page with the same probability" },
	{ "hotspot",
	    "80 % of the references to 20 % of the pages (--weight, --share)" },
	{ "phases", "sets of pages one after another, zipf in each" },
	{ "zipf-scan", "zipf, and --share of the references in scans" },
	{ "zipf-loop", "zipf, and --share of the references a loop" },
	{ "latest", "new pages, and zipf over their age" },
	{ "sendfile", "files by zipf, with times and holds: a web server" },
	{ NULL, NULL },
};

/* The library's table, whatever it has. */
static bool
import_format(unsigned i, struct term *t)
{
	t->name = eph_trace_import_format(i);
	t->text = eph_trace_import_format_desc(i);
	return (t->name != NULL);
}

#define IMPORT_ABOUT                                                           \
	"Reads a log, plain or compressed with zstd, gzip, xz, bzip2 or lz4, " \
	"and writes one page reference (p line) for each 4 KiB page of each "  \
	"call or request, with d lines between them where the log has "        \
	"times.  The format above is guessed from the first lines when not "   \
	"given.  What was taken for what, what was counted, and what was left" \
	" out and why, is said on standard error.\n"                           \
	"\n"                                                                   \
	"A page of a file is named FILE * 1000000000 + PAGE, files being "     \
	"numbered in order of first sight where the log has paths or URLs.  "  \
	"From web logs, GET requests with status 200 or 206 and bytes above "  \
	"zero count, over the first pages of the file; --header takes off "    \
	"what bytes are a header's.\n"                                         \
	"\n"                                                                   \
	"CPU of a reference: the log's CPU column where it has one "           \
	"(sendfile-tsv, hold-tsv, blkparse); in a strace log, processes are "  \
	"numbered from 0 by their first call that maps a page, so that two "   \
	"pinned workers are CPUs 0 and 1 and their master is none; else 0.  "  \
	"--cpu-of chooses another rule: pid, column, or a number for a fixed " \
	"CPU.\n"                                                               \
	"\n"                                                                   \
	"Calls that return EAGAIN are not calls; other errors count as "       \
	"failed; both map nothing.  Requests for disks are for the disks' "    \
	"pages.  Where requests are for objects (csv, oracleGeneral and "      \
	"others) the object is the page unless --split: then an object of "    \
	"SIZE bytes is SIZE/4096 pages of its own, or with --block BYTES its " \
	"id is the number of a block of a disk and the pages are the disk's."  \
	"  Requests that delete are left out.\n"

const struct command command_table[COMMANDS] = {
#define COMMAND(id, function, ...) [CMD_##id] = { __VA_ARGS__ },
#include "commands.def"
#undef COMMAND
};

bool
command_term(const struct command *c, unsigned i, struct term *t)
{
	if (c->term != NULL)
		return (c->term(i, t));
	if (c->terms == NULL || c->terms[i].name == NULL)
		return (false);
	*t = c->terms[i];
	return (true);
}

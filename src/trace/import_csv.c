/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Comma-separated values with a header that names its columns, or with
 * columns that the user numbers.
 */

#include "trace/table.h"

static const struct table_shape csv_shape = {
	.header = TABLE_HEADER_MAYBE,
	.columns_same = true,
	.time_unit = TABLE_ANY,
	.want = {
		[TABLE_TIME] = { 0, { "time", "timestamp", "ts", "clock_time",
		    "real_time", "time_ms", "time_us", "time_ns" } },
		[TABLE_ID] = { 0, { "lbn", "id", "obj_id", "object_id", "obj",
		    "key", "page", "lba", "object", "item_id", "block_id",
		    "cache_key" } },
		[TABLE_SIZE] = { 0, { "size", "obj_size", "object_size",
		    "bytes", "length" } },
		[TABLE_OP] = { 0, { "op", "operation", "op_type", "optype",
		    "opcode", "command" } },
	},
};

static int
csv_run(struct eph_import *im)
{
	return (eph__table_run(im, &csv_shape));
}

static bool
csv_guess_line(char *line, size_t i)
{
	return (i > 0 || eph__table_is_header(&csv_shape, line));
}

static bool
csv_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, csv_guess_line));
}

const struct eph_import_format eph__import_csv = {
	.abi = EPHMAP_ABI,
	.name = "csv",
	.desc = "tables with a header: time, size and an id; or --columns",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK | EPH_IMPORT_TABLE |
	    EPH_IMPORT_FIELDS | EPH_IMPORT_UNIT,
	.guess = csv_guess,
	.run = csv_run,
};

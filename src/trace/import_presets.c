/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Tables that researchers hold, each a shape: which column is what, in which
 * unit.  Columns are as the publishers describe them.
 *
 *	msr		MSR Cambridge (SNIA): Timestamp,Hostname,DiskNumber,
 *			Type,Offset,Size,ResponseTime; Windows' ticks, bytes
 *	twitter		Twitter's cache traces of 2020: timestamp,key,key size,
 *			value size,client,operation,TTL; seconds
 *	alibaba-block	device_id,opcode,offset,length,timestamp; microseconds
 *	tencent-block	Timestamp,Offset,Size,IOType,VolumeID; seconds, sectors
 *	meta-kv		op_time,key,key_size,op,op_count,size,cache_hits,ttl
 *	meta-cdn	timestamp,cacheKey,OpType,objectSize,...
 *	wiki-cdn	Wikimedia 2019, tabs: relative_unix, hashed path,
 *			(image type,) response_size, time_firstbyte
 *	umass-spc	SPC, as in the UMass repository: ASU,LBA,Size,Opcode,
 *			Timestamp; sectors of 512, bytes, seconds
 *	webcachesim	time id size and more, between blanks
 *
 * Requests of the block traces (those with an offset) are for pages of
 * disks, all others for objects.
 */

#include <string.h>
#include <strings.h>

#include "trace/numeral.h"
#include "trace/table.h"

#define SECTOR 512

/* A line cut into at most TABLE_COLUMNS fields; 0: it cannot be. */
static size_t
cut(char delimiter, char *line, struct table_field *f)
{
	const size_t n = eph__table_cut(delimiter, line, strlen(line), f);

	return (n <= TABLE_COLUMNS ? n : 0);
}

static bool
is_number(const struct table_field *f)
{
	uint64_t v;

	return (eph__digits(f->s, f->n, &v));
}

static bool
is_decimal(const struct table_field *f)
{
	uint64_t v;

	return (eph__decimal(f->s, f->n, 0, &v));
}

static bool
is_one_of(const struct table_field *f, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strlen(*words) == f->n &&
		    strncasecmp(*words, f->s, f->n) == 0)
			return (true);
	}
	return (false);
}

static const char *const read_or_write[] = { "read", "write", "r", "w", "rs",
	"ws", NULL };

/* A row of importers made of a shape; `NAME'_guess_line is its own. */
#define PRESET(ident, name_, desc_, options_)                                  \
	static int ident##_run(struct eph_import *im)                          \
	{                                                                      \
		return (eph__table_run(im, &ident##_shape));                   \
	}                                                                      \
	static bool ident##_guess(const char *p, size_t n)                     \
	{                                                                      \
		return (eph_import_all_lines(p, n, ident##_guess_line));       \
	}                                                                      \
	const struct eph_import_format eph__import_##ident = {                 \
		.abi = EPHMAP_ABI,                                             \
		.name = name_,                                                 \
		.desc = desc_,                                                 \
		.unit = "requests",                                            \
		.options = EPH_IMPORT_TABLE | EPH_IMPORT_FIELDS |              \
		    EPH_IMPORT_UNIT | (options_),                              \
		.guess = ident##_guess,                                        \
		.run = ident##_run,                                            \
	}

#define OBJECTS (EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK)

/* -- block traces ------------------------------------------------------- */

static const struct table_shape msr_shape = {
	.delimiter = ',',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 6,
	.time_unit = TABLE_TICKS,
	.want = {
		[TABLE_TIME] = { 1, { "timestamp" } },
		[TABLE_DISK] = { 2, { "hostname" } },
		[TABLE_DISK2] = { 3, { "disknumber" } },
		[TABLE_OP] = { 4, { "type" } },
		[TABLE_OFFSET] = { 5, { "offset" } },
		[TABLE_SIZE] = { 6, { "size" } },
	},
};

static bool
msr_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];
	size_t n;

	if (i == 0 && strncmp(line, "Timestamp,Hostname,", 19) == 0)
		return (true);
	n = cut(',', line, f);
	return ((n == 6 || n == 7) && is_number(&f[0]) && f[0].n >= 15 &&
	    is_one_of(&f[3], read_or_write) && is_number(&f[4]) &&
	    is_number(&f[5]));
}

PRESET(msr, "msr", "MSR Cambridge: Timestamp,Hostname,DiskNumber,Type,...", 0);

static const struct table_shape alibaba_block_shape = {
	.delimiter = ',',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 5,
	.time_unit = TABLE_US,
	.want = {
		[TABLE_DISK] = { 1, { "device_id" } },
		[TABLE_OP] = { 2, { "opcode" } },
		[TABLE_OFFSET] = { 3, { "offset" } },
		[TABLE_SIZE] = { 4, { "length" } },
		[TABLE_TIME] = { 5, { "timestamp" } },
	},
};

static bool
alibaba_block_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];

	if (i == 0 && strncmp(line, "device_id,", 10) == 0)
		return (true);
	return (cut(',', line, f) == 5 && is_one_of(&f[1], read_or_write) &&
	    is_number(&f[2]) && is_number(&f[3]) && is_number(&f[4]));
}

PRESET(alibaba_block, "alibaba-block",
    "Alibaba's: device_id,opcode,offset,length,timestamp", 0);

static const struct table_shape tencent_block_shape = {
	.delimiter = ',',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 5,
	.time_unit = TABLE_S,
	.offset_unit = SECTOR,
	.size_unit = SECTOR,
	.want = {
		[TABLE_TIME] = { 1, { "timestamp" } },
		[TABLE_OFFSET] = { 2, { "offset" } },
		[TABLE_SIZE] = { 3, { "size" } },
		[TABLE_OP] = { 4, { "iotype" } },
		[TABLE_DISK] = { 5, { "volumeid" } },
	},
};

static bool
tencent_block_guess_line(char *line, size_t i)
{
	static const char *const types[] = { "0", "1", NULL };
	struct table_field f[TABLE_COLUMNS];

	if (i == 0 && strncmp(line, "Timestamp,Offset,Size,IOType", 28) == 0)
		return (true);
	/* Seconds since 1970, of ten digits. */
	return (cut(',', line, f) == 5 && is_number(&f[0]) && f[0].n == 10 &&
	    is_number(&f[1]) && is_number(&f[2]) && is_one_of(&f[3], types) &&
	    is_number(&f[4]));
}

PRESET(tencent_block, "tencent-block",
    "Tencent's: Timestamp,Offset,Size,IOType,VolumeID", 0);

static const struct table_shape umass_spc_shape = {
	.delimiter = ',',
	.columns_min = 5,
	.time_unit = TABLE_S,
	.offset_unit = SECTOR,
	.want = {
		[TABLE_DISK] = { 1, { NULL } },
		[TABLE_OFFSET] = { 2, { NULL } },
		[TABLE_SIZE] = { 3, { NULL } },
		[TABLE_OP] = { 4, { NULL } },
		[TABLE_TIME] = { 5, { NULL } },
	},
};

static bool
umass_spc_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];

	(void)i;
	return (cut(',', line, f) >= 5 && is_number(&f[0]) &&
	    is_number(&f[1]) && is_number(&f[2]) &&
	    is_one_of(&f[3], read_or_write) && is_decimal(&f[4]));
}

PRESET(umass_spc, "umass-spc", "SPC traces: ASU,LBA,size,opcode,timestamp", 0);

/* -- objects ------------------------------------------------------------ */

static const struct table_shape twitter_shape = {
	.delimiter = ',',
	.columns_min = 6,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { NULL } },
		[TABLE_ID] = { 2, { NULL } },
		[TABLE_SIZE] = { 3, { NULL } },
		[TABLE_SIZE2] = { 4, { NULL } },
		[TABLE_OP] = { 6, { NULL } },
	},
};

static bool
twitter_guess_line(char *line, size_t i)
{
	static const char *const ops[] = { "get", "gets", "set", "add",
		"replace", "cas", "append", "prepend", "delete", "incr", "decr",
		NULL };
	struct table_field f[TABLE_COLUMNS];

	(void)i;
	return (cut(',', line, f) == 7 && is_number(&f[0]) &&
	    is_number(&f[2]) && is_number(&f[3]) && is_one_of(&f[5], ops));
}

PRESET(twitter, "twitter",
    "Twitter's: timestamp,key,key size,value size,client,op,TTL", OBJECTS);

static const struct table_shape meta_kv_shape = {
	.delimiter = ',',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 6,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { "op_time" } },
		[TABLE_ID] = { 2, { "key" } },
		[TABLE_SIZE2] = { 3, { "key_size" } },
		[TABLE_OP] = { 4, { "op" } },
		[TABLE_TIMES] = { 5, { "op_count" } },
		[TABLE_SIZE] = { 6, { "size" } },
	},
};

static bool
meta_kv_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];
	size_t n;

	if (i > 0)
		return (true);
	n = cut(',', line, f);
	return (eph__table_find(&meta_kv_shape, TABLE_ID, f, n) >= 0 &&
	    eph__table_find(&meta_kv_shape, TABLE_TIMES, f, n) >= 0);
}

PRESET(meta_kv, "meta-kv",
    "CacheLib's key-value traces: op_time,key,key_size,op,...", OBJECTS);

static const struct table_shape meta_cdn_shape = {
	.delimiter = ',',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 4,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { "timestamp" } },
		[TABLE_ID] = { 2, { "cachekey" } },
		[TABLE_OP] = { 3, { "optype" } },
		[TABLE_SIZE] = { 4, { "objectsize" } },
	},
};

static bool
meta_cdn_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];
	size_t n;

	if (i > 0)
		return (true);
	n = cut(',', line, f);
	return (eph__table_find(&meta_cdn_shape, TABLE_ID, f, n) >= 0 &&
	    eph__table_find(&meta_cdn_shape, TABLE_SIZE, f, n) >= 0);
}

PRESET(meta_cdn, "meta-cdn",
    "CacheLib's CDN traces: timestamp,cacheKey,OpType,...", OBJECTS);

static const struct table_shape wiki_cdn_shape = {
	.delimiter = '\t',
	.header = TABLE_HEADER_MAYBE,
	.columns_min = 4,
	.columns_same = true,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { "relative_unix" } },
		[TABLE_ID] = { 2, { "hashed_path_query",
		    "hashed_host_path_query", "hashed_host_and_path",
		    "hashed_host_path" } },
		[TABLE_SIZE] = { 4, { "response_size" } },
	},
};

/* Without image types (its text traces) the size is a column before. */
static const struct table_shape wiki_cdn_text_shape = {
	.delimiter = '\t',
	.columns_min = 4,
	.columns_same = true,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { NULL } },
		[TABLE_ID] = { 2, { NULL } },
		[TABLE_SIZE] = { 3, { NULL } },
	},
};

static bool
wiki_cdn_guess_line(char *line, size_t i)
{
	struct table_field f[TABLE_COLUMNS];
	size_t n;

	if (i == 0 && strncmp(line, "relative_unix", 13) == 0)
		return (true);
	if (i == 0 && strncmp(line, "hashed_host", 11) == 0)
		return (true);
	n = cut('\t', line, f);
	/* Times to the first byte are fractions of seconds. */
	return ((n == 4 || n == 5) && is_number(&f[0]) &&
	    is_number(&f[n - 2]) && is_decimal(&f[n - 1]) &&
	    !is_number(&f[n - 1]));
}

static bool
wiki_cdn_guess(const char *p, size_t n)
{
	return (eph_import_all_lines(p, n, wiki_cdn_guess_line));
}

static int
wiki_cdn_run(struct eph_import *im)
{
	struct table_field f[TABLE_COLUMNS];
	char line[1024];
	const char *p;
	size_t n;
	int error;

	if ((error = eph_import_peek(im, sizeof(line), &p, &n)) != 0)
		return (error);
	n = n < sizeof(line) ? n : sizeof(line) - 1;
	memcpy(line, p, n);
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return (eph__table_run(im,
	    cut('\t', line, f) == 4 && is_number(&f[0]) ? &wiki_cdn_text_shape
							: &wiki_cdn_shape));
}

const struct eph_import_format eph__import_wiki_cdn = {
	.abi = EPHMAP_ABI,
	.name = "wiki-cdn",
	.desc = "Wikimedia's CDN traces: relative_unix, hashed path, ..., size",
	.unit = "requests",
	.options =
	    EPH_IMPORT_TABLE | EPH_IMPORT_FIELDS | EPH_IMPORT_UNIT | OBJECTS,
	.guess = wiki_cdn_guess,
	.run = wiki_cdn_run,
};

static const struct table_shape webcachesim_shape = {
	.delimiter = ' ',
	.columns_min = 3,
	.time_unit = TABLE_S,
	.want = {
		[TABLE_TIME] = { 1, { NULL } },
		[TABLE_ID] = { 2, { NULL } },
		[TABLE_SIZE] = { 3, { NULL } },
	},
};

/* Numbers, the first of which does not fall, and sizes above zero. */
static bool
webcachesim_guess(const char *p, size_t n)
{
	uint64_t before = 0;
	unsigned lines = 0;

	for (; lines < 20 && n > 0; lines++) {
		struct table_field f[TABLE_COLUMNS];
		char line[512];
		const char *nl = memchr(p, '\n', n);
		size_t len = nl != NULL ? (size_t)(nl - p) : n, columns;
		uint64_t time;

		if (nl == NULL && lines > 0)
			break;
		if (len >= sizeof(line))
			return (false);
		memcpy(line, p, len);
		line[len] = '\0';
		line[strcspn(line, "\r")] = '\0';
		columns = cut(' ', line, f);
		if (columns < 3 || !is_number(&f[1]) || !is_number(&f[2]) ||
		    f[2].s[0] == '0' ||
		    !eph__decimal(f[0].s, f[0].n, 0, &time) || time < before)
			return (false);
		before = time;
		n -= nl != NULL ? len + 1 : len;
		p += nl != NULL ? len + 1 : len;
	}
	return (lines > 0);
}

static int
webcachesim_run(struct eph_import *im)
{
	return (eph__table_run(im, &webcachesim_shape));
}

const struct eph_import_format eph__import_webcachesim = {
	.abi = EPHMAP_ABI,
	.name = "webcachesim",
	.desc = "webcachesim's .tr: time id size, and features",
	.unit = "requests",
	.options =
	    EPH_IMPORT_TABLE | EPH_IMPORT_FIELDS | EPH_IMPORT_UNIT | OBJECTS,
	.guess = webcachesim_guess,
	.run = webcachesim_run,
};

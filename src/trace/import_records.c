/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Requests for objects as binary records of one size.
 *
 *	oracleGeneral	24 bytes: time in s (u32), id (u64), size (u32),
 *			next use (i64); libCacheSim's
 *	oracleGeneralOpNS	27 bytes: the same with operation (u8) and
 *			namespace (u16) before the next use
 *	lcs		libCacheSim's: a header of 8,192 bytes with a version
 *			from 1 to 8, which fixes the record; before that a
 *			header of 1,024 bytes with a format string
 *	vscsi		32-byte records (version 1) or 40-byte (version 2):
 *			time in us, logical block, bytes
 *	binary		by a format string of Python's struct (--record)
 *
 * All are little endian but what --record says is not.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/le.h"
#include "trace/importer.h"

/* One field of a record. */
struct field {
	char type; /* as in Python's struct; 0: the record has none */
	unsigned at;
};

struct record {
	size_t bytes;
	bool big; /* endian */
	struct field time, id, size, op;
	unsigned delete; /* the operation that deletes */
	uint64_t unit_ns;
};

/* libCacheSim's numbers of operations. */
#define LCS_DELETE 9u

static unsigned
type_width(char type)
{
	switch (type) {
	case 'x':
	case 'c':
	case 'b':
	case 'B':
	case '?':
		return (1);
	case 'h':
	case 'H':
		return (2);
	case 'i':
	case 'I':
	case 'l':
	case 'L':
	case 'f':
		return (4);
	case 'q':
	case 'Q':
	case 'd':
		return (8);
	default:
		return (0);
	}
}

static uint64_t
get_field(const struct record *r, const struct field *f, const char *p)
{
	const unsigned width = type_width(f->type);
	uint64_t v = 0;
	uint32_t low;
	double d;
	float s;

	p += f->at;
	if (r->big) {
		for (unsigned i = 0; i < width; i++)
			v = v << 8 | (unsigned char)p[i];
	} else if (width == 8) { /* known widths are one load each */
		v = get_le(p, 8);
	} else {
		v = width == 4 ? get_le(p, 4) : get_le(p, width);
	}
	if (f->type == 'f') {
		low = (uint32_t)v;
		memcpy(&s, &low, sizeof(s));
		d = (double)s;
	} else if (f->type == 'd') {
		memcpy(&d, &v, sizeof(d));
	} else {
		return (v);
	}
	return (d >= 0 && d < 9e18 ? (uint64_t)d : 0);
}

static int
record_request(struct eph_import *im, const struct record *r, const char *p)
{
	struct eph_import_object ob = { .timed = r->time.type != 0 };
	uint64_t t;

	if (r->op.type != 0 && get_field(r, &r->op, p) == r->delete) {
		eph__import_delete(im);
		return (0);
	}
	if (ob.timed) {
		t = get_field(r, &r->time, p);
		if (t > INT64_MAX / 2 / r->unit_ns)
			return (eph_import_refuse(
			    im, "a time of %" PRIu64 ", beyond 2^62 ns", t));
		ob.ns = t * r->unit_ns;
	}
	ob.id = get_field(r, &r->id, p);
	if (r->size.type != 0)
		ob.bytes = get_field(r, &r->size, p);
	return (eph_import_object(im, &ob));
}

/* Take records until the end. */
static int
records_run(struct eph_import *im, const struct record *r)
{
	const char *p;
	size_t n;
	int error;

	while ((error = eph_import_peek(im, INPUT_PEEK_MAX, &p, &n)) == 0 &&
	    n > 0) {
		if (n < r->bytes)
			return (eph_import_refuse(im,
			    "a record of %zu bytes is cut after %zu", r->bytes,
			    n));
		n -= n % r->bytes;
		for (size_t at = 0; at < n; at += r->bytes) {
			if ((error = record_request(im, r, p + at)) != 0)
				return (error);
		}
		eph_import_take(im, n);
	}
	return (error);
}

/* -- oracleGeneral ------------------------------------------------------ */

#define ORACLE_BYTES	24u
#define ORACLE_OP_BYTES 27u
#define LCS_MAGIC	0x123456789abcdef0u

static const struct record oracle = { .bytes = ORACLE_BYTES,
	.time = { 'I', 0 },
	.id = { 'Q', 4 },
	.size = { 'I', 12 },
	.unit_ns = NS_PER_S };

static const struct record oracle_op = { .bytes = ORACLE_OP_BYTES,
	.time = { 'I', 0 },
	.id = { 'Q', 4 },
	.size = { 'I', 12 },
	.op = { 'B', 16 },
	.delete = LCS_DELETE,
	.unit_ns = NS_PER_S };

/*
 * Records of `bytes' that are at odds with the form: times do not fall, and
 * the next use, in the last eight bytes, lies ahead or never comes.
 */
static size_t
oracle_odd(const char *p, size_t n, size_t bytes)
{
	uint64_t before = 0;
	size_t odd = 0;

	for (size_t i = 0; i < n / bytes; i++, p += bytes) {
		const uint64_t t = get_le(p, 4);
		const uint64_t next = get_le(p + bytes - 8, 8);

		odd += t < before ||
		    (next != UINT64_MAX && next != INT64_MAX &&
			(next <= i + 1 || next >> 48 != 0));
		before = t;
	}
	return (odd);
}

static bool
oracle_guess(const char *p, size_t n)
{
	return (n >= ORACLE_BYTES && oracle_odd(p, n, ORACLE_BYTES) == 0);
}

static bool
oracle_op_guess(const char *p, size_t n)
{
	return (n >= ORACLE_OP_BYTES && oracle_odd(p, n, ORACLE_OP_BYTES) == 0);
}

/*
 * Is it what the user says?  Records of another size give numbers, too.
 * `other' is the sister form, for which it could be meant.
 */
static int
oracle_verify(
    struct eph_import *im, size_t bytes, size_t other, const char *name)
{
	const char *p;
	size_t n, odd;
	int error;

	if ((error = eph_import_peek(im, 16384, &p, &n)) != 0)
		return (error);
	if (n >= 8 && get_le(p, 8) == LCS_MAGIC)
		return (eph_import_refuse(im,
		    "expected records of %zu bytes, this is an lcs file; "
		    "--from lcs",
		    bytes));
	if ((odd = oracle_odd(p, n, bytes)) == 0)
		return (0);
	if (n >= other && oracle_odd(p, n, other) == 0)
		return (eph_import_refuse(im,
		    "expected records of %zu bytes, these have %zu; --from %s",
		    bytes, other, name));
	if (odd > n / bytes / 10)
		return (eph_import_refuse(im,
		    "expected records of %zu bytes with times that do not fall "
		    "and next uses that lie ahead; %zu of the first %zu are not"
		    " so",
		    bytes, odd, n / bytes));
	eph_import_warn(im,
	    "%zu of the first %zu records have a time that falls or a next "
	    "use that lies behind",
	    odd, n / bytes);
	return (0);
}

static int
oracle_run(struct eph_import *im)
{
	const int error = oracle_verify(
	    im, ORACLE_BYTES, ORACLE_OP_BYTES, "oracleGeneralOpNS");

	return (error != 0 ? error : records_run(im, &oracle));
}

static int
oracle_op_run(struct eph_import *im)
{
	const int error =
	    oracle_verify(im, ORACLE_OP_BYTES, ORACLE_BYTES, "oracleGeneral");

	return (error != 0 ? error : records_run(im, &oracle_op));
}

const struct eph_import_format eph__import_oracle_general = {
	.abi = EPHMAP_ABI,
	.name = "oracleGeneral",
	.desc = "libCacheSim's binary form: time, id, size, next use",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK,
	.guess = oracle_guess,
	.run = oracle_run,
};

const struct eph_import_format eph__import_oracle_general_op = {
	.abi = EPHMAP_ABI,
	.name = "oracleGeneralOpNS",
	.desc = "the same with operations and namespaces, of 27 bytes",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK,
	.guess = oracle_op_guess,
	.run = oracle_op_run,
};

/* -- format strings ----------------------------------------------------- */

#define BINARY_FIELDS 240u

/*
 * A format string to widths: fields[i] is the (i + 1)-th.  False when it is
 * none; the order of bytes must be said, as only then nothing is padded.
 */
static bool
format_parse(
    const char *s, struct record *r, struct field *fields, unsigned *np)
{
	unsigned n = 0, at = 0;

	if (*s != '<' && *s != '>' && *s != '!')
		return (false);
	r->big = *s++ != '<';
	for (; *s != '\0'; s++) {
		unsigned times = 0;

		while (*s >= '0' && *s <= '9' && times < 10000)
			times = times * 10 + (unsigned)(*s++ - '0');
		if (times == 0)
			times = 1;
		if (type_width(*s) == 0 || times > BINARY_FIELDS)
			return (false);
		for (; times > 0; times--) {
			if (*s != 'x') {
				if (n == BINARY_FIELDS)
					return (false);
				fields[n++] = (struct field){ *s, at };
			}
			at += type_width(*s);
		}
	}
	r->bytes = at;
	*np = n;
	return (n > 0);
}

/* "time=1,id=2,size=3,op=4": numbers of fields, from 1. */
static int
format_columns(struct eph_import *im, const char *spec, struct record *r,
    const struct field *fields, unsigned n)
{
	static const char *const words[] = { "time", "id", "size", "op" };
	struct field *const to[] = { &r->time, &r->id, &r->size, &r->op };
	const char *p = spec;

	while (*p != '\0') {
		const size_t len = strcspn(p, ","), word = strcspn(p, "=,");
		char number[8] = "";
		uint64_t v = 0;
		int want = 0;

		if (word < len && len - word - 1 < sizeof(number))
			memcpy(number, p + word + 1, len - word - 1);
		while (want < 4 &&
		    (strlen(words[want]) != word ||
			strncmp(words[want], p, word) != 0))
			want++;
		if (want == 4 || !eph_import_digits(number, n, &v) || v == 0)
			return (eph_err_set(im->err, EINVAL,
			    "--columns %.100s: expected time=1,id=2,size=3,op=4 "
			    "or some of them, of %u fields",
			    spec, n));
		*to[want] = fields[v - 1];
		p += len + (p[len] == ',');
	}
	if (r->id.type == 0)
		return (eph_err_set(
		    im->err, EINVAL, "--columns %.100s: no id", spec));
	return (0);
}

static uint64_t
unit_ns(const struct eph_import *im)
{
	switch (im->o->time_unit) {
	case EPH_UNIT_MS:
		return (1000000);
	case EPH_UNIT_US:
		return (1000);
	case EPH_UNIT_NS:
		return (1);
	default:
		return (NS_PER_S);
	}
}

static int
binary_run(struct eph_import *im)
{
	struct record r = { .delete = LCS_DELETE, .unit_ns = unit_ns(im) };
	struct field fields[BINARY_FIELDS];
	unsigned n = 0;
	int error;

	if (im->o->record == NULL || im->o->columns == NULL)
		return (eph_err_set(im->err, EINVAL,
		    "format binary needs --record \"<IQI\" (as Python's struct)"
		    " and --columns time=1,id=2,size=3"));
	if (!format_parse(im->o->record, &r, fields, &n))
		return (eph_err_set(im->err, EINVAL,
		    "--record %.100s: expected < (or >) and fields of c b B h "
		    "H i I l L q Q f d x, at most %u",
		    im->o->record, BINARY_FIELDS));
	if ((error = format_columns(im, im->o->columns, &r, fields, n)) != 0)
		return (error);
	eph_import_found(im, "records of %zu bytes", r.bytes);
	return (records_run(im, &r));
}

static bool
binary_guess(const char *p, size_t n)
{
	(void)p, (void)n;
	return (false);
}

const struct eph_import_format eph__import_binary = {
	.abi = EPHMAP_ABI,
	.name = "binary",
	.desc = "records by --record and --columns, as Python's struct",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK | EPH_IMPORT_RECORD |
	    EPH_IMPORT_UNIT,
	.guess = binary_guess,
	.run = binary_run,
};

/* -- lcs ---------------------------------------------------------------- */

#define LCS_HEADER_BYTES 8192u
#define LCS_OLD_BYTES	 1024u
#define LCS_OLD_FORMAT	 240u
#define LCS_VERSIONS	 8u

/* Version 3 has wider sizes, 4 to 8 are 3 with so many numbers more. */
static const unsigned lcs_features[LCS_VERSIONS + 1] = { 0, 0, 0, 0, 1, 2, 4, 8,
	16 };

static void
lcs_record(uint64_t version, struct record *r)
{
	*r = oracle;
	r->delete = LCS_DELETE;
	if (version == 2) {
		r->bytes = 28;
		r->op = (struct field){ 'B', 16 };
	} else if (version >= 3) {
		r->bytes = 36 + 4 * (size_t)lcs_features[version];
		r->size = (struct field){ 'q', 12 };
		r->op = (struct field){ 'B', 20 };
	}
}

/* A header with a format string, of the first program that wrote lcs. */
static int
lcs_old(struct eph_import *im, const char *p, size_t n, struct record *r)
{
	char format[LCS_OLD_FORMAT + 1] = "";
	struct field fields[BINARY_FIELDS], none = { 0, 0 };
	const unsigned char *at;
	unsigned count = 0;

	if (n < LCS_OLD_BYTES || get_le(p + LCS_OLD_BYTES - 8, 8) != LCS_MAGIC)
		return (eph_import_refuse(im, "the header of lcs is cut"));
	memcpy(format, p + 8, LCS_OLD_FORMAT);
	*r = (struct record){ .delete = LCS_DELETE, .unit_ns = NS_PER_S };
	at = (const unsigned char *)p + 8 + LCS_OLD_FORMAT;
	if (!format_parse(format, r, fields, &count) || at[0] == 0 ||
	    at[0] > count || at[1] > count || at[2] > count || at[5] > count ||
	    get_le(p + LCS_OLD_BYTES - 20, 4) != r->bytes)
		return (eph_import_refuse(
		    im, "the header of lcs is at odds with itself"));
	r->id = fields[at[0] - 1];
	r->size = at[1] > 0 ? fields[at[1] - 1] : none;
	r->time = at[2] > 0 ? fields[at[2] - 1] : none;
	r->op = at[5] > 0 ? fields[at[5] - 1] : none;
	eph_import_found(im, "records %.60s", format);
	eph_import_take(im, LCS_OLD_BYTES);
	return (0);
}

static int
lcs_header(struct eph_import *im, struct record *r, uint64_t *requests)
{
	const char *p;
	uint64_t version;
	size_t n;
	int error;

	error = eph_import_peek(im, LCS_HEADER_BYTES, &p, &n);
	if (error != 0)
		return (error);
	if (n < 16 || get_le(p, 8) != LCS_MAGIC)
		return (eph_import_refuse(im, "expected the magic of lcs"));
	if (p[8] == '<')
		return (lcs_old(im, p, n, r));
	if (n < LCS_HEADER_BYTES ||
	    get_le(p + LCS_HEADER_BYTES - 8, 8) != LCS_MAGIC)
		return (eph_import_refuse(im, "the header of lcs is cut"));
	version = get_le(p + 8, 8);
	if (version < 1 || version > LCS_VERSIONS)
		return (eph_import_refuse(im,
		    "lcs of version %" PRIu64 "; expected 1 to %u", version,
		    LCS_VERSIONS));
	lcs_record(version, r);
	*requests = get_le(p + 24, 8);
	eph_import_found(im, "version %" PRIu64, version);
	eph_import_take(im, LCS_HEADER_BYTES);
	return (0);
}

static int
lcs_run(struct eph_import *im)
{
	struct record r;
	uint64_t requests = 0, seen;
	int error;

	if ((error = lcs_header(im, &r, &requests)) != 0 ||
	    (error = records_run(im, &r)) != 0)
		return (error);
	seen = (eph__input_offset(im->own->in) - LCS_HEADER_BYTES) / r.bytes;
	if (requests != 0 && requests != seen)
		eph_import_warn(im,
		    "the header promises %" PRIu64
		    " requests, the file has %" PRIu64,
		    requests, seen);
	return (0);
}

static bool
lcs_guess(const char *p, size_t n)
{
	return (n >= LCS_OLD_BYTES && get_le(p, 8) == LCS_MAGIC);
}

const struct eph_import_format eph__import_lcs = {
	.abi = EPHMAP_ABI,
	.name = "lcs",
	.desc = "libCacheSim's lcs, versions 1 to 8, and before them",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK,
	.guess = lcs_guess,
	.run = lcs_run,
};

/* -- vscsi -------------------------------------------------------------- */

/*
 * Version 1: serial (u32), bytes (u32), segments (u32), command (u16),
 * version (u16), block (u64), us (u64).  Version 2: command, version,
 * serial, bytes, segments, block, us, response time (u64).
 */
static const struct record vscsi[2] = {
	{ .bytes = 32,
	    .time = { 'Q', 24 },
	    .id = { 'Q', 16 },
	    .size = { 'I', 4 },
	    .unit_ns = NS_PER_US },
	{ .bytes = 40,
	    .time = { 'Q', 24 },
	    .id = { 'Q', 16 },
	    .size = { 'I', 8 },
	    .unit_ns = NS_PER_US },
};

/* 1, 2, or 0 when it is none. */
static int
vscsi_version(const char *p, size_t n)
{
	static const size_t at[2] = { 14, 2 };

	for (unsigned v = 0; v < 2; v++) {
		const size_t bytes = vscsi[v].bytes;
		size_t i = 0;

		while (i < 8 && (i + 1) * bytes <= n &&
		    get_le(p + i * bytes + at[v], 2) >> 8 == v + 1)
			i++;
		if (i > 0 && (i == 8 || (i + 1) * bytes > n))
			return ((int)v + 1);
	}
	return (0);
}

static bool
vscsi_guess(const char *p, size_t n)
{
	return (vscsi_version(p, n) != 0);
}

static int
vscsi_run(struct eph_import *im)
{
	const char *p;
	size_t n;
	int error, version;

	if ((error = eph_import_peek(im, 512, &p, &n)) != 0)
		return (error);
	if ((version = vscsi_version(p, n)) == 0)
		return (eph_import_refuse(
		    im, "expected vscsi records of version 1 or 2"));
	return (records_run(im, &vscsi[version - 1]));
}

const struct eph_import_format eph__import_vscsi = {
	.abi = EPHMAP_ABI,
	.name = "vscsi",
	.desc = "VMware vscsi traces, version 1 or 2",
	.unit = "requests",
	.options = EPH_IMPORT_SPLIT | EPH_IMPORT_BLOCK,
	.guess = vscsi_guess,
	.run = vscsi_run,
};

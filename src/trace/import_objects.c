/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Requests for objects, as cache simulators have them.
 *
 *	oracleGeneral	24-byte records, little endian: time in s (u32),
 *			id (u64), size (u32), next use (i64)
 *	vscsi		32-byte records (version 1) or 40-byte (version 2):
 *			time in us, logical block, bytes
 *	csv		a header that names columns; time in seconds
 *
 * All three say when, which object, and how many bytes.  The object is the
 * page, as in the simulators, so that results can be compared.  With
 * --split an object of `size` bytes is that many bytes of pages of its own;
 * with --split --block B the id counts blocks of B bytes of one disk, and
 * the pages are the disk's.
 */

#include "trace/importer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/le.h"

#define NS_PER_S    ((uint64_t)1000000000)
#define NS_PER_US   ((uint64_t)1000)
#define SECONDS_MAX ((uint64_t)INT64_MAX / NS_PER_S / 2)
#define OBJECT_MAX  (UINT64_MAX / 2)

struct object {
	uint64_t ns;
	uint64_t id;
	uint64_t bytes;
};

/* The number of an object's own file of pages. */
static int
object_file(struct import *im, uint64_t id, uint64_t *filep)
{
	/* im->pids is free: these formats know no processes. */
	const uint32_t file = eph__idmap_get(&im->pids, id);

	if (file == EPH_NONE)
		return (eph_err_set(im->err, ENOMEM, "out of memory"));
	*filep = file;
	return (0);
}

static int
object_pages(struct import *im, const struct object *ob, unsigned cpu)
{
	const uint64_t bytes = ob->bytes > 0 ? ob->bytes : 1;
	uint64_t file = 0;
	int error;

	if (!im->o->split)
		return (eph__import_ref(im, cpu, ob->id));
	if (im->block_given) {
		if (ob->id > OBJECT_MAX / im->block_bytes)
			return (eph__import_refuse(im,
			    "block %" PRIu64 " is beyond 2^63 bytes", ob->id));
		return (eph__import_range(
		    im, cpu, ob->id * im->block_bytes, bytes));
	}
	if ((error = object_file(im, ob->id, &file)) != 0)
		return (error);
	return (eph__import_file_range(im, cpu, file, 0, bytes));
}

static int
object_request(struct import *im, const struct object *ob)
{
	unsigned cpu;
	int error;

	im->res->calls++;
	if ((error = eph__import_cpu(im, 0, 0, &cpu)) != 0 ||
	    (error = eph__import_at(im, ob->ns)) != 0)
		return (error);
	return (object_pages(im, ob, cpu));
}

/* -- binary records ----------------------------------------------------- */

/* Take records of `size` bytes until the end. */
static int
records_run(struct import *im, size_t size,
    void (*decode)(const char *record, struct object *ob))
{
	struct object ob;
	const char *p;
	size_t n;
	int error;

	while ((error = eph__input_peek(
		    im->in, INPUT_PEEK_MAX, &p, &n, im->err)) == 0 &&
	    n > 0) {
		if (n < size)
			return (eph_err_set(im->err, EINVAL,
			    "%s: byte %" PRIu64 ": a record of %zu bytes is "
			    "cut after %zu",
			    eph__input_path(im->in), eph__input_offset(im->in),
			    size, n));
		n -= n % size;
		for (size_t at = 0; at < n; at += size) {
			decode(p + at, &ob);
			if ((error = object_request(im, &ob)) != 0)
				return (error);
		}
		eph__input_take(im->in, n);
		if (im->o->progress != NULL)
			im->o->progress(im->o->progress_arg,
			    eph__input_done(im->in), eph__input_total(im->in));
	}
	return (error);
}

#define ORACLE_BYTES 24u

static void
oracle_decode(const char *p, struct object *ob)
{
	ob->ns = get_le(p, 4) * NS_PER_S;
	ob->id = get_le(p + 4, 8);
	ob->bytes = get_le(p + 12, 4);
}

static int
oracle_run(struct import *im)
{
	return (records_run(im, ORACLE_BYTES, oracle_decode));
}

/* Times do not fall, and the next use lies ahead. */
static bool
oracle_guess(const char *p, size_t n)
{
	uint64_t before = 0;

	if (n < ORACLE_BYTES)
		return (false);
	for (size_t i = 0; i < n / ORACLE_BYTES; i++, p += ORACLE_BYTES) {
		const uint64_t t = get_le(p, 4);
		const uint64_t next = get_le(p + 16, 8);

		if (t < before ||
		    (next != UINT64_MAX && next != INT64_MAX &&
			(next <= i + 1 || next >> 48 != 0)))
			return (false);
		before = t;
	}
	return (true);
}

const struct import_format eph__import_oracle_general = {
	.name = "oracleGeneral",
	.desc = "libCacheSim's binary form: time, id, size, next use",
	.options = IMPORT_SPLIT | IMPORT_BLOCK,
	.guess = oracle_guess,
	.run = oracle_run,
};

/*
 * Version 1: serial (u32), bytes (u32), segments (u32), command (u16),
 * version (u16), block (u64), us (u64).  Version 2: command, version,
 * serial, bytes, segments, block, us, response time (u64).
 */
#define VSCSI1_BYTES 32u
#define VSCSI2_BYTES 40u

static void
vscsi1_decode(const char *p, struct object *ob)
{
	ob->bytes = get_le(p + 4, 4);
	ob->id = get_le(p + 16, 8);
	ob->ns = get_le(p + 24, 8) % (INT64_MAX / NS_PER_US) * NS_PER_US;
}

static void
vscsi2_decode(const char *p, struct object *ob)
{
	ob->bytes = get_le(p + 8, 4);
	ob->id = get_le(p + 16, 8);
	ob->ns = get_le(p + 24, 8) % (INT64_MAX / NS_PER_US) * NS_PER_US;
}

/* 1, 2, or 0 when it is none. */
static int
vscsi_version(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < 8 && (i + 1) * VSCSI1_BYTES <= n; i++) {
		if (get_le(p + i * VSCSI1_BYTES + 14, 2) >> 8 != 1)
			break;
	}
	if (i > 0 && (i == 8 || (i + 1) * VSCSI1_BYTES > n))
		return (1);
	for (i = 0; i < 8 && (i + 1) * VSCSI2_BYTES <= n; i++) {
		if (get_le(p + i * VSCSI2_BYTES + 2, 2) >> 8 != 2)
			break;
	}
	return (i > 0 && (i == 8 || (i + 1) * VSCSI2_BYTES > n) ? 2 : 0);
}

static bool
vscsi_guess(const char *p, size_t n)
{
	return (vscsi_version(p, n) != 0);
}

static int
vscsi_run(struct import *im)
{
	const char *p;
	size_t n;
	int error;

	if ((error = eph__input_peek(im->in, 512, &p, &n, im->err)) != 0)
		return (error);
	switch (vscsi_version(p, n)) {
	case 1:
		return (records_run(im, VSCSI1_BYTES, vscsi1_decode));
	case 2:
		return (records_run(im, VSCSI2_BYTES, vscsi2_decode));
	default:
		return (eph_err_set(im->err, EINVAL,
		    "%s: byte 0: expected vscsi records of version 1 or 2",
		    eph__input_path(im->in)));
	}
}

const struct import_format eph__import_vscsi = {
	.name = "vscsi",
	.desc = "VMware vscsi traces, version 1 or 2",
	.options = IMPORT_SPLIT | IMPORT_BLOCK,
	.guess = vscsi_guess,
	.run = vscsi_run,
};

/* -- csv ---------------------------------------------------------------- */

#define CSV_COLUMNS 32

enum { CSV_TIME, CSV_ID, CSV_SIZE, CSV_WANTED };

/* Names that a column we want goes by. */
static const char *const csv_names[CSV_WANTED][8] = {
	{ "time", "timestamp", "ts", "clock_time", "real_time", NULL },
	{ "lbn", "id", "obj_id", "object_id", "obj", "key", "page", NULL },
	{ "size", "obj_size", "object_size", "bytes", "length", NULL },
};

struct csv {
	int column[CSV_WANTED]; /* -1: not there */
	size_t columns;
};

static bool
csv_header(char *line, struct csv *csv)
{
	char *f[CSV_COLUMNS + 1];
	const size_t n = eph__import_fields(line, ',', f, CSV_COLUMNS + 1);

	csv->columns = n;
	for (int want = 0; want < CSV_WANTED; want++) {
		csv->column[want] = -1;
		for (size_t i = 0; i < n; i++) {
			const char *const *name = csv_names[want];
			const char *field = f[i] + strspn(f[i], " #");

			while (*name != NULL && strcmp(*name, field) != 0)
				name++;
			if (*name != NULL && csv->column[want] < 0)
				csv->column[want] = (int)i;
		}
	}
	return (n <= CSV_COLUMNS && csv->column[CSV_ID] >= 0);
}

/* Seconds with a fraction, or not. */
static int
csv_time(struct import *im, char *field, uint64_t *ns)
{
	char *dot = strchr(field, '.');
	uint64_t seconds, part = 0;
	int error;

	if (dot != NULL)
		*dot = '\0';
	error = eph__import_number(
	    im, field, "a time in seconds", SECONDS_MAX, &seconds);
	if (error != 0)
		return (error);
	if (dot != NULL) {
		uint64_t unit = NS_PER_S / 10;

		for (dot++; *dot >= '0' && *dot <= '9'; dot++, unit /= 10)
			part += unit * (uint64_t)(*dot - '0');
		if (*dot != '\0')
			return (eph__import_refuse(im,
			    "expected a time in seconds, got \"%.40s\"",
			    field));
	}
	*ns = seconds * NS_PER_S + part;
	return (0);
}

static int
csv_line(struct import *im, const struct csv *csv, char *line)
{
	struct object ob = { 0, 0, 0 };
	char *f[CSV_COLUMNS + 1];
	const size_t n = eph__import_fields(line, ',', f, CSV_COLUMNS + 1);
	const char *id;
	int error = 0;

	if (n != csv->columns)
		return (eph__import_refuse(im,
		    "expected %zu columns as in the header, got %zu",
		    csv->columns, n));
	if (csv->column[CSV_TIME] >= 0)
		error = csv_time(im, f[csv->column[CSV_TIME]], &ob.ns);
	if (error == 0 && csv->column[CSV_SIZE] >= 0)
		error = eph__import_number(im, f[csv->column[CSV_SIZE]],
		    "a size in bytes", UINT32_MAX, &ob.bytes);
	if (error != 0)
		return (error);
	id = f[csv->column[CSV_ID]];
	if (*id == '\0')
		return (eph__import_refuse(im, "expected an id, got nothing"));
	/* Ids that are no numbers get one. */
	if (!eph__import_digits(id, UINT64_MAX, &ob.id))
		ob.id = eph__names_hash(id, strlen(id));
	return (object_request(im, &ob));
}

static int
csv_run(struct import *im)
{
	struct csv csv;
	char *line;
	size_t len;
	int error;

	if ((error = eph__import_line(im, &line, &len)) != 0)
		return (error);
	if (line == NULL || strlen(line) != len || !csv_header(line, &csv))
		return (eph__import_refuse(im,
		    "expected a header with a column lbn, id, obj_id or key, "
		    "and perhaps time and size"));
	while (
	    (error = eph__import_line(im, &line, &len)) == 0 && line != NULL) {
		if (strlen(line) != len)
			return (
			    eph__import_refuse(im, "NUL byte; expected text"));
		if ((error = csv_line(im, &csv, line)) != 0)
			break;
	}
	return (error);
}

static bool
csv_guess_line(char *line, size_t i)
{
	struct csv csv;

	return (i > 0 || (strchr(line, ',') != NULL && csv_header(line, &csv)));
}

static bool
csv_guess(const char *p, size_t n)
{
	return (eph__import_all_lines(p, n, csv_guess_line));
}

const struct import_format eph__import_csv = {
	.name = "csv",
	.desc = "libCacheSim's CSV: a header with time, size and an id",
	.options = IMPORT_SPLIT | IMPORT_BLOCK,
	.guess = csv_guess,
	.run = csv_run,
};

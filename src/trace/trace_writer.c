/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Writing traces: text, binary, and libCacheSim's oracleGeneral.
 *
 * The writer keeps the ledger that readers keep, so that what it writes can
 * be read: a handle used before its map is the caller's error here, not the
 * reader's surprise later.
 *
 * A file is written under a temporary name in its own directory and renamed
 * at the end.  It follows that its place must be a regular file or free; a
 * device or a pipe cannot be renamed over.
 *
 * oracleGeneral wants the next use of each page, known only at the end.
 * Records are written with the dense page in that field; commit goes
 * through the file backwards, block by block, and replaces it, with eight
 * bytes of memory for each page.
 */

#define _GNU_SOURCE /* O_TMPFILE */

#include "ephmap/trace.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/le.h"
#include "trace/idmap.h"
#include "trace/ledger.h"
#include "trace/trace_binary.h"
#include "trace/trace_text.h"

#define BUFFER_BYTES	   (256u << 10)
#define ORACLE_BYTES	   24u
#define ORACLE_BLOCK	   4096u /* records patched at once */
#define ORACLE_OBJECT_SIZE EPH_PAGE_SIZE
#define NS_PER_S	   1000000000u

struct eph_trace_writer {
	enum eph_trace_form form;
	FILE *f;
	char *path;  /* as given, for messages */
	char *place; /* where the file will be; NULL: standard output */
	char *temp;  /* its name until then */
	struct idmap pages;
	struct ledger ledger;
	struct eph_trace_meta origin;
	struct trace_encoder *encoder; /* binary only */
	struct trace_block *block;
	uint64_t ops;
	uint64_t refs; /* oracle only: records */
};

static int
writer_sys_error(
    const struct eph_trace_writer *w, int error, struct eph_err *err)
{
	if (error == 0)
		error = EIO;
	return (eph_err_set(
	    err, error, "%s: cannot write: %s", w->path, strerror(error)));
}

/* -- opening ------------------------------------------------------------ */

/* Where `path` leads, and whether a file can be put there. */
static int
writer_place(struct eph_trace_writer *w, struct eph_err *err)
{
	struct stat st;

	if (stat(w->path, &st) != 0) {
		if (errno != ENOENT)
			return (writer_sys_error(w, errno, err));
		w->place = strdup(w->path);
	} else if (S_ISDIR(st.st_mode)) {
		return (eph_err_set(err, EISDIR,
		    "%s: is a directory; expected a file name", w->path));
	} else if (!S_ISREG(st.st_mode)) {
		return (eph_err_set(err, EINVAL,
		    "%s: not a regular file; expected a file name, or - for "
		    "text to standard output",
		    w->path));
	} else {
		/* Through symbolic links, so that they stay. */
		w->place = realpath(w->path, NULL);
	}
	if (w->place == NULL)
		return (writer_sys_error(w, errno, err));
	return (0);
}

/*
 * A file without a name in the directory of the place, which an interrupt
 * cannot leave behind; -1 where the system has none.
 */
static int
writer_unnamed(const struct eph_trace_writer *w)
{
#ifdef O_TMPFILE
	char *dir = strdup(w->place);
	int fd = -1;

	/* Without /proc it could not be given a name later. */
	if (dir != NULL && access("/proc/self/fd", X_OK) == 0)
		fd = open(dirname(dir), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	free(dir);
	return (fd);
#else
	(void)w;
	return (-1);
#endif
}

/* A file with a temporary name; -1 with errno set. */
static int
writer_named(struct eph_trace_writer *w)
{
	const size_t size = strlen(w->place) + 8;
	const mode_t mask = umask(0);
	int fd;

	(void)umask(mask);
	if ((w->temp = malloc(size)) == NULL)
		return (-1);
	(void)snprintf(w->temp, size, "%s.XXXXXX", w->place);
	if ((fd = mkstemp(w->temp)) < 0) {
		free(w->temp);
		w->temp = NULL;
		return (-1);
	}
	(void)fchmod(fd, 0666 & ~mask);
	return (fd);
}

/*
 * Give the file a temporary name if it has none.  A name that is taken is
 * tried again with another number.
 */
static int
writer_name(struct eph_trace_writer *w)
{
	const size_t size = strlen(w->place) + 16;
	char self[48];

	if (w->temp != NULL)
		return (0);
	if ((w->temp = malloc(size)) == NULL)
		return (ENOMEM);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fileno(w->f));
	for (unsigned n = 0; n < 1000; n++) {
		(void)snprintf(w->temp, size, "%s.%06u", w->place, n);
		if (linkat(AT_FDCWD, self, AT_FDCWD, w->temp,
			AT_SYMLINK_FOLLOW) == 0)
			return (0);
		if (errno != EEXIST)
			break;
	}
	free(w->temp);
	w->temp = NULL;
	return (errno);
}

static int
writer_create(struct eph_trace_writer *w, struct eph_err *err)
{
	int fd = writer_unnamed(w);

	if (fd < 0 && (fd = writer_named(w)) < 0)
		return (writer_sys_error(w, errno, err));
	if ((w->f = fdopen(fd, "w+")) == NULL) {
		(void)close(fd);
		return (writer_sys_error(w, errno, err));
	}
	(void)setvbuf(w->f, NULL, _IOFBF, BUFFER_BYTES);
	return (0);
}

static int
writer_begin(struct eph_trace_writer *w, struct eph_err *err)
{
	int error = 0;

	if (w->form == EPH_TRACE_TEXT &&
	    fputs(TRACE_TEXT_MAGIC TRACE_TEXT_VERSION "\n", w->f) < 0)
		error = errno;
	if (w->form == EPH_TRACE_BINARY) {
		w->block = calloc(1, sizeof(*w->block));
		error = w->block == NULL
		    ? ENOMEM
		    : eph__trace_encoder_open(w->f, &w->encoder);
	}
	return (error != 0 ? writer_sys_error(w, error, err) : 0);
}

static int
writer_open_file(
    struct eph_trace_writer *w, enum eph_trace_form form, struct eph_err *err)
{
	int error;

	if (eph__idmap_init(&w->pages) != 0 ||
	    eph__ledger_init(&w->ledger) != 0)
		return (writer_sys_error(w, ENOMEM, err));
	if (strcmp(w->path, "-") == 0) {
		if (form == EPH_TRACE_ORACLE)
			return (eph_err_set(err, EINVAL,
			    "-: standard output takes text only; expected a "
			    "file name"));
		w->form = EPH_TRACE_TEXT;
		w->f = stdout;
	} else if ((error = writer_place(w, err)) != 0 ||
	    (error = writer_create(w, err)) != 0) {
		return (error);
	}
	return (writer_begin(w, err));
}

int
eph_trace_writer_open(const char *path, enum eph_trace_form form,
    struct eph_trace_writer **wp, struct eph_err *err)
{
	struct eph_trace_writer *w = calloc(1, sizeof(*w));
	int error;

	if (w == NULL || (w->path = strdup(path)) == NULL) {
		free(w);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	w->form = form;
	if ((error = writer_open_file(w, form, err)) != 0) {
		eph_trace_writer_abort(w);
		return (error);
	}
	*wp = w;
	return (0);
}

/* -- one operation ------------------------------------------------------ */

static char *
put_decimal(char *to, uint64_t v)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n > 0)
		*to++ = digits[--n];
	return (to);
}

static char *
put_word(char *to, const char *word)
{
	const size_t n = strlen(word);

	memcpy(to, word, n);
	return (to + n);
}

static int
write_text(struct eph_trace_writer *w, const struct eph_op *op, uint64_t page,
    uint64_t handle)
{
	char line[128], *to = line;

	*to++ = "mkrwudp"[op->kind];
	*to++ = ' ';
	if (op->kind == EPH_OP_DELAY) {
		to = put_decimal(to, eph_op_delay_ns(op));
	} else {
		to = put_decimal(to, op->cpu);
		*to++ = ' ';
		to = put_decimal(to,
		    op->kind <= EPH_OP_UNMAP && op->kind != EPH_OP_MAP ? handle
								       : page);
	}
	if (op->kind == EPH_OP_MAP) {
		*to++ = ' ';
		to = put_decimal(to, handle);
		if ((op->flags & EPH_OPF_PRIVATE) != 0)
			to = put_word(to, " private");
		if ((op->flags & EPH_OPF_NOWAIT) != 0)
			to = put_word(to, " nowait");
		if ((op->flags & EPH_OPF_CATCH) != 0)
			to = put_word(to, " catch");
	}
	*to++ = '\n';
	if (fwrite(line, (size_t)(to - line), 1, w->f) != 1)
		return (errno);
	return (0);
}

static int
write_block(struct eph_trace_writer *w)
{
	int error = 0;

	if (w->block->n > 0)
		error = eph__trace_encoder_block(w->encoder, w->block);
	w->block->n = w->block->nnames = w->block->nhandles = 0;
	return (error);
}

static int
write_binary(struct eph_trace_writer *w, const struct eph_op *op, bool fresh,
    uint64_t page, uint64_t handle)
{
	struct trace_block *b = w->block;

	b->ops[b->n++] = *op;
	if (fresh)
		b->names[b->nnames++] = page;
	if (op->kind == EPH_OP_MAP)
		b->handles[b->nhandles++] = handle;
	return (b->n == TRACE_BLOCK_OPS ? write_block(w) : 0);
}

static int
write_oracle(struct eph_trace_writer *w, const struct eph_op *op, uint64_t page)
{
	const uint64_t s = w->ledger.meta.duration_ns / NS_PER_S;
	unsigned char record[ORACLE_BYTES];

	if (op->kind != EPH_OP_MAP && op->kind != EPH_OP_REF)
		return (0);
	put_le(record, s < UINT32_MAX ? s : UINT32_MAX, 4);
	put_le(record + 4, page, 8);
	put_le(record + 12, ORACLE_OBJECT_SIZE, 4);
	put_le(record + 16, op->page, 8);
	w->refs++;
	return (fwrite(record, sizeof(record), 1, w->f) == 1 ? 0 : errno);
}

/* What the operation does to its handle and to time. */
static int
write_account(
    struct eph_trace_writer *w, struct eph_op *op, uint64_t handle, uint64_t ns)
{
	switch (op->kind) {
	case EPH_OP_MAP:
		return (
		    eph__ledger_map(&w->ledger, handle, op->flags, &op->slot));
	case EPH_OP_UNMAP:
		return (eph__ledger_unmap(&w->ledger, handle, &op->slot));
	case EPH_OP_KVA:
	case EPH_OP_READ:
	case EPH_OP_WRITE:
		return (eph__ledger_use(&w->ledger, handle, &op->slot));
	case EPH_OP_DELAY:
		op->page = (uint32_t)ns;
		op->slot = (uint32_t)(ns >> 32);
		return (eph__ledger_delay(&w->ledger, ns) ? 0 : ERANGE);
	default:
		return (0);
	}
}

static int
write_refuse(const struct eph_trace_writer *w, int error, uint64_t handle,
    struct eph_err *err)
{
	switch (error) {
	case EEXIST:
		return (eph_err_set(err, EINVAL,
		    "%s: operation %" PRIu64 ": handle %" PRIu64
		    " is mapped already",
		    w->path, w->ops + 1, handle));
	case ENOENT:
		return (eph_err_set(err, EINVAL,
		    "%s: operation %" PRIu64 ": handle %" PRIu64
		    " is not mapped",
		    w->path, w->ops + 1, handle));
	case ERANGE:
		return (eph_err_set(err, EINVAL,
		    "%s: operation %" PRIu64 ": the delays add up to 2^63 ns "
		    "or more",
		    w->path, w->ops + 1));
	default:
		return (writer_sys_error(w, error, err));
	}
}

int
eph_trace_write(struct eph_trace_writer *w, enum eph_op_kind kind,
    unsigned flags, unsigned cpu, uint64_t page, uint64_t handle, uint64_t ns,
    struct eph_err *err)
{
	struct eph_op op = { 0 };
	bool fresh = false;
	int error;

	if ((unsigned)kind >= EPH_OP_KINDS || cpu >= EPH_CPUS_MAX)
		return (eph_err_set(err, EINVAL,
		    "%s: operation %" PRIu64
		    ": CPU %u; expected " EPH_CPUS_TEXT,
		    w->path, w->ops + 1, cpu));
	op.kind = (uint8_t)kind;
	if (kind != EPH_OP_DELAY)
		op.cpu = (uint16_t)cpu;
	if (kind == EPH_OP_MAP)
		op.flags = (uint8_t)(flags & 7);
	if ((error = write_account(w, &op, handle, ns)) != 0)
		return (write_refuse(w, error, handle, err));
	if (kind == EPH_OP_MAP || kind == EPH_OP_REF) {
		const uint32_t known = w->pages.n;

		if ((op.page = eph__idmap_get(&w->pages, page)) == EPH_NONE)
			return (writer_sys_error(w, ENOMEM, err));
		fresh = w->pages.n != known;
	}
	ledger_count(&w->ledger, op.kind, op.cpu);
	w->ops++;
	if (w->form == EPH_TRACE_TEXT)
		error = write_text(w, &op, page, handle);
	else if (w->form == EPH_TRACE_BINARY)
		error = write_binary(w, &op, fresh, page, handle);
	else
		error = write_oracle(w, &op, page);
	return (error != 0 ? writer_sys_error(w, error, err) : 0);
}

void
eph_trace_writer_origin(
    struct eph_trace_writer *w, const struct eph_trace_meta *meta)
{
	w->origin = *meta;
}

void
eph_trace_writer_so_far(
    const struct eph_trace_writer *w, struct eph_trace_meta *meta)
{
	*meta = w->ledger.meta;
	meta->references = meta->ops_of[EPH_OP_MAP] + meta->ops_of[EPH_OP_REF];
	meta->unique_pages = w->pages.n;
}

/* -- the end ------------------------------------------------------------ */

/* Give `n` records in `p`, the first being `first`, their next use. */
static void
oracle_patch(unsigned char *p, size_t n, uint64_t first, uint64_t *next)
{
	for (size_t i = n; i-- > 0;) {
		unsigned char *field = p + i * ORACLE_BYTES + 16;
		const uint64_t page = get_le(field, 8);

		/* libCacheSim counts requests from 1; -1 is "never". */
		put_le(field, next[page], 8);
		next[page] = first + i + 1;
	}
}

static int
oracle_block(
    FILE *f, unsigned char *p, size_t n, uint64_t first, uint64_t *next)
{
	const long at = (long)(first * ORACLE_BYTES);

	if (fseek(f, at, SEEK_SET) != 0 || fread(p, ORACLE_BYTES, n, f) != n)
		return (errno != 0 ? errno : EIO);
	oracle_patch(p, n, first, next);
	if (fseek(f, at, SEEK_SET) != 0 || fwrite(p, ORACLE_BYTES, n, f) != n)
		return (errno != 0 ? errno : EIO);
	return (0);
}

static int
oracle_finish(struct eph_trace_writer *w)
{
	uint64_t *next = malloc((w->pages.n + 1) * sizeof(next[0]));
	unsigned char *p = malloc((size_t)ORACLE_BLOCK * ORACLE_BYTES);
	int error = next == NULL || p == NULL ? ENOMEM : 0;

	for (uint32_t i = 0; error == 0 && i < w->pages.n; i++)
		next[i] = UINT64_MAX;
	for (uint64_t left = w->refs; error == 0 && left > 0;) {
		const size_t n = left < ORACLE_BLOCK ? left : ORACLE_BLOCK;

		left -= n;
		error = oracle_block(w->f, p, n, left, next);
	}
	free(next);
	free(p);
	return (error);
}

static int
writer_finish(struct eph_trace_writer *w)
{
	struct eph_trace_meta *meta = &w->ledger.meta;
	int error = 0;

	eph__ledger_finish(&w->ledger, w->pages.n);
	meta->imported = w->origin.imported;
	meta->calls = w->origin.calls;
	meta->partial = w->origin.partial;
	meta->failed = w->origin.failed;
	memcpy(meta->source, w->origin.source, sizeof(meta->source));
	if (w->form == EPH_TRACE_BINARY) {
		if ((error = write_block(w)) == 0)
			error = eph__trace_encoder_finish(w->encoder, meta);
	} else if (w->form == EPH_TRACE_ORACLE) {
		error = oracle_finish(w);
	}
	if (error == 0 && fflush(w->f) != 0)
		error = errno;
	if (error == 0 && ferror(w->f))
		error = EIO;
	return (error);
}

/* Put the temporary file in its place. */
static int
writer_rename(struct eph_trace_writer *w)
{
	FILE *f = w->f;
	const int error = writer_name(w);

	if (error != 0)
		return (error);
	w->f = NULL;
	if (fclose(f) != 0 || rename(w->temp, w->place) != 0)
		return (errno);
	free(w->temp);
	w->temp = NULL;
	return (0);
}

int
eph_trace_writer_commit(struct eph_trace_writer *w, struct eph_err *err)
{
	int error = writer_finish(w);

	if (error == 0 && w->place != NULL)
		error = writer_rename(w);
	if (error != 0)
		(void)writer_sys_error(w, error, err);
	eph_trace_writer_abort(w);
	return (error);
}

void
eph_trace_writer_abort(struct eph_trace_writer *w)
{
	if (w == NULL)
		return;
	if (w->f != NULL && w->f != stdout)
		(void)fclose(w->f);
	if (w->temp != NULL)
		(void)unlink(w->temp);
	eph__trace_encoder_close(w->encoder);
	eph__idmap_destroy(&w->pages);
	eph__ledger_destroy(&w->ledger);
	free(w->block);
	free(w->temp);
	free(w->place);
	free(w->path);
	free(w);
}

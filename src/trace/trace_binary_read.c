/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The reader of the binary form.
 *
 * The reader trusts nothing: a file with good checksums can still have been
 * made by an enemy.  It checks every field against what it knows (which
 * slots are mapped, how many pages have been seen) and against what the
 * header promised, because those that size their tables by the meta data
 * will index them by operations.
 *
 * Memory: one block, and eight bytes a page for the names.
 */

#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/trace_binary_format.h"

/* What is known of a slot while reading. */
enum { SLOT_FREE, SLOT_MAPPED, SLOT_MAY_HAVE_FAILED };

struct trace_binary {
	char *path;
	int fd;
	struct trace_header header;
	uint64_t offset;	       /* of the next frame */
	uint64_t block_offset;	       /* of the block read last */
	uint64_t blocks;	       /* read so far */
	uint64_t ops_before;	       /* the block read last */
	uint64_t ops_of[EPH_OP_KINDS]; /* read so far */
	uint64_t held;		       /* handles mapped now */
	uint64_t last_name;
	uint64_t last_handle;
	uint64_t duration_ns;
	uint64_t *names; /* by dense page */
	uint32_t nnames;
	uint32_t cap_names;
	uint8_t *slot_state;
	uint64_t *slot_handle;
	uint32_t nslots;
	uint32_t cap_slots;
	ZSTD_DCtx *zstd;
	unsigned char *packed;
	size_t packed_cap;
	unsigned char payload[PAYLOAD_MAX];
	uint32_t n;
	struct eph_op ops[TRACE_BLOCK_OPS];
	uint64_t handles[TRACE_BLOCK_OPS]; /* of each operation */
	uint16_t cpus[TRACE_BLOCK_OPS];
	uint32_t pages[TRACE_BLOCK_OPS];
	uint32_t slots[TRACE_BLOCK_OPS];
	uint64_t ns[TRACE_BLOCK_OPS];
	uint64_t map_handles[TRACE_BLOCK_OPS];
};

static int
binary_refuse(const struct trace_binary *t, uint64_t offset, const char *what,
    struct eph_err *err)
{
	return (eph_err_set(
	    err, EINVAL, "%s: byte %" PRIu64 ": %s", t->path, offset, what));
}

static int
binary_refuse_op(const struct trace_binary *t, uint32_t i, const char *what,
    struct eph_err *err)
{
	return (eph_err_set(err, EINVAL,
	    "%s: byte %" PRIu64 ": operation %" PRIu64 ": %s", t->path,
	    t->block_offset, t->ops_before + i + 1, what));
}

/* Exactly `n` bytes at `offset`, or an error. */
static int
binary_read(const struct trace_binary *t, uint64_t offset, unsigned char *to,
    size_t n, struct eph_err *err)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = pread(t->fd, to + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return (eph_err_set(
			    err, errno, "%s: %s", t->path, strerror(errno)));
		if (got == 0)
			return (binary_refuse(t, offset + done,
			    "the file ends here; expected more", err));
		done += (size_t)got;
	}
	return (0);
}

static int
binary_header(struct trace_binary *t, struct eph_err *err)
{
	unsigned char p[HEADER_BYTES];
	const char *odds;
	struct stat st;
	int error;

	if (fstat(t->fd, &st) != 0)
		return (eph_err_set(
		    err, errno, "%s: %s", t->path, strerror(errno)));
	if ((error = binary_read(t, 0, p, sizeof(p), err)) != 0)
		return (error);
	if (memcmp(p, TRACE_BINARY_MAGIC, TRACE_BINARY_MAGIC_BYTES) != 0)
		return (binary_refuse(t, 0, "not a binary ephmap trace", err));
	if (get_le(p + 176, 4) != crc_of(0, p, 176)) {
		if (get_le(p + 8, 4) > VERSION && get_le(p + 8, 4) < 256)
			return (binary_refuse(t, 8,
			    "version not known here; "
			    "expected version 1",
			    err));
		return (binary_refuse(
		    t, 0, "header damaged: its checksum is wrong", err));
	}
	if (get_le(p + 8, 4) != VERSION || get_le(p + 12, 4) != HEADER_BYTES)
		return (binary_refuse(
		    t, 8, "version not known here; expected version 1", err));
	eph__trace_header_decode(p, &t->header);
	if (t->header.file_bytes != (uint64_t)st.st_size)
		return (eph_err_set(err, EINVAL,
		    "%s: byte %" PRIu64 ": the file ends here; expected it to "
		    "end at byte %" PRIu64,
		    t->path, (uint64_t)st.st_size, t->header.file_bytes));
	if ((odds = eph__trace_header_at_odds(&t->header)) != NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: byte 16: header is at odds with itself: %s", t->path,
		    odds));
	return (0);
}

int
eph__trace_binary_rewind(struct trace_binary *t, struct eph_err *err)
{
	(void)err;
	t->offset = HEADER_BYTES;
	t->blocks = t->ops_before = t->held = 0;
	memset(t->ops_of, 0, sizeof(t->ops_of));
	t->last_name = t->last_handle = t->duration_ns = 0;
	t->n = t->nnames = t->nslots = 0;
	return (0);
}

int
eph__trace_binary_open(
    const char *path, int fd, struct trace_binary **tp, struct eph_err *err)
{
	struct trace_binary *t = calloc(1, sizeof(*t));
	int error = 0;

	if (t == NULL) {
		(void)close(fd);
		return (eph_err_set(err, ENOMEM, "out of memory"));
	}
	t->fd = fd;
	t->packed_cap = ZSTD_compressBound(PAYLOAD_MAX);
	t->path = strdup(path);
	t->zstd = ZSTD_createDCtx();
	t->packed = malloc(t->packed_cap);
	if (t->path == NULL || t->zstd == NULL || t->packed == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	if (error == 0)
		error = binary_header(t, err);
	if (error != 0) {
		eph__trace_binary_close(t);
		return (error);
	}
	*tp = t;
	return (eph__trace_binary_rewind(t, err));
}

void
eph__trace_binary_close(struct trace_binary *t)
{
	if (t == NULL)
		return;
	(void)close(t->fd);
	(void)ZSTD_freeDCtx(t->zstd);
	free(t->path);
	free(t->packed);
	free(t->names);
	free(t->slot_state);
	free(t->slot_handle);
	free(t);
}

/* Read, check and unpack the next block; *plainp is its payload's size. */
static int
binary_payload(struct trace_binary *t, size_t *plainp, struct eph_err *err)
{
	const uint64_t left = t->header.file_bytes - t->offset;
	unsigned char frame[FRAME_BYTES];
	size_t packed, plain, got;
	uint32_t crc;
	int error;

	t->block_offset = t->offset;
	if (left < FRAME_BYTES)
		return (
		    binary_refuse(t, t->offset, "expected another block", err));
	error = binary_read(t, t->offset, frame, sizeof(frame), err);
	if (error != 0)
		return (error);
	packed = get_le(frame + 8, 4);
	plain = get_le(frame + 12, 4);
	t->n = (uint32_t)get_le(frame + 4, 4);
	if (packed > t->packed_cap || packed > left - FRAME_BYTES ||
	    plain > PAYLOAD_MAX || t->n > TRACE_BLOCK_OPS || t->n == 0)
		return (binary_refuse(
		    t, t->offset, "block damaged: impossible sizes", err));
	error = binary_read(t, t->offset + FRAME_BYTES, t->packed, packed, err);
	if (error != 0)
		return (error);
	crc = crc_of(crc_of(0, frame, 16), t->packed, packed);
	if (crc != get_le(frame + 16, 4))
		return (binary_refuse(
		    t, t->offset, "block damaged: its checksum is wrong", err));
	if (get_le(frame, 4) != (uint32_t)t->blocks)
		return (binary_refuse(t, t->offset, "block out of order", err));
	got = ZSTD_decompressDCtx(
	    t->zstd, t->payload, PAYLOAD_MAX, t->packed, packed);
	if (ZSTD_isError(got) || got != plain)
		return (
		    binary_refuse(t, t->offset, "block does not unpack", err));
	t->offset += FRAME_BYTES + packed;
	t->blocks++;
	*plainp = plain;
	return (0);
}

/* A payload being read. */
struct columns {
	const unsigned char *p;
	const unsigned char *end;
};

/* The width of the next column of `n` numbers, or -1. */
static int
column_width(struct columns *c, size_t n, unsigned max)
{
	unsigned width;

	if (c->p == c->end)
		return (-1);
	width = *c->p++;
	if (width > max || (size_t)(c->end - c->p) < n * width)
		return (-1);
	return ((int)width);
}

/* Column decoders by the size of the number they give. */
#define COLUMN_DECODE(name, type)                                              \
	static bool name(struct columns *c, type *v, size_t n)                 \
	{                                                                      \
		const int width = column_width(c, n, sizeof(type));            \
		const unsigned char *p = c->p;                                 \
                                                                               \
		if (width < 0)                                                 \
			return (false);                                        \
		c->p += n * (size_t)width;                                     \
		switch (width) {                                               \
		case 0:                                                        \
			memset(v, 0, n * sizeof(*v));                          \
			break;                                                 \
		case 1:                                                        \
			for (size_t i = 0; i < n; i++)                         \
				v[i] = p[i];                                   \
			break;                                                 \
		case 2:                                                        \
			for (size_t i = 0; i < n; i++, p += 2)                 \
				v[i] = (type)(p[0] | (type)p[1] << 8);         \
			break;                                                 \
		case 3: /* four bytes are one load; the last has three */      \
			for (size_t i = 0; i + 1 < n; i++, p += 3)             \
				v[i] = (type)(get_le(p, 4) & 0xffffff);        \
			if (n > 0)                                             \
				v[n - 1] = (type)get_le(p, 3);                 \
			break;                                                 \
		case 4:                                                        \
			for (size_t i = 0; i < n; i++, p += 4)                 \
				v[i] = (type)get_le(p, 4);                     \
			break;                                                 \
		default:                                                       \
			for (size_t i = 0; i < n; i++, p += width)             \
				v[i] = (type)get_le(p, (unsigned)width);       \
			break;                                                 \
		}                                                              \
		return (true);                                                 \
	}

COLUMN_DECODE(column_decode16, uint16_t)
COLUMN_DECODE(column_decode32, uint32_t)
COLUMN_DECODE(column_decode64, uint64_t)

/* Is the block of references only, as most are? */
static bool
binary_all_refs(const struct trace_binary *t)
{
	unsigned char other = 0;

	for (uint32_t i = 0; i < t->n; i++)
		other |= (unsigned char)(t->payload[i] ^ EPH_OP_REF);
	return (other == 0);
}

/*
 * How many operations of each kind; fills kinds and flags, but for a block of
 * references.
 */
static int
binary_kinds(
    struct trace_binary *t, uint32_t counts[EPH_OP_KINDS], struct eph_err *err)
{
	memset(counts, 0, EPH_OP_KINDS * sizeof(counts[0]));
	if (binary_all_refs(t)) {
		counts[EPH_OP_REF] = t->n;
		return (0);
	}
	for (uint32_t i = 0; i < t->n; i++) {
		const unsigned kind = t->payload[i] & 7;
		const unsigned flags = t->payload[i] >> 3;

		if (kind >= EPH_OP_KINDS)
			return (binary_refuse_op(
			    t, i, "unknown kind of operation", err));
		if (flags != 0 &&
		    (kind != EPH_OP_MAP || flags > 7 ||
			(flags & (EPH_OPF_NOWAIT | EPH_OPF_CATCH)) ==
			    (EPH_OPF_NOWAIT | EPH_OPF_CATCH)))
			return (
			    binary_refuse_op(t, i, "impossible flags", err));
		t->ops[i].kind = (uint8_t)kind;
		t->ops[i].flags = (uint8_t)flags;
		counts[kind]++;
	}
	return (0);
}

/* Make room for names of pages and states of slots. */
static int
binary_reserve(
    struct trace_binary *t, uint32_t maps, uint32_t refs, struct eph_err *err)
{
	const uint64_t pages = (uint64_t)t->nnames + maps + refs;
	const uint64_t slots = (uint64_t)t->nslots + maps;
	uint64_t cap;
	void *p;

	/* Tables are never NULL, also for a block without a name. */
	if (pages >= t->cap_names) {
		cap = 2 * pages + 1 < EPH_NONE ? 2 * pages + 1 : EPH_NONE;
		if ((p = realloc(t->names, cap * sizeof(t->names[0]))) == NULL)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		t->names = p;
		t->cap_names = (uint32_t)cap;
	}
	if (slots > t->cap_slots) {
		cap = 2 * slots < EPH_NONE ? 2 * slots : EPH_NONE;
		if ((p = realloc(t->slot_state, cap)) == NULL)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		t->slot_state = p;
		p = realloc(t->slot_handle, cap * sizeof(t->slot_handle[0]));
		if (p == NULL)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		t->slot_handle = p;
		t->cap_slots = (uint32_t)cap;
	}
	return (0);
}

/*
 * Take page `i` of the column: one seen before, or the next new one, whose
 * name must be in the block.
 */
static inline bool
binary_page(struct trace_binary *t, uint32_t page, uint32_t *seenp)
{
	if (eph_likely(page < *seenp))
		return (true);
	if (page != *seenp || page >= t->header.meta.unique_pages)
		return (false);
	(*seenp)++;
	return (true);
}

/* What the operation does to its slot; a message when it cannot. */
static const char *
binary_slot(struct trace_binary *t, struct eph_op *op, uint64_t *handle)
{
	uint8_t *state;

	if (op->kind == EPH_OP_MAP && op->slot == t->nslots &&
	    op->slot < t->header.meta.slots)
		t->slot_state[t->nslots++] = SLOT_FREE;
	if (op->slot >= t->nslots)
		return ("slot out of range");
	state = &t->slot_state[op->slot];
	if (op->kind != EPH_OP_MAP) {
		if (*state == SLOT_FREE)
			return ("handle is not mapped");
		*handle = t->slot_handle[op->slot];
		if (op->kind == EPH_OP_UNMAP) {
			*state = SLOT_FREE;
			t->held--;
		}
		return (NULL);
	}
	if (*state == SLOT_MAPPED ||
	    (*state == SLOT_MAY_HAVE_FAILED &&
		*handle != t->slot_handle[op->slot]))
		return ("handle is mapped already");
	if (*state == SLOT_FREE)
		t->held++;
	*state = (op->flags & EPH_OPF_NOWAIT) != 0 ? SLOT_MAY_HAVE_FAILED
						   : SLOT_MAPPED;
	t->slot_handle[op->slot] = *handle;
	return (NULL);
}

/* A reference, the most frequent operation; a message when it cannot be. */
static inline const char *
binary_ref(struct trace_binary *t, struct eph_op *op, uint16_t cpu,
    uint32_t page, uint32_t *seenp)
{
	if (eph_unlikely(cpu >= t->header.meta.cpus))
		return ("CPU out of range");
	if (eph_unlikely(page >= *seenp) && !binary_page(t, page, seenp))
		return ("page out of range");
	*op = (struct eph_op){ .kind = EPH_OP_REF, .cpu = cpu, .page = page };
	return (NULL);
}

/* Columns to operations, where all are references. */
static int
binary_merge_refs(struct trace_binary *t, uint32_t *seenp, struct eph_err *err)
{
	uint32_t seen = *seenp;

	for (uint32_t i = 0; i < t->n; i++) {
		const char *why =
		    binary_ref(t, &t->ops[i], t->cpus[i], t->pages[i], &seen);

		if (eph_unlikely(why != NULL))
			return (binary_refuse_op(t, i, why, err));
	}
	*seenp = seen;
	return (0);
}

/* Columns to operations. */
static int
binary_merge(struct trace_binary *t, uint32_t *seenp, struct eph_err *err)
{
	uint32_t ncpu = 0, npage = 0, nslot = 0, nns = 0, nmap = 0;
	const char *why;

	for (uint32_t i = 0; i < t->n; i++) {
		struct eph_op *op = &t->ops[i];

		if (eph_likely(op->kind == EPH_OP_REF)) {
			why = binary_ref(
			    t, op, t->cpus[ncpu++], t->pages[npage++], seenp);
			if (eph_unlikely(why != NULL))
				return (binary_refuse_op(t, i, why, err));
			continue;
		}
		op->cpu = 0;
		op->page = op->slot = 0;
		if (op->kind == EPH_OP_DELAY) {
			const uint64_t ns = t->ns[nns++];

			if (ns > t->header.meta.duration_ns - t->duration_ns)
				return (binary_refuse_op(
				    t, i, "delay out of range", err));
			t->duration_ns += ns;
			op->page = (uint32_t)ns;
			op->slot = (uint32_t)(ns >> 32);
			continue;
		}
		op->cpu = t->cpus[ncpu++];
		if (op->cpu >= t->header.meta.cpus)
			return (
			    binary_refuse_op(t, i, "CPU out of range", err));
		if (op->kind == EPH_OP_MAP) {
			op->page = t->pages[npage++];
			if (!binary_page(t, op->page, seenp))
				return (binary_refuse_op(
				    t, i, "page out of range", err));
		}
		if (!op_has_slot(op))
			continue;
		op->slot = t->slots[nslot++];
		if (op->kind == EPH_OP_MAP)
			t->handles[i] = t->map_handles[nmap++];
		if ((why = binary_slot(t, op, &t->handles[i])) != NULL)
			return (binary_refuse_op(t, i, why, err));
	}
	return (0);
}

/* Names of the pages that this block sees first. */
static bool
binary_names(
    struct trace_binary *t, struct columns *c, uint32_t npages, uint32_t *newp)
{
	uint64_t *names = t->names + t->nnames;
	uint32_t top = 0, count;

	/* One that is EPH_NONE is refused as out of range. */
	for (uint32_t i = 0; i < npages; i++)
		top = t->pages[i] + 1 > top ? t->pages[i] + 1 : top;
	count = top > t->nnames ? top - t->nnames : 0;
	/* Each new page has an operation that sees it first. */
	if (count > npages || !column_decode64(c, names, count))
		return (false);
	for (uint32_t i = 0; i < count; i++) {
		names[i] = unzigzag(names[i], t->last_name);
		t->last_name = names[i];
	}
	*newp = count;
	return (true);
}

static bool
binary_map_handles(struct trace_binary *t, struct columns *c, uint32_t maps)
{
	if (!column_decode64(c, t->map_handles, maps))
		return (false);
	for (uint32_t i = 0; i < maps; i++) {
		t->map_handles[i] = unzigzag(t->map_handles[i], t->last_handle);
		t->last_handle = t->map_handles[i];
	}
	return (true);
}

/* Unpack the payload of `plain` bytes into operations. */
static int
binary_decode(struct trace_binary *t, size_t plain, struct eph_err *err)
{
	struct columns c = { t->payload + t->n, t->payload + plain };
	uint32_t counts[EPH_OP_KINDS], maps, pages, slots, delays;
	uint32_t seen = t->nnames, new = 0;
	int error;

	if (plain < t->n)
		return (binary_refuse(
		    t, t->block_offset, "block is too short", err));
	if ((error = binary_kinds(t, counts, err)) != 0)
		return (error);
	maps = counts[EPH_OP_MAP];
	delays = counts[EPH_OP_DELAY];
	pages = maps + counts[EPH_OP_REF];
	slots = t->n - delays - counts[EPH_OP_REF];
	error = binary_reserve(t, maps, counts[EPH_OP_REF], err);
	if (error != 0)
		return (error);
	if (!column_decode16(&c, t->cpus, t->n - delays) ||
	    !column_decode32(&c, t->pages, pages) ||
	    !column_decode32(&c, t->slots, slots) ||
	    !column_decode64(&c, t->ns, delays) ||
	    !binary_names(t, &c, pages, &new) ||
	    !binary_map_handles(t, &c, maps) || c.p != c.end)
		return (binary_refuse(
		    t, t->block_offset, "block with impossible columns", err));
	error = counts[EPH_OP_REF] == t->n ? binary_merge_refs(t, &seen, err)
					   : binary_merge(t, &seen, err);
	if (error != 0)
		return (error);
	if (seen != t->nnames + new)
		return (binary_refuse(t, t->block_offset,
		    "block names pages that it does not use", err));
	t->nnames = seen;
	for (unsigned i = 0; i < EPH_OP_KINDS; i++)
		t->ops_of[i] += counts[i];
	return (0);
}

/* Was it what the header promised? */
static int
binary_end(struct trace_binary *t, struct eph_err *err)
{
	const struct eph_trace_meta *m = &t->header.meta;

	t->n = 0;
	if (t->offset != t->header.file_bytes ||
	    memcmp(t->ops_of, m->ops_of, sizeof(t->ops_of)) != 0 ||
	    t->nnames != m->unique_pages || t->nslots != m->slots ||
	    t->duration_ns != m->duration_ns || t->held != m->held_at_end)
		return (binary_refuse(t, t->offset,
		    "the blocks are at odds with the header", err));
	return (0);
}

int
eph__trace_binary_next(struct trace_binary *t, const struct eph_op **opsp,
    size_t *np, struct eph_err *err)
{
	size_t plain = 0;
	int error;

	*opsp = t->ops;
	*np = 0;
	t->ops_before += t->n;
	if (t->blocks == t->header.blocks)
		return (binary_end(t, err));
	if ((error = binary_payload(t, &plain, err)) != 0 ||
	    (error = binary_decode(t, plain, err)) != 0) {
		t->n = 0;
		return (error);
	}
	*np = t->n;
	return (0);
}

const struct eph_trace_meta *
eph__trace_binary_meta(const struct trace_binary *t)
{
	return (&t->header.meta);
}

uint64_t
eph__trace_binary_line(const struct trace_binary *t, size_t i)
{
	return (t->ops_before + i + 1);
}

void
eph__trace_binary_where(
    const struct trace_binary *t, uint64_t line, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s: operation %" PRIu64, t->path, line);
}

uint64_t
eph__trace_binary_page_name(const struct trace_binary *t, uint32_t page)
{
	return (t->names[page]);
}

uint64_t
eph__trace_binary_handle_name(const struct trace_binary *t, size_t i)
{
	return (t->handles[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/* The writer of the binary form: blocks of operations to columns. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace/trace_binary_format.h"

#define ZSTD_LEVEL 3

struct trace_encoder {
	FILE *f;
	ZSTD_CCtx *zstd;
	struct trace_header header; /* file_bytes and blocks */
	uint64_t last_name;
	uint64_t last_handle;
	uint64_t column[TRACE_BLOCK_OPS];
	unsigned char payload[PAYLOAD_MAX];
	unsigned char *packed;
	size_t packed_cap;
};

/* Append the column; returns its end. */
static unsigned char *
column_encode(unsigned char *to, const uint64_t *v, size_t n)
{
	uint64_t all = 0;
	unsigned width = 0;

	for (size_t i = 0; i < n; i++)
		all |= v[i];
	while (width < 8 && all >> 8 * width != 0)
		width++;
	*to++ = (unsigned char)width;
	for (size_t i = 0; i < n; i++, to += width)
		put_le(to, v[i], width);
	return (to);
}

/* The numbers of column `which` (cpu, page, slot, ns). */
static size_t
column_gather(const struct trace_block *b, int which, uint64_t *v)
{
	size_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct eph_op *op = &b->ops[i];

		if (which == 0 && op->kind != EPH_OP_DELAY)
			v[n++] = op->cpu;
		else if (which == 1 && op_has_page(op))
			v[n++] = op->page;
		else if (which == 2 && op_has_slot(op))
			v[n++] = op->slot;
		else if (which == 3 && op->kind == EPH_OP_DELAY)
			v[n++] = eph_op_delay_ns(op);
	}
	return (n);
}

/* Differences of names, for a column. */
static void
column_deltas(const uint64_t *names, size_t n, uint64_t *last, uint64_t *v)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = zigzag(names[i], *last);
		*last = names[i];
	}
}

static size_t
payload_encode(struct trace_encoder *e, const struct trace_block *b)
{
	unsigned char *to = e->payload;

	for (uint32_t i = 0; i < b->n; i++)
		*to++ = (unsigned char)(b->ops[i].kind | b->ops[i].flags << 3);
	for (int which = 0; which < 4; which++) {
		size_t n = column_gather(b, which, e->column);

		to = column_encode(to, e->column, n);
	}
	column_deltas(b->names, b->nnames, &e->last_name, e->column);
	to = column_encode(to, e->column, b->nnames);
	column_deltas(b->handles, b->nhandles, &e->last_handle, e->column);
	to = column_encode(to, e->column, b->nhandles);
	return ((size_t)(to - e->payload));
}

int
eph__trace_encoder_open(FILE *f, struct trace_encoder **ep)
{
	const unsigned char room[HEADER_BYTES] = { 0 };
	struct trace_encoder *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return (ENOMEM);
	e->f = f;
	e->zstd = ZSTD_createCCtx();
	e->packed_cap = ZSTD_compressBound(PAYLOAD_MAX);
	e->packed = malloc(e->packed_cap);
	e->header.file_bytes = HEADER_BYTES;
	errno = ENOMEM;
	if (e->zstd == NULL || e->packed == NULL ||
	    fwrite(room, sizeof(room), 1, f) != 1) {
		const int error = errno;

		eph__trace_encoder_close(e);
		return (error);
	}
	*ep = e;
	return (0);
}

void
eph__trace_encoder_close(struct trace_encoder *e)
{
	if (e == NULL)
		return;
	(void)ZSTD_freeCCtx(e->zstd);
	free(e->packed);
	free(e);
}

int
eph__trace_encoder_block(struct trace_encoder *e, const struct trace_block *b)
{
	const size_t plain = payload_encode(e, b);
	const size_t packed = ZSTD_compressCCtx(
	    e->zstd, e->packed, e->packed_cap, e->payload, plain, ZSTD_LEVEL);
	unsigned char frame[FRAME_BYTES];
	uint32_t crc;

	if (ZSTD_isError(packed))
		return (ENOMEM);
	put_le(frame, e->header.blocks, 4);
	put_le(frame + 4, b->n, 4);
	put_le(frame + 8, packed, 4);
	put_le(frame + 12, plain, 4);
	crc = crc_of(crc_of(0, frame, 16), e->packed, packed);
	put_le(frame + 16, crc, 4);
	if (fwrite(frame, sizeof(frame), 1, e->f) != 1 ||
	    fwrite(e->packed, packed, 1, e->f) != 1)
		return (errno);
	e->header.blocks++;
	e->header.file_bytes += FRAME_BYTES + packed;
	return (0);
}

int
eph__trace_encoder_finish(
    struct trace_encoder *e, const struct eph_trace_meta *meta)
{
	unsigned char bytes[HEADER_BYTES];

	e->header.meta = *meta;
	eph__trace_header_encode(&e->header, bytes);
	if (fseek(e->f, 0, SEEK_SET) != 0 ||
	    fwrite(bytes, sizeof(bytes), 1, e->f) != 1)
		return (errno);
	return (0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TRACE_BINARY_FORMAT_H
#define TRACE_TRACE_BINARY_FORMAT_H

/*
 * What the binary form's writer and its reader share; the layout stands in
 * trace_binary.c.
 */

#include <zlib.h>

#include "base/le.h"
#include "trace/trace_binary.h"

#define HEADER_BYTES 180u
#define FRAME_BYTES  20u
#define VERSION	     1u
#define COLUMNS	     6u

/* kind, cpu (2), page (4), slot (4) or ns (8), name (8), handle (8) */
#define PAYLOAD_MAX (TRACE_BLOCK_OPS * (1u + 8u * COLUMNS) + COLUMNS)

struct trace_header {
	uint64_t file_bytes;
	uint64_t blocks;
	struct eph_trace_meta meta;
};

/* `p` has HEADER_BYTES. */
void eph__trace_header_encode(const struct trace_header *h, unsigned char *p);
void eph__trace_header_decode(const unsigned char *p, struct trace_header *h);

/* Could a writer have written it?  What is at odds, or NULL. */
const char *eph__trace_header_at_odds(const struct trace_header *h);

static inline uint32_t
crc_of(uint32_t crc, const unsigned char *p, size_t n)
{
	return ((uint32_t)crc32(crc, p, (uInt)n));
}

static inline uint64_t
zigzag(uint64_t now, uint64_t before)
{
	const uint64_t d = now - before;

	return (d << 1 ^ (0 - (d >> 63)));
}

static inline uint64_t
unzigzag(uint64_t z, uint64_t before)
{
	return (before + (z >> 1 ^ (0 - (z & 1))));
}

static inline bool
op_has_page(const struct eph_op *op)
{
	return (op->kind == EPH_OP_MAP || op->kind == EPH_OP_REF);
}

static inline bool
op_has_slot(const struct eph_op *op)
{
	return (op->kind <= EPH_OP_UNMAP);
}

#endif /* !TRACE_TRACE_BINARY_FORMAT_H */

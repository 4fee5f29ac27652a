/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Binary traces.
 *
 * A header, then blocks of at most 16,384 operations.  All numbers are
 * little endian.  Every byte is covered by a CRC-32: the header's covers
 * the header, each block's its frame and its payload; the header carries
 * the length of the file and the number of blocks, so that a file cut
 * anywhere, even between two blocks, is known to be cut.
 *
 *	header	 0  magic "\211EPHMAP\n"
 *		 8  version (u32), 1
 *		12  header bytes (u32)
 *		16  file bytes, blocks (u64 each)
 *		32  cpus, slots (u32 each)
 *		40  operations of each kind (7 x u64)
 *		96  unique pages, duration_ns, held_at_end (u64 each)
 *	       120  held_mean (IEEE double)
 *	       128  imported, calls, partial, failed (u64 each)
 *	       160  source (16 bytes, ended by NUL)
 *	       176  CRC-32 of bytes 0 to 175
 *	block	 0  number of the block, from 0 (u32)
 *		 4  operations (u32)
 *		 8  bytes of payload, compressed and not (u32 each)
 *		16  CRC-32 of bytes 0 to 15 and the compressed payload
 *		20  payload, one zstd frame
 *
 * The payload is columns, since bytes of one kind compress and decode best
 * together:
 *
 *	kind | flags << 3, a byte for each operation
 *	cpu, for all but d
 *	page, for m and p: dense, numbered in order of first sight
 *	slot, for m k r w u: numbered in order of first use
 *	ns, for d
 *	names of the pages that this block sees first, less the one before
 *	handles of the m operations, less the one before
 *
 * Each column but the first starts with a byte that says how many bytes its
 * numbers take, 0 (all are zero) to 8.  Differences are zigzag coded.
 */

#include "trace/trace_binary.h"

#include <string.h>

#include "base/kassert.h"
#include "trace/trace_binary_format.h"

CTASSERT(EPH_OP_KINDS == 7);

void
eph__trace_header_encode(const struct trace_header *h, unsigned char *p)
{
	const struct eph_trace_meta *m = &h->meta;
	uint64_t bits;

	memset(p, 0, HEADER_BYTES);
	memcpy(p, TRACE_BINARY_MAGIC, TRACE_BINARY_MAGIC_BYTES);
	put_le(p + 8, VERSION, 4);
	put_le(p + 12, HEADER_BYTES, 4);
	put_le(p + 16, h->file_bytes, 8);
	put_le(p + 24, h->blocks, 8);
	put_le(p + 32, m->cpus, 4);
	put_le(p + 36, m->slots, 4);
	for (unsigned i = 0; i < EPH_OP_KINDS; i++)
		put_le(p + 40 + (size_t)8 * i, m->ops_of[i], 8);
	put_le(p + 96, m->unique_pages, 8);
	put_le(p + 104, m->duration_ns, 8);
	put_le(p + 112, m->held_at_end, 8);
	memcpy(&bits, &m->held_mean, sizeof(bits));
	put_le(p + 120, bits, 8);
	put_le(p + 128, m->imported, 8);
	put_le(p + 136, m->calls, 8);
	put_le(p + 144, m->partial, 8);
	put_le(p + 152, m->failed, 8);
	memcpy(p + 160, m->source, sizeof(m->source));
	put_le(p + 176, crc_of(0, p, 176), 4);
}

void
eph__trace_header_decode(const unsigned char *p, struct trace_header *h)
{
	struct eph_trace_meta *m = &h->meta;
	uint64_t bits;

	memset(h, 0, sizeof(*h));
	h->file_bytes = get_le(p + 16, 8);
	h->blocks = get_le(p + 24, 8);
	m->cpus = (unsigned)get_le(p + 32, 4);
	m->slots = (uint32_t)get_le(p + 36, 4);
	for (unsigned i = 0; i < EPH_OP_KINDS; i++) {
		m->ops_of[i] = get_le(p + 40 + (size_t)8 * i, 8);
		m->ops += m->ops_of[i];
	}
	m->references = m->ops_of[EPH_OP_MAP] + m->ops_of[EPH_OP_REF];
	m->unique_pages = get_le(p + 96, 8);
	m->duration_ns = get_le(p + 104, 8);
	m->held_at_end = get_le(p + 112, 8);
	bits = get_le(p + 120, 8);
	memcpy(&m->held_mean, &bits, sizeof(bits));
	m->held_max = m->slots;
	m->imported = get_le(p + 128, 8);
	m->calls = get_le(p + 136, 8);
	m->partial = get_le(p + 144, 8);
	m->failed = get_le(p + 152, 8);
	memcpy(m->source, p + 160, sizeof(m->source));
	m->complete = true;
}

const char *
eph__trace_header_at_odds(const struct trace_header *h)
{
	const struct eph_trace_meta *m = &h->meta;
	const uint64_t most = h->blocks * TRACE_BLOCK_OPS;

	if (h->blocks > (h->file_bytes - HEADER_BYTES) / FRAME_BYTES)
		return ("more blocks than bytes");
	for (unsigned i = 0; i < EPH_OP_KINDS; i++) {
		if (m->ops_of[i] > most)
			return ("more operations than blocks can hold");
	}
	if (m->ops > most)
		return ("more operations than blocks can hold");
	if (m->cpus < 1 || m->cpus > EPH_CPUS_MAX)
		return ("CPUs out of range");
	if (m->unique_pages > m->references || m->unique_pages >= EPH_NONE)
		return ("more pages than references");
	if (m->slots > m->ops_of[EPH_OP_MAP] || m->held_at_end > m->slots)
		return ("more handles than m operations");
	if (!(m->held_mean >= 0 && m->held_mean <= (double)m->slots))
		return ("mean of handles out of range");
	if (m->duration_ns > (uint64_t)INT64_MAX)
		return ("duration out of range");
	if (m->source[sizeof(m->source) - 1] != '\0')
		return ("name of the source without an end");
	return (NULL);
}

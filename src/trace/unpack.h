/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_UNPACK_H
#define TRACE_UNPACK_H

/*
 * Decompressors of whole files, told by their first bytes.  A codec is one
 * file and one row of the table in unpack.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/le.h"

#define UNPACK_WHY	120
#define UNPACK_HEAD	16u	   /* bytes that tell the form */
#define UNPACK_MEMORY	(1u << 30) /* most that a codec may need */
#define UNPACK_MEMORY_S "1024 MiB"

/* Bytes in and out of one step; a step moves in_pos and out_pos. */
struct unpack_io {
	const unsigned char *in;
	size_t in_pos, in_end;
	unsigned char *out;
	size_t out_pos, out_end;
	bool last;  /* nothing comes after in_end */
	bool mid;   /* set: the stream must not end here */
	bool whole; /* set by a refusal: the data is not damaged */
	char why[UNPACK_WHY];
};

struct unpack_codec {
	const char *name;
	const char *command; /* that decompresses to standard output */
	/* Could a file that starts with these UNPACK_HEAD bytes be one? */
	bool (*knows)(const unsigned char *head);
	/*
	 * A state, or NULL: out of memory.  open is NULL where this build
	 * was made without the library.
	 */
	void *(*open)(void);
	void (*close)(void *state);
	bool (*rewind)(void *state); /* false: out of memory */
	/* False when it cannot go on: io->why says why. */
	bool (*step)(void *state, struct unpack_io *io);
};

extern const struct unpack_codec eph__unpack_zstd;
extern const struct unpack_codec eph__unpack_gzip;
extern const struct unpack_codec eph__unpack_xz;
extern const struct unpack_codec eph__unpack_bzip2;
extern const struct unpack_codec eph__unpack_lz4;

/*
 * The codec of a file that starts so, NULL for none.  Skippable frames,
 * which zstd and lz4 share, must be left out of `head`.
 */
const struct unpack_codec *eph__unpack_find(const unsigned char *head);

/* What a file is that starts so and that nothing here reads, or NULL. */
const char *eph__unpack_foreign(const unsigned char *head);

/* Is it a skippable frame?  Then its bytes in all are in *np. */
static inline bool
unpack_skippable(const unsigned char *head, unsigned long long *np)
{
	*np = 8 + get_le(head + 4, 4);
	return ((get_le(head, 4) & ~(uint64_t)15) == 0x184d2a50);
}

#endif /* !TRACE_UNPACK_H */

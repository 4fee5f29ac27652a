/* SPDX-License-Identifier: BSD-2-Clause */

/* bzip2.  Streams follow each other, as pbzip2 writes them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/unpack.h"

static bool
bzip2_knows(const unsigned char *head)
{
	return (memcmp(head, "BZh", 3) == 0 && head[3] >= '1' &&
	    head[3] <= '9' &&
	    (memcmp(head + 4, "1AY&SY", 6) == 0 ||
		memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0));
}

#ifdef HAVE_BZIP2
#include <bzlib.h>

struct bzip2 {
	bz_stream z;
	bool ready; /* z is in a stream */
};

static bool
bzip2_rewind(void *state)
{
	struct bzip2 *b = state;

	if (b->ready)
		(void)BZ2_bzDecompressEnd(&b->z);
	b->ready = false;
	return (true);
}

static void *
bzip2_open(void)
{
	return (calloc(1, sizeof(struct bzip2)));
}

static void
bzip2_close(void *state)
{
	(void)bzip2_rewind(state);
	free(state);
}

static bool
bzip2_begin(struct bzip2 *b, struct unpack_io *io)
{
	memset(&b->z, 0, sizeof(b->z));
	b->ready = BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK;
	if (!b->ready)
		(void)snprintf(io->why, sizeof(io->why), "out of memory");
	return (b->ready);
}

static bool
bzip2_step(void *state, struct unpack_io *io)
{
	struct bzip2 *b = state;
	int ret;

	io->mid = b->ready;
	if (io->in_pos == io->in_end && !b->ready)
		return (true);
	if (!b->ready && !bzip2_begin(b, io))
		return (false);
	b->z.next_in = (char *)(uintptr_t)io->in + io->in_pos;
	b->z.avail_in = (unsigned)(io->in_end - io->in_pos);
	b->z.next_out = (char *)io->out + io->out_pos;
	b->z.avail_out = (unsigned)(io->out_end - io->out_pos);
	ret = BZ2_bzDecompress(&b->z);
	if (ret != BZ_OK && ret != BZ_STREAM_END) {
		(void)snprintf(io->why, sizeof(io->why), "%s",
		    ret == BZ_DATA_ERROR_MAGIC
			? "not a bzip2 stream"
			: "a checksum or field is wrong");
		return (false);
	}
	io->in_pos = io->in_end - b->z.avail_in;
	io->out_pos = io->out_end - b->z.avail_out;
	if (ret == BZ_STREAM_END)
		(void)bzip2_rewind(b);
	io->mid = b->ready;
	return (true);
}
#endif

const struct unpack_codec eph__unpack_bzip2 = {
	.name = "bzip2",
	.command = "bzip2 -dc",
	.knows = bzip2_knows,
#ifdef HAVE_BZIP2
	.open = bzip2_open,
	.close = bzip2_close,
	.rewind = bzip2_rewind,
	.step = bzip2_step,
#endif
};

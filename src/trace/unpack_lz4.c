/* SPDX-License-Identifier: BSD-2-Clause */

/* lz4 frames, one after the other. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/unpack.h"

static bool
lz4_knows(const unsigned char *head)
{
	return (memcmp(head, "\x04\x22\x4d\x18", 4) == 0);
}

#ifdef HAVE_LZ4
#include <lz4frame.h>

static bool
lz4_rewind(void *state)
{
	LZ4F_resetDecompressionContext(state);
	return (true);
}

static void *
lz4_open(void)
{
	LZ4F_dctx *z = NULL;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
		return (NULL);
	return (z);
}

static void
lz4_close(void *state)
{
	(void)LZ4F_freeDecompressionContext(state);
}

static bool
lz4_step(void *state, struct unpack_io *io)
{
	size_t out = io->out_end - io->out_pos, in = io->in_end - io->in_pos;
	const size_t ret = LZ4F_decompress(
	    state, io->out + io->out_pos, &out, io->in + io->in_pos, &in, NULL);

	if (LZ4F_isError(ret)) {
		(void)snprintf(
		    io->why, sizeof(io->why), "%s", LZ4F_getErrorName(ret));
		return (false);
	}
	/* Without bytes it says what it would like next, also between frames. */
	if (in > 0 || out > 0)
		io->mid = ret != 0;
	io->in_pos += in;
	io->out_pos += out;
	return (true);
}
#endif

const struct unpack_codec eph__unpack_lz4 = {
	.name = "lz4",
	.command = "lz4 -dc",
	.knows = lz4_knows,
#ifdef HAVE_LZ4
	.open = lz4_open,
	.close = lz4_close,
	.rewind = lz4_rewind,
	.step = lz4_step,
#endif
};

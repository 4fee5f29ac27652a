/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * gzip.  Members follow each other; zeros behind the last one are padding
 * (of tapes and block devices), as for gzip itself.
 */

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "trace/unpack.h"

struct gzip {
	z_stream z;
	bool mid;    /* in a member */
	bool padded; /* zeros have begun */
};

static bool
gzip_knows(const unsigned char *head)
{
	return (head[0] == 0x1f && head[1] == 0x8b);
}

static void *
gzip_open(void)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g != NULL && inflateInit2(&g->z, 15 + 16) != Z_OK) {
		free(g);
		g = NULL;
	}
	return (g);
}

static void
gzip_close(void *state)
{
	struct gzip *g = state;

	(void)inflateEnd(&g->z);
	free(g);
}

static bool
gzip_rewind(void *state)
{
	struct gzip *g = state;

	g->mid = g->padded = false;
	return (inflateReset(&g->z) == Z_OK);
}

/* Pass over zeros behind a member; false when something else follows. */
static bool
gzip_padding(struct gzip *g, struct unpack_io *io)
{
	while (io->in_pos < io->in_end && io->in[io->in_pos] == 0) {
		g->padded = true;
		io->in_pos++;
	}
	if (!g->padded || io->in_pos == io->in_end)
		return (true);
	(void)snprintf(io->why, sizeof(io->why),
	    "something else follows its padding of zeros");
	return (false);
}

static bool
gzip_step(void *state, struct unpack_io *io)
{
	struct gzip *g = state;
	z_stream *z = &g->z;
	int ret;

	io->mid = g->mid;
	if (!g->mid) {
		if (z->total_in > 0 && !gzip_padding(g, io))
			return (false);
		if (io->in_pos == io->in_end)
			return (true);
		if (z->total_in > 0)
			(void)inflateReset(z);
	}
	z->next_in = (Bytef *)(uintptr_t)io->in + io->in_pos;
	z->avail_in = (uInt)(io->in_end - io->in_pos);
	z->next_out = io->out + io->out_pos;
	z->avail_out = (uInt)(io->out_end - io->out_pos);
	ret = inflate(z, Z_NO_FLUSH);
	if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR) {
		(void)snprintf(io->why, sizeof(io->why), "%s",
		    z->msg != NULL ? z->msg : "not a gzip stream");
		return (false);
	}
	io->in_pos = io->in_end - z->avail_in;
	io->out_pos = io->out_end - z->avail_out;
	g->mid = io->mid = ret != Z_STREAM_END;
	return (true);
}

const struct unpack_codec eph__unpack_gzip = {
	.name = "gzip",
	.command = "gzip -dc",
	.knows = gzip_knows,
	.open = gzip_open,
	.close = gzip_close,
	.rewind = gzip_rewind,
	.step = gzip_step,
};

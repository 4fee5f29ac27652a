/* SPDX-License-Identifier: BSD-2-Clause */

/* xz, and the .lzma form before it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/unpack.h"

static bool
xz_knows(const unsigned char *head)
{
	return (memcmp(head,
		    "\375"
		    "7zXZ\0",
		    6) == 0 ||
	    (memcmp(head, "\x5d\0\0", 3) == 0 &&
		(head[12] == 0 || head[12] == 0xff)));
}

#ifdef HAVE_LZMA
#include <lzma.h>

struct xz {
	lzma_stream z;
	bool ended;
};

static bool
xz_rewind(void *state)
{
	struct xz *x = state;

	x->ended = false;
	return (lzma_auto_decoder(&x->z, UNPACK_MEMORY, LZMA_CONCATENATED) ==
	    LZMA_OK);
}

static void
xz_close(void *state)
{
	struct xz *x = state;

	lzma_end(&x->z);
	free(x);
}

static void *
xz_open(void)
{
	const lzma_stream init = LZMA_STREAM_INIT;
	struct xz *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return (NULL);
	x->z = init;
	if (!xz_rewind(x)) {
		xz_close(x);
		return (NULL);
	}
	return (x);
}

static bool
xz_refuse(lzma_ret ret, struct unpack_io *io)
{
	io->whole = ret == LZMA_MEMLIMIT_ERROR;
	(void)snprintf(io->why, sizeof(io->why), "%s",
	    ret == LZMA_MEMLIMIT_ERROR
		? "needs more memory than " UNPACK_MEMORY_S
		: ret == LZMA_FORMAT_ERROR ? "not an xz stream"
		: ret == LZMA_MEM_ERROR	   ? "out of memory"
					   : "a checksum or field is wrong");
	return (false);
}

static bool
xz_step(void *state, struct unpack_io *io)
{
	struct xz *x = state;
	lzma_ret ret;

	if (x->ended)
		return (true);
	x->z.next_in = io->in + io->in_pos;
	x->z.avail_in = io->in_end - io->in_pos;
	x->z.next_out = io->out + io->out_pos;
	x->z.avail_out = io->out_end - io->out_pos;
	ret = lzma_code(&x->z, io->last ? LZMA_FINISH : LZMA_RUN);
	if (ret != LZMA_OK && ret != LZMA_STREAM_END && ret != LZMA_BUF_ERROR)
		return (xz_refuse(ret, io));
	io->in_pos = io->in_end - x->z.avail_in;
	io->out_pos = io->out_end - x->z.avail_out;
	x->ended = ret == LZMA_STREAM_END;
	io->mid = !x->ended;
	return (true);
}
#endif

const struct unpack_codec eph__unpack_xz = {
	.name = "xz",
	.command = "xz -dc",
	.knows = xz_knows,
#ifdef HAVE_LZMA
	.open = xz_open,
	.close = xz_close,
	.rewind = xz_rewind,
	.step = xz_step,
#endif
};

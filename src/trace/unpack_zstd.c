/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * zstd.  Frames follow each other; skippable ones (pzstd writes one before
 * each) are passed over by the library.  A window may be as large as
 * UNPACK_MEMORY, eight times what the library allows by itself.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/le.h"
#include "trace/unpack.h"

#define WINDOW_LOG_MAX 30
#define MAGIC	       0xfd2fb528u
#define HEADER_BYTES   18u /* the longest header of a frame */

struct zstd {
	ZSTD_DStream *z;
	/* The header of the frame that is being read. */
	unsigned char header[HEADER_BYTES];
	size_t nheader;
	bool mid;
};

static bool
zstd_knows(const unsigned char *head)
{
	return (get_le(head, 4) == MAGIC);
}

static void
zstd_close(void *state)
{
	struct zstd *s = state;

	(void)ZSTD_freeDStream(s->z);
	free(s);
}

static bool
zstd_rewind(void *state)
{
	struct zstd *s = state;

	s->nheader = 0;
	s->mid = false;
	return (!ZSTD_isError(ZSTD_DCtx_reset(s->z, ZSTD_reset_session_only)) &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(
		s->z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)));
}

static void *
zstd_open(void)
{
	struct zstd *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return (NULL);
	if ((s->z = ZSTD_createDStream()) == NULL || !zstd_rewind(s)) {
		zstd_close(s);
		return (NULL);
	}
	return (s);
}

/* What the frame's header says of its window, in MiB; 0: nothing. */
static unsigned long long
zstd_window(const unsigned char *h, size_t n)
{
	const unsigned descriptor = n > 5 ? h[4] : 0;
	unsigned long long window;

	if (n < 6 || (descriptor & 0x20) != 0) /* one segment, no window */
		return (0);
	window = 1ull << (10 + (h[5] >> 3));
	return ((window + window / 8 * (h[5] & 7)) >> 20);
}

static bool
zstd_refuse(const struct zstd *s, size_t ret, struct unpack_io *io)
{
	const unsigned long long window = zstd_window(s->header, s->nheader);
	const ZSTD_ErrorCode code = ZSTD_getErrorCode(ret);

	io->whole = true;
	if (code == ZSTD_error_dictionary_wrong)
		(void)snprintf(io->why, sizeof(io->why),
		    "needs the dictionary %u, which is another file; type zstd "
		    "-dc -D DICTIONARY",
		    ZSTD_getDictID_fromFrame(s->header, s->nheader));
	else if (code == ZSTD_error_frameParameter_windowTooLarge)
		(void)snprintf(io->why, sizeof(io->why),
		    "needs a window of %llu MiB, expected at most " UNPACK_MEMORY_S
		    "; type zstd -dc --long=31",
		    window);
	else {
		io->whole = false;
		(void)snprintf(
		    io->why, sizeof(io->why), "%s", ZSTD_getErrorName(ret));
	}
	return (false);
}

/* Remember the first bytes of a frame, for what a refusal says. */
static void
zstd_remember(struct zstd *s, const unsigned char *p, size_t n)
{
	unsigned long long bytes;

	if (!s->mid) {
		/* Skippable frames that stand before it. */
		while (n >= 8 && unpack_skippable(p, &bytes) && bytes <= n) {
			p += bytes;
			n -= (size_t)bytes;
		}
		s->nheader = 0;
	}
	while (s->nheader < HEADER_BYTES && n-- > 0)
		s->header[s->nheader++] = *p++;
}

static bool
zstd_step(void *state, struct unpack_io *io)
{
	struct zstd *s = state;
	ZSTD_inBuffer src = { io->in, io->in_end, io->in_pos };
	ZSTD_outBuffer dst = { io->out, io->out_end, io->out_pos };
	size_t ret;

	/* Between frames an empty step would tell what a header needs. */
	if (!s->mid && io->in_pos == io->in_end)
		return (true);
	zstd_remember(s, io->in + io->in_pos, io->in_end - io->in_pos);
	ret = ZSTD_decompressStream(s->z, &dst, &src);
	if (ZSTD_isError(ret))
		return (zstd_refuse(s, ret, io));
	io->in_pos = src.pos;
	io->out_pos = dst.pos;
	s->mid = io->mid = ret != 0;
	return (true);
}

const struct unpack_codec eph__unpack_zstd = {
	.name = "zstd",
	.command = "zstd -dc",
	.knows = zstd_knows,
	.open = zstd_open,
	.close = zstd_close,
	.rewind = zstd_rewind,
	.step = zstd_step,
};

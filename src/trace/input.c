/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The window is buf[pos..end).  input_fill() moves what is unread to the
 * front and reads behind it; one byte of room is always kept for the
 * newline that a last line may lack.
 */

#include "trace/input.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define RAW_BYTES	 (128u << 10)
#define WINDOW_BYTES	 (256u << 10)
#define WINDOW_BYTES_MAX (64u << 20)

enum input_form { INPUT_PLAIN, INPUT_ZSTD, INPUT_GZIP };

struct input {
	char *path;
	int fd;
	enum input_form form;
	bool eof;	/* nothing more will come into buf */
	bool mid_frame; /* compressed: the stream has not ended well */
	ZSTD_DStream *zstd;
	z_stream gzip;
	bool gzip_ready;
	char *raw; /* compressed bytes */
	size_t raw_pos;
	size_t raw_end;
	uint64_t done;
	uint64_t total;
	char *buf;
	size_t cap;
	size_t pos;
	size_t end;
	uint64_t base; /* offset of buf[0] */
	uint64_t lineno;
};

static int
input_read(
    struct input *in, char *to, size_t size, size_t *np, struct eph_err *err)
{
	ssize_t n;

	do
		n = read(in->fd, to, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return (eph_err_set(
		    err, errno, "%s: %s", in->path, strerror(errno)));
	in->done += (uint64_t)n;
	*np = (size_t)n;
	return (0);
}

static int
input_corrupt(struct input *in, const char *why, struct eph_err *err)
{
	return (eph_err_set(err, EINVAL,
	    "%s: byte %" PRIu64 ": %s data is damaged: %s", in->path, in->done,
	    in->form == INPUT_ZSTD ? "zstd" : "gzip", why));
}

static int
input_unzstd(struct input *in, size_t *got, struct eph_err *err)
{
	ZSTD_inBuffer src = { in->raw, in->raw_end, in->raw_pos };
	ZSTD_outBuffer dst = { in->buf + in->end, in->cap - in->end, 0 };
	const size_t ret = ZSTD_decompressStream(in->zstd, &dst, &src);

	if (ZSTD_isError(ret))
		return (input_corrupt(in, ZSTD_getErrorName(ret), err));
	in->raw_pos = src.pos;
	in->mid_frame = ret != 0;
	*got = dst.pos;
	return (0);
}

static int
input_gunzip(struct input *in, size_t *got, struct eph_err *err)
{
	z_stream *z = &in->gzip;
	int ret;

	if (!in->mid_frame && inflateReset(z) != Z_OK)
		return (input_corrupt(in, "cannot reset", err));
	z->next_in = (Bytef *)in->raw + in->raw_pos;
	z->avail_in = (uInt)(in->raw_end - in->raw_pos);
	z->next_out = (Bytef *)in->buf + in->end;
	z->avail_out = (uInt)(in->cap - in->end);
	ret = inflate(z, Z_NO_FLUSH);
	if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
		return (input_corrupt(
		    in, z->msg != NULL ? z->msg : "not a gzip stream", err));
	in->raw_pos = in->raw_end - z->avail_in;
	in->mid_frame = ret != Z_STREAM_END;
	*got = in->cap - in->end - z->avail_out;
	return (0);
}

/* Decompress behind buf[end], reading the file as needed. */
static int
input_decompress(struct input *in, struct eph_err *err)
{
	size_t got = 0;
	int error;

	while (got == 0) {
		const bool dry = in->raw_pos == in->raw_end;

		if (dry) {
			in->raw_pos = in->raw_end = 0;
			error = input_read(
			    in, in->raw, RAW_BYTES, &in->raw_end, err);
			if (error != 0)
				return (error);
		}
		if (dry && in->raw_end == 0) {
			/* It may hold more than it had room to give. */
			if (in->mid_frame && in->form == INPUT_ZSTD &&
			    (error = input_unzstd(in, &got, err)) != 0)
				return (error);
			if (got > 0)
				break;
			in->eof = true;
			return (in->mid_frame
				? input_corrupt(in, "it ends too early", err)
				: 0);
		}
		error = in->form == INPUT_ZSTD ? input_unzstd(in, &got, err)
					       : input_gunzip(in, &got, err);
		if (error != 0)
			return (error);
	}
	in->end += got;
	return (0);
}

/* Make room behind the unread bytes, and read. */
static int
input_fill(struct input *in, struct eph_err *err)
{
	size_t n = 0;
	int error;

	if (in->eof)
		return (0);
	if (in->pos > 0) {
		memmove(in->buf, in->buf + in->pos, in->end - in->pos);
		in->base += in->pos;
		in->end -= in->pos;
		in->pos = 0;
	}
	if (in->end == in->cap) {
		char *bigger = in->cap < WINDOW_BYTES_MAX
		    ? realloc(in->buf, 2 * in->cap + 1)
		    : NULL;

		if (bigger == NULL)
			return (eph_err_set(err, EINVAL,
			    "%s: byte %" PRIu64 ": a line of more than %zu "
			    "bytes",
			    in->path, in->base, in->cap));
		in->buf = bigger;
		in->cap *= 2;
	}
	if (in->form != INPUT_PLAIN)
		return (input_decompress(in, err));
	error = input_read(in, in->buf + in->end, in->cap - in->end, &n, err);
	if (error != 0)
		return (error);
	in->end += n;
	in->eof = n == 0;
	return (0);
}

/* Copy what cannot seek to a file that can. */
static int
input_spool(struct input *in, struct eph_err *err)
{
	FILE *spool = tmpfile();
	size_t n = 1;
	int error = spool == NULL ? errno : 0;

	while (error == 0 && n > 0) {
		error = input_read(in, in->raw, RAW_BYTES, &n, err);
		if (error == 0 && fwrite(in->raw, 1, n, spool) != n)
			error = errno;
	}
	if (error == 0 && fflush(spool) != 0)
		error = errno;
	if (error == 0) {
		(void)close(in->fd);
		in->fd = dup(fileno(spool));
		if (in->fd < 0)
			error = errno;
	}
	if (spool != NULL)
		(void)fclose(spool);
	if (error == 0)
		return (0);
	return (eph_err_set(err, error,
	    "%s: cannot copy it to a temporary "
	    "file: %s",
	    in->path, strerror(error)));
}

static int
input_open_file(struct input *in, struct eph_err *err)
{
	struct stat st;
	int error;

	in->fd = open(in->path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0 || fstat(in->fd, &st) != 0)
		return (eph_err_set(
		    err, errno, "%s: %s", in->path, strerror(errno)));
	if (S_ISDIR(st.st_mode))
		return (eph_err_set(err, EISDIR,
		    "%s: is a directory; expected a file", in->path));
	if (lseek(in->fd, 0, SEEK_SET) != 0) {
		if ((error = input_spool(in, err)) != 0)
			return (error);
		if (fstat(in->fd, &st) != 0)
			return (eph_err_set(
			    err, errno, "%s: %s", in->path, strerror(errno)));
	}
	in->total = (uint64_t)st.st_size;
	return (0);
}

/* Tell the compression from the first bytes. */
static int
input_sniff(struct input *in, struct eph_err *err)
{
	unsigned char magic[4] = { 0 };
	ssize_t n = pread(in->fd, magic, sizeof(magic), 0);

	if (n < 0)
		return (eph_err_set(
		    err, errno, "%s: %s", in->path, strerror(errno)));
	if (n == 4 && memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
		in->form = INPUT_ZSTD;
	else if (n == 4 && memcmp(magic, "\x1f\x8b", 2) == 0)
		in->form = INPUT_GZIP;
	if (in->form == INPUT_ZSTD && (in->zstd = ZSTD_createDStream()) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if (in->form == INPUT_GZIP) {
		if (inflateInit2(&in->gzip, 15 + 16) != Z_OK)
			return (eph_err_set(err, ENOMEM, "out of memory"));
		in->gzip_ready = true;
	}
	return (eph__input_rewind(in, err));
}

int
eph__input_open(const char *path, struct input **inp, struct eph_err *err)
{
	struct input *in = calloc(1, sizeof(*in));
	int error;

	if (in == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	in->fd = -1;
	in->cap = WINDOW_BYTES;
	in->path = strdup(path);
	in->raw = malloc(RAW_BYTES);
	in->buf = malloc(in->cap + 1);
	if (in->path == NULL || in->raw == NULL || in->buf == NULL)
		error = eph_err_set(err, ENOMEM, "out of memory");
	else if ((error = input_open_file(in, err)) == 0)
		error = input_sniff(in, err);
	if (error != 0) {
		eph__input_close(in);
		return (error);
	}
	*inp = in;
	return (0);
}

void
eph__input_close(struct input *in)
{
	if (in == NULL)
		return;
	if (in->fd >= 0)
		(void)close(in->fd);
	(void)ZSTD_freeDStream(in->zstd);
	if (in->gzip_ready)
		(void)inflateEnd(&in->gzip);
	free(in->path);
	free(in->raw);
	free(in->buf);
	free(in);
}

int
eph__input_rewind(struct input *in, struct eph_err *err)
{
	if (lseek(in->fd, 0, SEEK_SET) != 0)
		return (eph_err_set(
		    err, errno, "%s: %s", in->path, strerror(errno)));
	if (in->form == INPUT_ZSTD)
		(void)ZSTD_initDStream(in->zstd);
	in->eof = in->mid_frame = false;
	in->raw_pos = in->raw_end = 0;
	in->pos = in->end = 0;
	in->done = in->base = in->lineno = 0;
	return (0);
}

const char *
eph__input_path(const struct input *in)
{
	return (in->path);
}

bool
eph__input_compressed(const struct input *in)
{
	return (in->form != INPUT_PLAIN);
}

int
eph__input_dup(const struct input *in)
{
	return (fcntl(in->fd, F_DUPFD_CLOEXEC, 0));
}

uint64_t
eph__input_done(const struct input *in)
{
	return (in->done);
}

uint64_t
eph__input_total(const struct input *in)
{
	return (in->total);
}

uint64_t
eph__input_offset(const struct input *in)
{
	return (in->base + in->pos);
}

int
eph__input_peek(struct input *in, size_t want, const char **pp, size_t *np,
    struct eph_err *err)
{
	int error;

	while (in->end - in->pos < want && !in->eof) {
		if ((error = input_fill(in, err)) != 0)
			return (error);
	}
	*pp = in->buf + in->pos;
	*np = in->end - in->pos;
	return (0);
}

/* Bytes up to and with the last newline of buf[from..end), or 0. */
static size_t
input_whole_lines(const struct input *in, size_t from)
{
	for (size_t i = in->end; i > from; i--) {
		if (in->buf[i - 1] == '\n')
			return (i - in->pos);
	}
	return (0);
}

int
eph__input_lines(
    struct input *in, const char **pp, size_t *np, struct eph_err *err)
{
	size_t seen = 0, n;
	int error;

	while ((n = input_whole_lines(in, in->pos + seen)) == 0) {
		seen = in->end - in->pos;
		if (in->eof) {
			if (seen == 0)
				break;
			in->buf[in->end++] = '\n'; /* room is kept for it */
			continue;
		}
		if ((error = input_fill(in, err)) != 0)
			return (error);
	}
	*pp = in->buf + in->pos;
	*np = n;
	return (0);
}

void
eph__input_take(struct input *in, size_t n)
{
	in->pos += n;
}

int
eph__input_line(
    struct input *in, char **linep, size_t *lenp, struct eph_err *err)
{
	char *p = in->buf + in->pos;
	char *nl = memchr(p, '\n', in->end - in->pos);
	const char *shown;
	size_t n;
	int error;

	if (nl == NULL) {
		if ((error = eph__input_lines(in, &shown, &n, err)) != 0)
			return (error);
		*linep = NULL;
		if (n == 0)
			return (0);
		p = in->buf + in->pos;
		nl = memchr(p, '\n', n);
	}
	in->pos += (size_t)(nl - p) + 1;
	in->lineno++;
	if (nl > p && nl[-1] == '\r')
		nl--;
	*nl = '\0';
	*linep = p;
	*lenp = (size_t)(nl - p);
	return (0);
}

uint64_t
eph__input_lineno(const struct input *in)
{
	return (in->lineno);
}

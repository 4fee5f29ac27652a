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

#include "trace/unpack.h"

#define RAW_BYTES	 (128u << 10)
#define WINDOW_BYTES	 (256u << 10)
#define WINDOW_BYTES_MAX (64u << 20)

struct input {
	char *path;
	int fd;
	const struct unpack_codec *codec; /* NULL: plain */
	void *state;			  /* of the codec */
	bool eof;			  /* nothing more will come into buf */
	char *raw;			  /* compressed bytes */
	struct unpack_io io;
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
	    in->codec->name, why));
}

/* One step of the codec behind buf[end]. */
static int
input_unpack(struct input *in, size_t *got, struct eph_err *err)
{
	struct unpack_io *io = &in->io;

	io->out = (unsigned char *)in->buf;
	io->out_pos = in->end;
	io->out_end = in->cap;
	if (!in->codec->step(in->state, io)) {
		if (!io->whole)
			return (input_corrupt(in, io->why, err));
		return (eph_err_set(err, EINVAL, "%s: byte %" PRIu64 ": %s %s",
		    in->path, in->done, in->codec->name, io->why));
	}
	*got = io->out_pos - in->end;
	return (0);
}

/* Decompress behind buf[end], reading the file as needed. */
static int
input_decompress(struct input *in, struct eph_err *err)
{
	struct unpack_io *io = &in->io;
	size_t got = 0;
	int error;

	while (got == 0) {
		if (io->in_pos == io->in_end && !io->last) {
			io->in_pos = 0;
			error = input_read(
			    in, in->raw, RAW_BYTES, &io->in_end, err);
			if (error != 0)
				return (error);
			io->last = io->in_end == 0;
		}
		if ((error = input_unpack(in, &got, err)) != 0)
			return (error);
		/* At the end it may hold more than it had room to give. */
		if (io->last && got == 0) {
			in->eof = true;
			return (io->mid
				? input_corrupt(in, "it ends too early", err)
				: 0);
		}
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
	if (in->codec != NULL)
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

	if (strcmp(in->path, "-") == 0)
		in->fd = dup(STDIN_FILENO);
	else
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

/* The first bytes that are not in a skippable frame. */
static int
input_head(struct input *in, unsigned char *head, struct eph_err *err)
{
	unsigned long long at = 0, n;

	for (;;) {
		ssize_t got;

		memset(head, 0, UNPACK_HEAD);
		if (at > INT64_MAX)
			return (0);
		got = pread(in->fd, head, UNPACK_HEAD, (off_t)at);
		if (got < 0)
			return (eph_err_set(
			    err, errno, "%s: %s", in->path, strerror(errno)));
		if (got < 8 || !unpack_skippable(head, &n))
			return (0);
		at += n;
	}
}

/* Tell the compression from the first bytes. */
static int
input_sniff(struct input *in, struct eph_err *err)
{
	unsigned char head[UNPACK_HEAD];
	const char *foreign;
	int error;

	if ((error = input_head(in, head, err)) != 0)
		return (error);
	in->codec = eph__unpack_find(head);
	if (in->codec == NULL && (foreign = eph__unpack_foreign(head)) != NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: is %s; expected a plain file, or one compressed with "
		    "zstd, gzip, xz, bzip2 or lz4",
		    in->path, foreign));
	if (in->codec != NULL && in->codec->open == NULL)
		return (eph_err_set(err, EINVAL,
		    "%s: is compressed with %s, which this build cannot read; "
		    "decompress it with %s",
		    in->path, in->codec->name, in->codec->command));
	if (in->codec != NULL && (in->state = in->codec->open()) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
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
	if (in->state != NULL)
		in->codec->close(in->state);
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
	if (in->codec != NULL && !in->codec->rewind(in->state))
		return (eph_err_set(err, ENOMEM, "out of memory"));
	memset(&in->io, 0, sizeof(in->io));
	in->io.in = (const unsigned char *)in->raw;
	in->eof = false;
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
	return (in->codec != NULL);
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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Which form a file has, by its content, and the calls that are the same
 * for both.  What is neither is refused; if it looks like a log that can be
 * imported, with the command that does.
 */

#include "ephmap/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ephmap/import.h"
#include "trace/input.h"
#include "trace/trace_binary.h"
#include "trace/trace_rate.h"
#include "trace/trace_text.h"

/* One of the first two is set. */
struct eph_trace {
	struct trace_text *text;
	struct trace_binary *binary;
	struct trace_rate *rate; /* NULL: as it stands in the file */
};

static bool
starts_with(const char *p, size_t n, const char *start, size_t nstart)
{
	return (n >= nstart && memcmp(p, start, nstart) == 0);
}

static int
trace_refuse(struct input *in, struct eph_err *err)
{
	const char *path = eph__input_path(in);
	const char *format;
	struct eph_err ignored;

	if (eph_trace_import_guess(path, &format, &ignored) == 0)
		return (eph_err_set(err, EINVAL,
		    "%s: not an ephmap trace but a log; import it: ephmap "
		    "trace import --from %s %s -o %s.trace",
		    path, format, path, path));
	return (eph_err_set(err, EINVAL,
	    "%s:1: expected the line \"" TRACE_TEXT_MAGIC TRACE_TEXT_VERSION
	    "\" or a binary ephmap trace; logs are read by: ephmap trace "
	    "import --from FORMAT %s -o FILE",
	    path, path));
}

/* Open `in`, which is at its start; takes it when it is text. */
static int
trace_dispatch(struct input **inp, struct eph_trace *t, struct eph_err *err)
{
	struct input *in = *inp;
	const size_t magic = strlen(TRACE_TEXT_MAGIC);
	const char *p;
	size_t n;
	int error, fd;

	error =
	    eph__input_peek(in, TRACE_BINARY_MAGIC_BYTES + magic, &p, &n, err);
	if (error != 0)
		return (error);
	if (n == 0)
		return (eph_err_set(err, EINVAL,
		    "%s: byte 0: the file is empty; expected the line "
		    "\"" TRACE_TEXT_MAGIC TRACE_TEXT_VERSION "\"",
		    eph__input_path(in)));
	if (starts_with(p, n, TRACE_TEXT_MAGIC, magic)) {
		if ((error = eph__trace_text_open(in, &t->text, err)) == 0)
			*inp = NULL;
		return (error);
	}
	if (!starts_with(p, n, TRACE_BINARY_MAGIC, TRACE_BINARY_MAGIC_BYTES))
		return (trace_refuse(in, err));
	if (eph__input_compressed(in))
		return (eph_err_set(err, EINVAL,
		    "%s: a binary trace inside zstd or gzip; it is compressed "
		    "already: expand it first",
		    eph__input_path(in)));
	if ((fd = eph__input_dup(in)) < 0)
		return (eph_err_set(err, errno, "%s: %s", eph__input_path(in),
		    strerror(errno)));
	return (
	    eph__trace_binary_open(eph__input_path(in), fd, &t->binary, err));
}

int
eph_trace_open(const char *path, struct eph_trace **tp, struct eph_err *err)
{
	struct eph_trace *t = calloc(1, sizeof(*t));
	struct input *in = NULL;
	int error;

	if (t == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	if ((error = eph__input_open(path, &in, err)) == 0)
		error = trace_dispatch(&in, t, err);
	eph__input_close(in);
	if (error != 0) {
		free(t);
		return (error);
	}
	*tp = t;
	return (0);
}

void
eph_trace_close(struct eph_trace *t)
{
	if (t == NULL)
		return;
	eph__trace_text_close(t->text);
	eph__trace_binary_close(t->binary);
	eph__trace_rate_free(t->rate);
	free(t);
}

const struct eph_trace_meta *
eph_trace_meta(const struct eph_trace *t)
{
	if (t->rate != NULL)
		return (&t->rate->meta);
	return (t->text != NULL ? eph__trace_text_meta(t->text)
				: eph__trace_binary_meta(t->binary));
}

bool
eph_trace_is_text(const struct eph_trace *t)
{
	return (t->text != NULL);
}

int
eph_trace_rate(struct eph_trace *t, uint64_t per_second, struct eph_err *err)
{
	const struct eph_trace_meta *meta = eph_trace_meta(t);
	const uint64_t gaps = meta->references > 0 ? meta->references - 1 : 0;
	struct trace_rate *r;

	if (meta->ops_of[EPH_OP_DELAY] != 0)
		return (eph_err_set(
		    err, EINVAL, "the trace has times (d lines) already"));
	if (per_second < 1 || per_second > RATE_MAX ||
	    gaps / per_second > RATE_SECONDS)
		return (eph_err_set(err, EINVAL,
		    "expected 1 to %u references a second, and no more than "
		    "%u seconds",
		    RATE_MAX, RATE_SECONDS));
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	r->rate = per_second;
	r->meta = *meta;
	r->meta.ops += gaps;
	r->meta.ops_of[EPH_OP_DELAY] = gaps;
	r->meta.duration_ns = rate_ns(gaps, per_second);
	t->rate = r;
	return (0);
}

int
eph_trace_next(struct eph_trace *t, const struct eph_op **opsp, size_t *np,
    struct eph_err *err)
{
	const int error = t->text != NULL
	    ? eph__trace_text_next(t->text, opsp, np, err)
	    : eph__trace_binary_next(t->binary, opsp, np, err);

	if (error != 0 || t->rate == NULL)
		return (error);
	if (eph__trace_rate_block(t->rate, *opsp, *np) != 0)
		return (eph_err_set(err, ENOMEM, "out of memory"));
	*opsp = t->rate->ops;
	*np = t->rate->n;
	return (0);
}

/* The operation of the file that operation `i' of the block is, or is of. */
static size_t
trace_at(const struct eph_trace *t, size_t i)
{
	return (t->rate != NULL ? t->rate->from[i] : i);
}

int
eph_trace_rewind(struct eph_trace *t, struct eph_err *err)
{
	if (t->rate != NULL)
		t->rate->refs = 0;
	return (t->text != NULL ? eph__trace_text_rewind(t->text, err)
				: eph__trace_binary_rewind(t->binary, err));
}

void
eph_trace_where(const struct eph_trace *t, size_t i, char *buf, size_t size)
{
	eph_trace_where_line(t, eph_trace_line(t, i), buf, size);
}

void
eph_trace_where_line(
    const struct eph_trace *t, uint64_t line, char *buf, size_t size)
{
	if (t->text != NULL)
		eph__trace_text_where(t->text, line, buf, size);
	else
		eph__trace_binary_where(t->binary, line, buf, size);
}

uint64_t
eph_trace_line(const struct eph_trace *t, size_t i)
{
	return (t->text != NULL
		? eph__trace_text_line(t->text, trace_at(t, i))
		: eph__trace_binary_line(t->binary, trace_at(t, i)));
}

uint64_t
eph_trace_page_name(const struct eph_trace *t, uint32_t page)
{
	return (t->text != NULL ? eph__trace_text_page_name(t->text, page)
				: eph__trace_binary_page_name(t->binary, page));
}

uint64_t
eph_trace_handle_name(const struct eph_trace *t, size_t i)
{
	return (t->text != NULL
		? eph__trace_text_handle_name(t->text, trace_at(t, i))
		: eph__trace_binary_handle_name(t->binary, trace_at(t, i)));
}

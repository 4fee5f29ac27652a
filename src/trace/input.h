/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_INPUT_H
#define TRACE_INPUT_H

/*
 * A file to read, plain or compressed (told by content; see unpack.h),
 * as a window of bytes that moves forward.  Memory is bounded by the
 * longest line.  What cannot seek (a pipe) is first copied to a temporary
 * file, so that every input can be rewound.
 */

#include "ephmap/types.h"

struct input;

/* Returns 0 and sets *inp, or an errno value with `err` set. */
int eph__input_open(const char *path, struct input **inp, struct eph_err *err);
void eph__input_close(struct input *in);
int eph__input_rewind(struct input *in, struct eph_err *err);

const char *eph__input_path(const struct input *in);
bool eph__input_compressed(const struct input *in);

/* Another descriptor of the file, for the caller; -1 with errno set. */
int eph__input_dup(const struct input *in);

/* Bytes of the file (compressed, if it is) read so far, and in all. */
uint64_t eph__input_done(const struct input *in);
uint64_t eph__input_total(const struct input *in);

/* Offset of the first unread byte, after decompression. */
uint64_t eph__input_offset(const struct input *in);

/*
 * Look at the next bytes without taking them: at least `want` of them
 * unless the file ends before.  `want` is at most INPUT_PEEK_MAX.
 */
#define INPUT_PEEK_MAX 65536u
int eph__input_peek(struct input *in, size_t want, const char **pp, size_t *np,
    struct eph_err *err);

/*
 * Look at complete lines: *np bytes that end with a newline (one is added
 * if the file's last line has none); *np is 0 at the end.
 */
int eph__input_lines(
    struct input *in, const char **pp, size_t *np, struct eph_err *err);

/* Take `n` of the bytes shown last. */
void eph__input_take(struct input *in, size_t n);

/*
 * Take one line: *linep is ended by NUL in place of its newline (and of a
 * carriage return before it), *lenp its length; *linep is NULL at the end.
 */
int eph__input_line(
    struct input *in, char **linep, size_t *lenp, struct eph_err *err);

/* Number of the line taken last by eph__input_line(), from 1. */
uint64_t eph__input_lineno(const struct input *in);

#endif /* !TRACE_INPUT_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TRACE_BINARY_H
#define TRACE_TRACE_BINARY_H

/* The binary form, both ways.  The layout stands in trace_binary.c. */

#include <stdio.h>

#include "ephmap/trace.h"

#define TRACE_BINARY_MAGIC                                                     \
	"\x89"                                                                 \
	"EPHMAP\n"
#define TRACE_BINARY_MAGIC_BYTES 8u
#define TRACE_BLOCK_OPS		 16384u

struct trace_binary;

/*
 * The reader; functions as those of trace.h.  `fd` can seek and belongs to
 * the reader from now on, also on failure; `path` is for messages.
 */
int eph__trace_binary_open(
    const char *path, int fd, struct trace_binary **tp, struct eph_err *err);
void eph__trace_binary_close(struct trace_binary *t);
const struct eph_trace_meta *eph__trace_binary_meta(
    const struct trace_binary *t);
int eph__trace_binary_next(struct trace_binary *t, const struct eph_op **opsp,
    size_t *np, struct eph_err *err);
int eph__trace_binary_rewind(struct trace_binary *t, struct eph_err *err);
void eph__trace_binary_where(
    const struct trace_binary *t, uint64_t line, char *buf, size_t size);
uint64_t eph__trace_binary_line(const struct trace_binary *t, size_t i);
uint64_t eph__trace_binary_page_name(
    const struct trace_binary *t, uint32_t page);
uint64_t eph__trace_binary_handle_name(const struct trace_binary *t, size_t i);

/* One block of operations with their names, as it is written. */
struct trace_block {
	uint32_t n;
	uint32_t nnames;   /* pages seen first here */
	uint32_t nhandles; /* its m operations */
	struct eph_op ops[TRACE_BLOCK_OPS];
	uint64_t names[TRACE_BLOCK_OPS];   /* in order of first sight */
	uint64_t handles[TRACE_BLOCK_OPS]; /* in order of the m's */
};

/* The encoder writes to a stream that the caller owns and can seek. */
struct trace_encoder;

/* Both return 0 or an errno value. */
int eph__trace_encoder_open(FILE *f, struct trace_encoder **ep);
int eph__trace_encoder_block(
    struct trace_encoder *e, const struct trace_block *b);

/* Write the header, which makes the file whole. */
int eph__trace_encoder_finish(
    struct trace_encoder *e, const struct eph_trace_meta *meta);
void eph__trace_encoder_close(struct trace_encoder *e);

#endif /* !TRACE_TRACE_BINARY_H */

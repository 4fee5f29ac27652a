/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TRACE_TRACE_TEXT_H
#define TRACE_TRACE_TEXT_H

/* The text form: its reader.  Functions as those of trace.h. */

#include "ephmap/trace.h"
#include "trace/input.h"

/* First line of a text trace, and what the version in it is. */
#define TRACE_TEXT_MAGIC   "ephmap-trace "
#define TRACE_TEXT_VERSION "1"

struct trace_text;

/*
 * Read `in`, which is at its start, through once.  On success the reader
 * owns `in`; on failure the caller still does.
 */
int eph__trace_text_open(
    struct input *in, struct trace_text **tp, struct eph_err *err);
void eph__trace_text_close(struct trace_text *t);
const struct eph_trace_meta *eph__trace_text_meta(const struct trace_text *t);
int eph__trace_text_next(struct trace_text *t, const struct eph_op **opsp,
    size_t *np, struct eph_err *err);
int eph__trace_text_rewind(struct trace_text *t, struct eph_err *err);
void eph__trace_text_where(
    const struct trace_text *t, uint64_t line, char *buf, size_t size);
uint64_t eph__trace_text_line(const struct trace_text *t, size_t i);
uint64_t eph__trace_text_page_name(const struct trace_text *t, uint32_t page);
uint64_t eph__trace_text_handle_name(const struct trace_text *t, size_t i);

#endif /* !TRACE_TRACE_TEXT_H */

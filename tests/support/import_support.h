/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef IMPORT_SUPPORT_H
#define IMPORT_SUPPORT_H

/* Import a log given as bytes and look at the text trace it becomes. */

#include "ephmap/import.h"
#include "temp_file.h"

struct imported {
	int error;
	struct eph_err err;
	struct eph_import_result res;
	char *text; /* without its first line; NULL when refused */
};

static inline struct imported
import_bytes(struct temp_dir *tmp, const char *log, size_t n,
    const struct eph_import_options *o)
{
	struct imported got = { 0 };
	struct eph_trace_writer *w;
	char in[512], out[512];
	size_t size = 0;
	char *all;

	(void)snprintf(in, sizeof(in), "%s", temp_path(tmp, "log"));
	(void)snprintf(out, sizeof(out), "%s", temp_path(tmp, "out"));
	got.error = temp_write(in, log, n);
	if (got.error == 0)
		got.error =
		    eph_trace_writer_open(out, EPH_TRACE_TEXT, &w, &got.err);
	if (got.error != 0)
		return (got);
	got.error = eph_trace_import(in, o, w, &got.res, &got.err);
	if (got.error != 0) {
		eph_trace_writer_abort(w);
		return (got);
	}
	got.error = eph_trace_writer_commit(w, &got.err);
	if (got.error == 0 && (all = temp_read(out, &size)) != NULL) {
		got.text = strdup(all + strlen("ephmap-trace 1\n"));
		free(all);
	}
	return (got);
}

static inline struct imported
import_text(struct temp_dir *tmp, const char *log, const char *from)
{
	struct eph_import_options o = { 0 };

	o.from = from;
	return (import_bytes(tmp, log, strlen(log), &o));
}

/* Assert what a log becomes. */
#define ASSERT_IMPORTS(log, from, expect)                                      \
	do {                                                                   \
		struct imported got_ = import_text(&tmp, (log), (from));       \
                                                                               \
		if (got_.error != 0)                                           \
			(void)fprintf(stderr, "%s\n", got_.err.text);          \
		CU_ASSERT_EQUAL(got_.error, 0);                                \
		if (got_.text != NULL && strcmp(got_.text, (expect)) != 0)     \
			(void)fprintf(stderr, "got:\n%s", got_.text);          \
		CU_ASSERT_TRUE(                                                \
		    got_.text != NULL && strcmp(got_.text, (expect)) == 0);    \
		free(got_.text);                                               \
	} while (0)

/* Assert that a log is refused, with a message that has `expect` in it. */
#define ASSERT_REFUSES(log, from, expect)                                      \
	do {                                                                   \
		struct imported got_ = import_text(&tmp, (log), (from));       \
                                                                               \
		CU_ASSERT_EQUAL(got_.error, EINVAL);                           \
		if (strstr(got_.err.text, (expect)) == NULL)                   \
			(void)fprintf(stderr, "got: %s\n", got_.err.text);     \
		CU_ASSERT_PTR_NOT_NULL(strstr(got_.err.text, (expect)));       \
		free(got_.text);                                               \
	} while (0)

#endif /* !IMPORT_SUPPORT_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/* Numbers, dates and words, where the library's readers take them apart. */

#include <stdlib.h>
#include <string.h>

#include "ephmap/names.h"
#include "trace/calls.h"
#include "trace/numeral.h"
#include "trace/table.h"
#include "trace/tracepoint.h"

#include "fuzz.h"

static void
run_numbers(const uint8_t *data, size_t n)
{
	char *s = fuzz_text(data, n);
	const char *end, *p = s;
	uint64_t v, task, cpu;

	(void)eph__digits(s, n, &v);
	for (int scale = 0; scale <= 9; scale += 3)
		(void)eph__decimal(s, n, scale, &v);
	(void)eph__date(s, &end, &v);
	(void)eph__strace_number(s, &end, &v);
	(void)eph__tracepoint_number(&p, 16, &v);
	(void)eph__tracepoint_head(s, s + strlen(s), &task, &cpu, &v);
	free(s);
}

/* Words of a line of strace. */
static void
run_strace_words(const uint8_t *data, size_t n)
{
	char *s = fuzz_text(data, n), *argv[8], *start;
	struct words w = { 0 };
	struct fd_word fd;
	size_t len;

	(void)eph__strace_handler(s, strcspn(s, "("));
	if (eph__strace_cut(s, &w)) {
		(void)eph__strace_result_number(&w, &(uint64_t){ 0 });
		(void)eph__strace_first_end(w.args);
		for (size_t i = eph__strace_split(w.args, argv, 8); i-- > 0;) {
			(void)eph__strace_arg_fd(argv[i], &fd);
			(void)eph__strace_string(argv[i], &start, &len);
		}
	}
	free(s);
}

/* A row of a table, cut at the delimiter that is its first byte. */
static void
run_row(const uint8_t *data, size_t n)
{
	struct table_field f[TABLE_COLUMNS + 1];
	char *s;

	if (n == 0)
		return;
	s = fuzz_text(data + 1, n - 1);
	(void)eph__table_cut((char)data[0], s, strlen(s), f);
	free(s);
}

/* What is quoted in a message, and how near a name is. */
static void
run_escape(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "clf", "strace", "sf_buf.lru",
		NULL };
	char *s = fuzz_text(data, n), line[64];

	eph_text_escape(line, sizeof(line), s);
	if (strlen(line) >= sizeof(line) || strchr(line, '\n') != NULL)
		abort();
	(void)eph_nearest_name(s, names);
	free(s);
}

const struct fuzz_target fuzz_words[] = {
	{ "numbers", "numbers and dates", run_numbers },
	{ "strace-words", "a call of strace, taken apart", run_strace_words },
	{ "row", "a row of a table", run_row },
	{ "escape", "what a message quotes", run_escape },
	{ NULL, NULL, NULL },
};

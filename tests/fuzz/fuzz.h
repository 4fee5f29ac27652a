/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef FUZZ_H
#define FUZZ_H

/*
 * Fuzz targets: a reader or parser each, given any bytes.  What it says does
 * not matter; that it comes back does.  A target leaves nothing allocated.
 *
 * fuzz_main.c chooses a target; libFuzzer drives it where clang built it so,
 * else a driver of ours goes through files.
 */

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
	const char *name;
	const char *what;
	void (*run)(const uint8_t *data, size_t n);
};

/* Ended by a row without a name. */
extern const struct fuzz_target fuzz_files[];	/* of the library: files */
extern const struct fuzz_target fuzz_words[];	/* numbers and words */
extern const struct fuzz_target fuzz_program[]; /* of the program */

/* A file with these bytes; its path is good until the next call. */
const char *fuzz_file(const uint8_t *data, size_t n);

/* A copy that ends with NUL; free it. */
char *fuzz_text(const uint8_t *data, size_t n);

/*
 * The rest of the bytes after the first line, which *linep is a copy of, to be
 * freed.
 */
const uint8_t *fuzz_line(const uint8_t *data, size_t *n, char **linep);

#endif /* !FUZZ_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz TARGET [libFuzzer's options] CORPUS...
 * fuzz TARGET FILE|FOLDER...		without libFuzzer: each file once
 * fuzz list				the targets, one a line
 *
 * Bounds of every run: 256 KiB for a file that is written (a log of one line may
 * ask for a billion pages), and what libFuzzer is told (tests/fuzz/run.sh):
 * 1 GiB of memory in all and at once, 10 seconds.
 */

#define _GNU_SOURCE /* memfd_create */

#include "fuzz.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITTEN_MAX ((rlim_t)256 << 10)

static const struct fuzz_target *const tables[] = { fuzz_files, fuzz_words,
	fuzz_program };
static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

const char *
fuzz_file(const uint8_t *data, size_t n)
{
	static char path[48];
	static int fd = -1;

	if (fd >= 0)
		(void)close(fd);
	if ((fd = memfd_create("fuzz", MFD_CLOEXEC)) < 0 ||
	    write(fd, data, n) != (ssize_t)n)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (path);
}

char *
fuzz_text(const uint8_t *data, size_t n)
{
	char *s = malloc(n + 1);

	if (s == NULL)
		abort();
	if (n > 0)
		memcpy(s, data, n);
	s[n] = '\0';
	return (s);
}

const uint8_t *
fuzz_line(const uint8_t *data, size_t *n, char **linep)
{
	const uint8_t *nl = *n > 0 ? memchr(data, '\n', *n) : NULL;
	const size_t len = nl != NULL ? (size_t)(nl - data) : *n;

	*linep = fuzz_text(data, len);
	*n -= nl != NULL ? len + 1 : len;
	return (data + len + (nl != NULL));
}

static const struct fuzz_target *
find(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct fuzz_target *f = tables[t]; f->name != NULL;
		     f++) {
			if (strcmp(f->name, name) == 0)
				return (f);
		}
	}
	return (NULL);
}

static int
list(void)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct fuzz_target *f = tables[t]; f->name != NULL;
		     f++)
			(void)printf("%-20s %s\n", f->name, f->what);
	}
	return (fflush(stdout) == 0 ? 0 : 1);
}

/* The target is the first word, which libFuzzer does not know. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct rlimit most = { WRITTEN_MAX, WRITTEN_MAX };

	if (*argc == 2 && strcmp((*argv)[1], "list") == 0)
		exit(list());
	if (*argc < 2 || (target = find((*argv)[1])) == NULL) {
		(void)fprintf(stderr, "fuzz: expected TARGET, one of list\n");
		exit(2);
	}
	(*argv)[1] = (*argv)[0];
	++*argv;
	--*argc;
	(void)signal(SIGXFSZ, SIG_IGN);
	return (setrlimit(RLIMIT_FSIZE, &most));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	target->run(data, n);
	return (0);
}

#ifndef FUZZ_LIBFUZZER

static unsigned
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t n = 0, cap = 0, got;

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	do {
		cap += 65536;
		if ((bytes = realloc(bytes, cap)) == NULL)
			abort();
		got = fread(bytes + n, 1, cap - n, f);
		n += got;
	} while (got > 0);
	(void)fclose(f);
	/* Of its own size, so that a sanitizer sees its end. */
	if (n > 0 && (bytes = realloc(bytes, n)) == NULL)
		abort();
	(void)LLVMFuzzerTestOneInput(bytes, n);
	free(bytes);
	return (1);
}

static unsigned
run_path(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	unsigned n = 0;
	char file[4096];

	if (dir == NULL)
		return (run_file(path));
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		n += run_file(file);
	}
	(void)closedir(dir);
	return (n);
}

int
main(int argc, char **argv)
{
	const int out = dup(STDOUT_FILENO);
	unsigned n = 0;

	(void)LLVMFuzzerInitialize(&argc, &argv);
	/* What is said does not matter here. */
	if (freopen("/dev/null", "w", stdout) == NULL)
		return (2);
	for (int i = 1; i < argc; i++)
		n += run_path(argv[i]);
	(void)dprintf(out, "%s: %u inputs\n", target->name, n);
	return (n > 0 ? 0 : 1);
}

#endif /* !FUZZ_LIBFUZZER */

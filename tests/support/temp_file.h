/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef TEMP_FILE_H
#define TEMP_FILE_H

/*
 * Files of a test: a directory of its own under TMPDIR, removed at exit
 * of the suite, and whole files in and out.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct temp_dir {
	char dir[200];
	char path[512]; /* made by temp_path() last */
};

static inline int
temp_dir_make(struct temp_dir *t)
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(t->dir, sizeof(t->dir), "%.150s/ephmap-test.XXXXXX",
	    base != NULL ? base : P_tmpdir);
	return (mkdtemp(t->dir) != NULL ? 0 : 1);
}

static inline const char *
temp_path(struct temp_dir *t, const char *name)
{
	(void)snprintf(t->path, sizeof(t->path), "%s/%s", t->dir, name);
	return (t->path);
}

/* Remove the directory; returns how many files were left in it. */
static inline int
temp_dir_remove(struct temp_dir *t)
{
	DIR *d = opendir(t->dir);
	struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		(void)unlink(temp_path(t, e->d_name));
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(t->dir);
	return (n);
}

static inline int
temp_count(struct temp_dir *t)
{
	DIR *d = opendir(t->dir);
	struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		(void)closedir(d);
	return (n);
}

/* A new file: ext4 waits for the disk where one that has contents is cut. */
static inline int
temp_write(const char *path, const void *bytes, size_t n)
{
	FILE *f;
	int bad;

	(void)unlink(path);
	if ((f = fopen(path, "wb")) == NULL)
		return (1);
	bad = n > 0 && fwrite(bytes, 1, n, f) != n;
	return (fclose(f) != 0 || bad);
}

/* The whole file, ended by NUL; the caller frees it. */
static inline char *
temp_read(const char *path, size_t *np)
{
	FILE *f = fopen(path, "rb");
	char *bytes = NULL;
	long n;

	if (f == NULL)
		return (NULL);
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 &&
	    fseek(f, 0, SEEK_SET) == 0 &&
	    (bytes = calloc(1, (size_t)n + 1)) != NULL)
		*np = fread(bytes, 1, (size_t)n, f);
	(void)fclose(f);
	return (bytes);
}

#endif /* !TEMP_FILE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#include "whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

/* Where does the path lead, and can a file be put there? */
static int
find_place(struct whole_file *w, struct eph_err *err)
{
	struct stat st;

	if (stat(w->path, &st) != 0) {
		w->place = must_copy(w->path, strlen(w->path));
		return (0);
	}
	if (S_ISDIR(st.st_mode))
		return (eph_err_set(err, EISDIR,
		    "%s: is a directory; expected a file name", w->path));
	if (!S_ISREG(st.st_mode))
		return (eph_err_set(err, EINVAL,
		    "%s: not a regular file; expected a file name", w->path));
	if ((w->place = realpath(w->path, NULL)) == NULL)
		return (eph_err_set(
		    err, errno, "%s: %s", w->path, strerror(errno)));
	return (0);
}

int
whole_file_open(struct whole_file *w, const char *path, struct eph_err *err)
{
	size_t n;
	int error;

	w->path = path;
	if ((error = find_place(w, err)) != 0)
		return (error);
	n = strlen(w->place) + 24;
	w->tmp = must_alloc(NULL, n, 1);
	(void)snprintf(w->tmp, n, "%s.%ld", w->place, (long)getpid());
	if ((w->f = fopen(w->tmp, "wb")) != NULL)
		return (0);
	error = eph_err_set(err, errno, "%s: %s", path, strerror(errno));
	free(w->place);
	free(w->tmp);
	return (error);
}

int
whole_file_close(
    struct whole_file *w, bool keep, int error, struct eph_err *err)
{
	errno = 0;
	if ((ferror(w->f) | fclose(w->f)) != 0 && error == 0)
		error = errno != 0 ? errno : EIO;
	if (error == 0 && keep && rename(w->tmp, w->place) != 0)
		error = errno;
	if (error != 0 || !keep)
		(void)unlink(w->tmp);
	if (keep && error != 0)
		(void)eph_err_set(err, error, "%s: cannot write: %s", w->path,
		    strerror(error));
	free(w->place);
	free(w->tmp);
	return (keep ? error : 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "ephmap/version.h"

int
eph__abi_check(const char *what, unsigned abi, struct eph_err *err)
{
	if (abi == EPHMAP_ABI)
		return (0);
	if (abi == 0)
		return (eph_err_set(err, EINVAL,
		    "%s: does not say for which interface it was built: its "
		    "row begins with .abi = EPHMAP_ABI",
		    what));
	return (eph_err_set(err, EINVAL,
	    "%s: built for interface %u, this is %u: build it again", what, abi,
	    EPHMAP_ABI));
}

int
eph__plugin_load(const struct plugin_row *p, const char *path,
    const void **rowp, struct eph_err *err)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const char *missing;
	const void *row;
	int error;

	if (object == NULL)
		return (eph_err_set(err, ENOENT, "%s", dlerror()));
	if ((row = dlsym(object, p->symbol)) == NULL)
		error = eph_err_set(err, ESRCH,
		    "%s: exports no %s; a plug-in defines 'const %s %s'", path,
		    p->symbol, p->type, p->symbol);
	else if ((error = eph__abi_check(path, *(const unsigned *)row, err)) ==
		0 &&
	    (missing = p->missing(row)) != NULL)
		error = eph_err_set(err, EINVAL,
		    "%s: %s.%s is not set, and every %s has one", path,
		    p->symbol, missing, p->noun);
	if (error != 0) {
		(void)dlclose(object);
		return (error);
	}
	*rowp = row;
	return (0);
}

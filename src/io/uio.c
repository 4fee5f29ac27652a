/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * uio: scatter and gather of the caller's buffers.
 *
 * The entries are copied once, so that stepping through them leaves the
 * caller's array alone and the same array can be sent again.
 */

#include "ephmap/kernel/uio.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/kassert.h"

/* Total length, or SIZE_MAX if it does not fit an int. */
static size_t
iov_total(const struct eph_iovec *iov, unsigned iovcnt)
{
	size_t total = 0;

	for (unsigned i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > (size_t)INT_MAX - total)
			return (SIZE_MAX);
		total += iov[i].iov_len;
	}
	return (total);
}

int
iov_to_uio(struct eph_machine *mc, const struct eph_iovec *iov, unsigned iovcnt,
    enum eph_uio_rw rw, struct eph_uio **uiop)
{
	struct eph_uio *uio;
	size_t total;

	if (iovcnt > EPH_IOV_MAX ||
	    (total = iov_total(iov, iovcnt)) == SIZE_MAX)
		return (EINVAL);
	if ((uio = eph_machine_alloc(mc, sizeof(*uio))) == NULL)
		return (ENOMEM);
	if (iovcnt > 0) {
		uio->uio_copy = eph_machine_alloc(mc, iovcnt * sizeof(*iov));
		if (uio->uio_copy == NULL) {
			eph_machine_free(mc, uio, sizeof(*uio));
			return (ENOMEM);
		}
		memcpy(uio->uio_copy, iov, iovcnt * sizeof(*iov));
	}
	uio->uio_mc = mc;
	uio->uio_niov = iovcnt;
	uio->uio_iov = uio->uio_copy;
	uio->uio_iovcnt = iovcnt;
	uio->uio_resid = total;
	uio->uio_rw = rw;
	*uiop = uio;
	return (0);
}

void
uio_free(struct eph_uio *uio)
{
	if (uio == NULL)
		return;
	if (uio->uio_copy != NULL)
		eph_machine_free(uio->uio_mc, uio->uio_copy,
		    uio->uio_niov * sizeof(*uio->uio_copy));
	eph_machine_free(uio->uio_mc, uio, sizeof(*uio));
}

size_t
uiomove(void *cp, size_t n, struct eph_uio *uio)
{
	size_t moved = 0;

	while (moved < n && uio->uio_resid > 0) {
		struct eph_iovec *iov = uio->uio_iov;
		size_t len = n - moved;

		KASSERT(uio->uio_iovcnt > 0, "bytes left but no buffer");
		if (len > iov->iov_len)
			len = iov->iov_len;
		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		if (uio->uio_rw == EPH_UIO_WRITE)
			memcpy((char *)cp + moved, iov->iov_base, len);
		else
			memcpy(iov->iov_base, (char *)cp + moved, len);
		iov->iov_base = (char *)iov->iov_base + len;
		iov->iov_len -= len;
		uio->uio_resid -= len;
		moved += len;
	}
	return (moved);
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "ephmap/kernel/socow.h"

#include <errno.h>

#include "ephmap/kernel/sleepq.h"

/*
 * One page by reference.  The order matters: held while it is looked up,
 * wired by sendfile_page(), marked, then let go: from the wire on a writer
 * gets a frame of its own.
 */
static int
socow_setup(struct sendfile_env *env, struct uspace *us, eph_uva_t uva,
    struct mbuf **mbp)
{
	struct vm_page *m;
	int error;

	if ((error = uspace_hold(us, uva, UPROT_READ, &m)) != 0)
		return (error);
	error = sendfile_page(env, m, 0, EPH_PAGE_SIZE, SFB_CATCH, mbp);
	if (error == 0)
		uspace_cow(us, uva, EPH_PAGE_SIZE);
	vm_page_unhold(env->mp->mc, m);
	return (error);
}

/* The plain way. */
static int
so_copy(struct sendfile_env *env, struct uspace *us, eph_uva_t uva, size_t n,
    struct mbuf **mbp)
{
	char buf[EPH_PAGE_SIZE];
	struct mbuf *m;
	int error;

	if ((error = copyin(us, uva, buf, n)) != 0)
		return (error);
	if (eph_machine_fails(env->mp->mc, EPH_FAULT_ALLOC) ||
	    (m = m_gethdr(env->mbufs, M_WAITOK, MT_DATA)) == NULL)
		return (ENOBUFS);
	if (!m_append(m, (int)n, buf)) {
		m_freem(m);
		return (ENOBUFS);
	}
	(void)m_fixhdr(m);
	*mbp = m;
	return (0);
}

static int
so_wait(struct sendfile_env *env, struct sendfile_socket *so)
{
	struct sockbuf *sb = &so->so_snd;
	int error = 0;

	sb_lock(sb);
	while (error == 0 && sbspace_locked(sb) == 0)
		error = sbwait_locked(sb, PCATCH);
	msleep_done(env->mp->mc);
	sb_unlock(sb);
	return (error);
}

int
sosend_copyin(struct sendfile_env *env, struct sendfile_socket *so,
    struct uspace *us, eph_uva_t uva, size_t n, size_t *sentp, size_t *copiedp)
{
	*sentp = 0;
	*copiedp = 0;
	while (*sentp < n) {
		const eph_uva_t at = uva + *sentp;
		const size_t room = EPH_PAGE_SIZE - (at & EPH_PAGE_MASK);
		const size_t here = n - *sentp < room ? n - *sentp : room;
		struct mbuf *m = NULL;
		int error = so_wait(env, so);

		if (error != 0)
			return (error);
		error = here == EPH_PAGE_SIZE ? socow_setup(env, us, at, &m)
					      : ENOBUFS;
		if (error == ENOBUFS || error == EINTR) {
			error = so_copy(env, us, at, here, &m);
			*copiedp += error == 0 ? here : 0;
		}
		if (error != 0)
			return (error);
		(void)m_fixhdr(m);
		so->so_send(so, m);
		*sentp += here;
	}
	return (0);
}

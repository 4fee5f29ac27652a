/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sendfile.  A pass waits for room, makes a packet of one page or of as
 * many as fit, and gives it to the protocol.  A failure in the middle of a
 * chain sends what is chained and ends the call there.
 */

#include "ephmap/kernel/sendfile.h"

#include <errno.h>
#include <string.h>

#include "ephmap/kernel/sleepq.h"

#define SO_SNDLOWAT 2048

/* Relaxed: statistics. */
static void
sf_count(_Atomic(uint64_t) *counter)
{
	(void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Does the design wire by itself? */
static bool
sf_wires(const struct sendfile_env *env)
{
	return ((env->mp->ops->flags & EPH_DESIGN_WIRES) == 0);
}

/* The last reference went; the mapping is gone already. */
static void
sf_done(struct mbuf_pool *mbufs, void *arg1, void *arg2)
{
	struct sendfile_env *env = arg1;

	if (sf_wires(env))
		vm_page_unwire(mbuf_pool_machine(mbufs), arg2);
}

static struct mbuf *
sf_gethdr(struct sendfile_env *env)
{
	if (eph_machine_fails(env->mp->mc, EPH_FAULT_ALLOC))
		return (NULL);
	return (m_gethdr(env->mbufs, M_WAITOK, MT_DATA));
}

/*
 * There is a mapping and no mbuf for it.  FreeBSD unwires too; DragonFly
 * did not.
 */
static int
sf_nombuf(struct sendfile_env *env, struct eph_mapped *mapped)
{
	struct vm_page *m = mapped->m;

	eph_mapper_unmap(env->mp, mapped);
	if (!sf_wires(env))
		return (ENOBUFS);
	if (env->form == SENDFILE_FREEBSD || env->repaired)
		vm_page_unwire(env->mp->mc, m);
	else
		sf_count(&env->stat.sf_wires_lost);
	return (ENOBUFS);
}

int
sendfile_page(struct sendfile_env *env, struct vm_page *m, size_t off,
    size_t len, unsigned flags, struct mbuf **mbp)
{
	struct eph_machine *mc = env->mp->mc;
	struct eph_mapped mapped;
	struct mbuf *mb;
	int error;

	if (sf_wires(env))
		vm_page_wire(mc, m);
	if ((error = eph_mapper_map(env->mp, m, flags, &mapped)) != 0) {
		sf_count(&env->stat.sf_allocfail);
		if (sf_wires(env))
			vm_page_unwire(mc, m);
		return (error == EAGAIN ? ENOBUFS : error);
	}
	if ((mb = sf_gethdr(env)) == NULL)
		return (sf_nombuf(env, &mapped));
	if (m_extmap(mb, &mapped.map, m, (int)off, (int)len, sf_done, env,
		M_WAITOK) != 0) {
		m_freem(mb);
		return (sf_nombuf(env, &mapped));
	}
	*mbp = mb;
	return (0);
}

/* The header as a packet. */
static struct mbuf *
sf_header(struct sendfile_env *env, const void *hdr, size_t hdrlen)
{
	struct mbuf *m = sf_gethdr(env);

	if (m == NULL)
		return (NULL);
	if (!m_append(m, (int)hdrlen, hdr)) {
		m_freem(m);
		return (NULL);
	}
	(void)m_fixhdr(m);
	return (m);
}

/* Wait for room; sets *spacep. */
static int
sf_space(struct sendfile_env *env, struct sendfile_socket *so, int *spacep)
{
	struct sockbuf *sb = &so->so_snd;
	const int least =
	    SO_SNDLOWAT < sb->sb_hiwat ? SO_SNDLOWAT : sb->sb_hiwat;
	int error = 0;

	sb_lock(sb);
	while (error == 0 && !sb->sb_cantsend && sbspace_locked(sb) < least) {
		sf_count(&env->stat.sf_sbwait);
		error = sbwait_locked(sb, PCATCH);
	}
	if (sb->sb_cantsend)
		error = EPIPE;
	msleep_done(env->mp->mc);
	*spacep = sbspace_locked(sb);
	sb_unlock(sb);
	return (error);
}

/* Give a packet to the protocol. */
static void
sf_send(struct sendfile_env *env, struct sendfile_socket *so, struct mbuf *m,
    uint64_t *sentp)
{
	const int len = m_fixhdr(m);

	sf_count(&env->stat.sf_packets);
	*sentp += (uint64_t)len;
	so->so_send(so, m);
}

/* What one pass may make: how many bytes, and how its mappings wait. */
struct sf_pass {
	struct sendfile_env *env;
	const struct sendfile_file *f;
	uint64_t off;
	uint64_t end;
	int space;
};

static unsigned
sf_flags(const struct sendfile_env *env, bool first)
{
	if (first || env->form != SENDFILE_FREEBSD)
		return (SFB_CATCH);
	return (SFB_NOWAIT);
}

/*
 * Append pages to the chain `m` (NULL: none yet), as many as the form and
 * the room allow.  Returns the chain; *errorp says why it stopped early.
 */
static struct mbuf *
sf_chain(struct sf_pass *ps, struct mbuf *m, int *errorp)
{
	bool first = true;

	*errorp = 0;
	while (ps->off < ps->end && (first || ps->space > 0)) {
		const size_t at = ps->off & EPH_PAGE_MASK;
		const uint64_t left = ps->end - ps->off;
		const size_t n = left < EPH_PAGE_SIZE - at ? (size_t)left
							   : EPH_PAGE_SIZE - at;
		struct mbuf *mb;

		*errorp = sendfile_page(ps->env, ps->f->page[eph_atop(ps->off)],
		    at, n, sf_flags(ps->env, first), &mb);
		if (*errorp != 0)
			break;
		if (m == NULL)
			m = mb;
		else
			m_cat(m, mb);
		ps->off += n;
		ps->space -= (int)n;
		first = false;
		if (ps->env->form == SENDFILE_DRAGONFLY)
			break;
	}
	return (m);
}

/*
 * The first packet starts with the header, or is the header.  Returns it,
 * or NULL: nothing to begin with, or *errorp is set.
 */
static struct mbuf *
sf_begin(struct sendfile_env *env, struct sendfile_socket *so, const void *hdr,
    size_t hdrlen, uint64_t *sentp, int *errorp)
{
	struct mbuf *m;

	*errorp = 0;
	if (hdrlen == 0)
		return (NULL);
	if ((m = sf_header(env, hdr, hdrlen)) == NULL) {
		*errorp = ENOBUFS;
		return (NULL);
	}
	if (env->header_joined)
		return (m);
	sf_send(env, so, m, sentp);
	return (NULL);
}

int
kern_sendfile(struct sendfile_env *env, struct sendfile_socket *so,
    const struct sendfile_file *f, uint64_t off, uint64_t n, const void *hdr,
    size_t hdrlen, uint64_t *sentp)
{
	struct sf_pass ps = { .env = env, .f = f, .off = off };
	struct mbuf *m;
	int error;

	sf_count(&env->stat.sf_syscalls);
	*sentp = 0;
	ps.end = n < f->size - off ? off + n : f->size;
	if ((error = sf_space(env, so, &ps.space)) != 0)
		return (error);
	m = sf_begin(env, so, hdr, hdrlen, sentp, &error);
	while (error == 0 && (ps.off < ps.end || m != NULL)) {
		const uint64_t before = ps.off;

		if ((error = sf_space(env, so, &ps.space)) == 0)
			m = sf_chain(&ps, m, &error);
		/* What is chained goes, even if the call ends there. */
		if (m != NULL && (error == 0 || ps.off > before))
			sf_send(env, so, m, sentp);
		else
			m_freem(m);
		m = NULL;
	}
	return (error);
}

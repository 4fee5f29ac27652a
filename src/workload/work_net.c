/* SPDX-License-Identifier: BSD-2-Clause */

#include "workload/work_net.h"

#include <errno.h>

#include "base/kassert.h"
#include "ephmap/kernel/sleepq.h"

#define COPY_TRIES 10000 /* stress modes fail one request in a few */

struct net_packet {
	struct net_conn *conn;
	struct mbuf *m; /* NULL: delivered, the acknowledgement is under way */
	int len;
	struct net_packet *next;
};

/* The lock is held by callers of these. */

static void
net_arrive(struct work_net *net, struct net_packet *p)
{
	p->next = NULL;
	*net->wire_last = p;
	net->wire_last = &p->next;
	wakeup(net->w->mc, net);
}

/* Some bytes of a connection are acknowledged. */
static void
net_acked(struct work_net *net, struct net_conn *conn, int len)
{
	conn->unacked += len;
	if (conn->in_acks)
		return;
	conn->in_acks = true;
	conn->next_ack = NULL;
	*net->acks_last = conn;
	net->acks_last = &conn->next_ack;
}

/* The interrupt: a packet came out of the link, or an acknowledgement in. */
static void
net_interrupt(struct eph_machine *mc, void *arg)
{
	struct net_packet *p = arg;
	struct work_net *net = p->conn->net;

	mutex_enter(mc, &net->mtx);
	net->in_flight--;
	if (p->m != NULL) {
		net_arrive(net, p);
	} else {
		net_acked(net, p->conn, p->len);
		eph_machine_free(mc, p, sizeof(*p));
		wakeup(mc, net);
	}
	mutex_exit(mc, &net->mtx);
}

/* Have it come up at `due_ns`, on the network thread's CPU. */
static void
net_later(struct work_net *net, struct net_packet *p, uint64_t due_ns)
{
	struct eph_machine *mc = net->w->mc;

	net->in_flight++;
	if (mc->exec->timer(mc, due_ns, mc->ncpus - 1, net_interrupt, p) != 0)
		PANIC("out of memory for a timer");
}

/* When the last byte of a packet that is sent now has left the link. */
static uint64_t
net_link(struct work_net *net, struct net_conn *conn, int len)
{
	const uint64_t now = eph_clock_ns(net->w->mc);

	if (net->cfg.rate == 0)
		return (now);
	if (conn->link_free_ns < now)
		conn->link_free_ns = now;
	conn->link_free_ns += (uint64_t)len * 1000000000u / net->cfg.rate;
	return (conn->link_free_ns);
}

/* Bytes [off, off + len) of a chain, for the wire; they share its storage. */
static struct net_packet *
net_packet(struct net_conn *conn, struct mbuf *m, int off, int len)
{
	struct net_packet *p = eph_machine_alloc(conn->net->w->mc, sizeof(*p));
	unsigned tries = 0;

	if (p == NULL)
		PANIC("out of memory for a packet");
	/* TCP would send again later; the stream is the same. */
	while ((p->m = m_copym(m, off, len, M_NOWAIT)) == NULL) {
		if (++tries == COPY_TRIES)
			PANIC("out of memory for a packet");
	}
	p->m = m_stress(p->m);
	p->conn = conn;
	p->len = len;
	p->next = NULL;
	return (p);
}

static void
net_transmit(struct work_net *net, struct net_packet *p)
{
	struct eph_machine *mc = net->w->mc;
	uint64_t due;

	mutex_enter(mc, &net->mtx);
	net->packets++;
	if ((due = net_link(net, p->conn, p->len)) > eph_clock_ns(mc))
		net_later(net, p, due);
	else
		net_arrive(net, p);
	mutex_exit(mc, &net->mtx);
}

/* False: the client is gone. */
static bool
net_append(struct sockbuf *sb, struct mbuf *m)
{
	bool gone;

	sb_lock(sb);
	if (!(gone = sb->sb_cantsend))
		sbappend_locked(sb, m);
	sb_unlock(sb);
	return (!gone);
}

/*
 * The protocol: all that is given goes at once, as with TCP_NODELAY; copies
 * for the wire, the original for the socket buffer, where it must be before
 * anything of it can be acknowledged.
 */
static void
net_send(struct sendfile_socket *so, struct mbuf *m)
{
	struct net_conn *conn = so->so_arg;
	const int all = m_length(m, NULL);
	const int most = conn->net->cfg.mss != 0 ? conn->net->cfg.mss : all;
	struct net_packet *first = NULL, **last = &first;

	for (int off = 0; off < all; off += most) {
		*last = net_packet(
		    conn, m, off, all - off < most ? all - off : most);
		last = &(*last)->next;
	}
	if (!net_append(&so->so_snd, m))
		m_freem(m);
	while (first != NULL) {
		struct net_packet *p = first;

		first = p->next;
		net_transmit(conn->net, p);
	}
}

/* What the device takes by physical address, without any mapping. */
static void
net_dma(struct work_net *net, struct mbuf *m, struct eph_digest *d)
{
	struct eph_machine *mc = net->w->mc;

	for (; m != NULL; m = m->m_next) {
		if ((m->m_flags & M_MAPPED) == 0)
			eph_digest_add(d, mc, m_host(m), 0, (size_t)m->m_len);
		else
			eph_digest_page(d, mc, m->m_ext.ext_page,
			    (size_t)(m->m_data - m->m_ext.ext_buf),
			    (size_t)m->m_len);
	}
}

/* What a checksum, or a copying driver, reads. */
static void
net_read(struct work_net *net, struct mbuf *m, struct eph_digest *d)
{
	char buf[EPH_PAGE_SIZE];

	for (; m != NULL; m = m->m_next) {
		for (int k = 0; k < m->m_len;) {
			const int left = m->m_len - k;
			const int n =
			    left < (int)sizeof(buf) ? left : (int)sizeof(buf);

			m_copydata(m, k, n, buf);
			eph_digest_add(d, net->w->mc, buf, 0, (size_t)n);
			k += n;
		}
	}
}

uint64_t
eph__work_net_wanted(const struct net_conn *conn, uint64_t n)
{
	const uint64_t quit = conn->net->cfg.quit;
	const uint64_t had = conn->sent.bytes;

	if (quit == 0 || had + n <= quit)
		return (n);
	return (had < quit ? quit - had : 0);
}

/* The client reads the packet, or as much as it still wants. */
static void
net_take(struct work_net *net, struct net_conn *conn, struct net_packet *p)
{
	const uint64_t left = net->cfg.quit - conn->arrived.bytes;
	const bool last = net->cfg.quit > 0 && (uint64_t)p->len >= left;

	if (last)
		m_adj(p->m, -(p->len - (int)left));
	if (net->cfg.dma)
		net_dma(net, p->m, &conn->arrived);
	else
		net_read(net, p->m, &conn->arrived);
	if (last) {
		conn->gone = true;
		socantsendmore(&conn->so.so_snd);
	}
}

static void
net_deliver(struct work_net *net, struct net_packet *p)
{
	struct eph_machine *mc = net->w->mc;
	struct net_conn *conn = p->conn;

	if (!conn->gone)
		net_take(net, conn, p);
	m_freem(p->m);
	p->m = NULL;
	mutex_enter(mc, &net->mtx);
	if (conn->gone) {
		eph_machine_free(mc, p, sizeof(*p));
	} else if (net->cfg.rtt_ns > 0) {
		net_later(net, p, eph_clock_ns(mc) + net->cfg.rtt_ns);
	} else {
		net_acked(net, conn, p->len);
		eph_machine_free(mc, p, sizeof(*p));
	}
	mutex_exit(mc, &net->mtx);
}

/* The lock is held, and let go meanwhile. */
static void
net_acknowledge(struct work_net *net)
{
	struct eph_machine *mc = net->w->mc;
	struct net_conn *conn = net->acks;
	const int len = conn->unacked;

	if ((net->acks = conn->next_ack) == NULL)
		net->acks_last = &net->acks;
	conn->in_acks = false;
	conn->unacked = 0;
	mutex_exit(mc, &net->mtx);
	if (!conn->gone) {
		sbdrop(&conn->so.so_snd, len);
		sowakeup(&conn->so.so_snd);
	}
	mutex_enter(mc, &net->mtx);
}

void
eph__work_net_run(struct work_net *net)
{
	struct eph_machine *mc = net->w->mc;

	mutex_enter(mc, &net->mtx);
	for (;;) {
		struct net_packet *p = net->wire;

		if (p != NULL) {
			if ((net->wire = p->next) == NULL)
				net->wire_last = &net->wire;
			mutex_exit(mc, &net->mtx);
			net_deliver(net, p);
			mutex_enter(mc, &net->mtx);
		} else if (net->acks != NULL) {
			net_acknowledge(net);
		} else if (net->senders > 0 || net->in_flight > 0) {
			(void)msleep(mc, net, &net->mtx, 0, "netisr", 0);
		} else {
			break;
		}
	}
	msleep_done(mc);
	mutex_exit(mc, &net->mtx);
}

void
eph__work_net_leave(struct work_net *net)
{
	mutex_enter(net->w->mc, &net->mtx);
	if (--net->senders == 0)
		wakeup(net->w->mc, net);
	mutex_exit(net->w->mc, &net->mtx);
}

int
eph__work_net_create(struct eph_work *w, struct mbuf_pool *mbufs,
    const struct work_net_config *cfg, struct work_net **netp)
{
	struct work_net *net = eph_work_alloc(w, sizeof(*net));

	if (net == NULL)
		return (ENOMEM);
	net->conn = eph_work_alloc(w, cfg->nconns * sizeof(*net->conn));
	if (net->conn == NULL) {
		eph_machine_free(w->mc, net, sizeof(*net));
		return (ENOMEM);
	}
	net->w = w;
	net->mbufs = mbufs;
	net->cfg = *cfg;
	net->senders = cfg->nconns;
	net->wire_last = &net->wire;
	net->acks_last = &net->acks;
	mutex_init(&net->mtx, "netisr");
	for (unsigned i = 0; i < cfg->nconns; i++) {
		struct net_conn *conn = &net->conn[i];

		sockbuf_init(&conn->so.so_snd, mbufs, cfg->sndbuf);
		conn->so.so_send = net_send;
		conn->so.so_arg = conn;
		conn->net = net;
	}
	*netp = net;
	return (0);
}

void
eph__work_net_destroy(struct work_net *net)
{
	struct eph_machine *mc;

	if (net == NULL)
		return;
	mc = net->w->mc;
	for (unsigned i = 0; i < net->cfg.nconns; i++) {
		struct net_conn *conn = &net->conn[i];

		eph_work_compare(net->w, &conn->sent, &conn->arrived);
		sockbuf_fini(&conn->so.so_snd);
	}
	eph_machine_free(mc, net->conn, net->cfg.nconns * sizeof(*net->conn));
	eph_machine_free(mc, net, sizeof(*net));
}

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_WORK_NET_H
#define WORKLOAD_WORK_NET_H

/*
 * The other end of the workloads that send: one network thread that
 * delivers packets, reads them as a driver or a receiver does, and
 * acknowledges them, which frees what the sender keeps in its socket.
 *
 * Every connection has a link of its own, on which its packets follow one
 * another at the link's rate; an acknowledgement comes `rtt' after the
 * delivery.  So a sender is limited by its socket buffer and by its link,
 * and one that sleeps for a mapping sends nothing meanwhile.
 *
 * With neither rate nor rtt no time passes, and acknowledgements come late:
 * only when nothing is on the wire.  Senders then fill their socket
 * buffers, and mappings are held for as long as these allow.
 *
 * A client may go away after so many bytes of its connection: what is on
 * its way to it is lost then, and the sender gets EPIPE.
 *
 * What is on its way is with the machine's timers; their interrupts hand it
 * to the network thread.
 */

#include "ephmap/sdk/digest.h"
#include "ephmap/kernel/sendfile.h"
#include "ephmap/sdk/workload.h"
#include "ephmap/workload.h"

struct net_packet;

struct net_conn {
	struct sendfile_socket so;
	struct work_net *net;
	struct eph_digest sent;	   /* the sender's: what it was told */
	struct eph_digest arrived; /* the network thread's */
	uint64_t link_free_ns;	   /* (l) when the link has sent all it has */
	int unacked;		   /* (l) acknowledged, still in the socket */
	bool gone;		   /* (n) the client */
	bool in_acks;		   /* (l) */
	struct net_conn *next_ack; /* (l) */
};

struct work_net_config {
	unsigned nconns;
	int sndbuf;	 /* bytes of each socket buffer */
	bool dma;	 /* the CPU does not look at the data */
	int mss;	 /* most bytes a packet; 0: as the sender made them */
	uint64_t rate;	 /* bytes a second of each link; 0: no limit */
	uint64_t rtt_ns; /* from delivery to acknowledgement */
	uint64_t quit;	 /* clients go after so many bytes; 0: never */
};

struct work_net {
	struct eph_work *w;
	struct mbuf_pool *mbufs;
	struct work_net_config cfg;
	struct eph_mutex mtx;
	unsigned senders;	 /* (l) that have not left */
	uint64_t in_flight;	 /* (l) with the timers */
	uint64_t packets;	 /* (l) that went out */
	struct net_packet *wire; /* (l) oldest first */
	struct net_packet **wire_last;
	struct net_conn *acks; /* (l) with something acknowledged */
	struct net_conn **acks_last;
	struct net_conn *conn;
};

/* Returns 0 and sets *netp, or ENOMEM. */
int eph__work_net_create(struct eph_work *w, struct mbuf_pool *mbufs,
    const struct work_net_config *cfg, struct work_net **netp);

/* How much of `n` more bytes of the sender's the client will read. */
uint64_t eph__work_net_wanted(const struct net_conn *conn, uint64_t n);

/* Compare what was sent with what arrived, and free.  NULL is accepted. */
void eph__work_net_destroy(struct work_net *net);

/* The body of the network thread; ends when all senders have left. */
void eph__work_net_run(struct work_net *net);
void eph__work_net_leave(struct work_net *net);

#endif /* !WORKLOAD_WORK_NET_H */

/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef WORKLOAD_WORK_NET_H
#define WORKLOAD_WORK_NET_H

/*
 * The other end of the workloads that send: one network thread that
 * delivers packets, reads them as a driver or a receiver does, and
 * acknowledges them, which frees what the sender keeps in its socket.
 *
 * Acknowledgements come late: only when nothing is on the wire.  Senders
 * then fill their socket buffers, and mappings are held for as long as
 * these allow.
 */

#include "ephmap/digest.h"
#include "ephmap/sendfile.h"
#include "ephmap/workload.h"

struct net_packet;

struct net_conn {
	struct sendfile_socket so;
	struct work_net *net;
	struct eph_digest sent;	   /* the sender's: what it was told */
	struct eph_digest arrived; /* the network thread's */
	int unacked;		   /* (l) delivered */
	bool in_acks;		   /* (l) */
	struct net_conn *next_ack; /* (l) */
};

struct work_net {
	struct eph_work *w;
	struct mbuf_pool *mbufs;
	struct eph_mutex mtx;
	bool dma;		 /* the CPU does not look at the data */
	unsigned senders;	 /* (l) that have not left */
	struct net_packet *wire; /* (l) oldest first */
	struct net_packet **wire_last;
	struct net_conn *acks; /* (l) with something to acknowledge */
	struct net_conn **acks_last;
	unsigned nconns;
	struct net_conn *conn;
};

/* Connections with socket buffers of `sndbuf` bytes.  0 or ENOMEM. */
int work_net_create(struct eph_work *w, struct mbuf_pool *mbufs,
    unsigned nconns, int sndbuf, bool dma, struct work_net **netp);

/* Compare what was sent with what arrived, and free.  NULL is accepted. */
void work_net_destroy(struct work_net *net);

/* The body of the network thread; ends when all senders have left. */
void work_net_run(struct work_net *net);
void work_net_leave(struct work_net *net);

#endif /* !WORKLOAD_WORK_NET_H */

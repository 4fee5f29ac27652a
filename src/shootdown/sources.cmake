set(EPHMAP_SOURCES
    acked_invlpg.c
    broadcast.c
    early_ack.c
    mach_queue.c
    rendezvous.c
    shootdowns.c
    unacked_flush.c)

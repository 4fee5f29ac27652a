set(EPHMAP_SOURCES
    acked_invlpg.c
    rendezvous.c
    shootdowns.c
    unacked_flush.c)

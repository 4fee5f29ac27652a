set(EPHMAP_SOURCES
    boot.c
    ipiq.c
    kva.c
    pmap.c
    sleepq.c)

set(EPHMAP_SOURCES
    boot.c
    ipiq.c
    kva.c
    objcache.c
    pmap.c
    sleepq.c)

set(EPHMAP_SOURCES
    lockstep.c)

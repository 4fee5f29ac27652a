set(EPHMAP_SOURCES
    world.c)

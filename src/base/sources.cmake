set(EPHMAP_SOURCES
    counters.c
    err.c
    fiber.c
    kassert.c
    mem.c
    names.c
    prng.c)

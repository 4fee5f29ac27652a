set(EPHMAP_SOURCES
    op_source.c
    replay.c
    replay_log.c)

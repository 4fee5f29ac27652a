set(EPHMAP_SOURCES
    op_source.c
    replay.c
    replay_log.c)
list(APPEND EPHMAP_SOURCES run.c)
list(APPEND EPHMAP_SOURCES workload.c workload_parse.c work_pipe.c)

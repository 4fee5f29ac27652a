set(EPHMAP_SOURCES
    policy_run.c
    refs.c
    table.c)

set(EPHMAP_SOURCES
    explore.c
    explore_dfs.c
    explore_pick.c
    explore_schedule.c
    lockstep.c
    threads.c)

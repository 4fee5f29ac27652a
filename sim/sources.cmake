set(EPHMAP_SOURCES
    cmd_trace.c
    main.c
    options.c
    progress.c)

set(EPHMAP_SOURCES
    main.c
    options.c
    progress.c)

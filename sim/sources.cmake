set(EPHMAP_SOURCES
    main.c)

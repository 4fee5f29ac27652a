set(EPHMAP_SOURCES
    access.c
    bind.c
    machine.c
    models.c
    tlb.c
    tlbclock.c
    vm_page.c)

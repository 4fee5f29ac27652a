# A new importer is found.
file(GLOB EPHMAP_IMPORTERS CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_CURRENT_LIST_DIR}/import_*.c)
set(EPHMAP_SOURCES
    ${EPHMAP_IMPORTERS}
    bsd_sendfile.c
    calls_files.c
    calls_finish.c
    calls_io.c
    calls_queue.c
    calls_tasks.c
    generate.c
    idmap.c
    import.c
    weblog.c
    input.c
    ledger.c
    names.c
    numeral.c
    strace_calls.c
    strace_io.c
    strace_words.c
    table.c
    tlb_record.c
    trace.c
    trace_binary.c
    trace_binary_read.c
    trace_binary_write.c
    trace_rate.c
    trace_text.c
    trace_writer.c
    tracepoint.c
    unpack.c
    unpack_bzip2.c
    unpack_gzip.c
    unpack_lz4.c
    unpack_xz.c
    unpack_zstd.c)

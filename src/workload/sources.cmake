set(EPHMAP_SOURCES
    op_source.c
    replay.c
    replay_error.c
    replay_handles.c
    replay_log.c
    replay_marks.c
    replay_spread.c
    replay_threads.c
    replay_time.c)
list(APPEND EPHMAP_SOURCES run.c)
list(APPEND EPHMAP_SOURCES work.c workload.c workload_parse.c workload_table.c work_pipe.c)
list(APPEND EPHMAP_SOURCES work_server.c work_md.c work_exec.c work_ptrace.c work_pager.c work_rawio.c)
list(APPEND EPHMAP_SOURCES work_net.c work_sendfile.c work_zerocopy.c work_bufcache.c work_fs.c work_msg.c work_cluster.c)
list(APPEND EPHMAP_SOURCES workload_tap.c)

# Tests of kind `unit'.
ephmap_test(unit test_generate)
ephmap_test(unit test_import_logs)
ephmap_test(unit test_import_strace)
ephmap_test(unit test_percpu_slots)
ephmap_test(unit test_trace_binary)
ephmap_test(unit test_trace_fuzz)
ephmap_test(unit test_trace_text)
ephmap_test(unit test_mrc)

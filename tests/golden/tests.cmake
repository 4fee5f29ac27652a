# Tests of kind `golden'.
add_test(NAME golden.runs
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/golden/golden.sh
    $<TARGET_FILE:ephmap_program>)
set_tests_properties(golden.runs PROPERTIES LABELS golden TIMEOUT ${TEST_PATIENCE})
ephmap_test(golden test_real_traces)
ephmap_test(golden test_policy_hits)
target_compile_definitions(test_policy_hits PRIVATE
    GOLDEN_FILE="${CMAKE_SOURCE_DIR}/tests/golden/policy_hits.tsv")
ephmap_test(golden test_policy_hits LONG ARGS --long)
ephmap_test(golden test_shards)
ephmap_test(golden test_shards LONG ARGS --long)

# Tests of kind `golden'.
add_test(NAME golden.runs
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/golden/golden.sh
    $<TARGET_FILE:ephmap_program>)
set_tests_properties(golden.runs PROPERTIES LABELS golden TIMEOUT 120)
ephmap_test(golden test_real_traces)

# A real kernel under emulation; outside CI.
add_test(NAME emulated.all
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/emulated/emulated.sh
        $<TARGET_FILE:ephmap_program>)
set_tests_properties(emulated.all PROPERTIES LABELS "emulated;long"
    ENVIRONMENT "EPHMAP_EMULATED_BUILD=${CMAKE_BINARY_DIR}/emulated"
    RUN_SERIAL ON TIMEOUT 5400)

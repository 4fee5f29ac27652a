# Other compilers, C libraries and machines; outside CI.
add_test(NAME platforms.all
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/platforms.sh)
set_tests_properties(platforms.all PROPERTIES LABELS "platforms;long"
    RUN_SERIAL ON TIMEOUT 14400)

# Tests of kind `model'.
ephmap_test(model model_events)
target_sources(model_events PRIVATE tests/model/naive_machine.c)
ephmap_test(model model_events LONG ARGS --long)
ephmap_test(model test_policy)
target_sources(test_policy PRIVATE tests/model/naive_policies.c
    tests/model/naive_recent.c tests/model/naive_learned.c
    tests/model/naive_tinylfu.c)
ephmap_test(model test_policy LONG ARGS --long)
ephmap_test(model model_designs)
ephmap_test(model model_designs LONG ARGS --long)
ephmap_test(model model_mbuf)
ephmap_test(model model_mbuf LONG ARGS --long)
ephmap_test(model model_consumers)
ephmap_test(model model_consumers LONG ARGS --long)
target_compile_definitions(model_consumers PRIVATE
    SAMPLES="${CMAKE_SOURCE_DIR}/tests/samples")
ephmap_test(model model_best)
target_compile_definitions(model_best PRIVATE
    SAMPLE="${CMAKE_SOURCE_DIR}/tests/samples/nginx-nasa.ept")
ephmap_test(model model_best LONG ARGS --long)
ephmap_test(model model_events_lwbuf)
target_sources(model_events_lwbuf PRIVATE tests/model/naive_machine.c)
ephmap_test(model model_events_lwbuf LONG ARGS --long)
ephmap_test(model model_events_others)
target_sources(model_events_others PRIVATE tests/model/naive_machine.c)
ephmap_test(model model_events_others LONG ARGS --long)
ephmap_test(model model_erratum)
ephmap_test(model model_faults)
ephmap_test(model model_faults LONG ARGS --long)
ephmap_test(model model_shootdowns)
ephmap_test(model model_shootdowns LONG ARGS --long)
ephmap_test(model model_rules)
add_library(plugin_refused MODULE tests/model/plugin_refused.c)
target_include_directories(plugin_refused PRIVATE include)
target_link_libraries(plugin_refused PRIVATE ephmap_flags)
add_dependencies(model_rules plugin_refused)
target_compile_definitions(model_rules PRIVATE
    PLUGIN_REFUSED="$<TARGET_FILE:plugin_refused>")
ephmap_test(model model_museum)
target_sources(model_museum PRIVATE tests/model/naive_machine.c
    tests/model/museum_others.c tests/model/museum_xen.c)
ephmap_test(model model_museum LONG ARGS --long)

# The clocks twice: the library's, and naive ones linked in their place.
add_executable(clock_dump tests/model/clock_dump.c)
target_link_libraries(clock_dump PRIVATE test_support)
add_executable(clock_dump_naive tests/model/clock_dump.c
    tests/model/naive_clock.c)
target_link_libraries(clock_dump_naive PRIVATE test_support)
add_test(NAME model.clock COMMAND sh ${CMAKE_SOURCE_DIR}/tests/model/clock.sh
    $<TARGET_FILE:clock_dump> $<TARGET_FILE:clock_dump_naive> 4)
set_tests_properties(model.clock PROPERTIES LABELS model TIMEOUT ${TEST_PATIENCE})
add_test(NAME model.clock.long
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/model/clock.sh
    $<TARGET_FILE:clock_dump> $<TARGET_FILE:clock_dump_naive> 300)
set_tests_properties(model.clock.long PROPERTIES LABELS "model;long" TIMEOUT 3600)

# Tests of kind `cli': shell scripts, which get the program as an argument.
function(ephmap_cli_test name)
  add_test(NAME cli.${name}
      COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/${name}.sh
      $<TARGET_FILE:ephmap_program> ${ARGN})
  set_tests_properties(cli.${name} PROPERTIES LABELS cli TIMEOUT ${TEST_PATIENCE})
endfunction()

ephmap_cli_test(bad_traces)
ephmap_cli_test(claims)
ephmap_cli_test(input)
ephmap_cli_test(log)
ephmap_cli_test(machines)
ephmap_cli_test(mrc)
ephmap_cli_test(options ${CMAKE_BINARY_DIR}/man/ephmap.1)
ephmap_cli_test(output)
add_library(plugin_once MODULE tests/cli/plugin_once.c)
target_include_directories(plugin_once PRIVATE include)
target_link_libraries(plugin_once PRIVATE ephmap_flags)
set_target_properties(plugin_once PROPERTIES PREFIX "")
add_library(plugin_forgets MODULE tests/cli/plugin_forgets.c)
target_include_directories(plugin_forgets PRIVATE include)
target_link_libraries(plugin_forgets PRIVATE ephmap_flags)
set_target_properties(plugin_forgets PROPERTIES PREFIX "")
add_library(plugin_early MODULE tests/cli/plugin_early.c)
target_include_directories(plugin_early PRIVATE include)
target_link_libraries(plugin_early PRIVATE ephmap_flags)
set_target_properties(plugin_early PROPERTIES PREFIX "")
add_library(scenario_example MODULE examples/scenario.c)
target_include_directories(scenario_example PRIVATE include)
target_link_libraries(scenario_example PRIVATE ephmap_flags)
set_target_properties(scenario_example PROPERTIES PREFIX "")
ephmap_cli_test(explore $<TARGET_FILE:plugin_once>
    $<TARGET_FILE:plugin_forgets> $<TARGET_FILE:plugin_early>
    $<TARGET_FILE:scenario_example>)
add_library(policy_second MODULE examples/second.c)
target_include_directories(policy_second PRIVATE include)
target_link_libraries(policy_second PRIVATE ephmap_flags)
set_target_properties(policy_second PROPERTIES PREFIX "")
ephmap_cli_test(columns $<TARGET_FILE:policy_second>)
add_test(NAME cli.columns_examples
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/columns.sh
    $<TARGET_FILE:ephmap_program> $<TARGET_FILE:policy_second> long)
set_tests_properties(cli.columns_examples PROPERTIES LABELS "cli;long" TIMEOUT 300)
# The same by another name, to stand beside it.
file(READ examples/second.c third)
string(REPLACE "\"second\"" "\"third\"" third "${third}")
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/third.c CONTENT "${third}")
add_library(policy_third MODULE ${CMAKE_BINARY_DIR}/third.c)
target_include_directories(policy_third PRIVATE include)
target_link_libraries(policy_third PRIVATE ephmap_flags)
set_target_properties(policy_third PROPERTIES PREFIX "")
ephmap_cli_test(policy_plugin $<TARGET_FILE:policy_second>
    $<TARGET_FILE:plugin_once> $<TARGET_FILE:policy_third>)
ephmap_cli_test(plugin $<TARGET_FILE:plugin_once>)
add_library(plugin_spins MODULE tests/cli/plugin_spins.c)
target_include_directories(plugin_spins PRIVATE include)
target_link_libraries(plugin_spins PRIVATE ephmap_flags)
set_target_properties(plugin_spins PROPERTIES PREFIX "")
ephmap_cli_test(watchdog $<TARGET_FILE:plugin_spins>)
set_tests_properties(cli.watchdog PROPERTIES LABELS "cli;long")
ephmap_cli_test(readme)
ephmap_cli_test(scripts)
ephmap_cli_test(streams)
ephmap_cli_test(sysctl)
ephmap_cli_test(time)
ephmap_cli_test(trace)
add_library(importer_example MODULE examples/importer.c)
target_include_directories(importer_example PRIVATE include)
target_link_libraries(importer_example PRIVATE ephmap_flags)
set_target_properties(importer_example PROPERTIES PREFIX "")
ephmap_cli_test(trace_input $<TARGET_FILE:importer_example>
    $<TARGET_FILE:plugin_once>)
ephmap_cli_test(sweep)
ephmap_cli_test(timeline)
add_test(NAME cli.timeline_large
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/timeline.sh
    $<TARGET_FILE:ephmap_program> long)
set_tests_properties(cli.timeline_large PROPERTIES LABELS "cli;long" TIMEOUT 300)
add_test(NAME cli.sweep_killed
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/sweep.sh
    $<TARGET_FILE:ephmap_program> 20)
set_tests_properties(cli.sweep_killed PROPERTIES LABELS "cli;long" TIMEOUT 300)

# Real servers, captured here: root, tracefs, and packages.
add_test(NAME cli.servers
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/servers.sh
    $<TARGET_FILE:ephmap_program>)
set_tests_properties(cli.servers PROPERTIES LABELS "cli;long" TIMEOUT 600)
ephmap_cli_test(native)
set_tests_properties(cli.native PROPERTIES LABELS "native;long" RUN_SERIAL ON)
ephmap_cli_test(report)
add_test(NAME cli.report_browser
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/report.sh
    $<TARGET_FILE:ephmap_program> browser)
set_tests_properties(cli.report_browser PROPERTIES LABELS "cli;long" TIMEOUT 300)

# Begun first, as explore.explore_states is.
set_tests_properties(cli.readme PROPERTIES COST 3)
set_tests_properties(cli.columns PROPERTIES COST 2)

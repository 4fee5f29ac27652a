# Tests of kind `cli': shell scripts, which get the program as an argument.
function(ephmap_cli_test name)
  add_test(NAME cli.${name}
      COMMAND sh ${CMAKE_SOURCE_DIR}/tests/cli/${name}.sh
      $<TARGET_FILE:ephmap_program> ${ARGN})
  set_tests_properties(cli.${name} PROPERTIES LABELS cli TIMEOUT 120)
endfunction()

ephmap_cli_test(bad_traces)
ephmap_cli_test(options)
ephmap_cli_test(output)
ephmap_cli_test(readme)

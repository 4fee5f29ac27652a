# The examples, against an installed copy.
if(NOT EPHMAP_SANITIZE)
  add_test(NAME examples
      COMMAND sh ${CMAKE_SOURCE_DIR}/examples/check.sh ${CMAKE_BINARY_DIR}
      ${CMAKE_COMMAND} ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
  set_tests_properties(examples PROPERTIES LABELS examples TIMEOUT 120)
endif()

# Tests of kind `lint'.
foreach(check includes files format)
  add_test(NAME lint.${check}
      COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}
      -P ${CMAKE_SOURCE_DIR}/tests/lint/check_${check}.cmake)
  set_tests_properties(lint.${check} PROPERTIES LABELS lint TIMEOUT 60)
endforeach()

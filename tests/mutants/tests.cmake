# A sample of mutants; outside CI.
find_program(PYTHON3 python3)
if(PYTHON3)
  add_test(NAME mutants.sample
      COMMAND ${PYTHON3} ${CMAKE_SOURCE_DIR}/tests/mutants/mutants.py
          --number 100 ${CMAKE_BINARY_DIR})
  set_tests_properties(mutants.sample PROPERTIES LABELS "mutants;long"
      RUN_SERIAL ON TIMEOUT 14400)
endif()

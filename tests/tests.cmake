# Tests by kind.  Each kind lists its own in tests/<kind>/tests.cmake with
# ephmap_test(KIND NAME [LONG]) or add_test().  LONG puts a test behind the
# label `long`, which the default presets leave out; PARTS N makes it N tests,
# each with a part of the work.
#
# A test that hangs is stopped.  How fast the machine is and what else runs on
# it decides nothing, so the time is much longer than any test takes.
set(TEST_PATIENCE 900)
find_path(CUNIT_INCLUDE_DIR CUnit/Basic.h REQUIRED)
find_library(CUNIT_LIBRARY cunit REQUIRED)

add_library(test_support STATIC tests/support/rig_pool.c
    tests/support/real_traces.c tests/support/rig.c tests/support/rig_ops.c
    tests/support/test_main.c
    tests/support/text_run.c tests/support/wrong_design.c)
target_include_directories(test_support SYSTEM PUBLIC ${CUNIT_INCLUDE_DIR})
target_include_directories(test_support PUBLIC tests/support src)
target_link_libraries(test_support PUBLIC ephmap_flags ephmap ${CUNIT_LIBRARY})

function(ephmap_test kind name)
  cmake_parse_arguments(arg "LONG" "PARTS" "ARGS;LABELS" ${ARGN})
  if(NOT TARGET ${name})
    add_executable(${name} tests/${kind}/${name}.c)
    target_link_libraries(${name} PRIVATE test_support)
  endif()
  set(labels ${kind} ${arg_LABELS})
  set(test_name ${kind}.${name})
  if(arg_PARTS)
    foreach(part RANGE 1 ${arg_PARTS})
      add_test(NAME ${test_name}.${part}
          COMMAND ${name} --part=${part}/${arg_PARTS})
      set_tests_properties(${test_name}.${part} PROPERTIES
          LABELS "${labels}" TIMEOUT ${TEST_PATIENCE})
    endforeach()
    return()
  endif()
  if(arg_LONG)
    list(APPEND labels long)
    set(test_name ${kind}.${name}.long)
  endif()
  add_test(NAME ${test_name} COMMAND ${name} ${arg_ARGS})
  set_tests_properties(${test_name} PROPERTIES LABELS "${labels}" TIMEOUT ${TEST_PATIENCE})
  if(arg_LONG)
    set_tests_properties(${test_name} PROPERTIES TIMEOUT 3600)
  endif()
endfunction()

foreach(kind unit model golden cli stress explore faults fuzz lint link emulated
    platforms mutants)
  include(tests/${kind}/tests.cmake)
endforeach()
include(examples/tests.cmake)

# Tests of kind `lint'.
foreach(check includes files layers)
  add_test(NAME lint.${check}
      COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}
      -P ${CMAKE_SOURCE_DIR}/tests/lint/check_${check}.cmake)
  set_tests_properties(lint.${check} PROPERTIES LABELS lint TIMEOUT ${TEST_PATIENCE})
endforeach()

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER MATCHES "NOTFOUND")
  set(CMAKE_CXX_COMPILER "")
endif()
add_test(NAME lint.headers
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}
    -DCC=${CMAKE_C_COMPILER} -DCXX=${CMAKE_CXX_COMPILER}
    -DDIR=${CMAKE_BINARY_DIR}/lint-headers
    -P ${CMAKE_SOURCE_DIR}/tests/lint/check_headers.cmake)
add_test(NAME lint.symbols
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM}
    -DSTATIC=$<TARGET_FILE:ephmap> -DSHARED=$<TARGET_FILE:ephmap_shared>
    -P ${CMAKE_SOURCE_DIR}/tests/lint/check_symbols.cmake)
set_tests_properties(lint.headers lint.symbols PROPERTIES
    LABELS lint TIMEOUT ${TEST_PATIENCE})

add_test(NAME lint.format
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/format.sh ${CMAKE_SOURCE_DIR}
    ${CMAKE_BINARY_DIR})
add_test(NAME lint.circles
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/circles.sh ${CMAKE_NM}
    $<TARGET_FILE:ephmap>)
add_test(NAME lint.sizes
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/sizes.sh ${CMAKE_SOURCE_DIR})
add_test(NAME lint.rows
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/rows.sh ${CMAKE_SOURCE_DIR})
set_tests_properties(lint.circles lint.format lint.rows lint.sizes PROPERTIES
    LABELS lint TIMEOUT ${TEST_PATIENCE})

# Some files at each run, all of them in a long one; skipped without the tool.
if(NOT EPHMAP_SANITIZE)
  foreach(all "" --all)
    string(REPLACE "--all" ".long" long "${all}")
    add_test(NAME lint.tidy${long}
        COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/tidy.sh ${CMAKE_SOURCE_DIR}
        ${CMAKE_BINARY_DIR} ${all})
    set_tests_properties(lint.tidy${long} PROPERTIES LABELS lint TIMEOUT ${TEST_PATIENCE})
  endforeach()
  set_tests_properties(lint.tidy.long PROPERTIES LABELS "lint;long"
      TIMEOUT 3600)
endif()
add_test(NAME lint.analyzers
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/lint/analyzers.sh ${CMAKE_SOURCE_DIR}
    ${CMAKE_BINARY_DIR})
set_tests_properties(lint.analyzers PROPERTIES LABELS "analyzers;long"
    TIMEOUT 7200)

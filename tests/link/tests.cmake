# Tests of kind `link': programs of others, linked with the libraries.
foreach(library ephmap ephmap_shared)
  set(name own_words_${library})
  add_executable(${name} tests/link/own_words.c)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
  if(EPHMAP_SANITIZE)
    string(REPLACE ";" "," sanitizers "${EPHMAP_SANITIZE}")
    target_link_options(${name} PRIVATE -fsanitize=${sanitizers})
  endif()
  target_link_libraries(${name} PRIVATE ${library})
  add_test(NAME link.${name} COMMAND ${name})
  set_tests_properties(link.${name} PROPERTIES LABELS link TIMEOUT ${TEST_PATIENCE})
endforeach()

# What cpack makes; not of a build with sanitizers, whose libraries no package names.
if(NOT EPHMAP_SANITIZE)
  add_test(NAME link.packages
      COMMAND sh ${CMAKE_SOURCE_DIR}/tests/link/packages.sh
      ${CMAKE_CPACK_COMMAND} ${CMAKE_BINARY_DIR})
  set_tests_properties(link.packages PROPERTIES LABELS "link;long" TIMEOUT 600)
endif()

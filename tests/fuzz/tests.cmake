# Targets for fuzzing: see tests/fuzz/run.sh.
add_executable(fuzz tests/fuzz/fuzz_main.c tests/fuzz/fuzz_files.c
    tests/fuzz/fuzz_words.c tests/fuzz/fuzz_program.c
    $<TARGET_OBJECTS:ephmap_sim>)
target_include_directories(fuzz PRIVATE src sim)
add_library(fuzz_plugin MODULE tests/fuzz/fuzz_plugin.c)
target_include_directories(fuzz_plugin PRIVATE include)
target_link_libraries(fuzz_plugin PRIVATE ephmap_flags)
add_dependencies(fuzz fuzz_plugin)
target_compile_definitions(fuzz PRIVATE
    FUZZ_PLUGIN="$<TARGET_FILE:fuzz_plugin>")
target_link_libraries(fuzz PRIVATE ephmap_flags ephmap ${ephmap_sim_requires})
if(EPHMAP_FUZZER)
  target_compile_definitions(fuzz PRIVATE FUZZ_LIBFUZZER)
  target_link_options(fuzz PRIVATE -fsanitize=fuzzer)
endif()

# Every input that is kept, once.
add_test(NAME fuzz.corpus COMMAND sh ${CMAKE_SOURCE_DIR}/tests/fuzz/run.sh
    corpus $<TARGET_FILE:fuzz>)
set_tests_properties(fuzz.corpus PROPERTIES LABELS corpus TIMEOUT ${TEST_PATIENCE})

# Three seconds a target, in a build of its own; needs clang.
add_test(NAME fuzz.minutes
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/fuzz/run.sh 3)
set_tests_properties(fuzz.minutes PROPERTIES LABELS "fuzz;long"
    RUN_SERIAL ON TIMEOUT 1800)

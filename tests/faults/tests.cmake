# A copy of the program whose allocations can be made to fail, and the same
# for all libraries, to be preloaded.
add_executable(ephmap_faults sim/main.c tests/faults/fail_alloc.c
    $<TARGET_OBJECTS:ephmap_sim>)
target_compile_definitions(ephmap_faults PRIVATE FAULT_WRAP)
target_link_libraries(ephmap_faults PRIVATE ephmap_flags ephmap
    ${ephmap_sim_requires})
foreach(name malloc calloc realloc strdup pthread_create eph__je_mallocx)
  target_link_options(ephmap_faults PRIVATE "LINKER:--wrap=${name}")
endforeach()
add_library(fail_alloc MODULE tests/faults/fail_alloc.c)
set_target_properties(fail_alloc PROPERTIES PREFIX "")
target_link_libraries(fail_alloc PRIVATE ${CMAKE_DL_LIBS})

# What takes minutes; a sample of it is no test, so there is none by default.
add_test(NAME faults.all COMMAND sh ${CMAKE_SOURCE_DIR}/tests/faults/faults.sh
    $<TARGET_FILE:ephmap_faults> $<TARGET_FILE:fail_alloc>)
set_tests_properties(faults.all PROPERTIES LABELS "faults;long" TIMEOUT 3600)

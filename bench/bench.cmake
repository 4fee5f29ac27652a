add_library(bench_support STATIC bench/bench_support.c)
target_include_directories(bench_support PUBLIC bench src)
target_link_libraries(bench_support PUBLIC ephmap_flags ephmap m)

# One line per benchmark.  Each runs once as a smoke test with tiny counts,
# so that it cannot rot; it measures nothing then.
function(ephmap_bench name)
  add_executable(${name} bench/${name}.c)
  target_link_libraries(${name} PRIVATE bench_support)
  if(EPHMAP_BUILD_TESTS)
    add_test(NAME smoke.${name} COMMAND ${name} --smoke)
    set_tests_properties(smoke.${name} PROPERTIES LABELS smoke)
  endif()
endfunction()

ephmap_bench(bench_policy)
ephmap_bench(bench_replay)
ephmap_bench(bench_trace)
ephmap_bench(bench_map_unmap)
ephmap_bench(bench_mrc)
ephmap_bench(bench_mbuf)
ephmap_bench(bench_explore)
ephmap_bench(bench_sides)
ephmap_bench(bench_strategies)

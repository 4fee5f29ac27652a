# Tests of kind `explore'.
ephmap_test(explore explore_mbuf)
ephmap_test(explore explore_mbuf LONG ARGS --long)
ephmap_test(explore explore_engine)
ephmap_test(explore explore_points)
ephmap_test(explore explore_states)
ephmap_test(explore explore_states LONG ARGS --long)
ephmap_test(explore explore_script)
ephmap_test(explore explore_dpor)
ephmap_test(explore explore_dpor LONG ARGS --long)
ephmap_test(explore explore_museum)
ephmap_test(explore explore_museum LONG ARGS --long)
ephmap_test(explore explore_designs)
ephmap_test(explore explore_designs LONG ARGS --long)
ephmap_test(explore explore_consumers)
ephmap_test(explore explore_consumers LONG ARGS --long)
ephmap_test(explore explore_shootdown)
ephmap_test(explore explore_shootdown LONG ARGS --long)

# Begun first, so that none of them is the last one that runs alone; ctest
# measures the rest itself, but not before it has run.
set_tests_properties(explore.explore_states PROPERTIES COST 4)

# Tests of kind `explore'.
ephmap_test(explore explore_mbuf)
ephmap_test(explore explore_mbuf LONG ARGS --long)
ephmap_test(explore explore_engine)
ephmap_test(explore explore_museum)
ephmap_test(explore explore_museum LONG ARGS --long)
ephmap_test(explore explore_designs)
ephmap_test(explore explore_designs LONG ARGS --long)

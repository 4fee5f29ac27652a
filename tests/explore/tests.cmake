# Tests of kind `explore'.
ephmap_test(explore explore_mbuf)
ephmap_test(explore explore_mbuf LONG ARGS --long)

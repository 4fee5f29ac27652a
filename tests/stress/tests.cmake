# Tests of kind `stress'.
ephmap_test(stress stress_consumers)
ephmap_test(stress stress_consumers LONG ARGS --long)
ephmap_test(stress stress_designs PARTS 8)
ephmap_test(stress stress_designs LONG ARGS --long)
ephmap_test(stress stress_mbuf)
ephmap_test(stress stress_mbuf LONG ARGS --long)
ephmap_test(stress stress_replay)

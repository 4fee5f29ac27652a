ephmap_test(stress stress_designs)
ephmap_test(stress stress_designs LONG ARGS --long)

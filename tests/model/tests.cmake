# Tests of kind `model'.
ephmap_test(model model_events)
ephmap_test(model model_events LONG ARGS --long)
ephmap_test(model test_policy)
target_sources(test_policy PRIVATE tests/model/naive_policies.c)
ephmap_test(model test_policy LONG ARGS --long)
ephmap_test(model model_designs)
ephmap_test(model model_designs LONG ARGS --long)

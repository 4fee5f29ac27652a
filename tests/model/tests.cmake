# Tests of kind `model'.
ephmap_test(model model_events)
ephmap_test(model model_events LONG ARGS --long)

# Tests of kind `model'.

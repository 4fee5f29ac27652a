# Tests of kind `cli'.

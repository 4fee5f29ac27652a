# Tests of kind `explore'.

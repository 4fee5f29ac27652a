# Tests of kind `stress'.

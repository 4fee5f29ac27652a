# Tests of kind `unit'.

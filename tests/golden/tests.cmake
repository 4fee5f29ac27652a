# Tests of kind `golden'.

# Tests of kind `lint'.

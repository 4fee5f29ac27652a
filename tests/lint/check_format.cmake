# SPDX-License-Identifier: BSD-2-Clause
#
# clang-format agrees with every source.  Without clang-format, and with
# another than the one the style was settled with, this says that it skips.
# Run with -P and -DROOT=<checkout>.

find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
if(NOT CLANG_FORMAT)
  message("skipped: there is no clang-format")
  return()
endif()
execute_process(COMMAND ${CLANG_FORMAT} --version OUTPUT_VARIABLE version)
if(NOT version MATCHES "version 14\\.")
  message("skipped: versions of clang-format differ, this needs 14: ${version}")
  return()
endif()
file(GLOB_RECURSE files ${ROOT}/src/*.[ch] ${ROOT}/include/*.h
    ${ROOT}/tests/*.[ch] ${ROOT}/bench/*.[ch])
file(GLOB program ${ROOT}/sim/*.[ch])
execute_process(COMMAND ${CLANG_FORMAT} --dry-run --Werror ${files} ${program}
    RESULT_VARIABLE result ERROR_VARIABLE complaints)
if(NOT result EQUAL 0)
  string(REGEX MATCHALL "[^\n]*clang-format-violations\\]" lines "${complaints}")
  string(REPLACE ";" "\n" lines "${lines}")
  message(FATAL_ERROR "run clang-format -i:\n${lines}")
endif()
list(LENGTH files n)
message("${n} files conform")

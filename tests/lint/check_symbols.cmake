# SPDX-License-Identifier: BSD-2-Clause
#
# Every global name of the libraries begins with eph_; the shared one shows
# none that begins with eph__.  Run with -P and -DNM=<nm>
# -DSTATIC=<archive> -DSHARED=<shared object>.

set(errors 0)
function(names_of out)
  execute_process(COMMAND ${NM} -g --defined-only ${ARGN}
      OUTPUT_VARIABLE text RESULT_VARIABLE result ERROR_QUIET)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${NM} failed on ${ARGN}")
  endif()
  string(REGEX MATCHALL "[0-9a-f]+ [A-Za-z] [^\n]+" lines "${text}")
  list(TRANSFORM lines REPLACE "^[0-9a-f]+ [A-Za-z] " "")
  # What the sanitizers add to an instrumented object.
  list(FILTER lines EXCLUDE REGEX "^(__asan|__odr_asan|__tsan|__ubsan|_init$|_fini$|_end$|_edata$|__bss_start$)")
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

names_of(static ${STATIC})
names_of(shared -D ${SHARED})
foreach(kind static shared)
  list(LENGTH ${kind} n)
  if(n LESS 100)
    message(FATAL_ERROR "found ${n} names in the ${kind} library")
  endif()
endforeach()
list(FILTER static EXCLUDE REGEX "^eph_")
list(FILTER shared EXCLUDE REGEX "^eph_[a-zA-Z0-9]")
foreach(name IN LISTS static)
  message("${STATIC}: ${name} does not begin with eph_ (public) or eph__")
  math(EXPR errors "${errors} + 1")
endforeach()
foreach(name IN LISTS shared)
  message("${SHARED}: shows ${name}")
  math(EXPR errors "${errors} + 1")
endforeach()
if(errors GREATER 0)
  message(FATAL_ERROR "${errors} names")
endif()

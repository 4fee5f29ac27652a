# SPDX-License-Identifier: BSD-2-Clause
#
# What holds for every file: a licence line in sources and scripts, no name
# of a place outside the checkout, no trailing blanks.  Run with -P and
# -DROOT=<checkout>.

set(errors 0)
file(GLOB_RECURSE files RELATIVE ${ROOT}
    ${ROOT}/src/* ${ROOT}/include/* ${ROOT}/sim/* ${ROOT}/tests/*
    ${ROOT}/bench/* ${ROOT}/doc/* ${ROOT}/examples/* ${ROOT}/findings/*)
file(GLOB top RELATIVE ${ROOT} ${ROOT}/*.md ${ROOT}/CMake* ${ROOT}/.ci/*)

# In pieces, or this file would be the first to be found.
set(outside "/w" "ork/|/t" "mp/|\\.\\./sh" "ared")
string(REPLACE ";" "" outside "${outside}")

foreach(file IN LISTS files top)
  if(file MATCHES "\\.(ept|zst|gz|bin)$")
    continue()
  endif()
  file(STRINGS ${ROOT}/${file} found REGEX "${outside}")
  foreach(line IN LISTS found)
    message("${file}: names a place outside the checkout: ${line}")
    math(EXPR errors "${errors} + 1")
  endforeach()
  if(file MATCHES "\\.(c|h|sh|cmake)$" AND NOT file MATCHES "(sources|tests|bench)\\.cmake$")
    file(STRINGS ${ROOT}/${file} licence LIMIT_INPUT 200
        REGEX "SPDX-License-Identifier: BSD-2-Clause")
    if(NOT licence)
      message("${file}: the first lines have no SPDX-License-Identifier")
      math(EXPR errors "${errors} + 1")
    endif()
    file(STRINGS ${ROOT}/${file} blanks REGEX "[ \t]$")
    if(blanks)
      message("${file}: blanks at the end of a line")
      math(EXPR errors "${errors} + 1")
    endif()
  endif()
endforeach()

list(LENGTH files n)
if(n LESS 50)
  message(FATAL_ERROR "found ${n} files under ${ROOT}: is that the checkout?")
endif()
if(errors GREATER 0)
  message(FATAL_ERROR "${errors} complaints")
endif()
message("${n} files checked")

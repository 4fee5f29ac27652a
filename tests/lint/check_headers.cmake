# SPDX-License-Identifier: BSD-2-Clause
#
# Every public header stands alone, and all together in either order, beside
# a BSD's words for malloc and sleep flags; and those of the front door are
# C++17 as well.  A pair that clashes clashes in the whole, so pairs need no
# test of their own.  A front header includes front headers only.
# Headers that passed are remembered in the scratch folder, as a whole.
# Run with -P and -DROOT=<checkout> -DCC=<compiler> -DCXX=<compiler or empty>
# -DDIR=<scratch>.

set(errors 0)
file(GLOB_RECURSE headers RELATIVE ${ROOT}/include ${ROOT}/include/ephmap/*.h)
list(SORT headers)
list(LENGTH headers n)

execute_process(COMMAND ${CC} --version OUTPUT_VARIABLE all)
set(all "${all}${CXX}")
file(SHA256 ${CMAKE_CURRENT_LIST_FILE} hash)
string(APPEND all ${hash})
foreach(header IN LISTS headers)
  file(SHA256 ${ROOT}/include/${header} hash)
  string(APPEND all "${header}${hash}")
endforeach()
string(SHA256 all "${all}")
if(EXISTS ${DIR}/passed-${all})
  message("${n} headers stand alone and together, as before")
  return()
endif()
file(REMOVE_RECURSE ${DIR})
file(MAKE_DIRECTORY ${DIR})

set(words "#define PCATCH 0x100\n#define MSIZE 256\n#define MCLBYTES 2048\n#define M_NOWAIT 0x0001\n#define M_WAITOK 0x0002\n#define M_ZERO 0x0100\n")
set(sources "")
set(front "")
set(forward "${words}")
set(backward "")
foreach(header IN LISTS headers)
  string(MAKE_C_IDENTIFIER ${header} name)
  file(WRITE ${DIR}/${name}.c "#include \"${header}\"\nextern int ${name};\n")
  list(APPEND sources ${name}.c)
  string(APPEND forward "#include \"${header}\"\n")
  string(PREPEND backward "#include \"${header}\"\n")
  if(header MATCHES "^ephmap/[a-z_]+\\.h$")
    file(WRITE ${DIR}/${name}.cc "#include \"${header}\"\nextern int ${name};\n")
    list(APPEND front ${name}.cc)
    file(STRINGS ${ROOT}/include/${header} wrong REGEX "#include \"ephmap/(sdk|kernel)/")
    if(wrong)
      message("include/${header}: the front door includes another: ${wrong}")
      math(EXPR errors "${errors} + 1")
    endif()
  endif()
endforeach()
file(WRITE ${DIR}/forward.c "${forward}extern int forward;\n")
file(WRITE ${DIR}/backward.c "${words}${backward}extern int backward;\n")
list(APPEND sources forward.c backward.c)

function(compile out)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${DIR}
      RESULT_VARIABLE result ERROR_VARIABLE complaints OUTPUT_QUIET)
  if(NOT result EQUAL 0)
    message("${complaints}")
    set(${out} 1 PARENT_SCOPE)
  else()
    set(${out} 0 PARENT_SCOPE)
  endif()
endfunction()

compile(failed ${CC} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only
    -I${ROOT}/include ${sources})
math(EXPR errors "${errors} + ${failed}")
if(CXX)
  compile(failed ${CXX} -std=c++17 -Wall -Wextra -Wpedantic -Werror
      -fsyntax-only -I${ROOT}/include ${front})
  math(EXPR errors "${errors} + ${failed}")
else()
  message("C++: skipped, there is no compiler")
endif()

if(errors GREATER 0)
  message(FATAL_ERROR "${errors} complaints")
endif()
file(WRITE ${DIR}/passed-${all} "")
message("${n} headers stand alone and together")

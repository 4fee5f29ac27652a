# SPDX-License-Identifier: BSD-2-Clause
#
# doc/ARCHITECTURE.md draws the layers as src/layers.cmake lists them.  Run
# with -P and -DROOT=<checkout>; with -DUPDATE=1 draw them again.

include(${ROOT}/src/layers.cmake)

set(drawing "  8  sim         the program: public headers only\n")
string(REPLACE "  8  sim" "  9  sim" drawing "${drawing}")
set(above 9)
set(lines ${EPHMAP_LAYER_LIST})
list(REVERSE lines)
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([0-9]) ([a-z]+) (.*)$" _ "${line}")
  set(rank ${CMAKE_MATCH_1})
  set(layer ${CMAKE_MATCH_2})
  set(what ${CMAKE_MATCH_3})
  string(SUBSTRING "${layer}            " 0 12 layer)
  if(NOT rank EQUAL above)
    string(APPEND drawing "     |\n")
  endif()
  string(APPEND drawing "  ${rank}  ${layer}${what}\n")
  set(above ${rank})
endforeach()

file(READ ${ROOT}/doc/ARCHITECTURE.md text)
string(REGEX MATCH "```layers\n([^`]*)```" _ "${text}")
if("${CMAKE_MATCH_1}" STREQUAL "${drawing}")
  message("the drawing of layers is up to date")
elseif(UPDATE)
  string(REPLACE "```layers\n${CMAKE_MATCH_1}```" "```layers\n${drawing}```"
      text "${text}")
  file(WRITE ${ROOT}/doc/ARCHITECTURE.md "${text}")
else()
  message(FATAL_ERROR "doc/ARCHITECTURE.md draws other layers than "
      "src/layers.cmake lists; after a change that was meant: "
      "cmake -DROOT=. -DUPDATE=1 -P tests/lint/check_layers.cmake")
endif()

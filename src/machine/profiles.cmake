# SPDX-License-Identifier: BSD-2-Clause
#
# The machines' profiles, profiles/*.ini, as the C table eph_machine_models[]:
# their numbers stand in those files only.
# usage: cmake -DOUT=FILE.c -P src/machine/profiles.cmake

cmake_minimum_required(VERSION 3.16)

# In the order of `ephmap list machines'.
set(profiles i386-p4-up i386-p4 amd64-opteron amd64-opteron8 amd64-ivybridge
    amd64-intel2015 amd64-skylake amd64-2socket16 amd64-2x16 amd64-numa80
    amd64-zen amd64-milan amd64-zen5 amd64-kvm amd64-shadow arm64-cortex
    arm64-ampere)
set(folder ${CMAKE_CURRENT_LIST_DIR}/profiles)
set(keys summary origin tlb levels kva_base kva_pages mhz)

# Values go to ${name}_${key}, prices to ${name}_price_${event}, _kind_ and
# _source_, their names to ${name}_events.
macro(put key value)
  set(${name}_${key} "${value}")
endmacro()

# What a profile does not say is as the one that it is like.
macro(inherit base)
  foreach(k IN LISTS keys)
    put(${k} "${${base}_${k}}")
  endforeach()
  set(${name}_events ${${base}_events})
  foreach(e IN LISTS ${name}_events)
    put(price_${e} "${${base}_price_${e}}")
    put(kind_${e} ASSUMED)
    put(source_${e} "as ${base}")
  endforeach()
endmacro()

macro(take_price key value)
  if(NOT "${value}" MATCHES "^([0-9]+) (measured|published|assumed|fitted)( (.+))?$")
    message(FATAL_ERROR "${file}: ${key}: expected CYCLES KIND SOURCE")
  endif()
  set(cycles ${CMAKE_MATCH_1})
  set(source "${CMAKE_MATCH_4}")
  string(TOUPPER ${CMAKE_MATCH_2} kind)
  put(price_${key} ${cycles})
  put(kind_${key} ${kind})
  put(source_${key} "${source}")
  list(APPEND ${name}_events ${key})
  list(REMOVE_DUPLICATES ${name}_events)
endmacro()

macro(read_profile)
  set(file ${folder}/${name}.ini)
  file(STRINGS ${file} lines)
  set(section "")
  set(key "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^ +(.*)$" AND NOT "${key}" STREQUAL "")
      put(${key} "${${name}_${key}} ${CMAKE_MATCH_1}")
    elseif(line MATCHES "^.(machine|costs).$")
      set(section ${CMAKE_MATCH_1})
      set(key "")
    elseif(line MATCHES "^([a-z0-9_]+) = (.*)$")
      set(key ${CMAKE_MATCH_1})
      set(value "${CMAKE_MATCH_2}")
      if("${section}" STREQUAL "costs")
        take_price(${key} "${value}")
        set(key "")
      elseif("${key}" STREQUAL "like")
        inherit(${value})
      else()
        put(${key} "${value}")
      endif()
    elseif(NOT line MATCHES "^(;.*)?$")
      message(FATAL_ERROR "${file}: \"${line}\"")
    endif()
  endforeach()
endmacro()

macro(read_with_base)
  file(STRINGS ${folder}/${name}.ini like REGEX "^like = ")
  if(like)
    string(REGEX REPLACE "^like = " "" base "${like}")
    if(NOT DEFINED ${base}_events)
      list(APPEND waiting ${name})
    else()
      read_profile()
      list(APPEND done ${name})
    endif()
  else()
    read_profile()
    list(APPEND done ${name})
  endif()
endmacro()

set(waiting ${profiles})
while(waiting)
  set(now ${waiting})
  set(waiting "")
  foreach(name IN LISTS now)
    read_with_base()
  endforeach()
  if("${now}" STREQUAL "${waiting}")
    message(FATAL_ERROR "profiles like what there is not: ${waiting}")
  endif()
endwhile()

function(quoted var)
  string(REPLACE "\"" "\\\"" value "${${var}}")
  set(quoted "\"${value}\"" PARENT_SCOPE)
endfunction()

set(text "/* Made from src/machine/profiles by profiles.cmake. */

#include \"ephmap/model.h\"
")
set(table "")
foreach(name IN LISTS profiles)
  string(MAKE_C_IDENTIFIER ${name} id)
  string(APPEND table "\n\t&${id},")
  quoted(${name}_summary)
  set(summary "${quoted}")
  quoted(${name}_origin)
  string(APPEND text "
static const struct eph_machine_model ${id} = {
	.name = \"${name}\",
	.summary = ${summary},
	.origin = ${quoted},
	.tlb = \"${${name}_tlb}\",
	.levels = ${${name}_levels},
	.kva_base = ${${name}_kva_base}u,
	.kva_pages = ${${name}_kva_pages},
	.mhz = ${${name}_mhz},
	.costs = {")
  foreach(e IN LISTS ${name}_events)
    string(APPEND text "\n\t\t.${e} = ${${name}_price_${e}},")
  endforeach()
  string(APPEND text "\n\t},\n\t.note = {")
  foreach(e IN LISTS ${name}_events)
    quoted(${name}_source_${e})
    string(APPEND text "\n\t\t[EPH_COST_${e}] = { "
        "EPH_COST_${${name}_kind_${e}}, ${quoted} },")
  endforeach()
  string(APPEND text "\n\t},\n};\n")
endforeach()
string(APPEND text "
const struct eph_machine_model *const eph_machine_models[] = {${table}
	NULL,
};
")
file(WRITE ${OUT} "${text}")

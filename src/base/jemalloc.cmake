# SPDX-License-Identifier: BSD-2-Clause
#
# jemalloc, for arenas, without its malloc.
#
# Debian's libjemalloc defines malloc itself, so linking with it would
# replace our user's.  From its position-independent archive we make one
# object in which every name is local but the three that we call and that
# of its settings, and those begin with eph__je_, or a program that links
# jemalloc after us would allocate from ours and read its statistics.  Without
# the archive, ld -r or objcopy, and in sanitizer builds (ASan cannot see
# into mallocx memory), machines use malloc.

option(EPHMAP_JEMALLOC "Give each machine a jemalloc arena, if there is one" ON)

function(ephmap_add_jemalloc)
  if(NOT EPHMAP_JEMALLOC OR EPHMAP_SANITIZE)
    return()
  endif()
  find_library(JEMALLOC_PIC NAMES libjemalloc_pic.a)
  find_path(JEMALLOC_INCLUDE jemalloc/jemalloc.h)
  if(NOT JEMALLOC_PIC OR NOT JEMALLOC_INCLUDE OR NOT CMAKE_OBJCOPY
      OR NOT CMAKE_LINKER OR NOT CMAKE_AR OR NOT UNIX OR APPLE)
    message(STATUS "jemalloc: not found, machines use malloc")
    return()
  endif()
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/jemalloc)
  set(object ${dir}/private.o)
  file(MAKE_DIRECTORY ${dir}/members)
  # jemalloc_cpp is operator new: C++ only, and not ours to replace.
  add_custom_command(OUTPUT ${object}
    COMMAND sh -c "cd members && '${CMAKE_AR}' x '${JEMALLOC_PIC}' && rm -f jemalloc_cpp*"
    COMMAND sh -c "'${CMAKE_LINKER}' -r -o all.o members/*.o"
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=mallocx
      --keep-global-symbol=sdallocx
      --keep-global-symbol=mallctl
      --keep-global-symbol=malloc_conf all.o kept.o
    COMMAND ${CMAKE_OBJCOPY} --redefine-sym mallocx=eph__je_mallocx
      --redefine-sym sdallocx=eph__je_sdallocx
      --redefine-sym mallctl=eph__je_mallctl
      --redefine-sym malloc_conf=eph__je_malloc_conf kept.o private.o
    WORKING_DIRECTORY ${dir}
    DEPENDS ${JEMALLOC_PIC}
    COMMENT "Making a private jemalloc" VERBATIM)
  set_source_files_properties(${object} PROPERTIES
      EXTERNAL_OBJECT ON GENERATED ON)
  # One target makes it, or both libraries would at the same time.
  add_custom_target(ephmap_jemalloc DEPENDS ${object})
  add_dependencies(ephmap ephmap_jemalloc)
  add_dependencies(ephmap_shared ephmap_jemalloc)
  target_sources(ephmap PRIVATE ${object})
  target_sources(ephmap_shared PRIVATE ${object})
  set_source_files_properties(src/base/mem.c PROPERTIES
      COMPILE_DEFINITIONS EPHMAP_JEMALLOC INCLUDE_DIRECTORIES ${JEMALLOC_INCLUDE})
endfunction()

ephmap_add_jemalloc()

# SPDX-License-Identifier: BSD-2-Clause
#
# What is installed beside the program and the library, and the Debian
# packages that `cpack' makes: ephmap, libephmap${ephmap_abi} and libephmap-dev.

find_program(GZIP gzip)
file(GLOB pages RELATIVE ${CMAKE_SOURCE_DIR} sim/man/*.[1-9])
set(page_files "")
foreach(page IN LISTS pages ITEMS man/ephmap.1)
  get_filename_component(name ${page} NAME)
  string(REGEX REPLACE ".*\\." "" section ${name})
  if(page MATCHES "^sim/")
    set(page ${CMAKE_SOURCE_DIR}/${page})
  else()
    set(page ${CMAKE_CURRENT_BINARY_DIR}/${page})
  endif()
  if(GZIP)
    add_custom_command(OUTPUT man/${name}.gz
        COMMAND ${GZIP} -9nc ${page} >man/${name}.gz
        DEPENDS ${page})
    set(page ${CMAKE_CURRENT_BINARY_DIR}/man/${name}.gz)
    list(APPEND page_files ${page})
  endif()
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
      COMPONENT program)
endforeach()
add_custom_target(ephmap_man_gz ALL DEPENDS ${page_files})
add_dependencies(ephmap_man_gz ephmap_man)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/man/ephmap.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME ephmap COMPONENT program)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/man/_ephmap
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
    COMPONENT program)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/man/ephmap.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    COMPONENT program)
install(FILES README.md CHANGES.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT program)
# What README points to, and the examples, which need nothing but what is installed.
install(DIRECTORY doc DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT program FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT program FILES_MATCHING PATTERN "*.c")
install(DIRECTORY tests/samples/
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/samples COMPONENT program
    FILES_MATCHING PATTERN "*.ept")
# Who builds a package answers for it, by the names of Debian's own tools:
# DEBFULLNAME and DEBEMAIL, else whom git takes commits to be of, else this
# user at this host.
find_program(GIT git)
foreach(what name email)
  set(committer_${what} "")
  if(GIT)
    execute_process(COMMAND ${GIT} config user.${what}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
        OUTPUT_VARIABLE committer_${what} OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
endforeach()
if(DEFINED ENV{DEBEMAIL})
  set(committer_email "$ENV{DEBEMAIL}")
elseif(NOT committer_email)
  cmake_host_system_information(RESULT host QUERY FQDN)
  if(NOT host MATCHES "[.]") # which no mail comes from
    string(APPEND host ".invalid")
  endif()
  set(user "$ENV{USER}")
  if(NOT user)
    set(user root)
  endif()
  set(committer_email "${user}@${host}")
endif()
if(DEFINED ENV{DEBFULLNAME})
  set(committer_name "$ENV{DEBFULLNAME}")
elseif(NOT committer_name)
  string(REGEX REPLACE "@.*" "" committer_name "${committer_email}")
endif()
set(EPHMAP_MAINTAINER "${committer_name} <${committer_email}>" CACHE STRING
    "Maintainer of the Debian packages: NAME <ADDRESS>")
# One entry, as long as there are no releases.
if(GZIP)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/changelog
"ephmap (${PROJECT_VERSION}) unstable; urgency=medium

  * Built from source; the history is in its repository.

 -- ${EPHMAP_MAINTAINER}  Sun, 29 Nov 2026 00:00:00 +0000
")
  execute_process(COMMAND ${GZIP} -9nf ${CMAKE_CURRENT_BINARY_DIR}/changelog)
endif()
foreach(package ephmap libephmap${ephmap_abi} libephmap-dev)
  set(component ${package})
  string(REPLACE "libephmap${ephmap_abi}" "library" component ${component})
  string(REPLACE "libephmap-dev" "development" component ${component})
  string(REPLACE "ephmap" "program" component ${component})
  install(FILES LICENSE
      DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME copyright
      COMPONENT ${component})
  if(GZIP)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
        COMPONENT ${component})
  endif()
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ephmap)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${EPHMAP_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME ephmap)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS gnuplot-nox)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
"what ways of managing ephemeral kernel mappings cost
ephmap replays traces of mapping operations through sf_buf, lwbuf, kmap and
other designs on a simulated machine, counts TLB invalidations, interrupts
and sleeps exactly, and finds uses of stale translations.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libephmap${ephmap_abi})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/triggers
    "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_BINARY_DIR}/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
"ephemeral kernel mappings on a simulated machine (library)
The shared library that the program ephmap is made of.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libephmap-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libephmap${ephmap_abi} (= ${PROJECT_VERSION}), libzstd-dev, zlib1g-dev, libjansson-dev, liblzma-dev, liblz4-dev, libbz2-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"ephemeral kernel mappings on a simulated machine (headers)
Headers, the static library and the files for CMake and pkg-config, to
write designs, policies and programs of one's own.")
include(CPack)

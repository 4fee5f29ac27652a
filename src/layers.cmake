# SPDX-License-Identifier: BSD-2-Clause
#
# The layers of the library, lowest first: rank, folder, what it is.  A layer
# includes itself and layers of a lower rank, never a neighbour.  The build
# (CMakeLists.txt), the lint test of includes and the drawing in
# doc/ARCHITECTURE.md are made from this list.

set(EPHMAP_LAYER_LIST
    "0 base memory, fibers, counters, errors, assertions"
    "1 machine CPUs, TLBs, page table, frames, the stale oracle"
    "2 kern pmap, locks, sleep queues, IPI queues, KVA, objcache"
    "3 exec executors: lockstep, threads, explore"
    "3 shootdown protocols: how other CPUs are told"
    "4 design what hands out addresses"
    "5 policy which unreferenced mapping is recycled"
    "5 trace formats, importers, generators"
    "5 world one of each, put together"
    "6 io kernel consumers: xio, mbufs, sendfile, pipes, ..."
    "7 scenario programs for exploration, bugs that shipped"
    "7 workload replay of traces, consumers that drive designs"
    "8 analysis curves, bounds, claims, the host's MMU as a witness")

set(EPHMAP_LAYERS "")
foreach(line IN LISTS EPHMAP_LAYER_LIST)
  string(REGEX MATCH "^([0-9]) ([a-z]+) (.*)$" _ "${line}")
  set(rank_${CMAKE_MATCH_2} ${CMAKE_MATCH_1})
  list(APPEND EPHMAP_LAYERS ${CMAKE_MATCH_2})
endforeach()

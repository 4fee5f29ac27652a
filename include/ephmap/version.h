/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_VERSION_H
#define EPHMAP_VERSION_H

/* The only place where the version is written; CMake reads it from here. */
#define EPHMAP_VERSION_MAJOR 0
#define EPHMAP_VERSION_MINOR 1
#define EPHMAP_VERSION_PATCH 0

/*
 * Changes with every incompatible change of a structure or interface in
 * include/ephmap.  Every row of a table (a design, policy, protocol, scenario,
 * workload, importer) begins with the value it was built with, and is refused
 * when it differs, from a plug-in or from a program; it is the number in the
 * shared library's name.
 */
#define EPHMAP_ABI 3

#endif /* !EPHMAP_VERSION_H */

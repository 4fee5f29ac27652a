/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_VERSION_H
#define EPHMAP_VERSION_H

/* The only place where the version is written; CMake reads it from here. */
#define EPHMAP_VERSION_MAJOR 0
#define EPHMAP_VERSION_MINOR 1
#define EPHMAP_VERSION_PATCH 0

/*
 * Changes with every incompatible change of a structure or interface in
 * include/ephmap.  A plug-in carries the value it was built with and is
 * refused when it differs.
 */
#define EPHMAP_ABI 2

#endif /* !EPHMAP_VERSION_H */

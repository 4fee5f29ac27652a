/* SPDX-License-Identifier: BSD-2-Clause */

/* plugin_once.c, which forgets that other CPUs have TLBs too. */

#include "ephmap/pmap.h"

#define pmap_kenter  pmap_kenter_quick
#define pmap_kremove pmap_kremove_quick

#include "plugin_once.c"

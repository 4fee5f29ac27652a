/* SPDX-License-Identifier: BSD-2-Clause */

/* plugin_once.c, which forgets that other CPUs have TLBs too. */

#include "ephmap/kernel/names.h"
#include "ephmap/kernel/pmap.h"

#undef pmap_kenter
#undef pmap_kremove
#define pmap_kenter  eph_pmap_kenter_quick
#define pmap_kremove eph_pmap_kremove_quick

#include "plugin_once.c"

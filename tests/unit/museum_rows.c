/* SPDX-License-Identifier: BSD-2-Clause */

/* clang-format off */

#include "museum_rows.h"

#include <stddef.h>

const struct museum_row museum_rows[] = {
	/* The first address is the second; the first comes with the wrap. */
	{ "xen.percpu", NULL, 2, 4,
	    "m0 1 a [mi S1] t0 a u0 a [S1]"
	    "m0 1 b [mi S1] m1 2 c [mi S1] t1 c u0 b [S1]"
	    "m0 3 d [mi S1]" /* held across the wrap */
	    "m0 4 e [mi S3 H1] t0 e m0 5 f=a [mi S1] t0 f t0 d"
	    "u1 f ! k1 f ! u1 c [S1]" },
	{ "xen.percpu", NULL, 1, 3, /* a lap costs one flush */
	    "2(m0 1 a [mi S1] u0 a [S1]) m0 1 a [mi S3 H1] u0 a [S1]"
	    "4(2(m0 1 a [mi S1] u0 a [S1]) m0 1 a [mi S4 H1] u0 a [S1])" },
	{ "xen.percpu", NULL, 1, 2, "m0 1 a [mi S1] m0 2 b [mi S1 H1] m0 3 !" },

	{ "xen.shadow", NULL, 2, 3,
	    "m0 1 a [mi S1] u0 a [S1] m0 1 a [mi S1] u0 a [S1]"
	    /* CPU 0 wraps; CPU 1 was at 0 and sees the cursor at 0 */
	    "m0 1 a [mi S3 H1] m1 2 b [mi S1] u1 b [S1] u0 a [S1]"
	    /* CPU 1 at 1; CPU 0 wraps again, and CPU 1 sees it went back */
	    "m0 1 a [mi S1] u0 a [S1] m0 1 a [mi S4 H1]"
	    "u0 a [S1] m1 2 b [mi S1 H1] t1 b" },
	/* Without speculation it takes a CPU that holds two mappings. */
	{ "xen.shadow", NULL, 2, 3,
	    "m1 0 z [mi S1] u1 z [S1] m1 1 a [mi S1] m1 2 b [mi S2 H1] t1 a"
	    "u1 a [S1] u1 b [S1] m0 3 c [mi S1] m0 4 d [mi S3 H1]"
	    "m1 5 e=a [mi S1] y1 e" },
	{ "xen.shadow", NULL, 1, 2, "m0 1 a [mi S1] m0 2 b [mi S1 H1] m0 3 !" },

	{ "xen.epoch", NULL, 2, 3,
	    "m0 1 a [mi S1] u0 a [S1] m0 1 a [mi S1] u0 a [S1]"
	    "m0 1 a [mi S3 H1]" /* an epoch begins */
	    "m1 2 b [mi S1 H1] t1 b u1 b [S1] m1 2 b [mi S1] u1 b [S1]"
	    "u0 a [S1] m1 2 b [mi S4 H1] m0 1 a [mi S1 H1] t0 a k1 a !" },
	{ "xen.epoch", NULL, 1, 2, "m0 1 a [mi S1] m0 2 b [mi S1 H1] m0 3 !" },

	{ "xen.noready", NULL, 2, 3,
	    "m0 1 a [mi S1] u0 a [S1] m0 1 a [mi S1] u0 a [S1]"
	    "m0 1 a [mi S1 H1] m1 2 b [mi S1 H1] u1 b [S1] u0 a [S1]" },
	/* held across the wrap, touched, unmapped ahead of the cursor */
	{ "xen.noready", NULL, 1, 3,
	    "m0 1 a [mi S1] u0 a [S1] m0 2 b [mi S1] m0 1 a [mi S1 H1] t0 b"
	    "u0 b [S1] u0 a [S1] m0 1 a [mi S1] u0 a [S1] m0 3 c=b [mi S1]"
	    "y0 c" },

	/* In the hash or not; a mapping in use twice is one address. */
	{ "xen.maphash", NULL, 2, 1,
	    "m0 1 a [mi S1] u0 a [] m0 1 b=a [hi] m0 1 c=a [ha] t0 c"
	    "u0 b [] u0 c [] m1 1 d [mi S1] t1 d u1 d []"
	    "m0 9 a [mi S1] u0 a [S1]"   /* takes the place of page 1 */
	    "m0 9 b=a [hi] m0 1 c [mi S1] u0 c [S1]" /* the place is in use */
	    "u1 b ! k1 b ! u0 b" },
	/* The garbage comes back when the cursor is at the end: 1,024. */
	{ "xen.maphash", NULL, 2, 1,
	    "m0 1 a [mi S1] u0 a [] 511(m0 9 a [mi S1] u0 a [S1]"
	    "m0 1 a [mi S1] u0 a [S1])"
	    "m0 9 a [mi S1] u0 a [S1]"
	    "m0 1 b [mi S1 H1] t0 b m1 2 c [mi S1 H1] t1 c" },
	{ "xen.maphash", NULL, 1, 1, "1024(m0 1 a [mi S1]) m0 1 !" },

	/* 16 a vcpu: 8 in the hash, and the last resort for the rest. */
	{ "xen.mapcache", NULL, 1, 1,
	    "m0 0 a [mi S1] u0 a [] m0 1 a [mi S1] u0 a []"
	    "m0 2 a [mi S1] u0 a [] m0 3 a [mi S1] u0 a []"
	    "m0 4 a [mi S1] u0 a [] m0 5 a [mi S1] u0 a []"
	    "m0 6 a [mi S1] u0 a [] m0 7 a [mi S1] u0 a []"
	    "8(m0 11 z [mi S1])" /* page 3's place stays, these are others */
	    "m0 12 b [mi ev H1 S2] t0 b m0 3 c [hi] m0 13 d [mi ev H1 S2]"
	    "m0 5 e [mi ev H1 S2] u0 b [] u0 e [] u0 c []" },
	{ "xen.mapcache", NULL, 1, 1, "16(m0 1 a [mi S1]) m0 1 !" },
	{ "xen.mapcache", NULL, 2, 1,
	    "m0 1 a [mi S1] u0 a [] 15(m0 9 a [mi S1] u0 a [S1]"
	    "m0 1 a [mi S1] u0 a [S1]) m0 9 a [mi S1] u0 a [S1]"
	    "m0 1 a [mi H1 S1] m1 1 b [mi H1 S1] u1 b []"
	    "m1 1 b [hi] u1 b []" },

	{ "xen.global", NULL, 3, 3,
	    "m0 1 a [mi S1] t0 a t2 a u1 a [S1] m0 2 b [mi S1] t1 b"
	    "m0 3 c [mi S1] u0 c [S1] m1 4 d=a [mi S1 H1 F2 I2] t0 d t2 d"
	    "m0 5 e=c [mi S1] m0 6 ? [H1 F2 I2]"
	    "k2 e [] u2 e [S1] m0 7 f=c [mi S1 H1 F2 I2] t2 f" },

	{ "xen.arm32", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] m0 1 b=a [mi L1] m0 2 c [mi L1] t0 a t0 c"
	    "m0 600 d [mi L1 S1] t0 d m1 1 e [mi L1 S1] t1 e"
	    "u0 a [] u0 b [] u0 c [] m0 1 f [mi L1 S1] t0 f t0 d"
	    "m0 513 g [mi L1] u1 g ! k1 g ! u0 g u0 d u0 f" },
	/* 15 users and no more; 1025 and 1 share a place */
	{ "xen.arm32", "i386-p4", 1, 1,
	    "m0 1 a [mi L1 S1] 14(m0 1 z=a [mi L1]) m0 1 b [mi L1 S1]"
	    "m0 513 d [mi L1 S1] t0 a t0 b t0 d" },

	/* Windows of a CPU, unmapped in reverse order. */
	{ "bsd.cmap", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] t0 a m0 2 b [mi L1 S1] t0 b m0 3 ! u0 a !"
	    "u0 b [S1] u0 a [S1] m1 4 c [mi L1 S1] u0 c ! k0 c ! t1 c"
	    "k1 c [] m0 5 d=a [mi L1 S1] t0 d" },
	{ "freebsd.cmap.switchin", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] t0 a s0 [L1] t0 a m0 2 ! m1 2 ! u1 a !"
	    "u0 a [S1] s0 [] m1 3 b=a [mi L1 S1] s1 [L1] s0 [] t1 b u1 b [S1]" },
	{ "freebsd.cmap.sysmaps", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] t0 a m0 2 b [mi L1 S1] t0 b m0 3 ! u0 a !"
	    "u0 b [S1] u0 a [S1] m1 4 c [mi L1 S1] u0 c ! k0 c ! t1 c" },
	{ "solaris.caddr", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] t0 a m0 2 b [mi L1 S1] t0 b m0 3 ! u0 a !"
	    "u0 b [] u0 a [] m0 4 c=a [mi L1 S1] t0 c u1 c ! k1 c !" },

	{ "sun4.ppmapin", NULL, 3, 1,
	    "m0 1 a [mi S1] t0 a t2 a k1 a [] u1 a [S1 L1 R2 I2]"
	    "m0 2 b [mi S1] t1 b u0 b [S1 L1 R2 I2] m2 3 c=a [mi S1] t0 c" },
	{ "sun4.ppmapin", NULL, 2, 1, /* the heap */
	    "64(m0 1 z [mi S1]) m0 1 a [mi S1] t1 a t0 a k0 a []"
	    "u0 a [S1 L1 R1 I1] m0 2 b=a [mi S1] t0 b" },
	{ "sun4.pplock", NULL, 2, 1,
	    "m0 1 a [mi S1] t0 a m0 2 b [mi S1] t0 b t0 a m1 3 c [mi S1] t1 c"
	    "u0 a [L1] m0 4 d=a [mi S1] t0 d u1 d ! k1 d ! k0 d [] u0 d [L1]"
	    "u0 b [L1] 4(m0 1 z [mi S1]) m0 1 !" },

	{ "nt.hyperspace", NULL, 3, 1,
	    "m0 1 a [mi S1] t0 a m0 2 ! m1 2 ! u1 a ! k1 a ! k0 a [] u0 a [S1]"
	    "254(m1 2 b [mi S1] t1 b u1 b [S1])"
	    "m0 3 c=a [mi S1 H1 F2 I2] t0 c u0 c [S1]" },

	{ "plan9.kmap.386", NULL, 2, 3,
	    "m0 1 a [mi S1] t0 a u0 a [L1 S1] m0 1 b [mi S1] m0 2 c [mi S1]"
	    "m0 3 d=a [mi S1] t0 d m0 4 ! u0 b [L1 S1] m0 5 e=b [mi S1] t0 e"
	    "u1 e ! m1 1 f [mi S1] t1 f" },
	{ "plan9.kmap.amd64", NULL, 2, 3,
	    "m0 1 a [mi L1 S1] t0 a u0 a [S1] m0 1 b [mi L1 S1]"
	    "m0 2 c [mi L1 S1] m0 3 d=a [mi L1 S1] t0 d m0 4 ! u0 c [S1]"
	    "m0 4 e=c [mi L1 S1] t0 e u1 e ! m1 1 f [mi L1 S1] t1 f" },

	/* Pages 0 and 1 are one window, 2 and 3 another. */
	{ "netbsd.ubc", NULL, 3, 2,
	    "m0 0 a [mi S1] t0 a t1 a m1 1 b [ha S1] t2 b u0 a [] u1 b []"
	    "m2 0 c=a [hi] t2 c m0 2 d [mi S1] u2 c [] u0 d []"
	    "m1 4 e=a [mi ev L2 R4 I2 S3] t0 e t1 e t2 e k2 e [] u0 e []"
	    "m1 3 f [hi S1] t0 f" },
	{ "netbsd.pagermapin", NULL, 3, 2,
	    "m0 1 a [mi S1] t0 a t1 a m1 1 b [mi S1] k2 b [] u2 a [S1 L1 R2 I2]"
	    "m0 2 c=a [mi S1] t1 c u0 c [S1 L1 R2 I2]" },
	{ "openbsd.pseg", NULL, 3, 1,
	    "m0 1 a [mi S1] t0 a t1 a m1 1 b [mi S1] u2 a [S1 L1 R2 I2]"
	    "m0 2 c=a [mi S1] t1 c u0 c [S1 L1 R2 I2]" },

	/* Pages 1 and 5 have one colour. */
	{ "mips.kmap_coherent", NULL, 2, 1,
	    "m0 1 a [mi S1] t0 a m0 2 ! u1 a ! k1 a ! k0 a [] u0 a [] m0 2 b [mi S1]"
	    "t0 b m1 2 c [mi S1] t1 c u0 b [] m0 5 d=a [mi S1] t0 d" },

	{ "haiku.get", NULL, 3, 1,
	    "m0 1 a [mi L1 R2 I2 S1] t0 a t2 a u1 a []"
	    "m2 2 b=a [mi L1 R2 I2 S1] t0 b t1 b k1 b []"
	    "m0 3 c [mi L1 R2 I2 S1] u0 b [] u0 c []"
	    "m0 4 d=c [mi L1 R2 I2 S1] t1 d m1 5 e=b [mi L1 R2 I2 S1] t2 e" },
	{ "haiku.cpu", NULL, 2, 1,
	    "m0 1 a [mi L1 S1] t0 a u0 a [] m0 2 b=a [mi L1 S1] t0 b u1 b !"
	    "k1 b ! m1 1 c [mi L1 S1] t1 c m0 3 d [mi L1 S1] u0 b []"
	    "m0 4 e=b [mi L1 S1] t0 e t0 d" },
	{ "haiku.tmap", NULL, 2, 1,
	    "m0 1 a [mi L1 S1] t0 a m0 2 ! m1 2 ! u0 a [] m0 1 b=a [hi] u0 b []"
	    "m1 1 c=a [hi L1] t1 c u0 c ! u1 c [] m1 1 c [hi] u1 c []"
	    "m0 2 d [mi L1 S1] u0 d [] m0 3 e [mi L1 S1] u0 e []"
	    "m0 4 f [mi L1 S1] u0 f [] m0 5 g=a [mi ev L1 S1] t0 g u0 g []"
	    "m0 2 h=d [hi] u0 h [] m0 6 i=e [mi ev L1 S1] t0 i u0 i []"
	    "m1 6 j=e [hi L1] t1 j" },

	{ "linux.vm_map_ram", NULL, 3, 1,
	    "m0 1 a [mi S1] t0 a t1 a u2 a [S1] m0 1 b [mi S1] m1 1 c [mi S1]"
	    "t0 c k2 c [] u1 c [S1]" },
	/* 32 MiB of blocks are kept back, and one more is too much. */
	{ "linux.vm_map_ram", NULL, 1, 1,
	    "9215(m0 1 a [mi S1] u0 a [S1]) m0 1 a [mi S1] u0 a [S1 H1]"
	    "m0 2 a [mi S1] t0 a" },

	{ "linux.vmap", NULL, 3, 1,
	    "m0 1 a [mi S1] t0 a t1 a u2 a [S1] m0 1 b [mi S1] m1 1 c [mi S1]"
	    "t0 c k2 c [] u1 c [S1]" },
	/* 64 MiB for two CPUs, of two pages each: the 8,193rd, seven in 60,000. */
	{ "linux.vmap", NULL, 2, 1,
	    "m1 1 a [mi S1] t1 a u1 a [S1]"
	    "8191(m0 1 z [mi S1] u0 z [S1]) m0 1 z [mi S1] u0 z [S1 H1 F1 I1]"
	    "6(8192(m0 1 z [mi S1] u0 z [S1])"
	    "m0 1 z [mi S1] u0 z [S1 H1 F1 I1]) 2649(m0 1 z [mi S1] u0 z [S1])"
	    "m1 2 z [mi S1] t1 z" },
	{ "linux.vmap", NULL, 4, 1,
	    "4(12288(m0 1 z [mi S1] u0 z [S1])"
	    "m0 1 z [mi S1] u0 z [S1 H1 F3 I3])" },
	/* No address is left: those kept back are flushed, few by name. */
	{ "linux.vmap", "i386-p4", 2, 1,
	    "m0 1 a [mi S1] t1 a 131070(m0 1 z [mi S1])"
	    "u0 a [S1] m0 2 b=a [mi S1 L2 R2 I1] t1 b m0 2 !" },

	{ "xtensa.kmap", NULL, 2, 2,
	    "m0 1 a [mi S1] u0 a [] m0 1 b=a [hi] m0 1 c=a [ha] u0 b [] u0 c []"
	    "m0 5 d [mi S2 L8 R8 I1] t0 d t1 d m1 2 e [mi S1] t0 e"
	    "m0 1 f=a [mi S1] t0 f t1 f" },

	{ "linux.tempmm", NULL, 2, 1,
	    "m0 1 a [mi H1 S1] t0 a m0 2 ! m1 2 ! k0 a [] k1 a ! u1 a !"
	    "u0 a [H2 S1] m1 3 b=a [mi H1 S1] t1 b u1 b [H2 S1]" },

	{ "arm.kmap_local", "i386-p4", 2, 1,
	    "m0 1 a [mi L1 S1] m0 2 b [mi L1 S1] t0 a t0 b s0 [L4 S4] t0 a"
	    "u0 a ! u0 b [L1 S1] u0 a [L1 S1] m0 3 c=a [mi L1 S1] t0 c u1 c !" },

	{ "serenity.quickmap", NULL, 2, 1,
	    "m0 1 a [mi L1 S1] t0 a m0 2 ! m1 2 ! u1 a ! u0 a []"
	    "m0 1 b=a [hi] u0 b [] m1 1 c=a [hi L1] t1 c u1 c []"
	    "m1 1 c [hi] u1 c [] m1 2 d=a [mi ev L1 S1] t1 d u1 d []"
	    "m0 2 e=a [hi L1] t0 e" },

	{ "linux.ephmap", NULL, 2, 1,
	    "m0 1 a [mi S1] t0 a m0 2 ? m1 2 b [mi S1] t1 b u1 a ! k1 a !"
	    "u0 a [L1 S1] m0 3 c=a [mi S1] t0 c k0 c []" },
	{ "linux.mermap", NULL, 2, 4, /* three pages, and one kept */
	    "m0 1 a [mi S1] t0 a u0 a [S1] m0 2 b [mi S1] m0 3 c [mi S1] t0 c"
	    "m0 4 ? u1 c ! u0 c [S1] m0 4 d=c [mi S1 H1] t0 d u0 b [S1]"
	    "u0 d [S1] m0 5 e=a [mi S1 H1] t0 e m1 5 f [mi S1] t1 f" },
	{ "linux.mermap", NULL, 1, 16, "4(m0 1 z [mi S1]) m0 1 ?" },
	/* Four in use at the end of the part: the flush was for nothing. */
	{ "linux.mermap", NULL, 1, 6,
	    "m0 1 a [mi S1] u0 a [S1] m0 1 a [mi S1] m0 1 b [mi S1]"
	    "m0 1 c [mi S1] m0 1 d [mi S1] u0 d [S1] m0 2 e=d [mi S1 H1]"
	    "t0 e m0 3 ?" },

	{ NULL, NULL, 0, 0, NULL },
};

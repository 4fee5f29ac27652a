/* SPDX-License-Identifier: BSD-2-Clause */

#include "trace/unpack.h"

#include <string.h>

static const struct unpack_codec *const codecs[] = {
	&eph__unpack_zstd,
	&eph__unpack_gzip,
	&eph__unpack_xz,
	&eph__unpack_bzip2,
	&eph__unpack_lz4,
};

/* Containers that have to be unpacked by hand. */
static const struct {
	const char *magic;
	size_t n;
	const char *what;
} foreign[] = {
	{ "PK\003\004", 4, "a zip archive" },
	{ "7z\274\257\047\034", 6, "a 7z archive" },
	{ "Rar!\032\007", 6, "a rar archive" },
	{ "\037\235", 2, "compressed by compress (.Z)" },
	{ "LZIP", 4, "compressed by lzip" },
	{ "\211LZO", 4, "compressed by lzop" },
	{ "\002\041\114\030", 4, "compressed by lz4 -l, its legacy form" },
};

const struct unpack_codec *
eph__unpack_find(const unsigned char *head)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (codecs[i]->knows(head))
			return (codecs[i]);
	}
	return (NULL);
}

const char *
eph__unpack_foreign(const unsigned char *head)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (memcmp(head, foreign[i].magic, foreign[i].n) == 0)
			return (foreign[i].what);
	}
	return (NULL);
}

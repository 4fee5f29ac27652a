#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# node-lfu-cache and @akashbabu/lfu-cache: a full cache evicts what it was just
# given.
#
# Expected: on a miss the least frequently used of those present goes, and
# the new one is there until the next miss.  Asked for right after it was set
# it is a hit.
# Seen: both put the new one in, with a frequency of 1, and evict then.  As
# soon as all others were hit once, the new one is the least frequently used:
# 98 % of what is set in a cache of 10 is gone when set() comes back, and
# nothing says so.  The two miss equally often, to the one.
#
# Why it matters to who compares policies: these are not the LFU of
# simulators, but LFU with a bypass.  It misses 1.7 % more often than LFU in
# a cache of 10 on the stream below, and as often in one of 300.  A page that
# has to be mapped to be used cannot be bypassed at all.
#
# How seen: 20,000 references, skewed, to 500 and 2,000 keys, beside a naive
# LFU that evicts first (ties: the one that has its frequency longest).

. "$(dirname "$0")/support/packages.sh"
npm_unpack node-lfu-cache@5.0.0 @akashbabu/lfu-cache@1.1.0

cat >"$dir/lfu.js" <<'END'
const One = require('node-lfu-cache');
const module_of_two = require('@akashbabu/lfu-cache');
const Two = module_of_two.default || module_of_two;
let state = 12345;
function random() {
	state = (Math.imul(state, 1103515245) + 12345) >>> 0;
	return (state >>> 8) / 16777216;
}
function naive(stream, size) {
	const uses = new Map(), since = new Map();
	let misses = 0;
	stream.forEach((key, now) => {
		if (!uses.has(key)) {
			misses++;
			if (uses.size === size) {
				let victim = null;
				for (const [k, n] of uses)
					if (victim === null || n < uses.get(victim) ||
					    (n === uses.get(victim) &&
					    since.get(k) < since.get(victim)))
						victim = k;
				uses.delete(victim);
			}
		}
		uses.set(key, (uses.get(key) || 0) + 1);
		since.set(key, now);
	});
	return misses;
}
function play(stream, cache) {
	let misses = 0, gone = 0;
	for (const key of stream) {
		if (cache.get(key) !== undefined)
			continue;
		misses++;
		cache.set(key, 1);
		gone += cache.peek(key) === undefined;
	}
	return [misses, gone];
}
console.log('size  naive LFU  node-lfu-cache (gone)  lfu-cache (gone)');
for (const [keys, size] of [[500, 10], [500, 100], [2000, 255], [2000, 300]]) {
	const stream = [];
	for (let i = 0; i < 20000; i++)
		stream.push('k' + Math.floor(keys * Math.pow(random(), 3)));
	const one = play(stream, new One(size));
	const two = play(stream, new Two({ max: size, evictCount: 1 }));
	console.log(String(size).padEnd(4), ' ' + naive(stream, size),
	    '     ' + one[0], one[1], '           ' + two[0], two[1]);
}
END
(cd "$dir" && node lfu.js) | tee "$dir/seen"

cat >"$dir/wanted" <<'END'
10 15428 15693 15398 15693 15398
100 9962 9982 8499 9982 8499
255 11417 11437 6292 11437 6292
300 10822 10820 3862 10820 3862
END
sed -n '2,$s/  */ /gp' "$dir/seen" | diff - "$dir/wanted"
verdict $?

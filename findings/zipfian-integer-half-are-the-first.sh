#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# zipfian-integer: of a range of more than 2^31 numbers, up to half of the
# draws are its first one.
#
# Expected: the README says that it serves key spaces of any size and times
# it on 10^12 keys.  Skew 0 is said to be uniform: of 100,000 draws from
# 10^12 numbers hardly two are equal, and half are above 5 * 10^11.
# Seen: about half of the draws are the first number, and none is above 2^31.
# At skew 0.5 48 % are the first instead of none, at 1 15 % instead of 4 %.
# Up to 2^31 numbers the draws are right.  (A rank is rounded by an operator
# that keeps 32 bits, and what is negative then becomes the first rank.)
#
# Why it matters to who studies caches: a stream of block or page addresses
# made with it has one page that takes up to half of the references, so that
# each policy hits half the time at any size, and it looks like a skewed load.
#
# How seen: 100,000 draws with a fixed generator of random bits, for four
# sizes and three skews; the share that the first number should have is
# 1 / (sum of k^-skew), by the integral for large ranges.

. "$(dirname "$0")/support/packages.sh"
npm_unpack zipfian-integer@1.0.1

cat >"$dir/draw.js" <<'END'
const zipfian = require('zipfian-integer');
let state = 1;
function random() {
	state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
	return state / 4294967296;
}
// The share of rank 1 among n ranks: the sum by its first 10^5 terms and the
// integral of the rest.
function share(n, skew) {
	const whole = Math.min(n, 1e5);
	let sum = 0;
	for (let k = 1; k <= whole; k++)
		sum += Math.pow(k, -skew);
	const a = whole + 0.5, b = n + 0.5;
	if (n > whole)
		sum += skew === 1 ? Math.log(b / a) :
		    (Math.pow(b, 1 - skew) - Math.pow(a, 1 - skew)) / (1 - skew);
	return 1 / sum;
}
console.log('numbers        skew  first    should be  largest draw');
for (const n of [1e6, 2 ** 31, 2 ** 32, 1e12]) {
	for (const skew of [0, 0.5, 1]) {
		const draw = zipfian(0, n - 1, skew, random);
		let first = 0, largest = 0;
		for (let i = 0; i < 100000; i++) {
			const value = draw();
			first += value === 0;
			largest = Math.max(largest, value);
		}
		console.log(String(n).padEnd(13), ' ' + skew.toFixed(1),
		    ' ' + (first / 100000).toFixed(4),
		    ' ' + share(n, skew).toFixed(4), '    ' + largest);
	}
}
END
(cd "$dir" && node draw.js) | tee "$dir/seen"

awk '
NR == 1 { next }
$1 <= 2147483648 && ($3 > $4 + 0.01 || $3 < $4 - 0.01) { bad = 1 }
$1 > 2147483648 && ($3 < $4 + 0.02 || $5 >= 2147483648) { bad = 1 }
$1 == 1000000000000 && $2 == "0.0" && ($3 < 0.4 || $3 > 0.6) { bad = 1 }
END { exit bad || NR != 13 }' "$dir/seen"
verdict $?

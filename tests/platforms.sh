#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The same answers on other platforms: builds the program with -Werror by other
# compilers, C libraries and machines, and compares a fixed set of outputs
# (tests/platforms/outputs.sh) with those of the build by gcc for this host.
#
#	tests/platforms.sh [--tests] [PLATFORM]...
#
# --tests: the tests of the kinds unit, model and explore are built and run
# there, too (none that is a script).
# clang, O0, O3, lto; musl; i386, arm64, riscv64, s390x by Debian's cross
# compilers and qemu-user.  Without names, all.  What is missing is installed
# (as root); libraries of other machines are Debian's packages, unpacked under
# the build folder.  Outputs are equal byte for byte; of binary traces the
# contents are compared, since libzstd's versions compress differently.

top=$(cd "$(dirname "$0")/.." && pwd)
build=${EPHMAP_PLATFORMS_BUILD:-$top/build/platforms}
unset CMAKE_C_COMPILER_LAUNCHER
jobs=${EPHMAP_PLATFORMS_JOBS:-$(getconf _NPROCESSORS_ONLN)}
mkdir -p "$build"
. "$top/tests/support/foreign_apt.sh"

die() {
	echo "platforms: $*" >&2
	exit 2
}

skip() {
	echo "$1: skipped: $2"
	skipped=$((skipped + 1))
}

libraries="libc6-dev libzstd-dev zlib1g-dev libjansson-dev libsqlite3-dev
libbsd-dev liblzma-dev liblz4-dev libbz2-dev libinih-dev libatomic1
libcunit1-dev"

# sysroot ARCH SUITE: Debian's packages of that machine, unpacked.
sysroot() {
	dir=$build/sysroot-$1
	[ ! -f "$dir/done" ] || return 0
	rm -rf "$dir" "$build/apt-$1"
	mkdir -p "$dir/usr/lib"
	ln -s usr/lib "$dir/lib"
	ln -s usr/lib "$dir/lib64"
	(
		foreign_apt "$build/apt-$1" "$1" "$2" || exit 1
		# shellcheck disable=SC2086
		apt-get -qq -y --download-only --no-install-recommends \
			install $libraries &&
			foreign_unpack "$dir" "$build/apt-$1"/archives/*.deb
	) >"$build/apt.log" 2>&1 || return 1
	: >"$dir/done"
}

# Debian has no libraries for musl: built from its sources.
musl_libraries() {
	dir=$build/musl-root
	[ ! -f "$dir/done" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir/source" "$dir/lib" "$dir/include"
	(
		cd "$dir/source" &&
			foreign_apt "$dir/apt" "$(dpkg --print-architecture)" &&
			apt-get -qq source zlib libzstd jansson sqlite3 cunit &&
			musl_build
	) >"$build/musl.log" 2>&1 || return 1
	: >"$dir/done"
}

# In the folder of the sources.
musl_build() {
	(cd zlib-*/ && CC=musl-gcc ./configure --static --prefix="$dir" &&
		make -j "$jobs" install) &&
		make -C libzstd-*/lib -j "$jobs" CC=musl-gcc libzstd.a &&
		cp libzstd-*/lib/libzstd.a "$dir/lib" &&
		cp libzstd-*/lib/*.h "$dir/include" &&
		(cd jansson-*/ && cmake -S . -B b -DCMAKE_C_COMPILER=musl-gcc \
			-DCMAKE_INSTALL_PREFIX="$dir" -DJANSSON_BUILD_DOCS=OFF \
			-DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON &&
			cmake --build b -j "$jobs" && cmake --install b) &&
		(cd sqlite3-*/ && CC=musl-gcc ./configure --disable-shared \
			--disable-readline --disable-tcl \
			--disable-load-extension --prefix="$dir" &&
			make -j "$jobs" libsqlite3.la &&
			cp .libs/libsqlite3.a "$dir/lib" &&
			cp sqlite3.h "$dir/include") &&
		(cd cunit-*/CUnit && cp -R Headers "$dir/include/CUnit" &&
			sed 's/@VERSION@-@RELEASE@/2/' Headers/CUnit.h.in \
				>"$dir/include/CUnit/CUnit.h" &&
			musl-gcc -O2 -c -I"$dir/include/CUnit" \
				Sources/Framework/*.c Sources/Basic/*.c &&
			ar rc "$dir/lib/libcunit.a" ./*.o) || return 1
	mkdir -p "$dir/lib/pkgconfig"
	for m in libzstd:zstd zlib:z jansson:jansson sqlite3:sqlite3; do
		{
			echo "Name: ${m%:*}"
			echo "Description: ${m%:*}"
			echo "Version: 9"
			echo "Cflags: -I$dir/include"
			echo "Libs: -L$dir/lib -l${m#*:}"
		} >"$dir/lib/pkgconfig/${m%:*}.pc"
	done
	# musl has no <sys/queue.h>; libbsd's is a header alone.
	mkdir -p "$dir/include/bsd/sys"
	for h in queue tree cdefs; do
		cp "/usr/include/bsd/sys/$h.h" "$dir/include/bsd/sys"
	done
	# The kernel's own, beside which glibc's stand.
	mkdir -p "$dir/include/kernel"
	for h in linux asm-generic "$(gcc -print-multiarch)/asm"; do
		ln -sfn "/usr/include/$h" "$dir/include/kernel"
	done
}

# platform NAME: sets what a build of it takes; false if it cannot be had.
platform() {
	options=-DCMAKE_BUILD_TYPE=Release
	emulator=
	path=
	flags=
	case $1 in
	gcc) options="$options -DCMAKE_C_COMPILER=gcc" ;;
	clang)
		need clang clang || return 1
		options="$options -DCMAKE_C_COMPILER=clang"
		;;
	O0) options="-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0" ;;
	O3) options="$options -DCMAKE_C_FLAGS_RELEASE=-O3" ;;
	lto)
		options="$options -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
		    -DEPHMAP_JEMALLOC=OFF"
		;;
	musl)
		need musl-gcc musl-tools && need tclsh tcl &&
			musl_libraries || return 1
		path=$build/musl-root/lib/pkgconfig
		options="$options -DCMAKE_C_COMPILER=musl-gcc
		    -DEPHMAP_JEMALLOC=OFF
		    -DCUNIT_INCLUDE_DIR=$build/musl-root/include
		    -DCUNIT_LIBRARY=$build/musl-root/lib/libcunit.a
		    -DCMAKE_DISABLE_FIND_PACKAGE_BZip2=ON"
		flags="-DLIBBSD_OVERLAY -isystem $build/musl-root/include/bsd"
		flags="$flags -isystem $build/musl-root/include/kernel"
		;;
	i386)
		# Sizes of 64 bits that become a size_t are no error there.
		machine i386 bookworm i686-linux-gnu i386-linux-gnu i386 ||
			return 1
		# Most kernels for amd64 run it, far quicker than qemu does.
		loader=$root/lib/ld-linux.so.2
		"$loader" --version >/dev/null 2>&1 &&
			emulator="$loader --library-path $root/lib/i386-linux-gnu"
		flags='-Wno-error=conversion -Wno-error=sign-conversion'
		;;
	arm64) machine arm64 bookworm aarch64-linux-gnu aarch64-linux-gnu aarch64 ;;
	s390x) machine s390x bookworm s390x-linux-gnu s390x-linux-gnu s390x ;;
	# Not in Debian 12.
	riscv64) machine riscv64 trixie riscv64-linux-gnu riscv64-linux-gnu riscv64 ;;
	*) die "there is no platform $1" ;;
	esac
}

# machine ARCH SUITE COMPILER TRIPLET QEMU
machine() {
	need "$3-gcc" "gcc-$3" && need "qemu-$5" qemu-user &&
		sysroot "$1" "$2" || return 1
	root=$build/sysroot-$1
	emulator="qemu-$5 -L $root"
	path=$root/usr/lib/$4/pkgconfig:$root/usr/share/pkgconfig
	options="$options -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=$5
	    -DCMAKE_C_COMPILER=$3-gcc -DCMAKE_SYSROOT=$root
	    -DCMAKE_LIBRARY_ARCHITECTURE=$4
	    -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY
	    -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DEPHMAP_JEMALLOC=OFF"
}

# ctest's choice of tests, with further arguments.
chosen_tests() {
	ctest --test-dir "$build/$1" -L '^(unit|model|explore)$' \
		-LE '^(long|stress)$' -E '^model.clock$' "$2" "$3"
}

test_programs() {
	chosen_tests "$1" -N -j1 |
		sed -n 's/.*Test *#[0-9]*: [a-z]*\.\([a-z0-9_]*\).*/\1/p' | sort -u
}

run_tests() {
	t0=$(date +%s)
	chosen_tests "$1" -j "$jobs" >"$build/$1.tests" 2>&1
	status=$?
	echo "$1: $(grep 'tests passed' "$build/$1.tests");" \
		"run in $(($(date +%s) - t0)) s"
	grep -e '(Failed)' -e '(Timeout)' -e '(Not Run)' "$build/$1.tests"
	[ $status -eq 0 ]
}

make_platform() {
	with=$tests
	[ "$1" != gcc ] || with=OFF
	(
		if [ -n "$path" ]; then
			export PKG_CONFIG_LIBDIR="$path"
			[ -z "$emulator" ] || export PKG_CONFIG_SYSROOT_DIR="$root"
		fi
		# shellcheck disable=SC2086
		cmake -S "$top" -B "$build/$1" -DEPHMAP_WERROR=ON \
			-DEPHMAP_BUILD_TESTS=$with -DEPHMAP_BUILD_BENCH=OFF \
			-DCMAKE_CROSSCOMPILING_EMULATOR="$(echo "$emulator" |
				tr ' ' ';')" \
			-DCMAKE_C_FLAGS="$flags" $options || exit 1
		programs=
		[ $with = OFF ] || programs=$(test_programs "$1")
		# shellcheck disable=SC2086
		cmake --build "$build/$1" --target ephmap_program $programs \
			-j "$jobs"
	) >"$build/$1.log" 2>&1
}

# Binary traces: the same contents, whatever packed them.
contents() {
	for trace in "$build/$1.out"/*.ept; do
		"$build/gcc/ephmap" trace convert "$trace" --to text -o - \
			</dev/null | cksum
	done >"$build/$1.contents"
}

compare() {
	differ=0
	files=0
	for f in "$build/gcc.out"/*; do
		case $f in
		*.ept) continue ;;
		esac
		files=$((files + 1))
		cmp -s "$f" "$build/$1.out/${f##*/}" && continue
		differ=$((differ + 1))
		[ $differ -gt 5 ] || echo "    differs: ${f##*/}"
	done
	packed=0
	for f in "$build/gcc.out"/*.ept; do
		cmp -s "$f" "$build/$1.out/${f##*/}" || packed=$((packed + 1))
	done
	cmp -s "$build/gcc.contents" "$build/$1.contents" ||
		differ=$((differ + 1))
	echo "$1: $differ of $files outputs differ, $packed traces packed" \
		"otherwise; built in $built s, run in $ran s"
	[ $differ -eq 0 ]
}

tests=OFF
[ "${1:-}" != --tests ] || {
	tests=ON
	shift
}
[ $# -gt 0 ] || set -- clang O0 O3 lto musl i386 arm64 riscv64 s390x
failed=0
skipped=0
for p in gcc "$@"; do
	platform "$p" || {
		skip "$p" "packages cannot be had; see $build/*.log"
		continue
	}
	t0=$(date +%s)
	make_platform "$p" || {
		echo "$p: FAILED to build; see $build/$p.log"
		failed=1
		continue
	}
	t1=$(date +%s)
	rm -rf "$build/$p.out"
	sh "$top/tests/platforms/outputs.sh" "$emulator" "$build/$p/ephmap" \
		"$build/$p.out"
	built=$((t1 - t0))
	ran=$(($(date +%s) - t1))
	contents "$p"
	[ "$p" = gcc ] && {
		echo "gcc: reference; built in $built s, run in $ran s"
		continue
	}
	compare "$p" || failed=1
	[ $tests = OFF ] || run_tests "$p" || failed=1
done
[ $skipped -eq 0 ] || echo "platforms: $skipped skipped"
exit $failed

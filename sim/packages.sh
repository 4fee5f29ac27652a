# SPDX-License-Identifier: BSD-2-Clause
#
# What building and testing needs, for sim/quickstart.sh and tests/run.sh,
# which source this file from the top of the checkout.

# Debian's names.
packages="build-essential cmake pkg-config binutils ca-certificates file
libcunit1-dev libjansson-dev libjemalloc-dev libzstd-dev zlib1g-dev libbsd-dev
liblzma-dev libbz2-dev liblz4-dev libinih-dev
libsqlite3-dev gnuplot-nox libprotobuf-c-dev protobuf-c-compiler"

# Where there is no dpkg: programs, and names that pkg-config knows.
programs="cc make cmake pkg-config"
modules="cunit jansson libzstd zlib sqlite3"

die() {
	echo "$*" >&2
	exit 2
}

missing_packages() {
	for p in $packages; do
		case $(dpkg-query -W -f='${Status}' "$p" 2>/dev/null) in
		"install ok installed") ;;
		*) echo "$p" ;;
		esac
	done
}

missing_without_dpkg() {
	for p in $programs; do
		command -v "$p" >/dev/null 2>&1 || echo "$p"
	done
	for m in $modules; do
		pkg-config --exists "$m" 2>/dev/null || echo "$m"
	done
}

# Install what is missing, without a question.
need_packages() {
	if ! command -v dpkg-query >/dev/null 2>&1; then
		missing=$(missing_without_dpkg | tr '\n' ' ')
		[ -z "$missing" ] || die "Please install: $missing"
		return
	fi
	missing=$(missing_packages | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
		typed=
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		as_root="sudo -n"
		typed="sudo "
	else
		die "Some packages are missing.  Please type, then start again:
  sudo apt-get install -y $missing"
	fi
	echo "Installing $missing"
	mkdir -p build
	# shellcheck disable=SC2086
	{ $as_root apt-get -qq update && $as_root env \
	    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
	    --no-install-recommends $missing; } \
	    </dev/null >build/packages.log 2>&1 || {
		cat build/packages.log >&2
		die "That did not work.  Please type, then start again:
  ${typed}apt-get update && ${typed}apt-get install -y $missing"
	}
}

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

# SPDX-License-Identifier: BSD-2-Clause
#
# To be sourced by a finding: a temporary folder that goes when the script
# ends, and pinned packages of Debian in it.
#
#	$dir		the folder; anybody may read it
#	unpack P=V ...	packages laid under $dir/root, the system left alone
#	install P=V ...	for what needs too many libraries: apt-get install,
#			which does change the system, and so says so
#	npm_unpack P@V ...	packages of npm under $dir/node_modules, without
#			running their scripts; where npm is missing it is installed
#	verdict CODE	the last line: 0 is "as described"

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
root=$dir/root
export LC_ALL=C

unpack() {
	(
		mkdir -p "$root" "$dir/packages" && cd "$dir/packages" || exit
		apt-get -qq -o APT::Sandbox::User=root download "$@" ||
		    { apt-get -qq update &&
			apt-get -qq -o APT::Sandbox::User=root download "$@"; } ||
		    exit
		for package in *.deb; do
			dpkg -x "$package" "$root" || exit
		done
	) || { echo "cannot unpack $*" >&2; exit 2; }
	echo "packages: $* (unpacked, not installed)"
}

install() {
	apt-get -qq install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
	    { apt-get -qq update && apt-get -qq install -y \
		--no-install-recommends "$@" >/dev/null; } ||
	    { echo "cannot install $*" >&2; exit 2; }
	echo "packages: $* (installed on this system)"
}

npm_unpack() {
	command -v npm >/dev/null || install nodejs npm
	(cd "$dir" && npm install --silent --no-audit --no-fund --no-save \
	    --ignore-scripts "$@" >/dev/null) ||
	    { echo "cannot unpack $*" >&2; exit 2; }
	echo "packages: $* (npm, unpacked), node $(node --version)"
}

verdict() {
	if [ "$1" -eq 0 ]; then
		echo "as described"
	else
		echo "CHANGED: not what this script describes" >&2
	fi
	exit "$1"
}

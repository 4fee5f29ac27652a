# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's packages for another machine, without a change to this one; sourced
# by scripts of tests.

# foreign_apt FOLDER ARCH [SUITE]: sets APT_CONFIG so that apt-get is one for
# that machine with nothing installed, whose files are all under FOLDER.
foreign_apt() {
	site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' \
		'Origin: Debian' 2>/dev/null | grep -v -e security -e updates |
		head -n 1)
	[ -n "$site" ] || return 1
	mkdir -p "$1/lists/partial" "$1/archives/partial"
	: >"$1/status"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	for kind in deb deb-src; do
		echo "$kind [signed-by=$keys] ${site% *} ${3:-${site#* }} main"
	done >"$1/sources"
	cat >"$1/conf" <<END
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1";
Dir::Cache::archives "$1/archives";
Dir::Etc::sourcelist "$1/sources";
Dir::Etc::sourceparts "-";
APT::Architecture "$2";
APT::Architectures "$2";
APT::Sandbox::User "root";
END
	APT_CONFIG=$1/conf
	export APT_CONFIG
	apt-get -qq update
}

# foreign_unpack FOLDER DEB...
foreign_unpack() {
	into=$1
	shift
	for deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink -C "$into" || return 1
	done
}

# need COMMAND PACKAGE...: install what has the command, where root may.
need() {
	command -v "$1" >/dev/null && return 0
	shift
	[ "$(id -u)" -eq 0 ] || return 1
	apt-get -qq update >/dev/null 2>&1
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		-o DPkg::Lock::Timeout=600 \
		--no-install-recommends "$@" >/dev/null 2>&1
}

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sim/quickstart.sh and tests/run.sh where packages are missing and nobody
# may install them: they say what to type and exit 2, and build nothing.

. "$(dirname "$0")/lib.sh"

mkdir "$base/bin"
fake() {
	printf '#!/bin/sh\n%s\n' "$2" >"$base/bin/$1"
	chmod +x "$base/bin/$1"
}
fake dpkg-query 'exit 1'
fake id 'echo 1000'
fake sudo 'exit 1'
fake apt-get 'echo apt-get must not be called >&2; exit 1'
fake cmake 'echo cmake must not be called >&2; exit 1'

for script in sim/quickstart.sh tests/run.sh; do
	command=$script
	PATH=$base/bin:$PATH sh "$ROOT/$script" >"$out" 2>"$err" </dev/null
	status=$?
	expect_status 2
	case $script in
	*quickstart*) expect_out '^ephmap: install what is missing, build' ;;
	*) expect_no_out ;;
	esac
	expect_err '^  sudo apt-get install -y .*build-essential .*libcunit1-dev'
	expect 'nothing else is called' sh -c "! grep -q 'must not' '$err'"
done

finish

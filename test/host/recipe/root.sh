#!/bin/sh
# root.sh TARGET [PACKAGE...]: a root file system of this machine's own
# Debian release, from this machine's own package sources.
set -eu
target=$1
shift
here=$(dirname "$0")
. /etc/os-release

# The files among our sources that have the release itself, not a vendor's.
sources=$(grep -lsE "^(Suites:|deb ).*[[:space:]]$VERSION_CODENAME([[:space:]]|\$)" \
	/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources || true)
[ -n "$sources" ] || {
	echo "root.sh: no file in /etc/apt has a source of $VERSION_CODENAME" >&2
	exit 1
}

include=$(grep -v '^#' "$here/packages" | tr '\n' ' ')
# shellcheck disable=SC2086  # lists of words
mmdebstrap --quiet --variant=minbase --mode=root \
	--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
	--essential-hook='mkdir -p "$1/usr/share/man/man1"' \
	--include="$(echo $include "$@" | tr ' ' ',')" \
	"$VERSION_CODENAME" "$target" $sources
sh "$here/el.sh" "$target" "$here"

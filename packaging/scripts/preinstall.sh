#!/bin/sh
# Before the files land: rpm and dpkg give files to users by name, so the
# users must be there. This is the only script that may stop a transaction.
# The same users stand in sysusers.d, for images that are built without scripts.
set -u

stop() {
	echo "threatconnect-envsvr: $1; nothing was installed" >&2
	exit 1
}

# A user that exists already, here or in a directory service, is taken as it is.
add() { # user home comment
	getent group "$1" >/dev/null || groupadd -r "$1" || getent group "$1" >/dev/null ||
		stop "the group $1 could not be created"
	getent passwd "$1" >/dev/null ||
		useradd -r -g "$1" -d "$2" -M -s /bin/sh -c "$3" "$1" || getent passwd "$1" >/dev/null ||
		stop "the user $1 could not be created"
	[ "$(id -u "$1")" != 0 ] || stop "the user $1 is root under another name"
}

add threatconnect /opt/threatconnect-envsvr "ThreatConnect Environment Server"
add tc-job / "ThreatConnect Apps"

# Apps that run as the agent read its keys. The agent refuses to run any then, so an
# upgrade changes nothing for the worse; a first installation would be of no use.
if [ "$(id -u threatconnect)" = "$(id -u tc-job)" ]; then
	same="the users threatconnect and tc-job are the same (uid $(id -u tc-job)): no App can run; give one another uid (usermod -u NUMBER tc-job)"
	case ${1:-1} in
	1 | install) stop "$same" ;;
	esac
	echo "threatconnect-envsvr: warning: $same" >&2
fi
exit 0

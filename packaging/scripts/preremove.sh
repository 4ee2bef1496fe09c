#!/bin/sh
# Only a removal undoes what was set up; an upgrade (rpm: 1, dpkg: upgrade)
# runs this of the old package after the new one did its work.
set -u

case ${1:-0} in
0 | remove | deconfigure) ;;
*) exit 0 ;;
esac

# The agent ends, and Apps that run come to their end under their shims, whichever
# runner started them: their results are reported if the package comes back.
if [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now threatconnect-envsvr.service tc-job.socket >/dev/null 2>&1 || :
	systemctl stop 'threatconnect-envsvr-*' >/dev/null 2>&1 || :
elif command -v systemctl >/dev/null 2>&1; then
	systemctl --no-reload disable threatconnect-envsvr.service tc-job.socket >/dev/null 2>&1 || :
fi

/usr/libexec/threatconnect-envsvr/tcenvsvr host remove --package ||
	echo "threatconnect-envsvr: warning: not everything could be undone on this host; see above" >&2

if command -v pgrep >/dev/null 2>&1 && pgrep -u tc-job >/dev/null 2>&1; then
	echo "threatconnect-envsvr: Apps still run and come to their end; to end them now: pkill -u tc-job" >&2
fi

# rpm complains of a folder of the package that is gone.
mkdir -p /etc/threatconnect-envsvr/certs.d /opt/threatconnect-envsvr/.tcenvsvr /opt/threatconnect-envsvr/a/bin /opt/threatconnect-envsvr/b/bin 2>/dev/null || :
# What self-update wrote; the folders are root's, so nobody placed a link in them.
find /opt/threatconnect-envsvr/a/bin /opt/threatconnect-envsvr/b/bin -mindepth 1 -delete 2>/dev/null || :
find /var/lib/threatconnect-envsvr-updater -mindepth 1 -delete 2>/dev/null || :
exit 0

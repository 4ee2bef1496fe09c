#!/bin/sh
# After a removal systemd forgets the units. State and settings in
# /opt/threatconnect-envsvr/.tcenvsvr and the users stay: they are the admin's.
set -u

case ${1:-0} in
0 | remove | purge) ;;
*) exit 0 ;;
esac

rm -rf /run/threatconnect-envsvr /run/threatconnect-envsvr-updater || :
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
	systemctl reset-failed threatconnect-envsvr.service 'threatconnect-envsvr-*' tc-job.socket >/dev/null 2>&1 || :
fi
exit 0

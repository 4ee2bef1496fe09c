#!/bin/sh
# At the end of the transaction the old package is gone and all of the new one
# is there: only now may the service be restarted. Jobs go on meanwhile.
set -u

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
	systemctl try-restart --no-block threatconnect-envsvr.service || :
fi
exit 0

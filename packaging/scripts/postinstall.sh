#!/bin/sh
# Sets the host up. The work is in `tcenvsvr host apply`, which does only what
# is missing, says what it does, and can be run again by hand. Nothing here
# stops a transaction: a half-configured package helps nobody.
set -u

libexec=/usr/libexec/threatconnect-envsvr

warn() { echo "threatconnect-envsvr: warning: $1" >&2; }

# rpm says 1 for the first installation; dpkg says configure, and names the
# version that was configured before, if any.
first=
case ${1:-1} in
1) first=1 ;;
configure) [ -n "${2:-}" ] || first=1 ;;
esac

"$libexec/tcenvsvr" host apply --package ||
	warn "the host is not set up completely; see above, then run: tcenvsvr host apply"

if [ -d /run/systemd/system ]; then
	systemd-tmpfiles --create threatconnect-envsvr.conf || warn "systemd-tmpfiles failed"
fi
if [ -n "$first" ]; then
	if [ -x /usr/lib/systemd/systemd-update-helper ]; then
		/usr/lib/systemd/systemd-update-helper install-system-units threatconnect-envsvr.service tc-job.socket || :
	elif command -v systemctl >/dev/null 2>&1; then
		systemctl --no-reload preset threatconnect-envsvr.service tc-job.socket >/dev/null 2>&1 || :
	fi
	if [ -e /opt/threatconnect-envsvr/.tcenvsvr/keystore.p12 ]; then # from an installation before
		echo "threatconnect-envsvr: next: systemctl enable --now threatconnect-envsvr"
	else
		echo "threatconnect-envsvr: next, with the bundle that the cloud gives: sudo -u threatconnect tcenvsvr enroll BUNDLE.zip"
	fi
fi
exit 0

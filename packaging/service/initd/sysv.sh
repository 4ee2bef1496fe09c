#!/bin/sh
#
# threatconnect-envsvr  ThreatConnect Environment Server
#
# chkconfig: 2345 85 15
# description: runs Apps for a ThreatConnect Dedicated Cloud
# processname: tcenvsvr
# config: /etc/threatconnect-envsvr/environment
# pidfile: /var/run/threatconnect-envsvr.pid
#
### BEGIN INIT INFO
# Provides:          threatconnect-envsvr
# Required-Start:    $network $remote_fs $syslog
# Required-Stop:     $network $remote_fs $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: ThreatConnect Environment Server
### END INIT INFO
#
# For hosts without systemd:
#   cp /usr/share/threatconnect-envsvr/sysv.sh /etc/init.d/threatconnect-envsvr
#   chkconfig --add threatconnect-envsvr

TCENVSVR_HOME=/opt/threatconnect-envsvr
USER=threatconnect
program=/usr/libexec/threatconnect-envsvr/tcenvsvr
pidfile=/var/run/threatconnect-envsvr.pid
log=/var/log/threatconnect-envsvr.console

# The file may set TCENVSVR_HOME, USER and any setting.
set -a
# shellcheck source=../../host/environment
[ ! -r /etc/threatconnect-envsvr/environment ] || . /etc/threatconnect-envsvr/environment
set +a
export TCENVSVR_HOME

# A number in the file counts only while it is a supervisor of ours.
supervisor() {
	pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] &&
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'threatconnect-envsvr supervise'
}

# become replaces this (sub)shell by the program. su and runuser would kill an
# agent that still drains two seconds after they were told to stop.
become() {
	if command -v setpriv >/dev/null 2>&1; then
		exec setpriv --reuid "$USER" --regid "$(id -g "$USER")" --init-groups "$@"
	fi
	exec runuser -u "$USER" -- "$@"
}

# What Restart= is to systemd: an agent that ends is started again, for ever,
# but for 6, "not enrolled". TERM goes to the agent, which lets jobs go on.
supervise() {
	child='' stopping=
	trap 'stopping=1; [ -z "$child" ] || kill -TERM "$child"' TERM INT
	while [ -z "$stopping" ]; do
		become "$program" run --log-to file &
		child=$!
		wait "$child"
		status=$?
		while kill -0 "$child" 2>/dev/null; do # a signal interrupted wait
			wait "$child"
			status=$?
		done
		[ "$status" != 6 ] || break
		[ -n "$stopping" ] || [ "$status" = 75 ] || sleep 2
	done
	rm -f "$pidfile"
}

start() {
	if supervisor; then
		echo "threatconnect-envsvr is running"
		return 0
	fi
	setsid "$0" supervise </dev/null >>"$log" 2>&1 &
	echo $! >"$pidfile"
	echo "threatconnect-envsvr started; see $log"
}

stop() {
	supervisor || { echo "threatconnect-envsvr is not running"; return 0; }
	kill -TERM "$pid"
	waited=0
	while supervisor && [ "$waited" -lt 180 ]; do
		sleep 1
		waited=$((waited + 1))
	done
	if supervisor; then
		echo "threatconnect-envsvr did not stop within $waited s" >&2
		return 1
	fi
	echo "threatconnect-envsvr stopped"
}

case ${1:-} in
start) start ;;
stop) stop ;;
restart) stop && start ;;
condrestart | try-restart) ! supervisor || { stop && start; } ;;
reload) supervisor && pkill -HUP -P "$pid" ;;
status)
	if supervisor; then
		echo "threatconnect-envsvr runs (pid $pid)"
		(become "$program" status)
	else
		echo "threatconnect-envsvr is stopped"
		exit 3
	fi
	;;
supervise) supervise ;;
*)
	echo "usage: $0 start|stop|restart|condrestart|reload|status" >&2
	exit 2
	;;
esac

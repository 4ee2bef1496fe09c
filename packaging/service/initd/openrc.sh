#!/sbin/openrc-run
# ThreatConnect Environment Server

TCENVSVR_HOME=/opt/threatconnect-envsvr
USER=threatconnect
program=/usr/libexec/threatconnect-envsvr/tcenvsvr

description="ThreatConnect Environment Server"
supervisor=supervise-daemon
command="$program"
command_args="run --log-to file"
command_user="$USER:$(id -gn "$USER")"
supervise_daemon_args="--env TCENVSVR_HOME=$TCENVSVR_HOME"
respawn_delay=2
respawn_max=0
# The first TERM drains, up to drainSeconds; a second one stops at once. Jobs go on.
retry="TERM/180/TERM/10/KILL/5"
extra_started_commands="reload"

depend() {
	need net
	use dns logger
}

reload() {
	supervise-daemon "$RC_SVCNAME" --signal HUP
}

#!/bin/bash
# Limits of Apps, on a machine whose control groups are of version 2, with the units
# of the package.
# shellcheck source=test/host/testdata/common.sh
. /usr/local/lib/common.sh

groups() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] && grep -w memory /sys/fs/cgroup/cgroup.controllers; }

hardened() {
	systemctl enable --quiet --now tc-job.socket &&
		install -D -m 644 /usr/share/threatconnect-envsvr/hardened.conf /etc/systemd/system/threatconnect-envsvr.service.d/hardened.conf &&
		systemctl daemon-reload && setting appsRunner=socket
}

setting() { sudo -u threatconnect tcenvsvr settings set "$@"; }

# says COMMAND PATTERN: what it prints has the pattern.
says() { $1 >/tmp/said 2>&1; cat /tmp/said; grep -Eq -- "$2" /tmp/said; }

# run STATE ERROR MESSAGE FLAG...: an App ends like this; the message is a pattern.
run() {
	local state=$1 error=$2 message=$3
	shift 3
	tccloud run lab Test_-_Hungry "$@" --json >/tmp/end
	python3 - "$state" "$error" "$message" <<'PY'
import json, re, sys
e = json.load(open("/tmp/end"))
print({k: e.get(k) for k in ("state", "error", "message", "limits", "signal")})
state, error, message = sys.argv[1:]
sys.exit(e["state"] != state or e.get("error", "") != error or not re.search(message, e.get("message", "")))
PY
}

too_much() { run failed app.out_of_memory "more memory than its limit of $1 MiB" --param megabytes=300 "${@:2}"; }

# few: the kernel refuses what is more than the order's tasks; the App itself is one.
few() {
	run succeeded '' 'got 0 MB and [0-9]+ processes' --param tasks=100 --tasks 20 &&
		python3 -c 'import json, re; n = int(re.search("and ([0-9]+)", json.load(open("/tmp/end"))["message"])[1]); assert 5 < n < 20, n'
}

shown() {
	local id
	id=$(tccloud run lab Test_-_Hungry --memory 200M --tasks 50 --cpu-weight 20 --detach) || return
	retry sh -c "tccloud execution show $id | grep -E '^state +succeeded'" && says "tccloud execution show $id" 'limits +memory 200 MiB, 50 tasks, CPU weight 20'
}

# by_signal: a change of the file alone, and HUP.
by_signal() {
	sudo -u threatconnect sed -i 's/^appsMemoryMegabytes:.*/appsMemoryMegabytes: 72/' "$home/.tcenvsvr/settings.yaml" &&
		systemctl kill --signal HUP --kill-who main threatconnect-envsvr && retry says 'tcenvsvr settings show --origin' 'appsMemoryMegabytes' && too_much 72
}

# by_sudo: there the limit does not hold, and that is said.
by_sudo() {
	rm -r /etc/systemd/system/threatconnect-envsvr.service.d && systemctl daemon-reload && setting appsRunner=sudo && systemctl restart threatconnect-envsvr &&
		retry connected && run succeeded '' 'got 300 MB' --param megabytes=300 &&
		says 'tcenvsvr status' 'appsMemoryMegabytes=72 does NOT hold: control group .* is not delegated' &&
		says 'tcenvsvr doctor' 'warn +limits +appsMemoryMegabytes is 72 and does not hold' && grep 'systemctl enable --now tc-job.socket' /tmp/said &&
		says 'journalctl --no-pager -o cat -u threatconnect-envsvr' 'the memory of Apps is not limited on this host'
}

step groups groups
step install dnf -y --quiet install threatconnect-envsvr
step cloud cloud
step enroll enroll
step hardened hardened
step start start
step connected retry connected
step within run succeeded '' 'got 40 MB' --param megabytes=40 --memory 128M
step doctor says 'tcenvsvr doctor' 'ok +limits +memory, tasks, cpu of each App'
step status says 'tcenvsvr status' '^limits +memory, tasks, cpu of each App'
step isolated says 'tcenvsvr doctor' 'each App has its own processes, files and /tmp'
step too-much too_much 96 --memory 96M
step too-many few
step shown shown
step setting setting appsMemoryMegabytes=80
step by-setting too_much 80
step not-raised too_much 80 --memory 200M
step lowered too_much 64 --memory 64M
step by-signal by_signal
step afterwards run succeeded '' 'got 8 MB and 5 processes' --param megabytes=8 --param tasks=5
step by-sudo by_sudo
finish

#!/bin/bash
# What an administrator does, on a machine with SELinux enforcing. Each step
# ends with a line: STEP, its name, exit status and seconds.
set -u
export HOME=/root LANG=C.UTF-8 TCCLOUD_DATA=/root/cloud
home=/opt/threatconnect-envsvr
key=/etc/threatconnect-envsvr/masterkey

step() {
	local name=$1 begun=$SECONDS status=0
	shift
	"$@" </dev/null 2>&1 || status=$?
	printf 'STEP %s %d %d\n' "$name" "$status" $((SECONDS - begun))
}

# retry COMMAND...: until it succeeds; only a hang reaches the limit.
retry() {
	local left=20
	until "$@" >/tmp/last 2>&1; do
		left=$((left - 1))
		if [ "$left" = 0 ]; then cat /tmp/last; return 1; fi
		sleep 2
	done
}

enforcing() { [ "$(getenforce)" = Enforcing ]; }

acls() {
	local folder
	for folder in programs jobs; do
		getfacl -cp "$home/.tcenvsvr/exchange/$folder"
		getfacl -cp "$home/.tcenvsvr/exchange/$folder" | grep -q '^default:user:tc-job:r' || return 1
	done
}

cloud() {
	tccloud serve --data "$TCCLOUD_DATA" --name cloud.example.com \
		--broker-addr 127.0.0.1:62000 --api-addr 127.0.0.1:443 >/tmp/cloud.log 2>&1 &
	retry tccloud status || { cat /tmp/cloud.log; return 1; }
	tccloud env create lab && tccloud app add /share/probe.tcx
}

enroll() {
	tccloud bundle lab --name one -o /tmp/bundle.zip || return
	chown threatconnect: /tmp/bundle.zip
	install -o threatconnect -m 600 <(echo 'correct horse battery staple') "$key"
	sudo -u threatconnect tcenvsvr enroll /tmp/bundle.zip --yes --master-key-file "$key"
}

start() { systemctl start threatconnect-envsvr || { journalctl --no-pager -u threatconnect-envsvr -n 20; return 1; }; }

connected() { tcenvsvr status --json | python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["link"]["connected"])'; }

# Who we are for SELinux, which is what its decisions are about.
domains() {
	ps -o label,user,args -C tcenvsvr || return
	ls -Zd "$home" "$home"/.tcenvsvr/* /usr/libexec/threatconnect-envsvr/*
}

app() {
	local pid id
	pid=$(systemctl show --property=MainPID --value threatconnect-envsvr)
	id=$(tccloud run lab Test_-_Probe -p "state=$home/.tcenvsvr" -p "agent=$pid" --json |
		python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["id"] if e["state"] == "succeeded" else "")')
	[ -n "$id" ] || return
	tccloud execution download "$id" deep/found.json -o /tmp/found || return
	python3 -c 'import json, pwd; assert json.load(open("/tmp/found/deep/found.json"))["uid"] == pwd.getpwnam("tc-job").pw_uid'
}

denials() {
	journalctl --no-pager -o cat _TRANSPORT=audit | grep -E 'avc: +denied' | sort -u
	true
}

step enforcing enforcing
step install dnf -y --quiet install threatconnect-envsvr
step verify rpm -V threatconnect-envsvr
step users id tc-job
step acls acls
step host-check tcenvsvr host check
step cloud cloud
step enroll enroll
step start start
step connected retry connected
step domains domains
step app app
step still-enforcing enforcing
step denials denials
[ "$(systemctl is-active threatconnect-envsvr)" = active ] || journalctl --no-pager -u threatconnect-envsvr -n 40
echo DONE
sync

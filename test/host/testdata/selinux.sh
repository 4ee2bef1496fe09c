#!/bin/bash
# What an administrator does, on a machine with SELinux enforcing.
# shellcheck source=test/host/testdata/common.sh
. /usr/local/lib/common.sh

enforcing() { [ "$(getenforce)" = Enforcing ]; }

acls() {
	local folder
	for folder in programs jobs; do
		getfacl -cp "$home/.tcenvsvr/exchange/$folder"
		getfacl -cp "$home/.tcenvsvr/exchange/$folder" | grep -q '^default:user:tc-job:r' || return 1
	done
}

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
finish

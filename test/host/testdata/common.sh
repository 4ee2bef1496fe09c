# shellcheck shell=bash disable=SC2034
# What the steps of all tests on machines of their own kernel share. Each step ends
# with a line: STEP, its name, exit status and seconds.
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

cloud() {
	tccloud serve --data "$TCCLOUD_DATA" --name cloud.example.com \
		--broker-addr 127.0.0.1:62000 --api-addr 127.0.0.1:443 >/tmp/cloud.log 2>&1 &
	retry tccloud status || { cat /tmp/cloud.log; return 1; }
	tccloud env create lab && tccloud app add /share/app.tcx
}

enroll() {
	tccloud bundle lab --name one -o /tmp/bundle.zip || return
	chown threatconnect: /tmp/bundle.zip
	install -o threatconnect -m 600 <(echo 'correct horse battery staple') "$key"
	sudo -u threatconnect tcenvsvr enroll /tmp/bundle.zip --yes --master-key-file "$key"
}

start() { systemctl start threatconnect-envsvr || { journalctl --no-pager -u threatconnect-envsvr -n 20; return 1; }; }

connected() { tcenvsvr status --json | python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["link"]["connected"])'; }

# finish says that all steps were made, and what the agent did if it has ended.
finish() {
	[ "$(systemctl is-active threatconnect-envsvr)" = active ] || journalctl --no-pager -u threatconnect-envsvr -n 40
	echo DONE
	sync
}

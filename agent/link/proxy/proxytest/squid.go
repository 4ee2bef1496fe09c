package proxytest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Squid starts a real squid that demands the user and password, and returns its URL. The test is
// skipped where squid is not installed. Rules are lines of squid.conf that come before those that
// let the user in. The function asks squid's access log, where each tunnel has one line.
func Squid(tb testing.TB, user, password string, rules ...string) (url string, log func() string) {
	tb.Helper()
	exe, err := exec.LookPath("squid")
	if err != nil {
		if _, err := os.Stat("/usr/sbin/squid"); err != nil {
			tb.Skip("squid is not installed")
		}
		exe = "/usr/sbin/squid"
	}
	// Not tb.TempDir: squid leaves root for another user, who must be able to enter the folder.
	dir, err := os.MkdirTemp("", "squid")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		tb.Fatal(err)
	}
	port := freePort(tb)
	conf := filepath.Join(dir, "squid.conf")
	write(tb, filepath.Join(dir, "login"), fmt.Sprintf(helper, user+" "+password), 0o755)
	write(tb, conf, strings.Join(rules, "\n")+fmt.Sprintf(squidConf, port, dir), 0o644)

	var stderr bytes.Buffer
	cmd := exec.Command(exe, "-N", "-f", conf)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // SIGTERM would wait for clients
		tb.Logf("squid ended: %v", <-ended)
	})
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			tb.Fatalf("squid ended: %v: %s", err, lastLines(stderr.String()))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			tb.Fatal("squid does not listen")
		}
	}
	return "http://" + addr, func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "access.log"))
		return string(b)
	}
}

// helper speaks squid's basic authentication protocol.
const helper = `#!/bin/sh
while read -r line; do
	if [ "$line" = '%s' ]; then echo OK; else echo ERR; fi
done
`

const squidConf = `
http_port 127.0.0.1:%d
auth_param basic program %[2]s/login
auth_param basic children 2 startup=1
auth_param basic realm test
acl login proxy_auth REQUIRED
http_access allow CONNECT login
http_access deny all
cache deny all
cache_mem 1 MB
access_log stdio:%[2]s/access.log
buffered_logs off
cache_log %[2]s/cache.log
cache_store_log none
pid_filename %[2]s/squid.pid
coredump_dir %[2]s
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.test
via off
`

func write(tb testing.TB, name, text string, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		tb.Fatal(err)
	}
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

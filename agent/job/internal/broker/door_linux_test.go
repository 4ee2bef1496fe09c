package broker

import (
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/need"
)

// sockets are those of this process.
func sockets() map[uint64]bool {
	all := map[uint64]bool{}
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		to, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		if number, is := strings.CutPrefix(to, "socket:["); is {
			n, _ := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
			all[n] = true
		}
	}
	return all
}

// crowd connects a hundred times, and waits until it is turned away a hundred times.
const crowd = `
import socket, sys
held = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(100)]
for s in held:
    try:
        s.recv(1)
    except OSError:
        pass
`

// TestCrowd: another App, which is the same user, holds as many places as it can get. A login of our App that is
// under way keeps its own.
func TestCrowd(t *testing.T) {
	b, _ := start(t)
	b.Started(sockets)
	for try := 0; ; try++ {
		begun := time.Now()
		raw, err := net.Dial("tcp", net.JoinHostPort(b.endpoint.Host, strconv.Itoa(b.endpoint.Port)))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(need.Tool(t, "python3"), "-c", crowd, b.endpoint.Host, strconv.Itoa(b.endpoint.Port)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		c := &client{tls.Client(raw, &tls.Config{InsecureSkipVerify: true}), t}
		_ = c.SetDeadline(time.Now().Add(loginTimeout))
		_, err = c.Write(connect(4, b.endpoint.Token))
		if err == nil {
			c.expect(0x20, 0, 0)
			return
		}
		if _ = raw.Close(); try > 20 || time.Since(begun) < loginTimeout {
			t.Fatalf("the crowd has cost the App its place: %v", err)
		}
	}
}

// TestPeers: the kernel tells whose a connection is, also of a socket that speaks IPv6 as well.
func TestPeers(t *testing.T) {
	b, _ := start(t)
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		by := exec.Command(need.Tool(t, "python3"), "-c", `
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.connect((sys.argv[1], int(sys.argv[2])))
print(s.getsockname()[1], flush=True)
sys.stdin.read()
`, host, strconv.Itoa(b.endpoint.Port))
		hold, err := by.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := by.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := by.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 16)
		n, _ := out.Read(buf)
		p, known := peersOf(b.endpoint.Port)[net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(buf[:n])))]
		if !known || p.uid != os.Geteuid() || p.socket == 0 {
			t.Errorf("%s: got %+v, %v", host, p, known)
		}
		_ = hold.Close()
		_ = by.Wait()
	}
}

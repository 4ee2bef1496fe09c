package sock

import (
	"context"
	"fmt"
	"net"

	"tcenvsvr/agent/job/internal/spec"
)

// Dial connects to the shim of the job in dir. Where the system tells who
// listens, it must be the process shim.
func Dial(ctx context.Context, dir string, shim int) (*net.UnixConn, error) {
	path, done, err := short(dir)
	if err != nil {
		return nil, fmt.Errorf("connecting to the shim in %q: %w", dir, err)
	}
	defer done()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path+"/"+spec.SocketFile)
	if err != nil {
		return nil, fmt.Errorf("connecting to the shim in %q: %w", dir, err)
	}
	c := conn.(*net.UnixConn)
	peer, err := PeerOf(c)
	if err == nil && peer.PID != 0 && peer.PID != shim {
		err = fmt.Errorf("process %d listens instead of %d", peer.PID, shim)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("connecting to the shim in %q: %w", dir, err)
	}
	return c, nil
}

// Listen makes the socket in the working directory.
func Listen() (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: spec.SocketFile, Net: "unix"})
}

// Peer is who is at the other end of a connection.
type Peer struct {
	Known bool // else the folder's permissions have to do
	UID   int
	PID   int // 0 if the system does not tell
}

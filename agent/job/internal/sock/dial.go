package sock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// Dial connects to the shim of the job in dir, by the token of its Status or, if nobody listens there, in its
// folder. If the system tells which process listens, it must be the process shim.
func Dial(ctx context.Context, dir string, shim int, token string) (*net.UnixConn, error) {
	if name := nameless(token); name != "" {
		if c, err := dial(ctx, name, shim); err == nil {
			return c, nil
		}
	}
	c, err := inFolder(ctx, dir, shim)
	if err != nil {
		return nil, fmt.Errorf("connecting to the shim in %q: %w", dir, err)
	}
	return c, nil
}

func inFolder(ctx context.Context, dir string, shim int) (*net.UnixConn, error) {
	path, done, err := short(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	return dial(ctx, path+"/"+spec.SocketFile, shim)
}

func dial(ctx context.Context, address string, shim int) (*net.UnixConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", address)
	if err != nil {
		return nil, err
	}
	c := conn.(*net.UnixConn)
	peer, err := PeerOf(c)
	if err == nil && peer.PID != 0 && peer.PID != shim {
		err = fmt.Errorf("process %d %w %d", peer.PID, errStranger, shim)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Serves reports whether the process shim has the job in dir. A shim may have another one by now: then it
// listens neither in dir nor by this job's token. It does where that cannot be known.
func Serves(dir string, shim int, token string) bool {
	name := nameless(token)
	if name == "" { // it has one job in its life
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	for _, err := range []error{hangUp(dial(ctx, name, shim)), hangUp(inFolder(ctx, dir, shim))} {
		switch {
		case err == nil:
			return true
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, errStranger):
		default:
			return true
		}
	}
	return false
}

const askTimeout = 5 * time.Second

func hangUp(c *net.UnixConn, err error) error {
	if err == nil {
		_ = c.Close()
	}
	return err
}

// errStranger means that another process listens.
var errStranger = errors.New("listens instead of")

// Listen makes the sockets of a shim: one without a file, where the system has such addresses, and one in the
// working directory unless the owner, whose [Network] is given, reaches the first. No other process can know
// token before.
//
// A file that every job makes and removes again would cost the disk more than all else that a shim does there.
func Listen(token, owner string) ([]*net.UnixListener, error) {
	var all []*net.UnixListener
	if name := nameless(token); name != "" {
		if ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}); err == nil { // else the name is taken
			all = append(all, ln)
		}
	}
	if len(all) > 0 && owner != "" && owner == Network() {
		return all, nil
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: spec.SocketFile, Net: "unix"})
	if err != nil {
		for _, nameless := range all {
			_ = nameless.Close()
		}
		return nil, err
	}
	return append(all, ln), nil
}

// Peer is who is at the other end of a connection.
type Peer struct {
	Known bool // else only the folder's permissions decide
	UID   int
	PID   int // 0 if the system does not tell
}

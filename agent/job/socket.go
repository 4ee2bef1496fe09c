package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

// SocketPath is where the package's tc-job.socket listens.
const SocketPath = "/run/threatconnect-envsvr/tc-job.sock"

// Socket runs jobs as the user of a service that systemd starts for each
// connection (tc-job.socket, tc-job@.service). Nobody changes users: agent and Apps
// can both do without the right to gain privileges, and every job has a cgroup of its own.
//
// The request goes in, the answer comes out over one connection. What the
// shim says on stderr is in the journal.
type Socket struct {
	Path string // "" = SocketPath
	// Listener is the user who must have made the socket, so that secrets
	// are told to nobody else: root's systemd.
	listener int
}

func (s Socket) path() string {
	if s.Path == "" {
		return SocketPath
	}
	return s.Path
}

// hire connects; whoever listens runs the program that it was set up with, not exe.
func (s Socket) hire(ctx context.Context, _ string) (*hired, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, &StartError{Code: spec.CodeNoSocket, Err: fmt.Errorf("starting the shim: %w", err)}
	}
	out, copied, err := os.Pipe()
	if err != nil {
		_ = conn.Close()
		return nil, &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim: %w", err)}
	}
	h := &hired{
		in: &half{conn}, out: out, close: func() { _ = conn.Close() },
		ended: make(chan struct{}), answered: make(chan struct{}),
	}
	go func() { // the end of a shim is seen while nobody reads, too
		defer close(h.ended)
		_, _ = io.Copy(copied, io.LimitReader(conn, spec.MaxRecord))
		_ = copied.Close()
	}()
	return h, nil
}

func (s Socket) dial(ctx context.Context) (*net.UnixConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", s.path())
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("nobody listens on %q: try \"systemctl enable --now tc-job.socket\"", s.path())
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("connecting to %q: only the user of the service may (SocketUser in tc-job.socket): %w", s.path(), fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("connecting to %q: %w", s.path(), err)
	}
	conn := c.(*net.UnixConn)
	peer, err := sock.PeerOf(conn)
	if err == nil && (!peer.Known || peer.UID != s.listener) {
		err = fmt.Errorf("its listener is user %d, not %d: secrets are told to systemd's socket only", peer.UID, s.listener)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connecting to %q: %w", s.path(), err)
	}
	return conn, nil
}

func (s Socket) explain([]string) (code, refusal string) {
	return spec.CodeShim, "the service behind " + s.path() + " ended without an answer: see \"journalctl -u 'tc-job@*'\""
}

// half is a connection of which closing ends what we say, not what we hear.
type half struct{ *net.UnixConn }

func (h *half) Close() error { return h.CloseWrite() }

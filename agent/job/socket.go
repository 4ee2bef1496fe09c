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

// Socket runs jobs as the user of a service that systemd starts for each connection (tc-job.socket,
// tc-job@.service). No process changes its user: agent and Apps can both do without the right to
// gain privileges, and every job has a cgroup of its own.
//
// Request and answer go over one connection. The shim's stderr is in systemd's journal.
type Socket struct {
	Path string // "" = SocketPath
	// listener is the user who must have made the socket, so that nobody else learns secrets: root,
	// for systemd.
	listener int
}

func (s Socket) path() string {
	if s.Path == "" {
		return SocketPath
	}
	return s.Path
}

// startShim connects. The service behind the socket runs the program that it was set up with, not
// exe.
func (s Socket) startShim(ctx context.Context, _ string) (*startedShim, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, &StartError{Code: spec.CodeNoSocket, Err: fmt.Errorf("starting the shim: %w", err)}
	}
	out, copied, err := os.Pipe()
	if err != nil {
		_ = conn.Close()
		return nil, &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim: %w", err)}
	}
	h := &startedShim{
		in: &half{conn}, out: out, close: func() { _ = conn.Close() },
		ended: make(chan struct{}),
	}
	go func() { // the end of a shim is noticed also while nobody reads
		defer close(h.ended)
		_, _ = io.Copy(copied, conn)
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

// half is a connection whose Close ends what we send, not what we receive.
type half struct{ *net.UnixConn }

func (h *half) Close() error { return h.CloseWrite() }

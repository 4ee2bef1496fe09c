package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tcenvsvr/agent/app/api/leftover"
)

// Server serves Apps of this host on a loopback port without TLS, for `tcenvsvr app run`. It never
// listens anywhere else.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Listen opens a free port on 127.0.0.1; requests are answered once Run runs.
func Listen(cfg Config) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the local App API: %w", err)
	}
	return &Server{listener: l, server: &http.Server{
		Handler:           leftover.Drain(http.StripPrefix("/api", Handler(cfg))),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}}, nil
}

// APIPath is the tc_api_path to give to Apps.
func (s *Server) APIPath() string { return "http://" + s.listener.Addr().String() + "/api" }

// Run serves until ctx ends, then lets requests in progress finish for up to five seconds. The port
// is closed when it returns.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if s.server.Shutdown(ctx) != nil {
			_ = s.server.Close()
		}
	})
	err := s.server.Serve(s.listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the local App API: %w", err)
}

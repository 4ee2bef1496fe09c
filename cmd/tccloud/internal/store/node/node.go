package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"

	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/cmd/tccloud/internal/store/embedded"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// portGap is how far the cluster's port is above that of gateways where it is not given.
const portGap = 2000

// Config is the command line of `tccloud node`, see there.
type Config struct {
	Dir             string
	Name            string // "" = see nameOf
	Listen, Cluster string // host:port; Cluster "" = portGap above
	Peers           []string
	User, Password  string // of clients and of nodes; "" = none
	Cert, Key, CA   string
	Logger          *slog.Logger
}

// Run is the node until ctx ends. A file of it that cannot be written is final: Run ends with an
// error.
func Run(ctx context.Context, cfg Config) error {
	o, err := cfg.options()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("opening the node's folder: %w", err)
	}
	unlock, err := filelock.Try(filepath.Join(cfg.Dir, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("opening the node's folder %q: another node is running in it", cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("opening the node's folder %q: %w", cfg.Dir, err)
	}
	defer unlock()
	if r, err := quota.RoomAt(cfg.Dir); err == nil && r.Total > 0 {
		o.JetStreamMaxStore = int64(r.Total / 4 * 3) // of all: what is free when it starts is no measure
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ns, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	ns.SetLoggerV2(embedded.NewLogger(cfg.Logger, func(message string) {
		fail(fmt.Errorf("running the node: %s", message))
	}), false, false, false)
	ns.Start()
	defer func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	}()
	if embedded.Await(ctx, ns, cfg.Logger) == nil {
		cfg.Logger.Info("node ready", "name", o.ServerName, "clients", ns.Addr(), "cluster", ns.ClusterAddr(), "data", cfg.Dir)
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	cfg.Logger.Info("node stopping")
	return nil
}

// options are those of the server.
func (c Config) options() (*server.Options, error) {
	host, port, err := split("--listen", c.Listen)
	if err != nil {
		return nil, err
	}
	if c.Cluster == "" {
		c.Cluster = net.JoinHostPort(host, strconv.Itoa(port+portGap))
	}
	clusterHost, clusterPort, err := split("--cluster-listen", c.Cluster)
	if err != nil {
		return nil, err
	}
	if c.User == "" && !(loopback(host) && loopback(clusterHost)) {
		return nil, errors.New("whoever reaches this node could read and change all that the cloud keeps: give --user-file, or listen on 127.0.0.1")
	}
	if c.Name == "" {
		if c.Name, err = nameOf(host, port); err != nil {
			return nil, err
		}
	}
	o := &server.Options{
		ServerName: c.Name, Host: host, Port: port, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: c.Dir, SyncAlways: true,
		// As the embedded server: an order's record and a result travel as one message.
		MaxPayload: 4 << 20, MaxPending: 64 << 20,
		Cluster: server.ClusterOpts{Name: "tccloud", Host: clusterHost, Port: clusterPort},
	}
	if c.User != "" {
		o.Username, o.Password = c.User, c.Password
		o.Cluster.Username, o.Cluster.Password = c.User, c.Password
	}
	for _, p := range c.Peers {
		if _, _, err := split("--peers", p); err != nil {
			return nil, err
		}
		u := &url.URL{Scheme: "nats-route", Host: p}
		if c.User != "" {
			u.User = url.UserPassword(c.User, c.Password)
		}
		o.Routes = append(o.Routes, u)
	}
	return o, c.secure(o)
}

// nameOf is a node's name where none is given: of its host and where it listens, so that it is the
// same for ever and no other one's.
func nameOf(host string, port int) (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("naming the node: %w", err)
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && host != "127.0.0.1" {
		name += "-" + host
	}
	return name + "-" + strconv.Itoa(port), nil
}

// secure adds TLS: nodes prove to each other who they are, clients log in.
func (c Config) secure(o *server.Options) error {
	if c.Cert == "" && c.Key == "" && c.CA == "" {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("reading the node's certificate: %w", err) }
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fail(err)
	}
	data, err := os.ReadFile(c.CA)
	if err != nil {
		return fail(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return fail(fmt.Errorf("there is no certificate in %q", c.CA))
	}
	o.TLS, o.TLSTimeout, o.Cluster.TLSTimeout = true, 5, 5
	o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	o.Cluster.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{cert}, RootCAs: roots, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
	return nil
}

func split(flag, addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("reading %s: %q is not host:port", flag, addr)
	}
	return host, port, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

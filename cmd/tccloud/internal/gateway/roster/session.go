package roster

import (
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// Session is one connected server, as shown to people.
type Session struct {
	XID         wire.ServerXID
	Environment string
	Name        string // what the server calls itself
	Version     string // of the agent
	OS, Arch    string
	Host        twin.Host
	Executors   int
	Epoch       int64
	Gateway     string // the gateway that has it
	RemoteAddr  string
	Transport   string // "tls" or "websocket"
	Connected   time.Time
	RTT         time.Duration // last ping → pong, 0 before the first
	Skew        time.Duration // the server's clock minus the cloud's
	Credit      int           // orders it would take now, and
	Services    int           // services
	Info        *wire.Info    // last one, nil before the first
	InfoAt      time.Time
}

// State is whether a server is connected.
type State int

// The states; see the package.
const (
	Away State = iota
	Connected
	Unknown
)

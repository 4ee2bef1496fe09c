package releases

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/updater/release"
)

// DefaultChannel is the channel of servers for which no other is set.
const DefaultChannel = "stable"

// buckets is the resolution of a percentage.
const buckets = 10_000

// Plan is everything that operators decided about releases. It is one record.
type Plan struct {
	Channels     map[string]Rollout        `json:"channels,omitempty"`
	Environments map[string]Choice         `json:"environments,omitempty"`
	Servers      map[wire.ServerXID]Choice `json:"servers,omitempty"`
}

// Choice is the decision for one server or one Environment.
type Choice struct {
	Channel string `json:"channel,omitempty"`
	Pin     string `json:"pin,omitempty"` // version; newer ones are not offered
}

// Rollout tells which servers of a channel get a release.
type Rollout struct {
	Version     string           `json:"version"`
	Canaries    []wire.ServerXID `json:"canaries,omitempty"`
	Percent     float64          `json:"percent"` // of the servers, besides the canaries; 100 = all
	NotBefore   time.Time        `json:"not_before,omitzero"`
	MaxFailures int              `json:"max_failures"` // more halt it
	Halted      string           `json:"halted,omitempty"`
	Started     time.Time        `json:"started"`
}

// ErrInvalid means that a request about releases makes no sense.
var ErrInvalid = errors.New("not valid")

// Check returns what is wrong with a rollout, or nil.
func (r Rollout) Check() error {
	switch {
	case !release.Valid(r.Version):
		return fmt.Errorf("%w: version %q is no semantic version", ErrInvalid, r.Version)
	case r.Percent < 0 || r.Percent > 100:
		return fmt.Errorf("%w: %g percent is outside 0–100", ErrInvalid, r.Percent)
	case r.MaxFailures < 0:
		return fmt.Errorf("%w: %d failures", ErrInvalid, r.MaxFailures)
	}
	return nil
}

// Server is the server that asks.
type Server struct {
	XID         wire.ServerXID
	Environment string
}

// Wanted returns the release that the server should run at the time now.
func (p Plan) Wanted(s Server, now time.Time) wire.WantedRelease {
	mine, all := p.Servers[s.XID], p.Environments[s.Environment]
	switch {
	case mine.Pin != "":
		return wire.WantedRelease{Version: mine.Pin, Reason: "pinned for this server"}
	case all.Pin != "":
		return wire.WantedRelease{Version: all.Pin, Reason: "pinned for the Environment"}
	}
	name := channel(mine, all)
	r, ok := p.Channels[name]
	switch {
	case !ok || r.Version == "":
		return wire.WantedRelease{Reason: fmt.Sprintf("channel %s has no release", name)}
	case r.Halted != "":
		return wire.WantedRelease{Reason: fmt.Sprintf("the rollout of %s is halted: %s", r.Version, r.Halted)}
	case slices.Contains(r.Canaries, s.XID):
		return wire.WantedRelease{Version: r.Version, WaitMS: wait(r, now), Reason: "canary of channel " + name}
	case float64(share(s.XID, r.Version)) < r.Percent*buckets/100:
		return wire.WantedRelease{Version: r.Version, WaitMS: wait(r, now), Reason: fmt.Sprintf("%g %% of channel %s", r.Percent, name)}
	}
	return wire.WantedRelease{Reason: fmt.Sprintf("the rollout of %s has not reached this server", r.Version)}
}

func channel(server, environment Choice) string {
	for _, c := range []string{server.Channel, environment.Channel} {
		if c != "" {
			return c
		}
	}
	return DefaultChannel
}

func wait(r Rollout, now time.Time) int64 { return max(0, r.NotBefore.Sub(now).Milliseconds()) }

// share assigns servers evenly to buckets, differently for each release.
func share(xid wire.ServerXID, version string) uint64 {
	sum := sha256.Sum256([]byte(string(xid) + "|" + version))
	return binary.BigEndian.Uint64(sum[:]) % buckets
}

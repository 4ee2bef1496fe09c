package v1

import (
	"fmt"
	"net/http"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/releases/packages"
	"tcenvsvr/updater/release"
)

// Updates are the releases that are served, the plan for them, how many connected servers run which
// version, and the packages for new hosts.
type Updates struct {
	releases.Known
	Packages []Package      `json:"packages"`
	Plan     releases.Plan  `json:"plan"`
	Running  map[string]int `json:"running"`
}

// Package is an installation package that bundles can have.
type Package = packages.Package

// NewRollout replaces the rollout of a channel.
type NewRollout struct {
	Version     string           `json:"version"`
	Canaries    []wire.ServerXID `json:"canaries,omitempty"`
	Percent     float64          `json:"percent"`
	NotBefore   time.Time        `json:"not_before,omitzero"`
	MaxFailures int              `json:"max_failures"`
}

// Halt ends a rollout.
type Halt struct {
	Reason string `json:"reason"`
}

// Choose sets channel and pin of one server or one Environment; empty ones remove what was set.
type Choose struct {
	Server      wire.ServerXID `json:"server,omitempty"`
	Environment string         `json:"environment,omitempty"`
	releases.Choice
}

// Check returns what is wrong with it, or nil.
func (c Choose) Check() error {
	switch {
	case (c.Server == "") == (c.Environment == ""):
		return &Error{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "name a server or an Environment, one of them"}
	case c.Pin != "" && !release.Valid(c.Pin):
		return &Error{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: fmt.Sprintf("version %q is no semantic version", c.Pin)}
	}
	return nil
}

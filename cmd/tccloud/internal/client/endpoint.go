package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
)

// Endpoint says where a running cloud listens. `tccloud serve` writes it to DIR/endpoint.json when
// both ports are open, and removes it when it ends.
type Endpoint struct {
	API    string `json:"api"`    // address that is listened on, host:port
	Broker string `json:"broker"` // same
	// URL is how a client on this host reaches the API, ServerName the name to verify its
	// certificate against, where that is not URL's.
	URL        string `json:"url"`
	ServerName string `json:"server_name,omitempty"`
	CA         string `json:"ca"`         // PEM file that verifies it
	TokenFile  string `json:"token_file"` // of the admin token
	PID        int    `json:"pid"`
}

// Names of the files in the data folder.
const (
	EndpointFile = "endpoint.json"
	TokenFile    = "admin.token"
	LinkFile     = "first-user.link" // of the console, until there is a user
)

// ErrNotRunning means that there is no cloud where one was looked for.
var ErrNotRunning = errors.New("the cloud is not running")

// WriteEndpoint makes e known to clients on this host.
func WriteEndpoint(dir string, e Endpoint) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, EndpointFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(dir, startingFile))
	return nil
}

// RemoveEndpoint removes it.
func RemoveEndpoint(dir string) error {
	return atomicfile.Remove(filepath.Join(dir, EndpointFile))
}

// ReadEndpoint returns what WriteEndpoint wrote, or ErrNotRunning.
func ReadEndpoint(dir string) (Endpoint, error) {
	data, err := os.ReadFile(filepath.Join(dir, EndpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, fmt.Errorf("%w: no %s in %q", ErrNotRunning, EndpointFile, dir)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("reading where the cloud listens: %w", err)
	}
	var e Endpoint
	if err := json.Unmarshal(data, &e); err != nil {
		return Endpoint{}, fmt.Errorf("reading where the cloud listens: %q is damaged: %w", filepath.Join(dir, EndpointFile), err)
	}
	return e, nil
}

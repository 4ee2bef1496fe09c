package paths

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// Paths are the absolute names of everything the agent keeps on disk.
type Paths struct {
	Home     string
	State    string // home/.tcenvsvr
	Settings string // settings.yaml
	Keystore string // keystore.p12
	Keychain string // keychain.json
	Exchange string // what agent and sandbox user share
	Programs string // unpacked Apps
	Jobs     string // folders of jobs
	Trust    string // merged CAs, which Apps read
	CloudCA  string // in Trust: the Dedicated Cloud's own CA
	Certs    string // private CAs, added by command
	// CertsDrop are the folders that administrators put private CAs into.
	CertsDrop []string
	// Policy says what the customer allows here. It is the host's, not the home's; PolicyVariable of
	// the service's environment names another.
	Policy   string
	SealKeys string // keys that open sealed parameters, sealed by the keychain
	Brokers  string // that the cloud named: brokers.json
	Journal  string
	Logs     string
	Audit    string // security-relevant acts, in Logs
	Control  string // the control socket
}

// PolicyVariable is the environment variable that names another policy than the host's. Who sets the
// service's environment is root.
const PolicyVariable = "TCENVSVR_POLICY"

// WithPolicy returns the paths with another policy, where the environment names one.
func (p Paths) WithPolicy(getenv func(string) string) Paths {
	if path := getenv(PolicyVariable); path != "" {
		p.Policy = path
	}
	return p
}

// New computes the paths below home, which may be relative to the current folder. It creates
// nothing and looks at nothing.
func New(home string) (Paths, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return Paths{}, fmt.Errorf("finding home %q: %w", home, err)
	}
	state := filepath.Join(home, ".tcenvsvr")
	exchange := filepath.Join(state, "exchange")
	return Paths{
		Home:      home,
		State:     state,
		Settings:  filepath.Join(state, "settings.yaml"),
		Keystore:  filepath.Join(state, "keystore.p12"),
		Keychain:  filepath.Join(state, "keychain.json"),
		Exchange:  exchange,
		Programs:  filepath.Join(exchange, "programs"),
		Jobs:      filepath.Join(exchange, "jobs"),
		Trust:     filepath.Join(state, "trust"),
		CloudCA:   filepath.Join(state, "trust", "cloud.pem"),
		Certs:     filepath.Join(state, "certs"),
		CertsDrop: []string{hostCerts, filepath.Join(home, "certs.d")},
		Policy:    HostPolicy,
		SealKeys:  filepath.Join(state, "sealing-keys"),
		Brokers:   filepath.Join(state, "brokers.json"),
		Journal:   filepath.Join(state, "journal"),
		Logs:      filepath.Join(state, "logs"),
		Audit:     filepath.Join(state, "logs", "audit.jsonl"),
		Control:   socket(state),
	}, nil
}

// Create makes the missing folders with the modes of the package documentation, whatever the umask.
// Home's parents get 0755.
func (p Paths) Create() error {
	if err := os.MkdirAll(p.Home, 0o755); err != nil {
		return fmt.Errorf("creating home %q: %w", p.Home, err)
	}
	folders := []struct {
		dir  string
		mode os.FileMode
	}{
		{p.State, 0o711},
		{p.Exchange, 0o755},
		{p.Programs, 0o755},
		{p.Jobs, 0o755},
		{p.Trust, 0o755},
		{p.Certs, 0o755},
		{p.Journal, 0o700},
		{p.Logs, 0o750},
	}
	for _, f := range folders {
		if err := mkdir(f.dir, f.mode); err != nil {
			return fmt.Errorf("creating folder %q: %w", f.dir, err)
		}
	}
	if dir := filepath.Dir(p.Control); dir != p.State {
		return createSocketDir(dir)
	}
	return nil
}

func mkdir(dir string, mode os.FileMode) error {
	switch err := os.Mkdir(dir, mode); {
	case err == nil:
		return setMode(dir, mode)
	case !os.IsExist(err):
		return err
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%q is there and not a folder", dir)
	}
	return err
}

// createSocketDir makes the folder in the system's temporary folder. Anybody may have made one of
// that name before: a folder that another user owns or may write is refused.
func createSocketDir(dir string) error {
	if err := mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("creating folder for the control socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("creating folder for the control socket: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || !ownedByUs(info) {
		return fmt.Errorf("creating folder for the control socket: %q is not a folder of this user alone; remove it or use a shorter home", dir)
	}
	return nil
}

func socket(state string) string {
	const name = "control.sock"
	if s := filepath.Join(state, name); len(s) <= maxSocket {
		return s
	}
	sum := sha256.Sum256([]byte(state))
	return filepath.Join(os.TempDir(), "tcenvsvr-"+hex.EncodeToString(sum[:8]), name)
}

package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Stage is the folder and the programs.
type Stage struct {
	Dir        string
	CloudBin   string
	AgentBin   string
	AgentFlags []string // of each `tcenvsvr run`
	AgentEnv   []string // of each tcenvsvr: NAME=value
}

// timeout bounds each step of setting up; only a hang reaches it, on a busy machine too.
const timeout = 2 * time.Minute

// New makes a stage in dir. Programs that are not given are built from the source around the
// current folder.
func New(ctx context.Context, dir, cloudBin, agentBin string, buildFlags ...string) (*Stage, error) {
	s := &Stage{Dir: dir, CloudBin: cloudBin, AgentBin: agentBin}
	var shim string // lies beside the agent, which finds it there
	if agentBin != "" {
		shim = filepath.Join(filepath.Dir(agentBin), "tcenvsvr-shim")
	}
	for _, p := range []struct {
		file *string
		name string
	}{{&s.CloudBin, "tccloud"}, {&s.AgentBin, "tcenvsvr"}, {&shim, "tcenvsvr-shim"}} {
		if *p.file != "" {
			continue
		}
		*p.file = filepath.Join(dir, "bin", p.name)
		if runtime.GOOS == "windows" {
			*p.file += ".exe"
		}
		args := append([]string{"build", "-o", *p.file}, buildFlags...)
		if p.name == "tcenvsvr" {
			args = append(args, versionFlag)
		}
		cmd := exec.CommandContext(ctx, "go", append(args, "tcenvsvr/cmd/"+p.name)...)
		if !slices.Contains(buildFlags, "-race") { // which needs C
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are built: no dynamic linker at every start
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w: %s", p.name, err, out)
		}
	}
	return s, nil
}

// Endpoint is what a cloud writes when it is ready.
type Endpoint struct {
	Broker    string `json:"broker"` // host:port
	API       string `json:"api"`    // host:port
	URL       string `json:"url"`    // of the API, for clients on this host
	CA        string `json:"ca"`     // file that verifies it
	TokenFile string `json:"token_file"`
}

// Cloud is a running tccloud.
type Cloud struct {
	*Process
	Endpoint
	Data  string // its folder
	stage *Stage
	args  []string
}

// StartCloud starts a cloud named name on free ports of the loopback.
func (s *Stage) StartCloud(ctx context.Context, name string, args ...string) (*Cloud, error) {
	c := &Cloud{stage: s, Data: filepath.Join(s.Dir, name), args: args}
	return c, c.start(ctx, "127.0.0.1:0", "127.0.0.1:0")
}

// Restart starts the cloud again on the same ports, after Kill or Stop.
func (c *Cloud) Restart(ctx context.Context) error {
	return c.start(ctx, c.Broker, c.API)
}

// Move starts the cloud again with its broker at another address, and with other flags.
func (c *Cloud) Move(ctx context.Context, broker string, args ...string) error {
	c.args = args
	return c.start(ctx, broker, c.API)
}

func (c *Cloud) start(ctx context.Context, broker, api string) error {
	ready := filepath.Join(c.Data, "endpoint.json")
	if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
		return err
	}
	args := append([]string{"serve", "--data", c.Data, "--broker-addr", broker, "--api-addr", api}, c.args...)
	p, err := Start(c.Data+".log", nil, c.stage.CloudBin, args...)
	if err != nil {
		return err
	}
	c.Process = p
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return Eventually(ctx, func() error {
		select {
		case <-p.Done():
			cancel()
			return p.ended()
		default:
		}
		data, err := os.ReadFile(ready)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &c.Endpoint)
	})
}

// Do runs an operator's verb and returns what it printed.
func (c *Cloud) Do(ctx context.Context, args ...string) (string, error) {
	return Command(ctx, nil, c.stage.CloudBin, append(args, "--data", c.Data)...)
}

// JSON runs an operator's verb with --json and decodes its answer.
func (c *Cloud) JSON(ctx context.Context, out any, args ...string) error {
	text, err := c.Do(ctx, append(args, "--json")...)
	if jsonErr := json.Unmarshal([]byte(text), out); jsonErr != nil && err == nil {
		return fmt.Errorf("reading the answer of %v: %w", args, jsonErr)
	}
	return err
}

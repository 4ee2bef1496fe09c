package stage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Agent is an Environment Server, enrolled and perhaps running.
type Agent struct {
	*Process
	Home  string
	stage *Stage
}

// Home is an agent that was never enrolled.
func (s *Stage) Home(name string) *Agent {
	return &Agent{Home: filepath.Join(s.Dir, name), stage: s}
}

// Enroll makes an Environment Server of the given name by a bundle of the Environment; flags are
// settings that reach the cloud from there.
func (c *Cloud) Enroll(ctx context.Context, environment, name string, flags ...string) (*Agent, error) {
	a := c.stage.Home(name)
	file := a.Home + "-bundle.zip"
	if _, err := c.Do(ctx, "bundle", environment, "--name", name, "-o", file); err != nil {
		return nil, err
	}
	key := a.Home + "-masterkey"
	if err := os.WriteFile(key, []byte(rand.Text()), 0o600); err != nil {
		return nil, err
	}
	_, err := a.Do(ctx, append([]string{"enroll", file, "--yes", "--master-key-file", key}, flags...)...)
	return a, err
}

// Copy is the same server once more, in a home of its own, for a tenth of what enrolling another
// costs. The cloud keeps the one that is connected and refuses the other.
func (a *Agent) Copy(name string) (*Agent, error) {
	c := a.stage.Home(name)
	for _, part := range []string{"", "-masterkey"} {
		err := filepath.WalkDir(a.Home+part, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := c.Home + strings.TrimPrefix(path, a.Home)
			info, err := d.Info()
			switch {
			case err != nil:
				return err
			case d.IsDir():
				return os.MkdirAll(to, info.Mode().Perm())
			case d.Type()&fs.ModeSymlink != 0:
				target, err := os.Readlink(path)
				if err != nil {
					return err
				}
				return os.Symlink(target, to)
			case !d.Type().IsRegular(): // a socket of an agent that ran
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, data, info.Mode().Perm())
		})
		if err != nil {
			return nil, fmt.Errorf("copying the home of an agent: %w", err)
		}
	}
	return c, nil
}

// Do runs a verb of tcenvsvr on this agent's home.
func (a *Agent) Do(ctx context.Context, args ...string) (string, error) {
	return Command(ctx, a.stage.AgentEnv, a.stage.AgentBin, append(args, "--home", a.Home)...)
}

// Start runs the agent, with settings as flags.
func (a *Agent) Start(flags ...string) error {
	args := append([]string{"run", "--home", a.Home}, a.stage.AgentFlags...)
	p, err := Start(a.Home+".log", a.stage.AgentEnv, a.stage.AgentBin, append(args, flags...)...)
	a.Process = p
	return err
}

// Status is the part of `tcenvsvr status --json` that tests look at.
type Status struct {
	Active   int  `json:"active"`
	Outbox   int  `json:"outbox"`
	Draining bool `json:"draining"`
	Unfit    *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"unfit"`
	Orders []struct {
		Ref   string     `json:"ref"`
		State wire.State `json:"state"`
	} `json:"orders"`
	Bytecode struct {
		Pending int `json:"pending"`
	} `json:"bytecode"`
	Archives struct {
		Count    int   `json:"count"`
		Bytes    int64 `json:"bytes"`
		Pending  int   `json:"pending"`
		Problems []struct {
			What string `json:"what"`
		} `json:"problems"`
	} `json:"archives"`
	Link struct {
		Connected bool   `json:"connected"`
		Broker    string `json:"broker"`
		Transport string `json:"transport"`
		Proxy     string `json:"proxy"`
		Epoch     int64  `json:"epoch"`

		SkewMS  float64 `json:"skew_ms"`
		Failure *struct {
			Step    string `json:"step"`
			Code    string `json:"code"`
			Message string `json:"message"`
			Hint    string `json:"hint"`
		} `json:"failure"`
	} `json:"link"`
}

// Skew is how far the cloud's clock is ahead of this host's.
func (s Status) Skew() time.Duration {
	return time.Duration(s.Link.SkewMS * float64(time.Millisecond))
}

// Status asks the running agent.
func (a *Agent) Status(ctx context.Context) (Status, error) {
	var s Status
	text, err := a.Do(ctx, "status", "--json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Connected waits until the agent has a session.
func (a *Agent) Connected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return Eventually(ctx, func() error {
		select {
		case <-a.Done():
			cancel()
			return a.ended()
		default:
		}
		s, err := a.Status(ctx)
		switch {
		case err != nil:
			return err
		case !s.Link.Connected && s.Link.Failure != nil:
			return fmt.Errorf("not connected: %s: %s", s.Link.Failure.Code, s.Link.Failure.Message)
		case !s.Link.Connected:
			return errors.New("not connected yet")
		}
		return nil
	})
}

package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// Config of a demo.
type Config struct {
	Agent string // tcenvsvr; "" = beside this program, or built from source
	Once  bool   // end when all has run
	Open  bool   // the console, in a browser
	Out   io.Writer
}

const environment = "demo"

// word goes in, and the Apps reverse it.
const word, turned = "Environment Server", "revreS tnemnorivnE"

// Run runs the demo. It returns an error unless every App on every transport gave the right answer.
func Run(ctx context.Context, c Config) error {
	dir, err := os.MkdirTemp("", "tcdemo")
	if err != nil {
		return fmt.Errorf("making the demo's folder: %w", err)
	}
	defer os.RemoveAll(dir)
	d := &demo{Config: c, dir: dir}
	if err := d.setUp(ctx); err != nil {
		return errors.Join(err, d.tearDown())
	}
	err = d.play(ctx)
	if err == nil && !c.Once {
		err = d.stay(ctx)
	}
	return errors.Join(err, d.tearDown())
}

type demo struct {
	Config
	dir    string
	stage  *stage.Stage
	cloud  *stage.Cloud
	agents []*stage.Agent
	again  []func() error // start the agents that were stopped
	apps   []demoApp
}

// demoApp is an App with its input and the right answer.
type demoApp struct {
	file, name, language string
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

func (d *demo) setUp(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	agent := d.Agent
	beside := filepath.Join(filepath.Dir(self), "tcenvsvr")
	if agent == "" && isFile(beside) && (stage.Releasable(beside) || !inSource(ctx)) {
		agent = beside
	}
	if agent == "" {
		d.say("building tcenvsvr …")
	}
	if d.stage, err = stage.New(ctx, d.dir, self, agent); err != nil {
		return fmt.Errorf("%w\nhint: run the demo in the source folder, or name the program with --agent", err)
	}
	d.stage.AgentFlags = []string{"--appsRunner", "none", "--relaySystemInfoPublishSeconds", "5"} // no root, no second user, and figures at once
	if err := d.buildApps(); err != nil {
		return err
	}
	if d.cloud, err = d.stage.StartCloud(ctx, "cloud"); err != nil {
		return err
	}
	d.say("cloud     broker %s, API %s", d.cloud.Broker, d.cloud.API)
	if _, err := d.cloud.Do(ctx, "env", "create", environment); err != nil {
		return err
	}
	for _, a := range d.apps {
		if _, err := d.cloud.Do(ctx, "app", "add", a.file); err != nil {
			return err
		}
	}
	return nil
}

// buildApps packs one App of each language that this host can run.
func (d *demo) buildApps() error {
	for _, a := range []demoApp{{name: "Test - Playbook", file: "playbook", language: "Python"}, {name: "Test - Java", file: "java", language: "Java"}} {
		if why := missing(a.language); why != "" {
			return fmt.Errorf("the demo needs %s: %s", a.language, why)
		}
		file, err := apps.Build(a.file, d.dir)
		if err != nil {
			return err
		}
		a.file = file
		d.apps = append(d.apps, a)
	}
	return nil
}

// missing returns what this host lacks for a language.
func missing(language string) string {
	programs := []string{"python3"}
	if language == "Java" {
		programs = []string{"java", "javac"}
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Sprintf("%q is not installed (%s)", p, runtime.GOOS)
		}
	}
	return ""
}

// play runs every App over both transports, and updates an agent.
func (d *demo) play(ctx context.Context) error {
	for _, transport := range []string{"raw", "websocket"} {
		agent, err := d.cloud.Enroll(ctx, environment, "agent-"+transport)
		if err != nil {
			return err
		}
		flags := []string{}
		if transport != "raw" {
			flags = append(flags, "--queueTransport", transport)
		}
		if err := agent.Start(flags...); err != nil {
			return err
		}
		d.agents = append(d.agents, agent)
		if err := agent.Connected(ctx); err != nil {
			return err
		}
		d.say("agent     %s connected by %s", filepath.Base(agent.Home), transport)
		for _, a := range d.apps {
			if err := d.runApp(ctx, a, transport); err != nil {
				return fmt.Errorf("running %q over %s: %w", a.name, transport, err)
			}
		}
		// Only the next agent shall get the orders.
		if code := agent.Stop(10 * time.Second); code != 0 {
			return fmt.Errorf("stopping the agent: exit code %d", code)
		}
		d.again = append(d.again, func() error { return agent.Start(flags...) })
	}
	if !stage.Releasable(d.stage.AgentBin) {
		d.say("all right: %d Apps over 2 transports (no self-update: the demo makes releases of the agents that it builds, in the source folder)", len(d.apps))
		return nil
	}
	if err := d.update(ctx); err != nil {
		return fmt.Errorf("updating an agent while a job runs: %w", err)
	}
	d.say("all right: %d Apps over 2 transports, and a self-update", len(d.apps))
	return nil
}

// runApp submits an order and checks the answer.
func (d *demo) runApp(ctx context.Context, a demoApp, transport string) error {
	input, err := json.Marshal(word)
	if err != nil {
		return err
	}
	const in, out = "#App:1:demo.word!String", "#App:2:out.string!String"
	var e struct {
		ID       string       `json:"id"`
		State    wire.Outcome `json:"state"`
		Message  string       `json:"message"`
		Error    string       `json:"error"`
		RunMS    int64        `json:"run_ms"`
		ExitCode int          `json:"exit_code"`
	}
	err = d.cloud.JSON(ctx, &e, "run", environment, a.name, "--param", "in_string="+in, "--kv", in+"="+string(input), "--out-variable", out)
	if err != nil {
		return fmt.Errorf("%w (%s %s)", err, e.Error, e.Message)
	}
	var outputs map[string]string
	if err := d.cloud.JSON(ctx, &outputs, "execution", "outputs", e.ID); err != nil {
		return err
	}
	if e.State != wire.Succeeded || outputs[out] != turned {
		return fmt.Errorf("it %s and answered %q; want %q", e.State, outputs[out], turned)
	}
	d.say("%-9s %s over %s: %q → %q in %d ms", e.State, a.language, transport, word, outputs[out], e.RunMS)
	return nil
}

func (d *demo) tearDown() error {
	for _, a := range d.agents {
		select {
		case <-a.Done():
		default:
			a.Stop(10 * time.Second)
		}
	}
	if d.cloud != nil && d.cloud.Process != nil {
		d.cloud.Stop(10 * time.Second)
	}
	return nil
}

// inSource reports whether Go finds the source of the agent from the current folder.
func inSource(ctx context.Context) bool {
	return exec.CommandContext(ctx, "go", "list", "tcenvsvr/cmd/tcenvsvr").Run() == nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tcenvsvr/test/stage"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Row is one figure.
type Row struct {
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Budget string  `json:"budget,omitempty"`
	Absent string  `json:"absent,omitempty"` // why there is no value
}

// bench is one run of one benchmark.
type bench struct {
	*stage.Stage
	ctx     context.Context
	quick   bool
	runners []string
	way     string // part of the name of ways to start, "" = all
	rows    []Row
	stops   []func() // of what was started, oldest first
	failed  bool
}

// atEnd has f called when the benchmark is over, however it ended.
func (b *bench) atEnd(f func()) { b.stops = append(b.stops, f) }

func (b *bench) end() {
	for _, stop := range slices.Backward(b.stops) {
		stop()
	}
}

func (b *bench) row(what string, value float64, unit, budget string) {
	b.rows = append(b.rows, Row{What: what, Value: value, Unit: unit, Budget: budget})
}

// absent is a figure that cannot be had here.
func (b *bench) absent(what, why string) { b.rows = append(b.rows, Row{What: what, Absent: why}) }

// size is full, or small with --quick.
func (b *bench) size(full, small int) int {
	if b.quick {
		return small
	}
	return full
}

// options are those of the command line.
type options struct {
	quick, json        bool
	markdown           bool
	keep, agent, cloud string
	runners            []string
	isolated           bool
	way                string
}

func command() *cobra.Command {
	var o options
	root := &cobra.Command{Use: "bench", Short: "measure the budgets of the design", SilenceUsage: true, SilenceErrors: true}
	root.PersistentFlags().BoolVar(&o.quick, "quick", false, "small numbers")
	root.PersistentFlags().BoolVar(&o.json, "json", false, "answer in JSON")
	root.PersistentFlags().BoolVar(&o.markdown, "markdown", false, "answer with a table for a README, and the command below it")
	root.PersistentFlags().StringVar(&o.keep, "keep", "", "work in this new folder and leave it, with all logs (default: a temporary one)")
	root.PersistentFlags().StringVar(&o.agent, "agent", "", "measure this tcenvsvr, with its tcenvsvr-shim beside it, and not that of the source; --runner none only")
	root.PersistentFlags().StringVar(&o.cloud, "cloud", "", "measure this tccloud, and not that of the source")
	for _, verb := range []struct {
		name, short string
		run         func(*bench) error
		alone       bool   // needs none of our programs
		runners     string // default of --runner, where that is a flag
	}{
		{"latency", "order → App process executed", latency, false, "none"},
		{"throughput", "orders to completion a second", throughput, false, "none"},
		{"load", "8, 64 and 256 slots kept busy: throughput, growth, processor and syncs of an order", load, false, "none,sudo,socket"},
		{"cloud", "what an order costs the cloud, with an empty store and with a full one", cloudAlone, false, ""},
		{"jobs", "Jobs due at one moment in many Environments: who waits how long, and what the cloud takes", manyJobs, false, ""},
		{"apps", "order → first line of Apps as large as customers'", starts, false, "none,sudo,socket"},
		{"services", "calls of an API behind an agent, and what 20 services take", services, false, ""},
		{"console", "what the console's pages, and a hundred who look on, cost the cloud", viewConsole, false, ""},
		{"agents", "memory of the gateway for each idle agent", agents, false, ""},
		{"gateways", "memory of two gateways over three nodes, for each idle agent and each server that is away", gateways, false, ""},
		{"reconnect", "agents back after a gateway restart", reconnect, false, ""},
		{"footprint", "memory of the agent and of a shim", footprint, false, ""},
		{"update", "self-update: time away, rollback, bytes", update, false, ""},
		{"soak", "a month of orders: what grows", soak, false, ""},
		{"certs", "trust stores, beside keytool", merge, true, ""},
	} {
		c := &cobra.Command{
			Use: verb.name, Short: verb.short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				run := verb.run
				if o.isolated {
					run = isolation
				}
				if verb.runners != "" && !cmd.Flags().Changed("runner") {
					o.runners = strings.Split(verb.runners, ",")
				}
				return measure(verb.name, run, verb.alone, o)
			},
		}
		if verb.runners != "" {
			c.Flags().StringSliceVar(&o.runners, "runner", nil, "how Apps are run: none, sudo, socket; the latter two on a machine with systemd that is made (default "+verb.runners+")")
		}
		if verb.name == "latency" {
			c.Flags().BoolVar(&o.isolated, "isolation", false, "of Apps that are isolated beside Apps that are not")
		}
		if verb.name == "apps" {
			c.Flags().StringVar(&o.way, "way", "", "only ways to start whose name has this in it, isolation included: \"required, Python, warm\"")
		}
		root.AddCommand(c)
	}
	root.AddCommand(swarmCommand())
	return root
}

// measure sets a stage up, runs one benchmark on it and prints.
func measure(name string, run func(*bench) error, alone bool, o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir := o.keep
	var err error
	if dir != "" {
		err = os.Mkdir(dir, 0o700)
	} else if dir, err = os.MkdirTemp("", "tcbench"); err == nil {
		defer os.RemoveAll(dir)
		dir, err = fresh(dir)
	}
	if err != nil {
		return err
	}
	s := &stage.Stage{Dir: dir}
	if !alone {
		if s, err = stage.New(ctx, dir, o.cloud, o.agent); err != nil {
			return err
		}
	}
	s.AgentFlags = []string{"--appsRunner", "none", "--logLevel", "warn"}
	b := &bench{Stage: s, ctx: ctx, quick: o.quick, runners: o.runners, way: o.way}
	defer b.end()
	if err := b.try(run); err != nil {
		if log, readErr := os.ReadFile(filepath.Join(dir, "cloud.log")); readErr == nil {
			fmt.Fprintf(os.Stderr, "log of the cloud:\n%s\n", log[max(0, len(log)-2000):])
		}
		return fmt.Errorf("measuring %s: %w", name, err)
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"benchmark": name, "machine": machine(), "rows": b.rows})
	}
	fmt.Printf("%s on %s\n\n", name, machine())
	if o.markdown {
		fmt.Print("| what | measured | budget |\n|---|---|---|\n")
		for _, r := range b.rows {
			measured := number(r.Value) + " " + r.Unit
			if r.Absent != "" {
				measured = "not available: " + r.Absent
			}
			fmt.Printf("| %s | %s | %s |\n", r.What, measured, r.Budget)
		}
		fmt.Printf("\nBy `go run ./test/bench %s`.\n", strings.Join(os.Args[1:], " "))
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, r := range b.rows {
		if r.Absent != "" {
			fmt.Fprintf(w, "%s\tnot available\t%s\n", r.What, r.Absent)
			continue
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\n", r.What, number(r.Value), r.Unit, r.Budget)
	}
	return w.Flush()
}

// try runs a benchmark. What fails on a machine of its own ends it by a panic.
func (b *bench) try(run func(*bench) error) (err error) {
	defer func() {
		switch failed := recover().(type) {
		case nil:
		case failure:
			b.failed, err = true, failed.error
		default:
			panic(failed)
		}
	}()
	err = run(b)
	b.failed = err != nil
	return err
}

// failure is what a machine's owner panics with.
type failure struct{ error }

func number(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d CPUs%s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpuName(), runtime.Version())
}

func cpuName() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return " (" + strings.TrimSpace(strings.TrimLeft(name, "\t :")) + ")"
		}
	}
	return ""
}

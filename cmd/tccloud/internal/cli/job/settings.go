package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cli/submission"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// settings are the flags that create and edit share.
type settings struct {
	inputs   inputs.Flags
	schedule string
	zone     string
	server   wire.ServerXID
	missed   string
	notify   string
	timeout  time.Duration
	delay    time.Duration
	retries  int
	limits   wire.Limits
	priority int
	pkg      string
	sealing  submission.Sealing
}

func (s *settings) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.schedule, "schedule", "", `when it runs: cron ("30 2 * * 1-5"), @hourly, @daily, @weekly, @monthly, "every 15m", "once 2026-12-24T18:00"; "" is on demand`)
	f.StringVar(&s.zone, "zone", "", "time zone of the schedule, as Europe/Berlin (default UTC)")
	operator.AddServer(f, &s.server)
	f.StringVar(&s.missed, "missed", string(jobs.Skip), "what becomes of runs that were due while the cloud was down: skip, or once for one run instead of all")
	f.DurationVar(&s.timeout, "timeout", 0, "end the App after so long, 1s–168h (default the App's own, or the cloud's)")
	f.IntVar(&s.retries, "retries", 0, "how often a failed run is tried again, 0–10; never after exit code 4")
	f.DurationVar(&s.delay, "retry-delay", 5*time.Minute, "how long after a failure, at most 24h")
	operator.AddLimits(f, &s.limits)
	f.IntVar(&s.priority, "priority", 5, "0 (last) to 9 (first)")
	f.StringVar(&s.notify, "notify", "", "URL that failures and missed runs are posted to as JSON, or @FILE with it, for one that is secret; \"command\" runs the program of \"tccloud serve --job-command\"; \"\" ends that")
	f.StringArrayVarP(&s.inputs.Params, "param", "p", nil, "a parameter, NAME=VALUE or NAME=@FILE (VALUE is visible in ps; @@ is a literal @)")
	s.sealing.Add(f)
	f.StringVar(&s.pkg, "package", "", "the App's package (.tcx): the Job runs this one and no other; what is sealed opens for it alone")
	f.StringVar(&s.inputs.ParamFile, "param-file", "", "JSON object of parameters, - is stdin; --param wins")
}

// read reads what the flags name.
func (s *settings) read(o *operator.Env, c *cobra.Command) (params map[string]string, notify string, err error) {
	if s.timeout < 0 || s.delay < 0 {
		return nil, "", cli.Misuse(c, "--timeout and --retry-delay cannot be negative")
	}
	if err := s.sealing.Check(c, s.pkg); err != nil {
		return nil, "", err
	}
	if s.sealing.Used() && s.pkg == "" {
		return nil, "", cli.Misuse(c, "--seal wants --package: what is sealed for a Job opens for one package alone, and the cloud must not choose it")
	}
	from := inputs.Source{Stdin: o.Stdin}
	given, err := s.inputs.Read(from)
	to := map[string]string{}
	if err == nil && s.notify != "" {
		err = from.Assign("--notify", []string{"url=" + s.notify}, to)
	}
	if errors.Is(err, inputs.ErrUsage) {
		return nil, "", cli.Misuse(c, "%w", err)
	}
	return given.Params, strings.TrimSpace(to["url"]), err
}

// runs is what a Job runs and where, as far as its parameters are sealed for it.
type runs struct {
	id          wire.JobID
	environment string
	app         string // "" = that of the package
	version     string // "" = that of the package
	sha256      wire.SHA256
}

// inspect fills in what the package of the flags says.
func (s *settings) inspect(c *cobra.Command, r *runs) (*v1.App, error) {
	p, err := catalog.Inspect(s.pkg)
	if err != nil {
		return nil, fmt.Errorf("reading package %q: %w", s.pkg, err)
	}
	if r.app != "" && strings.ReplaceAll(r.app, " ", "_") != p.Name || r.version != "" && r.version != p.Version {
		return nil, cli.Misuse(c, "the package is %s@%s", p.Name, p.Version)
	}
	r.app, r.version, r.sha256 = p.Name, p.Version, p.SHA256
	return &p, nil
}

// seal seals parameters for the Job, and says on stderr for whom.
func (s *settings) seal(ctx context.Context, o *operator.Env, c *client.Client, r runs, pkg *v1.App, params map[string]string) error {
	names, err := s.sealing.Names(pkg, params)
	if err != nil {
		return err
	}
	to, err := s.sealing.To(ctx, o, c, r.environment)
	if err != nil {
		return err
	}
	at := envelope.Binding{Environment: r.environment, Job: &envelope.Job{ID: r.id, Package: r.sha256, Sealed: names}}
	if err := submission.Seal(params, names, to, at); err != nil {
		return err
	}
	fmt.Fprintf(o.Stderr, "tccloud: sealed %s for Job id %s in environment %s and %s@%s with SHA-256 %s:\n",
		strings.Join(names, ", "), plain.Line(string(r.id)), plain.Line(r.environment), r.app, r.version, r.sha256)
	for _, t := range to {
		fmt.Fprintf(o.Stderr, "tccloud:   to %s %s\n", plain.Line(t.Name), t.Fingerprint)
	}
	return nil
}

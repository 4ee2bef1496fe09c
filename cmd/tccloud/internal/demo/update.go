package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
	"tcenvsvr/updater/release"
)

// update updates an agent to its next version while a job runs, and shows that the job did not
// notice.
func (d *demo) update(ctx context.Context) error {
	sleeper, err := apps.Build("sleep", d.dir)
	if err != nil {
		return err
	}
	if _, err := d.cloud.Do(ctx, "app", "add", sleeper); err != nil {
		return err
	}
	// A copy, because the keys that it trusts are beside it.
	installed := filepath.Join(d.dir, "installed", "tcenvsvr")
	if err := d.stage.Release(ctx, stage.BuiltVersion, installed); err != nil {
		return err
	}
	d.stage.AgentBin = installed
	updates, err := d.cloud.NewUpdates()
	if err != nil {
		return err
	}
	agent, err := d.cloud.Enroll(ctx, environment, "agent-updating")
	if err != nil {
		return err
	}
	// The App leaves its marks outside its job's folder, which an isolated one cannot.
	if err := agent.Launch("--appsIsolation", "off"); err != nil {
		return err
	}
	d.agents = append(d.agents, agent)
	if err := agent.Connected(ctx); err != nil {
		return err
	}
	before, err := agent.Updating(ctx)
	if err != nil {
		return err
	}
	marks := filepath.Join(d.dir, "marks")
	order, err := d.cloud.Do(ctx, "run", environment, "Test - Sleep", "--detach", "--param", "seconds=120", "--param", "marker_file="+marks)
	if err != nil {
		return err
	}
	order = strings.TrimSpace(order)
	job, err := d.started(ctx, marks)
	if err != nil {
		return err
	}
	d.say("agent     %s runs version %s and a job (process %s)", filepath.Base(agent.Home), before.Root.Selected.Version, job)

	next := filepath.Join(d.dir, "next", "tcenvsvr")
	if err := d.stage.Release(ctx, stage.NextVersion, next); err != nil {
		return err
	}
	rel, err := updates.Publish(ctx, stage.NextVersion, next, d.stage.AgentBin)
	if err != nil {
		return err
	}
	if _, err := d.cloud.Do(ctx, "release", "rollout", stage.NextVersion, "--percent", "100"); err != nil {
		return err
	}
	d.say("release   %s signed and rolled out: %d bytes, %d as a delta", rel.Version, rel.Size, smallest(rel))
	began := time.Now()
	if err := agent.Updated(ctx, stage.NextVersion); err != nil {
		return err
	}
	if err := agent.Connected(ctx); err != nil {
		return err
	}
	d.say("agent     %s runs version %s since %d s after the rollout", filepath.Base(agent.Home), stage.NextVersion, int(time.Since(began).Seconds()))
	return d.unnoticed(ctx, order, marks, job)
}

// smallest is the size of what an agent downloads.
func smallest(r release.Release) int64 {
	size := r.Size
	for _, d := range r.Deltas {
		size = min(size, d.Size)
	}
	return size
}

// startTimeout bounds how long the App may take to leave its mark.
const startTimeout = 2 * time.Minute

// started waits for the App's mark and returns the number of its process.
func (d *demo) started(ctx context.Context, marks string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var pid string
	err := stage.Eventually(ctx, func() error {
		text, err := os.ReadFile(marks)
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		fields := strings.Fields(lines[0])
		if err == nil && (len(lines) != 1 || len(fields) < 2) {
			err = fmt.Errorf("the App's marks are %q, want the line of one start", text)
		}
		if err == nil {
			pid = fields[1]
		}
		return err
	})
	return pid, err
}

// unnoticed lets the job end, and checks that it is the same one, ran once and has its result.
func (d *demo) unnoticed(ctx context.Context, order, marks, job string) error {
	var e struct {
		State   wire.State   `json:"state"`
		Ended   bool         `json:"ended"`
		Attempt wire.Attempt `json:"attempt"`
		Message string       `json:"message"`
	}
	if err := d.cloud.JSON(ctx, &e, "execution", "show", order); err != nil {
		return err
	}
	if e.Ended {
		return fmt.Errorf("the job ended with the update: it %s, %s", e.State, e.Message)
	}
	if err := os.WriteFile(marks+".end", nil, 0o600); err != nil {
		return err
	}
	err := stage.Eventually(ctx, func() error {
		err := d.cloud.JSON(ctx, &e, "execution", "show", order)
		if err == nil && !e.Ended {
			err = fmt.Errorf("the job is %s", e.State)
		}
		return err
	})
	if err != nil {
		return err
	}
	same, err := d.started(ctx, marks)
	if err != nil {
		return err
	}
	if e.State != wire.State(wire.Succeeded) || e.Attempt != 1 || same != job {
		return fmt.Errorf("the job noticed: it %s in attempt %d as process %s", e.State, e.Attempt, same)
	}
	d.say("%-9s the job did not notice: process %s from before to after, one start, one result", e.State, job)
	return nil
}

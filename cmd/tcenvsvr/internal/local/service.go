package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

const (
	serviceID    = 1
	triggerID    = 1                   // of the trigger that is there from the start
	serviceToken = 30 * 24 * time.Hour // a developer's service may run for days
)

// service is the App of a service while it runs here: this process is its cloud.
type service struct {
	run      *Run
	runtime  wire.Runtime
	manifest app.Manifest
	config   map[string]string // of the trigger
	token    string
	expires  time.Time
	store    *api.Memory
	talk     *job.Talk
	entry    string // URL of the HTTP entry, "" if there is none
	socket   string // of control, "" if there are no triggers

	mu       sync.Mutex
	ready    bool
	waiting  map[string]chan message // by request key
	triggers map[int64]bool          // that the App has
}

// message is what of an App's message this process understands.
type message struct {
	Command      string `json:"command"`
	Type         string `json:"type"`
	Status       string `json:"status"`
	Message      string `json:"message"`
	TriggerID    int64  `json:"triggerId"`
	SessionID    string `json:"sessionId"`
	RequestKey   string `json:"requestKey"`
	StatusCode   any    `json:"statusCode"` // a text of TcEx for an API, a number for a webhook
	BodyVariable string `json:"bodyVariable"`
	Headers      []pair `json:"headers"`
	InputName    string `json:"inputName"`
	InputValue   string `json:"inputValue"`
	Count        int64  `json:"count"`  // of Lost
	Reason       string `json:"reason"` // of Lost
}

type pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// serve starts the App of a service and is its cloud until it has ended: parameters that are not the
// service's own configure one trigger, requests come from an HTTP entry, events are shown.
func (r *Run) serve(ctx context.Context, jobs *parts.Jobs, installed app.App, e app.Execution, store *api.Memory) (job.Exit, error) {
	runtime, err := installed.Manifest.Runtime()
	if err != nil {
		return job.Exit{}, err
	}
	s := &service{run: r, runtime: runtime, manifest: installed.Manifest, token: e.Token, expires: e.TokenExpires, store: store, waiting: map[string]chan message{}, triggers: map[int64]bool{}}
	e.AppParams, s.config = s.split(e.AppParams)
	identity := job.Service{ID: serviceID}
	process, err := jobs.StartService(ctx, identity, func(b job.Broker) (job.Launch, error) {
		e.Service = &app.Service{Service: identity, Broker: b}
		launch, err := installed.Launch(e)
		launch.Tied = true
		return launch, err
	}, func(job.Status) error { return nil })
	if err != nil {
		return job.Exit{}, err
	}
	var done sync.WaitGroup
	defer done.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.listen(ctx, &done); err != nil {
		return job.Exit{}, errors.Join(err, process.End(context.WithoutCancel(ctx)))
	}
	done.Go(func() { s.hear(ctx, process) })
	return r.follow(ctx, process, e.JobDir)
}

// split tells the parameters of the service from those of a trigger.
func (s *service) split(params map[string]string) (own, trigger map[string]string) {
	own, trigger = map[string]string{}, map[string]string{}
	for name, value := range params {
		p, _ := s.manifest.Param(name)
		if p.ServiceConfig || s.runtime == wire.RuntimeAPIService || s.runtime == wire.RuntimeFeedAPIService {
			own[name] = value
		} else {
			trigger[name] = value
		}
	}
	return own, trigger
}

// hear handles what the App says until its shim has ended.
func (s *service) hear(ctx context.Context, process *job.Process) {
	talk, err := process.Talk(context.WithoutCancel(ctx))
	if err != nil {
		return // the App has ended, and that is told
	}
	s.mu.Lock()
	s.talk = talk
	s.mu.Unlock()
	defer func() { _ = talk.Close() }() // its shim ends by itself
	for {
		said, err := talk.Next()
		switch {
		case err != nil:
			return
		case said.State != nil:
			s.state(said.State.State)
			continue
		}
		var m message
		if json.Unmarshal(said.Message, &m) == nil {
			s.heard(m)
		}
		if said.Seq > 0 {
			_ = talk.Taken(said.Seq)
		}
	}
}

func (s *service) say(format string, args ...any) {
	fmt.Fprintf(s.run.Stderr, format+"\n", args...)
}

// state configures the trigger of a service that has become ready.
func (s *service) state(state string) {
	s.mu.Lock()
	first := state == job.ServiceReady && !s.ready
	s.ready = state == job.ServiceReady
	s.mu.Unlock()
	if !first {
		return
	}
	s.say("service is ready; Ctrl-C shuts it down")
	switch {
	case s.isAPI():
		s.say("  curl %s/api/services/%s/", s.entry, "app")
	default:
		s.giveTrigger("CreateConfig", triggerID, s.config)
	}
}

func (s *service) isAPI() bool {
	return s.runtime == wire.RuntimeAPIService || s.runtime == wire.RuntimeFeedAPIService
}

// send has a message published to the App.
func (s *service) send(m map[string]any) bool {
	m["appId"], m["apiToken"], m["expireSeconds"] = 1, s.token, s.expires.Unix()
	line, err := json.Marshal(m)
	s.mu.Lock()
	talk, ready := s.talk, s.ready
	s.mu.Unlock()
	return err == nil && talk != nil && ready && talk.Send(line) == nil
}

// heard handles one message of the App.
func (s *service) heard(m message) {
	key := m.RequestKey
	if ofTrigger := m.Command == "Acknowledged" && (m.Type == "CreateConfig" || m.Type == "DeleteConfig"); ofTrigger {
		s.answered(m) // before the one who asked goes on
		key = triggerKey(m.Type, m.TriggerID)
	}
	if key != "" {
		s.mu.Lock()
		to := s.waiting[key]
		s.mu.Unlock()
		select {
		case to <- m: // nobody waits for what came too late
		default:
		}
	}
	switch m.Command {
	case "FireEvent":
		fmt.Fprintf(s.run.Stdout, "event trigger %d session %s\n", m.TriggerID, plain.Text(m.SessionID))
		values := s.store.Values(api.ServiceContext(serviceID, m.SessionID))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(s.run.Stdout, "variable %s = %s\n", plain.Text(name), plain.Text(string(values[name])))
		}
	case "UpdateTriggerValue":
		fmt.Fprintf(s.run.Stdout, "update trigger %d: %s = %s\n", m.TriggerID, plain.Text(m.InputName), plain.Text(m.InputValue))
	case "Lost":
		s.say("%d events were lost: %s", m.Count, plain.Text(m.Reason))
	}
}

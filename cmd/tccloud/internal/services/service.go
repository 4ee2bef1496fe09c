package services

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Bucket is the name of the key-value bucket.
const Bucket = "services"

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("there is no such service")
	ErrExists   = errors.New("there is a service of that name already")
	ErrInvalid  = errors.New("the service is not valid")
	// ErrRefused is wrapped by errors of [Orders] that another try does not mend.
	ErrRefused = errors.New("no order could be made")
)

// Service is an App that is to run, with its configuration.
type Service struct {
	Name string `json:"name"` // 1–64 of A–Z a–z 0–9 _ -, not starting with - or _
	// ID is tc_svc_id; it tells the service from another one that had the name before.
	ID          int64          `json:"id"`
	Environment string         `json:"environment"`
	Server      wire.ServerXID `json:"server,omitempty"` // the only one that may run it; "" = any
	App         string         `json:"app"`
	Version     string         `json:"version,omitempty"` // "" = the newest when it starts
	Runtime     wire.Runtime   `json:"runtime"`           // of the App
	// Params are secret where the App says so.
	Params map[string]string `json:"params,omitempty"`
	Limits wire.Limits       `json:"limits,omitzero"`

	Running  bool      `json:"running"`
	LogLevel string    `json:"log_level,omitempty"` // that the App is told, one of LogLevels; "" = its own
	Triggers []Trigger `json:"triggers,omitempty"`
	// LastTrigger is the highest Trigger.ID that was given.
	LastTrigger int64 `json:"last_trigger,omitempty"`
	// Path is where an API service is called: /api/services/PATH.
	Path string `json:"path,omitempty"`
	// Token is the SHA-256 of the token that callers of the API show, "" = everybody may call it.
	Token string `json:"token,omitempty"`
	// CallTimeoutMS is how long a request may take, 0 = 30 s; MaxBody how large its body may be in bytes,
	// 0 = 5 MiB; Rate how many are taken in a second by each gateway, 0 = 500.
	CallTimeoutMS int64 `json:"call_timeout_ms,omitempty"`
	MaxBody       int64 `json:"max_body,omitempty"`
	Rate          int   `json:"rate,omitempty"`

	// Restarted counts the restarts that were asked for.
	Restarted int `json:"restarted,omitempty"`
	// Generation is raised by each change that needs another instance.
	Generation int       `json:"generation"`
	Created    time.Time `json:"created"`
}

// Trigger is one configuration of a trigger service: what it watches for, and what an event starts.
type Trigger struct {
	ID   int64  `json:"id"`   // within the service, from 1, never used again
	Name string `json:"name"` // as Service.Name
	// Params are the App's inputs of the trigger; secret where the App says so.
	Params map[string]string `json:"params,omitempty"`
	// Outputs are the Playbook variables that the App is asked for, as "#Trigger:1:name!String".
	Outputs []string `json:"outputs,omitempty"`
	// Webhook is the SHA-256 of the token in the trigger's URL; "" without one.
	Webhook string `json:"webhook,omitempty"`
	// Start is the App that an event starts; nil = none.
	Start   *Start    `json:"start,omitempty"`
	Created time.Time `json:"created"`
}

// Start is the App that an event starts, in the Environment of the service. A Playbook App reads and
// writes the variables of the event.
type Start struct {
	App     string            `json:"app"`
	Version string            `json:"version,omitempty"` // "" = the newest
	Params  map[string]string `json:"params,omitempty"`
}

// LogLevels are those that Apps know.
var LogLevels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}

// Bounds of a Service.
const (
	MaxTriggers    = 256
	MaxCallTimeout = 10 * time.Minute
	MaxMaxBody     = 32 << 20
	MaxRate        = 10_000
	// maxSize bounds all parameters as bytes: a Service is one message to the store, of which a NATS
	// server takes 1 MB.
	maxSize = 512 << 10
	// maxConfig bounds what a trigger needs of the message that tells its App of it, as JSON.
	maxConfig = wire.MaxServiceMessage - 8<<10

	defaultCallTimeout = 30 * time.Second
	defaultMaxBody     = 5 << 20
	defaultRate        = 500
)

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	pathPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*$`)
)

// Calls reports whether the service answers requests of its own path.
func (s *Service) Calls() bool {
	return s.Runtime == wire.RuntimeAPIService || s.Runtime == wire.RuntimeFeedAPIService
}

// Webhooks reports whether its triggers have URLs.
func (s *Service) Webhooks() bool { return s.Runtime == wire.RuntimeWebhookTriggerService }

// HasTriggers reports whether the App takes triggers.
func (s *Service) HasTriggers() bool { return s.Runtime == wire.RuntimeTriggerService || s.Webhooks() }

// CallTimeout is how long a request may take.
func (s *Service) CallTimeout() time.Duration {
	if s.CallTimeoutMS == 0 {
		return defaultCallTimeout
	}
	return time.Duration(s.CallTimeoutMS) * time.Millisecond
}

// BodyLimit is how large the body of a call may be, in bytes.
func (s *Service) BodyLimit() int64 {
	if s.MaxBody == 0 {
		return defaultMaxBody
	}
	return s.MaxBody
}

// CallRate is how many calls are taken in a second by each gateway.
func (s *Service) CallRate() int {
	if s.Rate == 0 {
		return defaultRate
	}
	return s.Rate
}

// Check returns ErrInvalid with what is wrong, or nil. Whether the App exists and what it makes of the
// parameters is found out when an order is made.
func (s *Service) Check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
	}
	switch {
	case !namePattern.MatchString(s.Name):
		return fail("name %.70q: use 1–64 letters, digits, - and _", s.Name)
	case !namePattern.MatchString(s.Environment):
		return fail("environment %.70q is none", s.Environment)
	case s.Server != "" && !s.Server.Valid():
		return fail("server %.70q is none", string(s.Server))
	case s.App == "" || len(s.App) > 256:
		return fail("App %.80q is none", s.App)
	case !s.Runtime.Service():
		return fail("App %.80q is no service App (it is a %s App)", s.App, s.Runtime)
	case s.Path != "" && (!pathPattern.MatchString(s.Path) || len(s.Path) > 128):
		return fail("path %.140q: use names of letters, digits and . _ ~ - between slashes, 128 bytes at most", s.Path)
	case s.Calls() && s.Path == "":
		return fail("an API service needs a path")
	case !s.Calls() && s.Path != "":
		return fail("only API services have a path")
	case s.LogLevel != "" && !slices.Contains(LogLevels, s.LogLevel):
		return fail("log level %.20q: use %s", s.LogLevel, strings.Join(LogLevels, ", "))
	case len(s.Triggers) > 0 && !s.HasTriggers():
		return fail("only trigger services have triggers")
	case len(s.Triggers) > MaxTriggers:
		return fail("%d triggers, at most %d are possible", len(s.Triggers), MaxTriggers)
	case s.CallTimeoutMS < 0 || s.CallTimeoutMS > MaxCallTimeout.Milliseconds():
		return fail("timeout of calls %s is outside 0–%s", time.Duration(s.CallTimeoutMS)*time.Millisecond, MaxCallTimeout)
	case s.MaxBody < 0 || s.MaxBody > MaxMaxBody:
		return fail("largest body of calls %d is outside 0–%d bytes", s.MaxBody, MaxMaxBody)
	case s.Rate < 0 || s.Rate > MaxRate:
		return fail("%d calls in a second are outside 0–%d", s.Rate, MaxRate)
	}
	total := size(s.Params)
	for i, t := range s.Triggers {
		total += size(t.Params)
		switch {
		case !namePattern.MatchString(t.Name):
			return fail("trigger %.70q: use 1–64 letters, digits, - and _", t.Name)
		case slices.ContainsFunc(s.Triggers[:i], func(o Trigger) bool { return o.Name == t.Name }):
			return fail("there are two triggers %q", t.Name)
		}
		if t.Start != nil {
			total += size(t.Start.Params)
			if t.Start.App == "" || len(t.Start.App) > 256 {
				return fail("trigger %q starts App %.80q, which is none", t.Name, t.Start.App)
			}
		}
		for _, o := range t.Outputs {
			total += len(o)
			if !strings.HasPrefix(o, "#Trigger:") {
				return fail("trigger %q: output %.80q wants the form #Trigger:1:name!String", t.Name, o)
			}
		}
	}
	for _, t := range s.Triggers {
		if told, err := json.Marshal(t.config()); err != nil || len(told) > maxConfig {
			return fail("trigger %q: what its App is told of it needs %d bytes, at most %d are possible", t.Name, len(told), maxConfig)
		}
	}
	if total > maxSize {
		return fail("the parameters need %d bytes, at most %d are possible", total, maxSize)
	}
	return nil
}

func size(params map[string]string) int {
	n := 0
	for k, v := range params {
		n += len(k) + len(v) + 6
	}
	return n
}

// trigger returns a trigger by its number, nil if there is none.
func (s *Service) trigger(id int64) *Trigger {
	if i := slices.IndexFunc(s.Triggers, func(t Trigger) bool { return t.ID == id }); i >= 0 {
		return &s.Triggers[i]
	}
	return nil
}

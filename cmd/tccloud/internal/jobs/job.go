package jobs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/catalog/version"
	"tcenvsvr/cmd/tccloud/internal/jobs/schedule"
)

// Bucket is the name of the key-value bucket.
const Bucket = "jobs"

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("there is no such Job")
	ErrExists   = errors.New("there is a Job of that name already")
	ErrInvalid  = errors.New("the Job is not valid")
	ErrRunning  = errors.New("a run of the Job is under way")
	// ErrRefused is wrapped by errors of [Orders.Submit] that another try does not mend.
	ErrRefused = errors.New("no order could be made")
)

// Job is an App with its parameters and a schedule.
type Job struct {
	Name string `json:"name"` // 1–64 of A–Z a–z 0–9 _ -, not starting with - or _
	// ID tells it from another one that had the name before.
	ID          wire.JobID     `json:"id"`
	Environment string         `json:"environment"`
	Server      wire.ServerXID `json:"server,omitempty"` // the only one that may take it; "" = any
	App         string         `json:"app"`
	Version     string         `json:"version,omitempty"` // one, or a range (package version); "" = all. A run takes the newest of them
	SHA256      wire.SHA256    `json:"sha256,omitempty"`  // of the one package that may run; "" = that of the version
	// Params are secret where the App says so. Those that are sealed (package secret/envelope) are for
	// this Job, Environment and package, and belong together.
	Params    map[string]string `json:"params,omitempty"`
	TimeoutMS int64             `json:"timeout_ms,omitempty"` // 0 = the App's own, or the cloud's
	Priority  *int              `json:"priority,omitempty"`   // nil = 5
	Limits    wire.Limits       `json:"limits,omitzero"`      // of the App, where they are less than the server's settings say

	Schedule string `json:"schedule,omitempty"` // package schedule; "" = on demand
	Zone     string `json:"zone,omitempty"`     // IANA name; "" = UTC
	Paused   bool   `json:"paused,omitempty"`
	Missed   Missed `json:"missed"`
	// Retries is how often a failed run is tried again, RetryDelayMS after its end.
	Retries      int   `json:"retries,omitempty"`        // 0–10
	RetryDelayMS int64 `json:"retry_delay_ms,omitempty"` // 0–24 h
	// Notify is where failures and missed runs are told: an https or http URL to which they are posted,
	// or Command for that of the gateway; "" = nowhere.
	Notify string `json:"notify,omitempty"`
	// Edit is the last change of what runs left, see Edit.
	Edit *Edit `json:"edit,omitempty"`

	Created time.Time `json:"created"`
	// Since is when schedule or pause changed last: earlier due times do not count.
	Since time.Time `json:"since"`
}

// Command is the value of Job.Notify that stands for the program of [Config].Command.
const Command = "command"

// Edit is what an operator changed of what runs left. It is stored with the Job, so that a change of
// both is one write, and counts at once; the State takes it in when it is written next.
type Edit struct {
	N      int               `json:"n"` // 1 is the first
	Set    map[string]string `json:"set,omitempty"`
	Forget []string          `json:"forget,omitempty"`
}

func (e *Edit) empty() bool { return e == nil || len(e.Set)+len(e.Forget) == 0 }

// Missed says what becomes of due times at which no gateway ran.
type Missed string

// What can be done about missed runs.
const (
	Skip Missed = "skip"
	Once Missed = "once" // one run for all of them
)

// Bounds of a Job.
const (
	MaxRetries    = 10
	MaxRetryDelay = 24 * time.Hour
	maxTimeout    = 7 * 24 * time.Hour
	maxURL        = 2048
	maxVersion    = 100
	// maxParams bounds the parameters as JSON: a Job is one message to the store, of which a NATS
	// server takes 1 MB.
	maxParams = 512 << 10
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check returns ErrInvalid with what is wrong, or nil. Whether the App exists and what it makes of
// the parameters is found out when a run begins.
func (j *Job) Check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
	}
	if _, err := schedule.Parse(j.Schedule, j.Zone); err != nil {
		return fail("%w", err)
	}
	switch {
	case !namePattern.MatchString(j.Name):
		return fail("name %.70q: use 1–64 letters, digits, - and _", j.Name)
	case !j.ID.Valid():
		return fail("id %.70q: use 12–32 of 0–9 a–f", string(j.ID))
	case j.SHA256 != "" && !j.SHA256.Valid():
		return fail("SHA-256 %.70q is none", string(j.SHA256))
	case !namePattern.MatchString(j.Environment):
		return fail("environment %.70q is none", j.Environment)
	case j.Server != "" && !j.Server.Valid():
		return fail("server %.70q is none", string(j.Server))
	case j.App == "" || len(j.App) > 256:
		return fail("App %.80q is none", j.App)
	case len(j.Version) > maxVersion:
		return fail("version %.80q… has more than %d bytes", j.Version, maxVersion)
	case j.TimeoutMS < 0 || j.TimeoutMS > maxTimeout.Milliseconds() || j.TimeoutMS > 0 && j.TimeoutMS < 1000:
		return fail("timeout %s is outside 1s–%s", time.Duration(j.TimeoutMS)*time.Millisecond, maxTimeout)
	case j.Priority != nil && (*j.Priority < 0 || *j.Priority > 9):
		return fail("priority %d is outside 0–9", *j.Priority)
	case !slices.Contains([]Missed{Skip, Once}, j.Missed):
		return fail("missed runs: %.20q is neither %s nor %s", string(j.Missed), Skip, Once)
	case j.Retries < 0 || j.Retries > MaxRetries:
		return fail("%d retries are outside 0–%d", j.Retries, MaxRetries)
	case j.RetryDelayMS < 0 || j.RetryDelayMS > MaxRetryDelay.Milliseconds():
		return fail("the retry delay is outside 0–%s", MaxRetryDelay)
	case size(j.Params) > maxParams:
		return fail("the parameters need %d bytes, at most %d are possible", size(j.Params), maxParams)
	}
	for name, value := range j.Params {
		if !envelope.IsSealed(value) {
			continue
		}
		if !envelope.IsForJob(value) {
			return fail("parameter %.80q is sealed: that is for one order, and each run of a Job is another one", name)
		}
		if _, err := envelope.Recipients(value); err != nil {
			return fail("parameter %.80q: %w", name, err)
		}
		if j.Version == "" || version.IsRange(j.Version) || !j.SHA256.Valid() {
			return fail("parameter %.80q is sealed for one package: the Job wants its one version and SHA-256", name)
		}
	}
	if j.Notify != "" && j.Notify != Command {
		u, err := url.Parse(j.Notify)
		if err != nil || len(j.Notify) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return fail("failures are told to a URL of the form https://host/path, or by %q", Command)
		}
	}
	return nil
}

// Sealed are the names of the parameters that are sealed, sorted.
func (j *Job) Sealed() []string {
	var names []string
	for name, value := range j.Params {
		if envelope.IsSealed(value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// never reports whether the Job has a schedule and will not be due after now.
func (j *Job) never(now time.Time) bool {
	s, err := schedule.Parse(j.Schedule, j.Zone)
	return err == nil && j.Schedule != "" && s.Next(now).IsZero()
}

// dues are the times at which the Job is due; none while it is paused.
func (j *Job) dues() schedule.Schedule {
	if j.Paused {
		return schedule.Schedule{}
	}
	s, _ := schedule.Parse(j.Schedule, j.Zone) // Check has parsed it, too
	return s
}

package v1

import (
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// NewJob asks for a Job, see [jobs.Job].
type NewJob struct {
	Name string `json:"name"`
	// ID is for parameters that were sealed for it, and SHA256 the package that they are for.
	ID           wire.JobID        `json:"id,omitempty"`
	SHA256       wire.SHA256       `json:"sha256,omitempty"`
	Environment  string            `json:"environment"`
	Server       wire.ServerXID    `json:"server,omitempty"`
	App          string            `json:"app"`
	Version      string            `json:"version,omitempty"`
	Params       map[string]string `json:"params,omitempty"`
	TimeoutMS    int64             `json:"timeout_ms,omitempty"`
	Priority     *int              `json:"priority,omitempty"`
	Limits       wire.Limits       `json:"limits,omitzero"`
	Schedule     string            `json:"schedule,omitempty"`
	Zone         string            `json:"zone,omitempty"`
	Paused       bool              `json:"paused,omitempty"`
	Missed       jobs.Missed       `json:"missed,omitempty"`
	Retries      int               `json:"retries,omitempty"`
	RetryDelayMS int64             `json:"retry_delay_ms,omitempty"`
	Notify       string            `json:"notify,omitempty"`
}

// ChangeJob changes the fields that are not nil.
type ChangeJob struct {
	Environment  *string         `json:"environment,omitempty"`
	Server       *wire.ServerXID `json:"server,omitempty"`
	App          *string         `json:"app,omitempty"`
	Version      *string         `json:"version,omitempty"`
	SHA256       *wire.SHA256    `json:"sha256,omitempty"`
	TimeoutMS    *int64          `json:"timeout_ms,omitempty"`
	Priority     *int            `json:"priority,omitempty"`
	MemoryMB     *int64          `json:"memory_mb,omitempty"` // of wire.Limits, like the next two; 0 = the server's settings
	Tasks        *int64          `json:"tasks,omitempty"`
	CPUWeight    *int64          `json:"cpu_weight,omitempty"`
	Schedule     *string         `json:"schedule,omitempty"`
	Zone         *string         `json:"zone,omitempty"`
	Paused       *bool           `json:"paused,omitempty"`
	Missed       *jobs.Missed    `json:"missed,omitempty"`
	Retries      *int            `json:"retries,omitempty"`
	RetryDelayMS *int64          `json:"retry_delay_ms,omitempty"`
	Notify       *string         `json:"notify,omitempty"`
	// Params sets parameters, and Unset removes them. Left and Forget do so with what runs left.
	Params map[string]string `json:"params,omitempty"`
	Unset  []string          `json:"unset,omitempty"`
	Left   map[string]string `json:"left,omitempty"`
	Forget []string          `json:"forget,omitempty"`
}

// Job is a Job with what became of it. It names its parameters and does not show their values; what
// runs left is shown, but for what the App calls encrypted. A list has of each Job the last run only,
// and not what is left for the next.
type Job struct {
	Name         string            `json:"name"`
	ID           wire.JobID        `json:"id"`
	Environment  string            `json:"environment"`
	Server       wire.ServerXID    `json:"server,omitempty"`
	App          string            `json:"app"`
	Version      string            `json:"version,omitempty"` // or a range
	Takes        string            `json:"takes,omitempty"`   // the version that a run would take now; "" = there is none
	Params       []string          `json:"params,omitempty"`
	Unused       []string          `json:"unused,omitempty"` // of them: the App has no such parameter (any more)
	SHA256       wire.SHA256       `json:"sha256,omitempty"`
	Sealed       *Sealing          `json:"sealed,omitempty"`
	TimeoutMS    int64             `json:"timeout_ms,omitempty"`
	Priority     *int              `json:"priority,omitempty"`
	Limits       wire.Limits       `json:"limits,omitzero"`
	Schedule     string            `json:"schedule"`
	Zone         string            `json:"zone,omitempty"`
	Paused       bool              `json:"paused"`
	Missed       jobs.Missed       `json:"missed"`
	Retries      int               `json:"retries"`
	RetryDelayMS int64             `json:"retry_delay_ms"`
	Notify       bool              `json:"notify"` // where to is not shown: such URLs are often secrets
	Created      time.Time         `json:"created"`
	Next         time.Time         `json:"next,omitzero"` // due
	Run          *jobs.Run         `json:"run,omitempty"` // under way
	Left         map[string]string `json:"left,omitempty"`
	History      []jobs.Run        `json:"history"` // newest first
}

// Sealing says of a Job what of its parameters is sealed, and to whom, by the servers' names.
type Sealing struct {
	Params []string `json:"params"`
	To     []string `json:"to,omitempty"`     // they open them, and get the Job's runs
	Not    []string `json:"not_to,omitempty"` // the Environment's other servers
	// Until is when the first of To drops the key that the parameters are sealed to; zero: they are
	// sealed to the current keys.
	Until time.Time `json:"until,omitzero"`
}

// JobNote says what an App that was added means for a Job.
type JobNote struct {
	Job     string   `json:"job"`
	Unused  []string `json:"unused,omitempty"`  // stored parameters that the App does not have
	Refused string   `json:"refused,omitempty"` // why no run of the Job can begin
}

// AddedApp is an App with what it means for Jobs that run its newest version.
type AddedApp struct {
	App
	Jobs []JobNote `json:"jobs,omitempty"`
}

// Started names the execution of a run that was asked for.
type Started struct {
	Execution wire.OrderID `json:"execution"`
}

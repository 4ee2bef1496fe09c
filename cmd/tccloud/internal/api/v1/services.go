package v1

import (
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// NewService asks for a service, see [services.Service].
type NewService struct {
	Name          string            `json:"name"`
	Environment   string            `json:"environment"`
	Server        wire.ServerXID    `json:"server,omitempty"`
	App           string            `json:"app"`
	Version       string            `json:"version,omitempty"`
	Params        map[string]string `json:"params,omitempty"`
	Limits        wire.Limits       `json:"limits,omitzero"`
	LogLevel      string            `json:"log_level,omitempty"`
	Stopped       bool              `json:"stopped,omitempty"` // do not start it yet
	Path          string            `json:"path,omitempty"`    // of an API service; "" = its name
	Public        bool              `json:"public,omitempty"`  // everybody may call it
	CallTimeoutMS int64             `json:"call_timeout_ms,omitempty"`
	MaxBody       int64             `json:"max_body,omitempty"`
	Rate          int               `json:"rate,omitempty"`
}

// ChangeService changes the fields that are not nil. Params sets parameters, and Unset removes them.
type ChangeService struct {
	Environment   *string           `json:"environment,omitempty"`
	Server        *wire.ServerXID   `json:"server,omitempty"`
	App           *string           `json:"app,omitempty"`
	Version       *string           `json:"version,omitempty"`
	Params        map[string]string `json:"params,omitempty"`
	Unset         []string          `json:"unset,omitempty"`
	LogLevel      *string           `json:"log_level,omitempty"`
	Running       *bool             `json:"running,omitempty"`
	Restart       bool              `json:"restart,omitempty"` // replace the instance by another one
	Path          *string           `json:"path,omitempty"`
	CallTimeoutMS *int64            `json:"call_timeout_ms,omitempty"`
	MaxBody       *int64            `json:"max_body,omitempty"`
	Rate          *int              `json:"rate,omitempty"`
}

// Service is a service with what became of it. It names its parameters and does not show their values.
type Service struct {
	Name          string             `json:"name"`
	ID            int64              `json:"id"`
	Environment   string             `json:"environment"`
	Server        wire.ServerXID     `json:"server,omitempty"`
	App           string             `json:"app"`
	Version       string             `json:"version,omitempty"`
	Runtime       wire.Runtime       `json:"runtime"`
	Params        []string           `json:"params,omitempty"`
	Limits        wire.Limits        `json:"limits,omitzero"`
	LogLevel      string             `json:"log_level,omitempty"`
	Running       bool               `json:"running"`
	Phase         services.Phase     `json:"phase"`
	URL           string             `json:"url,omitempty"`    // where an API service is called
	Public        bool               `json:"public,omitempty"` // without a token
	CallTimeoutMS int64              `json:"call_timeout_ms"`
	MaxBody       int64              `json:"max_body"`
	Rate          int                `json:"rate"`
	Triggers      []Trigger          `json:"triggers,omitempty"`
	Instance      *services.Instance `json:"instance,omitempty"` // the one that serves, or is to
	Next          *services.Instance `json:"next,omitempty"`     // is to replace it
	Live          *services.Live     `json:"live,omitempty"`     // as this gateway knows it
	Waits         string             `json:"waits,omitempty"`    // why no server has it that is connected
	Restarts      int                `json:"restarts"`           // instances that ended without being told to
	Again         time.Time          `json:"again,omitzero"`     // when the next one starts
	Ends          []services.End     `json:"ends,omitempty"`     // newest first
	Created       time.Time          `json:"created"`
	// Token is shown once: when it was made.
	Token string `json:"token,omitempty"`
}

// NewTrigger asks for a trigger of a service, see [services.Trigger].
type NewTrigger struct {
	Name    string            `json:"name"`
	Params  map[string]string `json:"params,omitempty"`
	Outputs []string          `json:"outputs,omitempty"` // none = all that the App declares
	Start   *services.Start   `json:"start,omitempty"`
}

// Trigger is a trigger with what the App made of it. It names its parameters and does not show their
// values.
type Trigger struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Params  []string  `json:"params,omitempty"`
	Outputs []string  `json:"outputs,omitempty"`
	Starts  string    `json:"starts,omitempty"` // APP or APP@VERSION
	Webhook bool      `json:"webhook,omitempty"`
	Created time.Time `json:"created"`
	// State is "active", "refused" with Problem, or "waiting" until the App was given it.
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"`
	// URL of a webhook is shown once: when it was made.
	URL string `json:"url,omitempty"`
}

// Token is one that was made for callers of a service.
type Token struct {
	Token string `json:"token"`
}

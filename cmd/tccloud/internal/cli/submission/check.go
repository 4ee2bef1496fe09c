package submission

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Asked is what the operator wants to run.
type Asked struct {
	Request v1.NewExecution // with its id, and its secrets sealed
	Package *v1.App         // the local package, nil if there is none
	SHA256  wire.SHA256     // of the package, "" if it is not known
}

// ErrDiffers means that the cloud's draft is not what was asked for.
var ErrDiffers = errors.New("the cloud's draft is not what was asked for")

func differs(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDiffers, fmt.Sprintf(format, args...))
}

// other is a draft with another value than was asked for.
func other(what string, got, want any) error {
	return differs("its %s should be %.250q and is %.250q", what, fmt.Sprint(want), fmt.Sprint(got))
}

// content names a package by what is in it.
func content(a wire.AppRef) string {
	return fmt.Sprintf("%s@%s, %d bytes, SHA-256 %s", a.Name, a.Version, a.Size, a.SHA256)
}

// Check refuses a draft that differs from what was asked for, and reports what it is. Its errors and
// the report name parameters and never show a value that was given.
func (a Asked) Check(d v1.Draft) (Report, error) {
	m, q := d.Order, a.Request
	if m == nil {
		return Report{}, differs("it has no order")
	}
	name := strings.ReplaceAll(q.App, " ", "_")
	switch {
	case m.Token != "" || m.Signature != "":
		return Report{}, differs("it has a token or a signature")
	case m.Order != q.ID:
		return Report{}, other("order", m.Order, q.ID)
	case d.Environment != q.Environment:
		return Report{}, other("environment", d.Environment, q.Environment)
	case m.App.Name != q.App && m.App.Name != name:
		return Report{}, other("App", m.App.Name, q.App)
	case q.Version != "" && m.App.Version != q.Version:
		return Report{}, other("version", m.App.Version, q.Version)
	case a.SHA256 != "" && m.App.SHA256 != a.SHA256:
		return Report{}, other("SHA-256", m.App.SHA256, a.SHA256)
	case q.TimeoutMS != 0 && m.TimeoutMS != q.TimeoutMS:
		return Report{}, other("timeout", m.Timeout(), time.Duration(q.TimeoutMS)*time.Millisecond)
	case q.Priority != nil && m.Priority != *q.Priority:
		return Report{}, other("priority", m.Priority, *q.Priority)
	case m.Retryable != q.Retryable:
		return Report{}, other("retryable", m.Retryable, q.Retryable)
	case m.Limits != q.Limits: // also those that were not asked for: they could fail what is to run
		return Report{}, other("limits", m.Limits, q.Limits)
	case q.OutVariables != nil && !slices.Equal(m.OutVariables, q.OutVariables):
		return Report{}, other("output variables", m.OutVariables, q.OutVariables)
	}
	for name := range m.Defaults {
		if !strings.HasPrefix(name, "tc_") && !strings.HasPrefix(name, "api_") {
			return Report{}, differs("it sets %.80q for the platform, which only has tc_ and api_ parameters", name)
		}
	}
	for name, value := range q.Params {
		if got, ok := m.Params[name]; !ok || got != value {
			return Report{}, differs("parameter %q is missing or has another value", name)
		}
	}
	if a.Package != nil {
		if err := a.checkPackage(m); err != nil {
			return Report{}, err
		}
	}
	return a.report(m), nil
}

// checkPackage compares with the local package, which tells all that the App declares.
func (a Asked) checkPackage(m *wire.Order) error {
	p, q := a.Package, a.Request
	want, err := p.Inputs().Complete(inputs.Values{Params: q.Params, KV: q.KV}, q.OutVariables)
	if err != nil {
		return err
	}
	switch {
	case m.App != p.AppRef:
		return other("package", content(m.App), content(p.AppRef))
	case m.Runtime != p.Runtime:
		return other("runtime level", m.Runtime, p.Runtime)
	case !maps.Equal(m.Params, want.Params):
		for name := range m.Params {
			if _, ok := want.Params[name]; !ok {
				return differs("it sets parameter %.80q, which was not given and has no default in the package", name)
			}
		}
		return differs("a parameter that was not given differs from its default in the package")
	case !slices.Equal(m.OutVariables, want.OutVariables):
		return other("output variables", m.OutVariables, want.OutVariables)
	case q.TimeoutMS == 0 && p.TimeoutMinutes != 0 && m.TimeoutMS != int64(p.TimeoutMinutes)*60_000:
		return other("timeout", m.Timeout(), time.Duration(p.TimeoutMinutes)*time.Minute)
	}
	return nil
}

// Report is what is in a draft, for the operator who is to sign it.
type Report struct {
	Order        wire.OrderID      `json:"order"`
	Environment  string            `json:"environment"`
	App          wire.AppRef       `json:"app"`
	AppCheckedBy string            `json:"app_checked_by"` // package, sha256, or name: the cloud chose the package
	Runtime      wire.Runtime      `json:"runtime"`
	Params       []Param           `json:"params,omitempty"`
	Platform     map[string]string `json:"platform,omitempty"` // the cloud's tc_ and api_ parameters
	KVContext    string            `json:"kv_context,omitempty"`
	OutVariables []string          `json:"out_variables,omitempty"`
	TimeoutMS    int64             `json:"timeout_ms"`
	Priority     int               `json:"priority"`
	Retryable    bool              `json:"retryable"`
	Limits       wire.Limits       `json:"limits,omitzero"`
	SealedTo     []Recipient       `json:"sealed_to,omitempty"`
	KeyID        string            `json:"key_id,omitempty"`
	NotAfter     string            `json:"not_after,omitempty"`
}

// Param is a parameter and where its value is from.
type Param struct {
	Name string `json:"name"`
	From string `json:"from"` // given, sealed, default: of the package, or cloud: as it says, a default
	// Value is shown where it is not the operator's own.
	Value string `json:"value,omitempty"`
}

func (a Asked) report(m *wire.Order) Report {
	r := Report{
		Order: m.Order, Environment: a.Request.Environment, App: m.App, AppCheckedBy: "name", Runtime: m.Runtime, Platform: m.Defaults,
		KVContext: m.KVContext, OutVariables: m.OutVariables, TimeoutMS: m.TimeoutMS, Priority: m.Priority, Retryable: m.Retryable, Limits: m.Limits,
	}
	switch {
	case a.Package != nil:
		r.AppCheckedBy = "package"
	case a.SHA256 != "":
		r.AppCheckedBy = "sha256"
	}
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		p := Param{Name: name}
		_, given := a.Request.Params[name]
		switch {
		case given && envelope.IsSealed(m.Params[name]):
			p.From = "sealed"
		case given:
			p.From = "given"
		case a.Package != nil:
			p.From, p.Value = "default", m.Params[name]
		default:
			p.From, p.Value = "cloud", m.Params[name]
		}
		r.Params = append(r.Params, p)
	}
	return r
}

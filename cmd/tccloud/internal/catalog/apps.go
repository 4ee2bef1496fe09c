package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/inputs"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/version"
)

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("invalid App")
	ErrRange    = errors.New("no such version can be looked for")
)

// App is one version of one App in the catalog.
type App struct {
	wire.AppRef
	DisplayName    string       `json:"display_name,omitempty"`
	Language       string       `json:"language"`      // python or java
	RuntimeLevel   string       `json:"runtime_level"` // as the manifest says
	Runtime        wire.Runtime `json:"runtime"`
	Features       []string     `json:"features,omitempty"`
	Params         []Param      `json:"params,omitempty"`
	Outputs        []Output     `json:"outputs,omitempty"` // of a Playbook App
	TimeoutMinutes int          `json:"timeout_minutes,omitempty"`
	ListDelimiter  string       `json:"list_delimiter,omitempty"` // between values of a MultiChoice
	Added          time.Time    `json:"added"`
	// SignedBy is the id of the key in the signature that the App came with, "" without one. The
	// cloud has not verified it.
	SignedBy string `json:"signed_by,omitempty"`
	// Warnings are what is odd about the package, in the answer to adding it; they are not kept.
	Warnings []string `json:"warnings,omitempty"`
}

// Param is a declared input.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	Encrypt  bool   `json:"encrypt,omitempty"` // a secret
	Trigger  bool   `json:"trigger,omitempty"` // of a trigger's configuration, not of the App's start
	Default  string `json:"default,omitempty"`
	// Of the form in which people fill it in; Apps that were added before there were forms have none.
	Label    string   `json:"label,omitempty"`
	Note     string   `json:"note,omitempty"`
	Hidden   bool     `json:"hidden,omitempty"`
	Sequence int      `json:"sequence,omitempty"`
	Values   []string `json:"valid_values,omitempty"` // to choose from
}

// Output is a declared Playbook variable.
type Output struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Inputs is what the App takes at its start.
func (a App) Inputs() inputs.App { return a.inputs(false) }

// TriggerInputs is what a trigger of a service App takes.
func (a App) TriggerInputs() inputs.App { return a.inputs(true) }

func (a App) inputs(trigger bool) inputs.App {
	in := inputs.App{Name: a.Name, Playbook: a.Runtime == wire.RuntimePlaybook}
	for _, p := range a.Params {
		if p.Trigger == trigger {
			in.Params = append(in.Params, inputs.Param{Name: p.Name, Required: p.Required, Default: p.Default})
		}
	}
	for _, o := range a.Outputs {
		in.Outputs = append(in.Outputs, inputs.Output{Name: o.Name, Type: o.Type})
	}
	return in
}

// key is an App's key in the bucket, <name>.<version>, both as digests, because they hold
// characters that a key may not have.
func key(name, version string) string { return short(name) + "." + short(version) }

func short(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:16])
}

// List returns all Apps, by name and newest version first.
func (c *Catalog) List(ctx context.Context) ([]App, error) { return c.list(ctx, ">") }

func (c *Catalog) list(ctx context.Context, filter string) ([]App, error) {
	keys, err := c.apps.ListKeysFiltered(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("listing Apps: %w", err)
	}
	list := []App{}
	for k := range keys.Keys() {
		a, _, err := c.read(ctx, k)
		if errors.Is(err, ErrNotFound) {
			continue // removed in between
		}
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b App) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return newer(a, b)
	})
	return list, nil
}

// newer orders versions of one App, the newest first. Those that cannot be compared (package version)
// come last, by the time when they were added.
func newer(a, b App) int {
	if n := version.Compare(b.Version, a.Version); n != 0 {
		return n
	}
	return b.Added.Compare(a.Added)
}

// Get returns a version of an App, the newest for version "". The name may have spaces, as people
// see it, or underscores, as in its package. What is in memory is found without asking the store,
// by either name.
func (c *Catalog) Get(ctx context.Context, name, version string) (App, error) {
	names := names(name)
	for _, n := range names {
		if a, ok := c.memory.find(n, version); ok {
			return a, nil
		}
	}
	a, err := c.get(ctx, name, version)
	if errors.Is(err, ErrNotFound) && len(names) > 1 {
		if a, err := c.get(ctx, names[1], version); err == nil {
			return a, nil
		}
	}
	return a, err
}

// Find returns what Get does, or for a range (package version) the newest version that is in it. A version
// whose text is that of the range is meant by it.
func (c *Catalog) Find(ctx context.Context, name, wanted string) (App, error) {
	if !version.IsRange(wanted) {
		return c.Get(ctx, name, wanted)
	}
	list, err := c.versions(ctx, name)
	if err != nil {
		return App{}, err
	}
	i := slices.IndexFunc(list, func(a App) bool { return a.Version == wanted })
	if i < 0 {
		r, err := version.ParseRange(wanted)
		if err != nil {
			return App{}, fmt.Errorf("looking for App %.140q: %w: %w", name, ErrRange, err)
		}
		i = slices.IndexFunc(list, func(a App) bool { return r.Has(a.Version) })
	}
	if i < 0 {
		return App{}, fmt.Errorf("looking for App %.140q in a version that is %.120q: %w", name, wanted, ErrNotFound)
	}
	return list[i], nil
}

// versions lists the versions of an App, the newest first; none if there is no such App.
func (c *Catalog) versions(ctx context.Context, name string) ([]App, error) {
	for _, n := range names(name) {
		if list := c.memory.versions(n); len(list) > 0 {
			slices.SortFunc(list, newer)
			return list, nil
		}
	}
	for _, n := range names(name) {
		if list, err := c.list(ctx, short(n)+".*"); err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, nil
}

// names are those by which an App may be stored that somebody calls so.
func names(name string) []string {
	if plain := strings.ReplaceAll(name, " ", "_"); plain != name {
		return []string{name, plain}
	}
	return []string{name}
}

// get asks the store.
func (c *Catalog) get(ctx context.Context, name, version string) (App, error) {
	if version != "" {
		a, _, err := c.read(ctx, key(name, version))
		if err != nil {
			return App{}, fmt.Errorf("looking for App %.140q version %.70q: %w", name, version, err)
		}
		return a, nil
	}
	list, err := c.list(ctx, short(name)+".*")
	if err != nil {
		return App{}, err
	}
	if len(list) == 0 {
		return App{}, fmt.Errorf("looking for App %.140q: %w", name, ErrNotFound)
	}
	return list[0], nil
}

// Remove removes a version from the catalog, and its content unless another entry has the same or
// keep reports that an execution needs it.
func (c *Catalog) Remove(ctx context.Context, name, version string, keep func(wire.SHA256) (bool, error)) error {
	a, err := c.Get(ctx, name, version)
	if err != nil {
		return err
	}
	k := key(a.Name, a.Version)
	_, revision, err := c.read(ctx, k)
	if err == nil {
		err = c.apps.Purge(ctx, k)
	}
	if err != nil {
		return fmt.Errorf("removing App %q version %q: %w", a.Name, a.Version, err)
	}
	c.memory.wrote(k, revision+1) // that of the purge is higher than the entry's
	return c.release(ctx, a.SHA256, keep)
}

// release removes content that is not needed any more.
func (c *Catalog) release(ctx context.Context, sha wire.SHA256, keep func(wire.SHA256) (bool, error)) error {
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(a App) bool { return a.SHA256 == sha }) {
		return nil
	}
	if needed, err := keep(sha); needed || err != nil {
		return err
	}
	return c.blobs.Remove(ctx, sha)
}

func (c *Catalog) read(ctx context.Context, key string) (App, uint64, error) {
	e, err := c.apps.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return App{}, 0, ErrNotFound
	}
	if err != nil {
		return App{}, 0, fmt.Errorf("reading the catalog: %w", err)
	}
	var a App
	if err := json.Unmarshal(e.Value(), &a); err != nil {
		return App{}, 0, fmt.Errorf("reading the catalog: %w", err)
	}
	return a, e.Revision(), nil
}

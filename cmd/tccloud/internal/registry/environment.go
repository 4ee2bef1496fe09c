package registry

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Environment is a named set of servers that share a queue of orders.
type Environment struct {
	Name    string    `json:"name"`  // 1–64 of A–Z a–z 0–9 _ -, not starting with - or _
	Owner   string    `json:"owner"` // for people, ≤ 128 bytes
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
}

var (
	environmentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	serverName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$`)
)

// CreateEnvironment adds an active Environment. It fails with ErrExists where the name is taken.
func (r *Registry) CreateEnvironment(ctx context.Context, name, owner string) (Environment, error) {
	if !environmentName.MatchString(name) {
		return Environment{}, invalid("environment name %.70q: use 1–64 letters, digits, - and _", name)
	}
	if len(owner) > 128 || strings.ContainsFunc(owner, isControl) {
		return Environment{}, invalid("owner %.140q: use at most 128 printable bytes", owner)
	}
	env := Environment{Name: name, Owner: owner, Active: true, Created: time.Now().UTC().Truncate(time.Second)}
	if err := r.create(ctx, envPrefix+name, env); err != nil {
		return Environment{}, fmt.Errorf("creating environment %q: %w", name, err)
	}
	return env, nil
}

// Environments lists all, by name.
func (r *Registry) Environments() []Environment {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Environment, 0, len(r.envs))
	for _, e := range r.envs {
		list = append(list, e.value)
	}
	slices.SortFunc(list, func(a, b Environment) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Environment returns one, or ErrNotFound.
func (r *Registry) Environment(name string) (Environment, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.envs[name]
	if !ok {
		return Environment{}, fmt.Errorf("environment %.70q: %w", name, ErrNotFound)
	}
	return e.value, nil
}

// SetActive activates or deactivates an Environment. The sessions of a deactivated one are cut; its
// queue keeps its orders.
func (r *Registry) SetActive(ctx context.Context, name string, active bool) (Environment, error) {
	env, err := update(ctx, r, envPrefix+name, func(e *Environment) error {
		e.Active = active
		return nil
	})
	if err != nil {
		return Environment{}, fmt.Errorf("changing environment %.70q: %w", name, err)
	}
	return env, nil
}

// DeleteEnvironment removes an Environment and all of its servers; their sessions are cut.
func (r *Registry) DeleteEnvironment(ctx context.Context, name string) error {
	if _, err := r.Environment(name); err != nil {
		return err
	}
	// The Environment first: if the cloud dies here its servers are refused already, and a repeated
	// call finds and removes them.
	if err := r.delete(ctx, envPrefix+name); err != nil {
		return fmt.Errorf("removing environment %q: %w", name, err)
	}
	for _, s := range r.Servers(name) {
		if err := r.delete(ctx, srvPrefix+string(s.XID)); err != nil {
			return fmt.Errorf("removing server %q of environment %q: %w", s.XID, name, err)
		}
		if err := r.delete(ctx, sealPrefix+string(s.XID)); err != nil {
			return fmt.Errorf("removing the sealing key of server %q: %w", s.XID, err)
		}
	}
	return nil
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }
